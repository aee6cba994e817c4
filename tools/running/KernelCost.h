//===- KernelCost.h - what a launch of a kernel costs -----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_KERNELCOST_H
#define NNCC_TOOLS_RUNNING_KERNELCOST_H

#include <cstdint>

namespace nncc {

/// The value of a formula of nnccrt_kernel_info for these arguments of the kernel; -1 for none.
double evaluateCost(const char *formula, const uint64_t *args);

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_KERNELCOST_H
