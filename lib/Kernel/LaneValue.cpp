//===- LaneValue.cpp - values that differ lane by lane, and those that hardly do ----------------------------------===//

#include "nncc/Kernel/LaneValue.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc::kernel;

LaneValue LaneBuilder::constant(int64_t value) { return {arith::ConstantIndexOp::create(b, loc, value)}; }

Value LaneBuilder::toVector(LaneValue x) {
  if (x.isVector())
    return x.value;
  Type element = x.value.getType();
  auto type = VectorType::get(lanes, element);
  Value splat = b.createOrFold<vector::BroadcastOp>(loc, type, x.value);
  if (x.stride == 0)
    return splat;
  SmallVector<Attribute> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(b.getIntegerAttr(element, lane * x.stride));
  Value step = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, steps));
  return b.createOrFold<arith::AddIOp>(loc, splat, step);
}

template <typename Op> LaneValue LaneBuilder::binary(LaneValue x, LaneValue y) {
  if (x.isUniform() && y.isUniform())
    return {b.createOrFold<Op>(loc, x.value, y.value)};
  return {b.createOrFold<Op>(loc, toVector(x), toVector(y))};
}

LaneValue LaneBuilder::add(LaneValue x, LaneValue y) {
  if (x.isStrided() && y.isStrided())
    return {b.createOrFold<arith::AddIOp>(loc, x.value, y.value), x.stride + y.stride};
  return binary<arith::AddIOp>(x, y);
}

LaneValue LaneBuilder::sub(LaneValue x, LaneValue y) {
  if (x.isStrided() && y.isStrided())
    return {b.createOrFold<arith::SubIOp>(loc, x.value, y.value), x.stride - y.stride};
  return binary<arith::SubIOp>(x, y);
}

LaneValue LaneBuilder::mul(LaneValue x, LaneValue y) {
  if (y.isUniform())
    std::swap(x, y);
  if (x.isUniform() && y.isStrided())
    if (std::optional<int64_t> factor = getConstantIntValue(x.value))
      return {b.createOrFold<arith::MulIOp>(loc, x.value, y.value), *factor * y.stride};
  return binary<arith::MulIOp>(x, y);
}

LaneValue LaneBuilder::apply(AffineExpr expr, ArrayRef<LaneValue> dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return constant(number.getValue());
  auto binaryExpr = cast<AffineBinaryOpExpr>(expr);
  LaneValue x = apply(binaryExpr.getLHS(), dims), y = apply(binaryExpr.getRHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(x, y);
  case AffineExprKind::Mul:
    return mul(x, y);
  case AffineExprKind::FloorDiv:
    return binary<arith::FloorDivSIOp>(x, y);
  case AffineExprKind::CeilDiv:
    return binary<arith::CeilDivSIOp>(x, y);
  default: // Mod, whose result has the sign of the divisor
    return sub(x, mul(binary<arith::FloorDivSIOp>(x, y), y));
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------===//

bool LaneBuilder::isContiguous(ArrayRef<LaneValue> indices) const {
  return indices.back().isStrided() && indices.back().stride == 1 &&
         llvm::all_of(indices.drop_back(), [](LaneValue index) { return index.isUniform(); });
}

LaneValue LaneBuilder::linearize(Value memref, ArrayRef<LaneValue> indices) {
  auto type = cast<MemRefType>(memref.getType());
  LaneValue position = indices.front();
  for (auto [dim, index] : llvm::drop_begin(llvm::enumerate(indices))) {
    LaneValue size =
        type.isDynamicDim(dim) ? LaneValue{memref::DimOp::create(b, loc, memref, dim)} : constant(type.getDimSize(dim));
    position = add(mul(position, size), index);
  }
  return position;
}

Value LaneBuilder::flatten(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 1)
    return memref;
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  return memref::CollapseShapeOp::create(b, loc, memref, ArrayRef<ReassociationIndices>{all});
}

Value LaneBuilder::getMaskOrAllTrue() {
  if (mask)
    return mask;
  auto type = VectorType::get(lanes, b.getI1Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, true));
}

std::pair<Value, Value> LaneBuilder::splitPosition(LaneValue position) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  if (position.isVector())
    return {zero, position.value};
  // Small offsets as i32: half the registers, and the address stays scalar.
  Value offsets = toVector({arith::ConstantIntOp::create(b, loc, 0, 32), position.stride});
  if (!llvm::isInt<32>(position.stride * lanes))
    return {zero, toVector(position)};
  return {position.value, offsets};
}

LaneValue LaneBuilder::load(Value memref, ArrayRef<LaneValue> indices) {
  SmallVector<Value> scalars = llvm::map_to_vector(indices, [](LaneValue index) { return index.value; });
  if (llvm::all_of(indices, [](LaneValue index) { return index.isUniform(); }))
    return {memref::LoadOp::create(b, loc, memref, scalars)};
  auto type = VectorType::get(lanes, cast<MemRefType>(memref.getType()).getElementType());
  if (isContiguous(indices) && !mask)
    return {vector::LoadOp::create(b, loc, type, memref, scalars)};
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  if (isContiguous(indices))
    return {vector::MaskedLoadOp::create(b, loc, type, memref, scalars, mask, zero)};
  auto [base, offsets] = splitPosition(linearize(memref, indices));
  return {vector::GatherOp::create(b, loc, type, flatten(memref), base, offsets, getMaskOrAllTrue(), zero)};
}

void LaneBuilder::store(LaneValue value, Value memref, ArrayRef<LaneValue> indices) {
  SmallVector<Value> scalars = llvm::map_to_vector(indices, [](LaneValue index) { return index.value; });
  if (llvm::all_of(indices, [](LaneValue index) { return index.isUniform(); })) {
    memref::StoreOp::create(b, loc, value.value, memref, scalars);
    return;
  }
  Value vector = toVector(value);
  if (isContiguous(indices) && !mask) {
    vector::StoreOp::create(b, loc, vector, memref, scalars);
  } else if (isContiguous(indices)) {
    vector::MaskedStoreOp::create(b, loc, memref, scalars, mask, vector);
  } else {
    auto [base, offsets] = splitPosition(linearize(memref, indices));
    vector::ScatterOp::create(b, loc, /*resultType=*/Type(), flatten(memref), base, offsets, getMaskOrAllTrue(),
                              vector);
  }
}
