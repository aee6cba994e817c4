//===- ProductTypes.h - what is multiplied, and in what the products are summed -------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_PRODUCTTYPES_H
#define NNCC_KERNEL_PRODUCTTYPES_H

#include "nncc/Kernel/IndexMath.h"

namespace nncc::kernel {

/// The operands of exec.matmul or exec.conv and their sums: f16 and bf16 are added in f32, i8 and i16 in i32.
struct ProductTypes {
  mlir::Type left, right, sum;
  bool leftUnsigned = false, rightUnsigned = false;

  static ProductTypes of(mlir::Operation *root);

  int64_t getSumBytes() const { return sum.getIntOrFloatBitWidth() / 8; }
  /// A scalar or vector of one of the operands in the type of sums.
  mlir::Value widen(IndexMath &m, mlir::Value value, bool isUnsigned) const;
};

/// A scalar or vector with elements of the wider type `element`.
mlir::Value widenTo(IndexMath &m, mlir::Value value, mlir::Type element, bool isUnsigned);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_PRODUCTTYPES_H
