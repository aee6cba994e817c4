//===- Profile.h - how long kernels take on a GPU -----------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CUDA_PROFILE_H
#define NNCCRT_CUDA_PROFILE_H

#include "Context.h"
#include "Driver.h"

namespace nncc::rt::cuda {

/// The launches of one run, each between two events. Used when the context has a profiler.
class Profile {
public:
  /// Forgets the last run. `startNs`: of the host's clock, when the stream comes to the first event.
  bool start(const Driver &driver, StreamHandle stream, Report &report);
  /// Around the phases of a launch.
  bool before(const Driver &driver, StreamHandle stream, uint32_t kernel, const uint64_t *args, uint32_t numArgs,
              Report &report);
  bool after(const Driver &driver, StreamHandle stream, int64_t blocks, uint32_t threads, Report &report);
  /// Tells the profiler of all launches. The stream is done.
  void tell(const Driver &driver, nnccrt_context &context);
  void clear(const Driver &driver);

private:
  bool record(const Driver &driver, StreamHandle stream, Report &report);

  struct Launch {
    uint32_t kernel, threads;
    int64_t blocks;
    size_t firstArg;
  };
  Array<EventHandle> events; // the first, then two for each launch
  size_t used = 0;
  Array<Launch> launches;
  Array<uint64_t> arguments;
  uint64_t startNs = 0;
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_PROFILE_H
