//===- DeviceKernel.h - compiles one exec.kernel to PTX and runs it on the emulator ----------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_GPU_DEVICEKERNEL_H
#define NNCC_TEST_UNIT_GPU_DEVICEKERNEL_H

#include "nncc/GPU/Target.h"
#include "nnccemu/Machine.h"
#include <memory>
#include <string>
#include <vector>

namespace nncc::gpu {

/// A kernel loaded on a card of its own.
class DeviceKernel {
public:
  /// `text` holds one exec.kernel. Null: `error` says why.
  static std::unique_ptr<DeviceKernel> compile(const std::string &text, const GPUTarget &target, std::string &error);
  ~DeviceKernel();

  /// Memory of the card, as large as an argument that is to be copied there.
  uint64_t allocate(uint64_t bytes);
  uint64_t upload(const std::vector<char> &bytes);
  std::vector<char> download(uint64_t address, uint64_t bytes);
  void release(uint64_t address);
  /// Runs all phases; `slots` as exec.kernel documents them, without slot 0. What went wrong, or nothing; a fault is named by its code.
  std::string run(const std::vector<uint64_t> &slots);

  const std::string &getPtx() const;
  emu::Counters &getCounters();

private:
  DeviceKernel();
  struct State;
  std::unique_ptr<State> state;
};

} // namespace nncc::gpu

#endif // NNCC_TEST_UNIT_GPU_DEVICEKERNEL_H
