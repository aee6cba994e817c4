//===- Constants.cpp - values that are known while compiling --------------------------------------------------------------===//

#include "Constants.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nncc::nn {

bool isConstant(Value value) {
  constexpr size_t kMaxOps = 32; // a batch normalisation's offset takes 12
  llvm::SetVector<Operation *> ops;
  if (!ops.insert(value.getDefiningOp()))
    return false;
  for (size_t next = 0; next < ops.size(); ++next) {
    Operation *op = ops[next];
    if (!op || op->getNumRegions() || !isa<NNDialect>(op->getDialect()) || ops.size() > kMaxOps)
      return false;
    if (op->getNumOperands() == 0 && !isa<ConstantOp, WeightOp, FoldedOp>(op))
      return false;
    for (Value operand : op->getOperands())
      ops.insert(operand.getDefiningOp());
  }
  return true;
}

namespace {
/// The operand of a reshape; empty where a constant cannot say it.
struct Shape {
  SmallVector<int64_t> sizes;
  bool allowzero = true;

  static Shape of(RankedTensorType from, ArrayRef<Dim> sizes);
};
} // namespace

Shape Shape::of(RankedTensorType from, ArrayRef<Dim> wanted) {
  Shape shape;
  for (const Dim &size : wanted)
    shape.sizes.push_back(size.isStatic() ? size.getStatic() : -1);
  bool hasZero = llvm::is_contained(shape.sizes, 0);
  // One size follows from the others. Where there are more of them, 0 copies those that stand at their old places.
  if (llvm::count(shape.sizes, -1) > 1 && !hasZero) {
    shape.allowzero = false;
    for (size_t i = 0; i < std::min<size_t>(wanted.size(), from.getRank()); ++i)
      if (shape.sizes[i] == -1 && wanted[i] == Dim::of(from, i))
        shape.sizes[i] = 0;
  }
  auto unknown = llvm::count(shape.sizes, -1);
  return unknown > 1 || (unknown == 1 && hasZero) ? Shape() : shape;
}

bool canReshapeTo(RankedTensorType from, ArrayRef<Dim> sizes) {
  return sizes.empty() || !Shape::of(from, sizes).sizes.empty();
}

Value reshapeTo(OpBuilder &b, Location loc, Value value, ArrayRef<Dim> sizes) {
  RankedTensorType from = typeOf(value);
  if (!canReshapeTo(from, sizes))
    return {};
  Shape shape = Shape::of(from, sizes);
  auto type = RankedTensorType::get({int64_t(shape.sizes.size())}, b.getI64Type());
  auto constant = ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef(shape.sizes)));
  return ReshapeOp::create(b, loc, value, constant, shape.allowzero);
}

} // namespace nncc::nn
