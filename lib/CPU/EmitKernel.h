//===- EmitKernel.h - the bodies of kernels as loops ------------------------------------------------------*- C++
//-*-===//

#ifndef NNCC_LIB_CPU_EMITKERNEL_H
#define NNCC_LIB_CPU_EMITKERNEL_H

#include "Buffers.h"

namespace nncc::cpu {

/// A loop from 0 to each of `sizes`, nested; `body` gets the indices, the builder stands inside.
void buildLoops(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
                llvm::function_ref<void(mlir::ValueRange)> body);

/// Writes a kernel as scalar loops, one op after the other, in one tile.
class ScalarEmitter {
public:
  ScalarEmitter(mlir::OpBuilder &b, exec::KernelOp kernel, const KernelFunction &function)
      : buffers(b, kernel, function), b(b), kernel(kernel) {}

  /// Fails with a diagnostic.
  llvm::LogicalResult emitAll();

  Buffers buffers;

private:
  llvm::LogicalResult emit(mlir::Operation &op);
  llvm::LogicalResult emitFill(mlir::linalg::FillOp op);
  llvm::LogicalResult emitGeneric(mlir::linalg::GenericOp op);
  llvm::LogicalResult emitGrid(exec::GridOp op);
  /// Gives `result` memory, which starts with the contents of `init` if they are read.
  llvm::LogicalResult prepareResult(mlir::Value result, mlir::Value init, bool isRead);
  void cloneGridBody(exec::GridOp op, mlir::ValueRange point);
  void copy(mlir::Location loc, mlir::Value source, mlir::Value target);
  void fill(mlir::Location loc, mlir::Value scalar, mlir::Value target, const Sizes &sizes);
  llvm::SmallVector<mlir::Value> toIndices(const Sizes &sizes);

  mlir::OpBuilder &b;
  exec::KernelOp kernel;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_EMITKERNEL_H
