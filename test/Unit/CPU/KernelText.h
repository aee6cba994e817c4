//===- KernelText.h - kernels for many sizes from one text ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CPU_KERNELTEXT_H
#define NNCC_TEST_UNIT_CPU_KERNELTEXT_H

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace nncc::cpu {

/// Sizes by their letter.
using SizeMap = std::map<char, int64_t>;

/// Replaces letters in `tensor<NxCxf32>` by sizes, or by `?` when they are among `dynamic`; `empty<NxCxf32>` becomes a
/// `tensor.empty` with the values %N and %C as dynamic sizes. `E` in either is the element type.
std::string instantiate(const std::string &text, const SizeMap &sizes, const std::set<char> &dynamic,
                        const std::string &element = "f32");

} // namespace nncc::cpu

#endif // NNCC_TEST_UNIT_CPU_KERNELTEXT_H
