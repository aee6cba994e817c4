//===- DeviceCase.h - one kernel text, run on cards and as scalar loops ----------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_GPU_DEVICECASE_H
#define NNCC_TEST_UNIT_GPU_DEVICECASE_H

#include "../CPU/KernelText.h"
#include <vector>

namespace nncc::gpu {

using cpu::SizeMap;

/// A kernel and how to call it, as cpu::KernelCase has it. Arguments are small integers, whatever their type, so that sums are exact in any order and
/// results are compared bit for bit.
struct DeviceCase {
  std::string text;
  SizeMap sizes;
  std::string element = "f32";
  /// The shapes of the arguments and the results by letters ("NC"), behind a colon the element type where it is another one ("NC:i8"). Behind
  /// the tensors the kernel takes the sizes, in alphabetical order.
  std::vector<std::string> arguments, results;
  /// Result i may lie where argument inPlace[i] lies, if that is not negative: it is tried both ways.
  std::vector<int> inPlace = {};
  /// Families of cards.
  std::vector<unsigned> families = {50, 80};
  /// The text has no dynamic form; letters whose sizes are static in it.
  bool isStatic = false;
  std::string fixed = {};
  /// The largest argument, in magnitude.
  int64_t largest = 4;
  /// Whether accesses to shared memory may not meet in a bank.
  bool hasNoConflicts = false;
  /// Whether f32 may be rounded to tf32, and has to meet the instruction for it: arguments are then so small that it is not changed.
  bool tf32 = false;
};

/// Checks that cards, with static and dynamic sizes, give the bits of scalar loops, that nothing traps, and that another run gives the same.
void check(const DeviceCase &test);

} // namespace nncc::gpu

#endif // NNCC_TEST_UNIT_GPU_DEVICECASE_H
