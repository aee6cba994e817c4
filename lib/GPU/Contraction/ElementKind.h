//===- ElementKind.h - what is multiplied, and in what the products are summed --------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H
#define NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H

#include "Memory.h"
#include "nncc/Kernel/ProductTypes.h"

namespace nncc::gpu {

/// The types of a product, and its arithmetic.
struct ElementKind : kernel::ProductTypes {
  static ElementKind of(mlir::Operation *root) { return {ProductTypes::of(root)}; }

  mlir::Value zero(IndexMath &m) const { return getZero(m, sum); }
  mlir::Value widenLeft(IndexMath &m, mlir::Value value) const { return widen(m, value, leftUnsigned); }
  mlir::Value widenRight(IndexMath &m, mlir::Value value) const { return widen(m, value, rightUnsigned); }
  /// Products of bytes, which are added in i32.
  bool isBytes() const { return left.isInteger(8) && right.isInteger(8) && sum.isInteger(32); }
  /// left * right + sum, rounded once; all in the type of sums.
  mlir::Value multiplyAdd(IndexMath &m, mlir::Value left, mlir::Value right, mlir::Value sum) const;
  /// The same for words (i32) of 4 bytes, by one instruction (from sm_61 on); the sum wraps.
  mlir::Value multiplyAddBytes(IndexMath &m, mlir::Value left, mlir::Value right, mlir::Value sum) const;
  mlir::Value add(IndexMath &m, mlir::Value x, mlir::Value y) const;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_ELEMENTKIND_H
