//===- WinogradEpilogue.h - what a convolution by transforms does to its results --------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WINOGRADEPILOGUE_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WINOGRADEPILOGUE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/SetVector.h"

namespace nncc::exec {

/// Channels that are worked on at once.
inline constexpr int64_t lanes = 16;

/// The elementwise operations that follow a convolution: all that use it, and each other, up to one that others use.
class WinogradEpilogue {
public:
  explicit WinogradEpilogue(ConvOp conv);

  /// The last of them, or the convolution: in its place all operands are there.
  mlir::Operation *getRoot() { return chain.empty() ? conv.getOperation() : chain.back().getOperation(); }
  /// The tensors that they read, and the convolution does not give.
  llvm::SmallVector<mlir::Value> getTensors() const;
  /// What becomes of a vector of the convolution's results at `pixel` (four indices). `memory` are the memrefs for getTensors().
  mlir::Value emit(mlir::OpBuilder &b, mlir::Value value, mlir::ValueRange memory, mlir::ArrayRef<mlir::Value> pixel,
                   mlir::Value mask) const;
  /// Replaces the last of them, and erases all.
  void replaceBy(mlir::Value result);

private:
  using Values = llvm::SmallSetVector<mlir::Value, 8>;
  bool canFollow(mlir::linalg::GenericOp op, const Values &own);
  bool isOwn(mlir::Value value) const;
  mlir::Value load(mlir::OpBuilder &b, mlir::OpOperand &operand, mlir::Value memref, mlir::ArrayRef<mlir::Value> pixel,
                   mlir::Value mask) const;

  ConvOp conv;
  llvm::SmallVector<mlir::linalg::GenericOp> chain; // in order
};

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WINOGRADEPILOGUE_H
