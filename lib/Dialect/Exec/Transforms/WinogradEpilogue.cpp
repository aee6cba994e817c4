//===- WinogradEpilogue.cpp - what a convolution by transforms does to its results ----------------------------------------===//

#include "WinogradEpilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc::exec;

/// A body that is the same on vectors.
static bool isElementwise(linalg::GenericOp op) {
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isa<arith::ConstantOp>(inner) || OpTrait::hasElementwiseMappableTraits(&inner);
  });
}

/// Whether an operand is a vector along the channels, or the same for all of them.
static bool isLoadable(AffineMap map) {
  unsigned channel = map.getNumDims() - 1;
  for (auto [number, expr] : llvm::enumerate(map.getResults())) {
    bool isLast = number + 1 == map.getNumResults();
    if (!isa<AffineDimExpr, AffineConstantExpr>(expr) || (expr.isFunctionOfDim(channel) && !isLast))
      return false;
  }
  return true;
}

/// Whether an operand of this shape is read where the loops are.
static bool isIdentity(AffineMap map, ArrayRef<int64_t> shape) {
  if (map.getNumResults() != map.getNumDims())
    return false;
  return llvm::all_of(llvm::enumerate(map.getResults()), [&](auto expr) {
    return expr.value() == getAffineDimExpr(expr.index(), map.getContext()) || shape[expr.index()] == 1;
  });
}

bool WinogradEpilogue::canFollow(linalg::GenericOp op, const Values &own) {
  if (op.getNumResults() != 1 || op.getNumReductionLoops() != 0 || !isElementwise(op) ||
      cast<RankedTensorType>(op.getResult(0).getType()).getShape() != conv.getType().getShape())
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (op.isDpsInit(&operand))
      return map.isIdentity() && !op.payloadUsesValueFromOperand(&operand);
    if (own.contains(operand.get()))
      return isIdentity(map, conv.getType().getShape());
    return !isa<RankedTensorType>(operand.get().getType()) || isLoadable(map);
  });
}

WinogradEpilogue::WinogradEpilogue(ConvOp conv) : conv(conv) {
  constexpr unsigned furthest = 64;
  Values own;
  own.insert(conv.getResult());
  SmallVector<linalg::GenericOp> taken;
  Operation *next = conv->getNextNode();
  for (unsigned i = 0; next && i < furthest; ++i, next = next->getNextNode()) {
    auto generic = dyn_cast<linalg::GenericOp>(next);
    if (!generic || llvm::none_of(generic.getInputs(), [&](Value input) { return own.contains(input); }) ||
        !canFollow(generic, own))
      continue;
    taken.push_back(generic);
    // So far, if nobody else uses what is between.
    bool isComplete = generic.getResult(0).getType() == conv.getType() && llvm::all_of(own, [&](Value value) {
                        return llvm::all_of(value.getUsers(), [&](Operation *user) {
                          return llvm::is_contained(taken, dyn_cast<linalg::GenericOp>(user));
                        });
                      });
    own.insert(generic.getResult(0));
    if (isComplete)
      chain = taken;
  }
}

SmallVector<Value> WinogradEpilogue::getTensors() const {
  SmallVector<Value> tensors;
  for (linalg::GenericOp op : chain)
    for (OpOperand *operand : op.getDpsInputOperands())
      if (!isOwn(operand->get()) && isa<RankedTensorType>(operand->get().getType()))
        tensors.push_back(operand->get());
  return tensors;
}

bool WinogradEpilogue::isOwn(Value value) const {
  Operation *producer = value.getDefiningOp();
  return producer &&
         (producer == ConvOp(conv).getOperation() || llvm::is_contained(chain, dyn_cast<linalg::GenericOp>(producer)));
}

Value WinogradEpilogue::load(OpBuilder &b, OpOperand &operand, Value memref, ArrayRef<Value> pixel, Value mask) const {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  Location loc = op.getLoc();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<Value> indices;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      indices.push_back(pixel[dim.getPosition()]);
    else
      indices.push_back(arith::ConstantIndexOp::create(b, loc, cast<AffineConstantExpr>(expr).getValue()));
  }
  auto type = VectorType::get(lanes, cast<MemRefType>(memref.getType()).getElementType());
  if (!map.isFunctionOfDim(map.getNumDims() - 1))
    return vector::BroadcastOp::create(b, loc, type, memref::LoadOp::create(b, loc, memref, indices).getResult());
  if (!mask)
    return vector::LoadOp::create(b, loc, type, memref, indices);
  Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, memref, indices, mask, none);
}

/// The body of `op` on vectors.
static Value cloneOnVectors(OpBuilder &b, linalg::GenericOp op, ValueRange arguments) {
  llvm::DenseMap<Value, Value> vectors;
  for (auto [parameter, argument] : llvm::zip(op.getBody()->getArguments(), arguments))
    vectors[parameter] = argument;
  auto toVector = [&](Value value) {
    Value &vector = vectors[value];
    if (!vector) // a scalar from outside
      vector = vector::BroadcastOp::create(b, op.getLoc(), VectorType::get(lanes, value.getType()), value);
    return vector;
  };
  for (Operation &inner : op.getBody()->without_terminator()) {
    SmallVector<Value> operands = llvm::map_to_vector(inner.getOperands(), toVector);
    Operation *copy = b.clone(inner);
    if (auto constant = dyn_cast<arith::ConstantOp>(copy)) {
      vectors[inner.getResult(0)] = toVector(constant.getResult());
      continue;
    }
    copy->setOperands(operands);
    for (auto [before, after] : llvm::zip_equal(inner.getResults(), copy->getResults())) {
      after.setType(VectorType::get(lanes, after.getType()));
      vectors[before] = after;
    }
  }
  return toVector(op.getBody()->getTerminator()->getOperand(0));
}

Value WinogradEpilogue::emit(OpBuilder &b, Value value, ValueRange memory, ArrayRef<Value> pixel, Value mask) const {
  llvm::DenseMap<Value, Value> own{{ConvOp(conv).getResult(), value}};
  for (linalg::GenericOp op : chain) {
    SmallVector<Value> arguments;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      if (Value known = own.lookup(operand->get())) {
        arguments.push_back(known);
      } else if (isa<RankedTensorType>(operand->get().getType())) {
        arguments.push_back(load(b, *operand, memory.front(), pixel, mask));
        memory = memory.drop_front();
      } else {
        arguments.push_back(vector::BroadcastOp::create(
            b, op.getLoc(), VectorType::get(lanes, operand->get().getType()), operand->get()));
      }
    }
    value = own[op.getResult(0)] = cloneOnVectors(b, op, arguments);
  }
  return value;
}

void WinogradEpilogue::replaceBy(Value result) {
  getRoot()->getResult(0).replaceAllUsesWith(result);
  for (linalg::GenericOp op : llvm::reverse(chain))
    op.erase();
  conv.erase();
}
