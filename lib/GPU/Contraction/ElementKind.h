//===- ElementKind.h - what is multiplied, and in what the products are summed --------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H
#define NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H

#include "Memory.h"

namespace nncc::gpu {

/// The operands of exec.matmul or exec.conv and their sums: f16 and bf16 are added in f32, i8 and i16 in i32.
struct ElementKind {
  mlir::Type left, right, sum;
  bool leftUnsigned = false, rightUnsigned = false;

  static ElementKind of(mlir::Operation *root);

  int64_t getSumBytes() const { return sum.getIntOrFloatBitWidth() / 8; }
  mlir::Value zero(IndexMath &m) const { return getZero(m, sum); }
  /// A scalar or vector of an operand in the type of sums.
  mlir::Value widenLeft(IndexMath &m, mlir::Value value) const { return widen(m, value, leftUnsigned); }
  mlir::Value widenRight(IndexMath &m, mlir::Value value) const { return widen(m, value, rightUnsigned); }
  mlir::Value widen(IndexMath &m, mlir::Value value, bool isUnsigned) const;
  /// left * right + sum, rounded once; all in the type of sums.
  mlir::Value multiplyAdd(IndexMath &m, mlir::Value left, mlir::Value right, mlir::Value sum) const;
  mlir::Value add(IndexMath &m, mlir::Value x, mlir::Value y) const;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H
