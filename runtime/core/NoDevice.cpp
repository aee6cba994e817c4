//===- NoDevice.cpp - a runtime without GPUs --------------------------------------------------------------------===//
///
/// \file
/// Only in libnnccrt.a; see Device.h. Without `open` there is no device that the other functions could be called with.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Program.h"

namespace nncc::rt::cuda {

bool open(nnccrt_program &program, int32_t, uint64_t, Report &report) {
  return report.fail(
      NNCCRT_UNSUPPORTED,
      "model '%.160s' was compiled for GPUs, and the application is linked without libnnccrt_cuda.a: link "
      "with -lnnccrt_cuda instead of (or before) -lnnccrt",
      program.model->name);
}

void close(Device *) {}
int32_t ordinal(const Device *) { return -1; }
const char *name(const Device *) { return "cpu"; }
bool createSession(nnccrt_context &, Report &) { return false; }
void destroySession(nnccrt_context &) {}
void releaseSession(nnccrt_context &) {}
bool run(nnccrt_context &, void *const *, Report &) { return false; }
bool prepare(nnccrt_context &, Report &) { return false; }
bool synchronize(nnccrt_context &, Report &) { return false; }
bool readOutput(nnccrt_context &, uint32_t, Report &) { return false; }
bool checkAddress(nnccrt_context &, const nnccrt_tensor &, const ValueName &, Report &) { return false; }
bool checkWorkspace(nnccrt_context &, const void *, Report &) { return false; }
void trim(nnccrt_context &) {}
void *takeOutput(nnccrt_context &, uint32_t, bool &, Report &) { return nullptr; }
void release(Device *, void *) {}

} // namespace nncc::rt::cuda
