//===- LaneValue.h - values that differ lane by lane, and those that hardly do --------------------------*- C++ -*-===//
//
// In vector code most index arithmetic is the same for all lanes, or differs by a constant step. Keeping it scalar
// finds the contiguous loads and leaves the vector unit to the data.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_KERNEL_LANEVALUE_H
#define NNCC_KERNEL_LANEVALUE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nncc::kernel {

/// A vector (one element a lane), or a scalar to which lane i adds i * stride.
struct LaneValue {
  mlir::Value value;
  int64_t stride = 0;

  bool isVector() const { return mlir::isa<mlir::VectorType>(value.getType()); }
  /// The same for all lanes.
  bool isUniform() const { return !isVector() && stride == 0; }
  /// The stride is known.
  bool isStrided() const { return !isVector(); }
};

/// Arithmetic and memory access for a number of lanes (1: everything is a uniform scalar).
class LaneBuilder {
public:
  LaneBuilder(mlir::OpBuilder &b, mlir::Location loc, int64_t lanes, mlir::Value mask = {})
      : b(b), loc(loc), lanes(lanes), mask(mask) {}

  LaneValue constant(int64_t value);
  /// On index or i64: strides are added, and scaled by constants.
  LaneValue add(LaneValue x, LaneValue y);
  LaneValue sub(LaneValue x, LaneValue y);
  LaneValue mul(LaneValue x, LaneValue y);
  /// An affine expression without symbols of these dims.
  LaneValue apply(mlir::AffineExpr expr, mlir::ArrayRef<LaneValue> dims);

  /// As a vector of `lanes`.
  mlir::Value toVector(LaneValue x);

  /// Elements of a row-major memref, one a lane; a uniform scalar when all indices are uniform. Excluded lanes are
  /// zero.
  LaneValue load(mlir::Value memref, mlir::ArrayRef<LaneValue> indices);
  void store(LaneValue value, mlir::Value memref, mlir::ArrayRef<LaneValue> indices);

private:
  template <typename Op> LaneValue binary(LaneValue x, LaneValue y);
  bool isContiguous(mlir::ArrayRef<LaneValue> indices) const;
  /// The row-major position of an element.
  LaneValue linearize(mlir::Value memref, mlir::ArrayRef<LaneValue> indices);
  /// `memref` as a one-dimensional one.
  mlir::Value flatten(mlir::Value memref);
  mlir::Value getMaskOrAllTrue();
  /// A position as (scalar, vector) for gather and scatter.
  std::pair<mlir::Value, mlir::Value> splitPosition(LaneValue position);

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t lanes;
  mlir::Value mask;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_LANEVALUE_H
