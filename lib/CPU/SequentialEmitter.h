//===- SequentialEmitter.h - a kernel op by op ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_SEQUENTIALEMITTER_H
#define NNCC_LIB_CPU_SEQUENTIALEMITTER_H

#include "nncc/CPU/Target.h"
#include "nncc/Kernel/Buffers.h"

namespace nncc::cpu {

using namespace kernel;

/// Writes a kernel one op after the other, in one tile, whatever the ops are. At level 0 of optimisation linalg ops are
/// scalar loops, each element accumulated in memory in the order of the loops: so simple that the results of everything else
/// are compared with it.
class SequentialEmitter {
public:
  SequentialEmitter(mlir::OpBuilder &b, exec::KernelOp kernel, const KernelFunction &function, const CPUTarget &target)
      : buffers(b, kernel, function), b(b), kernel(kernel), target(target) {}

  /// Fails with a diagnostic.
  llvm::LogicalResult emitAll();

  Buffers buffers;

private:
  llvm::LogicalResult emit(mlir::Operation &op);
  llvm::LogicalResult emitFill(mlir::linalg::FillOp op);
  llvm::LogicalResult emitGeneric(mlir::linalg::GenericOp op);
  llvm::LogicalResult emitScalarLoops(mlir::linalg::GenericOp op);
  llvm::LogicalResult emitGrid(exec::GridOp op);
  llvm::LogicalResult emitContraction(mlir::Operation *op);
  /// Gives `result` memory, which starts with the contents of `init` if they are read.
  llvm::LogicalResult prepareResult(mlir::Value result, mlir::Value init, bool isRead);
  void copy(mlir::Location loc, mlir::Value source, mlir::Value target);
  void fill(mlir::Location loc, mlir::Value scalar, mlir::Value target, const Sizes &sizes);
  llvm::SmallVector<mlir::Value> toIndices(const Sizes &sizes);

  mlir::OpBuilder &b;
  exec::KernelOp kernel;
  const CPUTarget &target;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_SEQUENTIALEMITTER_H
