//===- DecomposeAttention.cpp - attentions as products and rows -----------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "nncc/Support/AttentionMaps.h"

#define DEBUG_TYPE "exec-decompose-attention"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_DECOMPOSEATTENTION
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

/// Writes an attention as operations on whole tensors, whose dims are all batch dims and two others.
class Decomposer {
public:
  Decomposer(OpBuilder &b, AttentionOp op)
      : b(b), loc(op.getLoc()), op(op), all(op.getMaps()), types(op.getTensorTypes()), maps(all),
        element(types.front().getElementType()), sum(element.isF64() ? element : b.getF32Type()) {}

  Value decompose();

private:
  using Body = function_ref<Value(OpBuilder &, Location, ValueRange)>;

  OpFoldResult getSize(unsigned dim);
  SmallVector<unsigned> withBatch(unsigned row, unsigned column) const;
  Value createEmpty(ArrayRef<unsigned> dims, Type type);
  /// A map from all dims of the attention as one from `dims`, which has no others.
  AffineMap restrictTo(ArrayRef<unsigned> dims, AffineMap map) const;
  /// Elementwise over `dims`: each operand is indexed by a map from all dims.
  Value map(ArrayRef<unsigned> dims, ValueRange operands, ArrayRef<AffineMap> from, Type type, Body body);
  /// Over the last of `dims`.
  Value reduce(ArrayRef<unsigned> dims, Value operand, TypedAttr initial, Body body);
  Value arrange(unsigned tensor, ArrayRef<unsigned> dims);
  Value weigh(Value scores, ArrayRef<unsigned> dims);
  AffineMap getIdentity(ArrayRef<unsigned> dims) const {
    return AffineMap::getMultiDimIdentityMap(maps.getNumDims(), b.getContext()).getSubMap(dims);
  }
  TypedAttr number(double value) { return b.getFloatAttr(sum, value); }
  Value widen(OpBuilder &b, Location loc, Value x) {
    return x.getType() == sum ? x : arith::ExtFOp::create(b, loc, sum, x).getResult();
  }

  OpBuilder &b;
  Location loc;
  AttentionOp op;
  SmallVector<AffineMap> all;
  SmallVector<RankedTensorType> types;
  AttentionMaps maps;
  Type element, sum;
};

} // namespace

OpFoldResult Decomposer::getSize(unsigned dim) {
  auto [tensor, position] = maps.findSize(dim, types);
  return tensor::getMixedSize(b, loc, op->getOperand(tensor), position);
}

SmallVector<unsigned> Decomposer::withBatch(unsigned row, unsigned column) const {
  auto dims = llvm::to_vector(llvm::seq<unsigned>(0, maps.getNumBatchDims()));
  dims.append({row, column});
  return dims;
}

Value Decomposer::createEmpty(ArrayRef<unsigned> dims, Type type) {
  return tensor::EmptyOp::create(b, loc, llvm::map_to_vector(dims, [&](unsigned dim) { return getSize(dim); }), type);
}

AffineMap Decomposer::restrictTo(ArrayRef<unsigned> dims, AffineMap map) const {
  SmallVector<AffineExpr> replacements(maps.getNumDims(), b.getAffineConstantExpr(0));
  for (auto [position, dim] : llvm::enumerate(dims))
    replacements[dim] = b.getAffineDimExpr(position);
  return map.replaceDimsAndSymbols(replacements, {}, dims.size(), 0);
}

Value Decomposer::map(ArrayRef<unsigned> dims, ValueRange operands, ArrayRef<AffineMap> from, Type type, Body body) {
  Value init = createEmpty(dims, type);
  auto indexing = llvm::map_to_vector(from, [&](AffineMap map) { return restrictTo(dims, map); });
  indexing.push_back(b.getMultiDimIdentityMap(dims.size()));
  SmallVector<utils::IteratorType> iterators(dims.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), operands, init, indexing, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(b, loc, body(b, loc, arguments));
                                   })
      .getResult(0);
}

Value Decomposer::reduce(ArrayRef<unsigned> dims, Value operand, TypedAttr initial, Body body) {
  ArrayRef<unsigned> kept = dims.drop_back();
  Value start = arith::ConstantOp::create(b, loc, initial);
  Value init = linalg::FillOp::create(b, loc, start, createEmpty(kept, sum)).getResult(0);
  AffineMap identity = b.getMultiDimIdentityMap(dims.size());
  SmallVector<utils::IteratorType> iterators(kept.size(), utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  return linalg::GenericOp::create(b, loc, init.getType(), operand, init,
                                   ArrayRef{identity, identity.dropResult(dims.size() - 1)}, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(b, loc, body(b, loc, arguments));
                                   })
      .getResult(0);
}

/// The tensor with `dims` in this order: itself where it has no other.
Value Decomposer::arrange(unsigned tensor, ArrayRef<unsigned> dims) {
  Value operand = op->getOperand(tensor);
  if (restrictTo(dims, all[tensor]).isIdentity())
    return operand;
  // What is only in the way are dims of size 1: another shape for the same elements.
  SmallVector<int64_t> order, shape;
  bool isPlain = types[tensor].hasStaticShape();
  for (auto [expr, size] : llvm::zip_equal(all[tensor].getResults(), types[tensor].getShape())) {
    AttentionIndex index = *AttentionIndex::of(expr);
    isPlain &= size == 1 || (index.dim && index.divisor == 1);
    if (size != 1 && index.dim)
      order.push_back(*index.dim);
  }
  SmallVector<int64_t> wanted;
  for (unsigned dim : dims) {
    std::optional<int64_t> size = getConstantIntValue(getSize(dim));
    shape.push_back(size.value_or(ShapedType::kDynamic));
    if (size != 1)
      wanted.push_back(dim);
  }
  auto target = RankedTensorType::get(shape, element);
  if (isPlain && order == wanted && target.hasStaticShape()) {
    auto join = [](int64_t rank) {
      return SmallVector<ReassociationIndices>{llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
    };
    if (types[tensor].getRank() > 1)
      operand = tensor::CollapseShapeOp::create(b, loc, operand, join(types[tensor].getRank()));
    return tensor::ExpandShapeOp::create(b, loc, target, operand, join(shape.size()));
  }
  return map(dims, operand, all[tensor], element,
             [](OpBuilder &, Location, ValueRange arguments) { return arguments.front(); });
}

/// softmax(scale * scores + masks), over the last of `dims`.
Value Decomposer::weigh(Value scores, ArrayRef<unsigned> dims) {
  SmallVector<Value> operands = {scores};
  llvm::append_range(operands, op.getMasks());
  SmallVector<AffineMap> from = {getIdentity(dims)};
  llvm::append_range(from, ArrayRef(all).slice(3, op.getMasks().size()));
  double scale = op.getScale().convertToDouble();
  scores = map(dims, operands, from, sum, [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
    Value factor = arith::ConstantOp::create(b, loc, number(scale));
    Value score = arith::MulFOp::create(b, loc, widen(b, loc, arguments.front()), factor);
    for (Value mask : arguments.drop_front().drop_back())
      score = arith::AddFOp::create(b, loc, score, widen(b, loc, mask));
    return score;
  });
  Value largest =
      reduce(dims, scores, number(-std::numeric_limits<double>::infinity()),
             [](OpBuilder &b, Location loc, ValueRange x) { return arith::MaximumFOp::create(b, loc, x[0], x[1]); });
  SmallVector<AffineMap> ofRow = {getIdentity(dims), getIdentity(dims.drop_back())};
  Value powers = map(dims, {scores, largest}, ofRow, sum, [](OpBuilder &b, Location loc, ValueRange x) {
    return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x[0], x[1]));
  });
  Value total = reduce(dims, powers, number(0), [](OpBuilder &b, Location loc, ValueRange x) {
    return arith::AddFOp::create(b, loc, x[0], x[1]);
  });
  Value inverse =
      map(dims.drop_back(), total, getIdentity(dims.drop_back()), sum, [&](OpBuilder &b, Location loc, ValueRange x) {
        return arith::DivFOp::create(b, loc, arith::ConstantOp::create(b, loc, number(1)), x[0]);
      });
  return map(dims, {powers, inverse}, ofRow, element, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
    Value weight = arith::MulFOp::create(b, loc, x[0], x[1]);
    if (op.getNanAsZero()) {
      Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, weight, weight);
      weight = arith::SelectOp::create(b, loc, isNaN, arith::ConstantOp::create(b, loc, number(0)), weight);
    }
    return element == sum ? weight : arith::TruncFOp::create(b, loc, element, weight).getResult();
  });
}

Value Decomposer::decompose() {
  unsigned m = maps.getRowDim(), n = maps.getKeyDim(), d = maps.getDepthDim(), e = maps.getColumnDim();
  SmallVector<unsigned> ofScores = withBatch(m, n), ofResult = withBatch(m, e);
  auto multiply = [&](Value left, Value right, ArrayRef<unsigned> dims, bool isTransposed, Type type) -> Value {
    Value init = createEmpty(dims, type);
    return MatMulOp::create(b, loc, init.getType(), left, right, init, isTransposed, /*lhs_unsigned=*/false,
                            /*rhs_unsigned=*/false, /*packed=*/nullptr);
  };
  Value scores = multiply(arrange(0, withBatch(m, d)), arrange(1, withBatch(n, d)), ofScores, true, sum);
  Value result = multiply(weigh(scores, ofScores), arrange(2, withBatch(n, e)), ofResult, false, element);

  // Where the result has another order: element by element over its own dims.
  AffineMap target = all.back();
  if (restrictTo(ofResult, target).isIdentity())
    return result;
  AffineMap from = getIdentity(ofResult);
  SmallVector<AffineExpr> sources(maps.getNumDims(), b.getAffineConstantExpr(0));
  for (auto [position, expr] : llvm::enumerate(target.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      sources[dim.getPosition()] = b.getAffineDimExpr(position);
  AffineMap indexing = from.replaceDimsAndSymbols(sources, {}, target.getNumResults(), 0);
  SmallVector<utils::IteratorType> iterators(target.getNumResults(), utils::IteratorType::parallel);
  Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, op.getInit()), element);
  return linalg::GenericOp::create(
             b, loc, init.getType(), result, init, ArrayRef{indexing, b.getMultiDimIdentityMap(target.getNumResults())},
             iterators, [](OpBuilder &b, Location loc, ValueRange x) { linalg::YieldOp::create(b, loc, x.front()); })
      .getResult(0);
}

namespace {

class DecomposeAttentionPass : public impl::DecomposeAttentionBase<DecomposeAttentionPass> {
public:
  using DecomposeAttentionBase::DecomposeAttentionBase;

  void runOnOperation() override {
    SmallVector<AttentionOp> found;
    getOperation().walk([&](AttentionOp op) {
      if (all || !op.isFusable())
        found.push_back(op);
    });
    for (AttentionOp op : found) {
      OpBuilder b(op);
      Value result = Decomposer(b, op).decompose();
      if (result.getType() != op.getType())
        result = tensor::CastOp::create(b, op.getLoc(), op.getType(), result);
      op.replaceAllUsesWith(result);
      op.erase();
    }
  }
};

} // namespace
} // namespace nncc::exec
