//===- Outline.h - moves a group of operations into a kernel ----------------------------------------------------*- C++
//-*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_OUTLINE_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_OUTLINE_H

#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::exec {

/// An operation that computes tensors, so that it belongs into a kernel.
bool isComputation(mlir::Operation *op);

/// Whether a kernel that has the operand gets a copy of what makes it: a scalar constant, an empty tensor, a filled
/// initial value.
bool isDuplicated(mlir::OpOperand &operand);

/// Moves `group`, in block order, into a new kernel `name` at the builder's insertion point, and puts the launch in
/// place of the last of the group. The group needs nothing that is computed by other computations from its own results.
KernelOp outlineKernel(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> group, llvm::StringRef name);

/// "conv_add_relu" for a convolution, an addition and a maximum with 0: what a reader of a profile wants to see.
std::string describeGroup(llvm::ArrayRef<mlir::Operation *> group);

/// The argument whose buffer each result of `kernel` may overwrite, or -1 (see exec.kernel).
llvm::SmallVector<int64_t> findMayAlias(KernelOp kernel);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_OUTLINE_H
