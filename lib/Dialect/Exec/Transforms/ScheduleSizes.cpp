//===- ScheduleSizes.cpp - simpler arithmetic on sizes in a schedule ------------------------------------------------------===//

#include "ScheduleSizes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc::exec;

/// The tensor that gave `result` its sizes; null: none.
static Value findSizeSource(OpResult result) {
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return destination.getDpsInits()[result.getResultNumber()];
  if (auto grid = dyn_cast<GridOp>(op))
    return grid.getInits()[result.getResultNumber()];
  if (auto conv = dyn_cast<ConvOp>(op))
    return conv.getInit();
  if (auto matmul = dyn_cast<MatMulOp>(op))
    return matmul.getInit();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  return {};
}

/// Size `index` of `tensor`, by what made the tensor, as far as one can see.
static Value findSize(OpBuilder &builder, Location loc, Value tensor, int64_t index) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(index))
    return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(index));
  auto result = dyn_cast<OpResult>(tensor);
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast_if_present<tensor::EmptyOp>(op))
    return empty.getDynamicSize(index);
  if (auto input = dyn_cast_if_present<InputOp>(op))
    return input.getSizes()[type.getDynamicDimIndex(index)];
  if (auto expand = dyn_cast_if_present<tensor::ExpandShapeOp>(op))
    return expand.getOutputShape()[type.getDynamicDimIndex(index)];
  if (auto collapse = dyn_cast_if_present<tensor::CollapseShapeOp>(op)) {
    Value product;
    SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices(); // lives as long as the loop
    for (int64_t dim : groups[index]) {
      Value size = findSize(builder, loc, collapse.getSrc(), dim);
      product = product ? builder.createOrFold<arith::MulIOp>(loc, product, size) : size;
    }
    return product;
  }
  if (Value source = result ? findSizeSource(result) : Value())
    return findSize(builder, loc, source, index);
  return builder.createOrFold<tensor::DimOp>(loc, tensor, index);
}

void nncc::exec::resolveSizes(func::FuncOp schedule) {
  SmallVector<tensor::DimOp> dims;
  schedule.walk([&](tensor::DimOp dim) { dims.push_back(dim); });
  for (tensor::DimOp dim : dims) {
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index || *index >= dim.getSource().getType().getRank())
      continue;
    OpBuilder builder(dim);
    dim.replaceAllUsesWith(findSize(builder, dim.getLoc(), dim.getSource(), *index));
    dim.erase();
  }
}

void nncc::exec::expandAffine(func::FuncOp schedule) {
  SmallVector<affine::AffineApplyOp> applied;
  schedule.walk([&](affine::AffineApplyOp op) { applied.push_back(op); });
  for (affine::AffineApplyOp op : applied) {
    OpBuilder builder(op);
    auto values = affine::expandAffineMap(builder, op.getLoc(), op.getAffineMap(), op.getOperands());
    if (!values) // A map that divides by what is no symbol: it stays what it is.
      continue;
    op.replaceAllUsesWith(values->front());
    op.erase();
  }
  // What differs in flags alone is the same size.
  schedule.walk([](arith::ArithIntegerOverflowFlagsInterface op) {
    op->setAttr(op.getIntegerOverflowAttrName(),
                arith::IntegerOverflowFlagsAttr::get(op->getContext(), arith::IntegerOverflowFlags::none));
  });
}
