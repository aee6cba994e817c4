//===- KernelCase.h - one kernel text, run in every way -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CPU_KERNELCASE_H
#define NNCC_TEST_UNIT_CPU_KERNELCASE_H

#include "KernelText.h"
#include <vector>

namespace nncc::cpu {

/// A kernel and how to call it. The text may use the maps #nc, #cn, #n, #c (of d0, d1 = n, c) and their like.
struct KernelCase {
  std::string text;
  SizeMap sizes;
  std::string element = "f32";
  /// The shapes of the arguments and the results by letters ("NC"), behind a colon the element type where it is another
  /// one ("NC:i8"). Behind the tensors the kernel takes the sizes, in alphabetical order.
  std::vector<std::string> arguments, results;
  /// The largest difference to scalar loops, relative to the largest element; 0: the same bits.
  double tolerance = 0;
  /// Result i may lie where argument inPlace[i] lies, if that is not negative: it is tried both ways.
  std::vector<int> inPlace = {};
  /// The text has no dynamic form.
  bool isStatic = false;
  /// Also for a CPU that has VNNI, if this one has it; and for plain x86-64, whose floats round otherwise for lack of FMA.
  bool onVNNI = false, onSSE2 = false;
  /// Instead of `tolerance`: the kernel (the same, without functions that have no bounded slope) on the magnitudes of the arguments, how many
  /// roundings an element goes through at most, and by how much the functions themselves may be off. See getBound().
  std::string magnitudes = {};
  int64_t roundings = 0;
  double ownError = 0;
};

/// Checks that all ways to run the kernel agree: CPU levels, orders of the tiles, static and dynamic sizes in every bit, and
/// with scalar loops within the tolerance.
void check(const KernelCase &test);

} // namespace nncc::cpu

#endif // NNCC_TEST_UNIT_CPU_KERNELCASE_H
