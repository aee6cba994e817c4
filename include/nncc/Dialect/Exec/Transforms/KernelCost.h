//===- KernelCost.h - what a launch of a kernel costs -----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_KERNELCOST_H
#define NNCC_DIALECT_EXEC_TRANSFORMS_KERNELCOST_H

#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include <string>

namespace nncc::exec {

/// Formulas over the slots that a kernel is called with, as nnccrt_kernel_info has them: "2*s3*768+s3". Empty: unknown.
struct KernelCost {
  /// Additions, multiplications and functions of elements; not conversions, comparisons and indices. Unknown with an exec.grid, whose
  /// loops may depend on the data.
  std::string operations;
  /// Of the tensors that the kernel takes and gives, each once; of a tensor that it gathers from, as many elements as it reads. Unknown
  /// where an exec.grid gathers.
  std::string bytes;
};

KernelCost computeKernelCost(KernelOp kernel);

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_KERNELCOST_H
