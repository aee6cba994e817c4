//===- MoveTransposes.cpp - transposes to channels first move towards the results -----------------------------------------===//

#include "MoveTransposes.h"
#include "Constants.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Pooling.h"
#include "nncc/Dialect/NN/IR/Quantization.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/IR/Vision.h"

using namespace mlir;

namespace nncc::nn {

SmallVector<int64_t> toChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation = {0};
  for (int64_t i = 2; i < rank; ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return permutation;
}

SmallVector<int64_t> toChannelsFirst(int64_t rank) {
  SmallVector<int64_t> permutation = {0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i)
    permutation.push_back(i);
  return permutation;
}

namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// What is moved
//===----------------------------------------------------------------------------------------------------------------------===//

/// The transpose to channels first that `value` is; null: something else.
TransposeOp getMovable(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  int64_t rank = transpose ? transpose.getPermutation().size() : 0;
  if (rank < 3 || transpose.getPermutation() != ArrayRef(toChannelsFirst(rank)))
    return nullptr;
  // With three dims there and back are the same permutation: one that moves no elements would be moved for ever.
  ArrayRef<int64_t> sizes = typeOf(value).getShape();
  return rank == 3 && (sizes[1] == 1 || sizes[2] == 1) ? nullptr : transpose;
}

/// The type of what, transposed to channels first, has the type `type`.
RankedTensorType getChannelsLastType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<Dim> dims = getDims(tensor), moved(dims);
  for (auto [dim, from] : llvm::zip_equal(dims, toChannelsFirst(dims.size())))
    moved[from] = dim;
  return makeTensorType(moved, tensor.getElementType());
}

/// Whether moving `operand`'s elements costs as much as moving those of a result of `rank` dims.
bool isWhole(Value operand, int64_t rank) {
  RankedTensorType type = typeOf(operand);
  if (type.getRank() < std::max<int64_t>(rank, 3) || isConstant(operand))
    return false;
  return llvm::any_of(type.getShape().drop_front(2), [](int64_t size) { return size != 1; });
}

Value reshapeTo(PatternRewriter &rewriter, Location loc, Value value, ArrayRef<int64_t> sizes, bool allowZero) {
  auto type = RankedTensorType::get({int64_t(sizes.size())}, rewriter.getI64Type());
  Value shape = ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, sizes));
  return ReshapeOp::create(rewriter, loc, value, shape, allowZero);
}

/// `operand`, of an op with dims of channels first, for the same op with channels last.
Value moveOperand(PatternRewriter &rewriter, Location loc, Value operand, int64_t rank) {
  if (TransposeOp transpose = getMovable(operand))
    return transpose.getInput();
  RankedTensorType type = typeOf(operand);
  if (type.hasStaticShape() && type.getNumElements() == 1)
    return operand;
  if (type.getRank() < rank) {
    SmallVector<int64_t> sizes(rank - type.getRank(), 1);
    llvm::append_range(sizes, type.getShape());
    operand = reshapeTo(rewriter, loc, operand, sizes, /*allowZero=*/true);
  }
  return TransposeOp::create(rewriter, loc, operand, toChannelsLast(rank));
}

/// Replaces `op`, which has one result, by a copy on channels-last operands, transposed.
Operation *replaceMoved(PatternRewriter &rewriter, Operation *op, ValueRange operands, RankedTensorType type) {
  Operation *copy = rewriter.clone(*op);
  copy->setOperands(operands);
  copy->getResult(0).setType(type);
  rewriter.replaceOpWithNewOp<TransposeOp>(
      op, op->getResult(0).getType(), copy->getResult(0),
      rewriter.getDenseI64ArrayAttr(toChannelsFirst(cast<RankedTensorType>(op->getResult(0).getType()).getRank())));
  return copy;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Behind what
//===----------------------------------------------------------------------------------------------------------------------===//

/// Elementwise ops and concatenations: all operands have the result's dims, or fewer that broadcast.
struct MoveBehindElementwise : RewritePattern {
  MoveBehindElementwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    bool isElementwise = isa<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Elementwise.cpp.inc"
        , QuantizeOp, DequantizeOp, RequantizeOp>(op);
    if (!isa<ConcatOp>(op) && !isElementwise)
      return rewriter.notifyMatchFailure(op, "is not elementwise");
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t rank = type.getRank(), numMovable = 0, numOthers = 0;
    for (Value operand : op->getOperands()) {
      RankedTensorType own = typeOf(operand);
      if (TransposeOp transpose = getMovable(operand); transpose && own.getRank() == rank)
        ++numMovable;
      else if (own.getRank() < rank && !own.hasStaticShape())
        return rewriter.notifyMatchFailure(op, "an operand of unknown size broadcasts");
      else
        numOthers += isWhole(operand, rank);
    }
    if (numMovable <= numOthers)
      return rewriter.notifyMatchFailure(op, "as many operands would have to be transposed");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(moveOperand(rewriter, op->getLoc(), operand, rank));
    Operation *copy = replaceMoved(rewriter, op, operands, getChannelsLastType(type));
    if (auto moved = dyn_cast<ConcatOp>(copy)) {
      int64_t axis = moved.getAxis();
      moved.setAxis(toChannelsFirst(rank)[axis < 0 ? axis + rank : axis]);
    }
    return success();
  }
};

struct MoveBehindPool : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    if (!transpose || op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    Operation *copy = replaceMoved(rewriter, op, transpose.getInput(), getChannelsLastType(op.getType()));
    cast<PoolOp>(copy).setChannelsLast(true);
    return success();
  }
};

struct MoveBehindResample : OpRewritePattern<ResampleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ResampleOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    SmallVector<Value> operands(op->getOperands());
    operands.front() = transpose.getInput();
    Operation *copy = replaceMoved(rewriter, op, operands, getChannelsLastType(op.getType()));
    cast<ResampleOp>(copy).setAxis(transpose.getPermutation()[op.getAxis()]);
    return success();
  }
};

struct MoveBehindSlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    int64_t rank = transpose.getPermutation().size();
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(transpose.getPermutation()[axis < 0 ? axis + rank : axis]);
    SmallVector<Value> operands(op->getOperands());
    operands.front() = transpose.getInput();
    Operation *copy = replaceMoved(rewriter, op, operands, getChannelsLastType(op.getType()));
    cast<SliceOp>(copy).setAxes(axes);
    return success();
  }
};

struct MoveBehindPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    std::optional<SmallVector<int64_t>> pads = getConstantInts(op.getPads());
    if (!transpose || !pads)
      return rewriter.notifyMatchFailure(op, "its input is not transposed, or its pads are not known");
    int64_t rank = transpose.getPermutation().size();
    SmallVector<int64_t> moved(*pads);
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation())) {
      moved[from] = (*pads)[i];
      moved[rank + from] = (*pads)[rank + i];
    }
    auto type = RankedTensorType::get({2 * rank}, rewriter.getI64Type());
    SmallVector<Value> operands(op->getOperands());
    operands[0] = transpose.getInput();
    operands[1] = ConstantOp::create(rewriter, op.getLoc(), DenseElementsAttr::get(type, ArrayRef(moved)));
    replaceMoved(rewriter, op, operands, getChannelsLastType(op.getType()));
    return success();
  }
};

/// A reduction needs no transpose behind it when it leaves the order of what is left.
struct MoveBehindReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    SmallVector<int64_t> axes, left;
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      (llvm::is_contained(op.getAxes(), int64_t(i)) ? axes : left).push_back(from);
    llvm::sort(axes);
    if (op.getKeepdims()) {
      Operation *copy = replaceMoved(rewriter, op, transpose.getInput(), getChannelsLastType(op.getType()));
      cast<ReduceOp>(copy).setAxes(axes);
      return success();
    }
    if (!llvm::is_sorted(left))
      return rewriter.notifyMatchFailure(op, "the order of what is left changes");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(transpose.getInput());
      op.setAxes(axes);
    });
    return success();
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Behind reshapes of channels: shuffles, and phases that become places
//===----------------------------------------------------------------------------------------------------------------------===//

/// Channels that are split are split where they are last.
struct MoveBehindSplit : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    SmallVector<Dim> before = getDims(typeOf(op.getInput())), after = getDims(typeOf(op.getResult()));
    int64_t places = before.size() - 2, parts = int64_t(after.size()) - places - 1;
    if (parts < 2 || after.front() != before.front() || before.front().isUnknown())
      return rewriter.notifyMatchFailure(op, "does not split the channels");
    for (int64_t i = 1; i <= places; ++i)
      if (after[after.size() - i].isUnknown() || after[after.size() - i] != before[before.size() - i])
        return rewriter.notifyMatchFailure(op, "reshapes more than the channels");
    SmallVector<int64_t> sizes(places + 1, 0), permutation = {0}; // 0: as it was
    for (int64_t i = 1; i <= parts; ++i) {
      if (!after[i].isStatic() || after[i].isStatic(0))
        return rewriter.notifyMatchFailure(op, "the size of a part is not known");
      sizes.push_back(after[i].getStatic());
      permutation.push_back(places + i);
    }
    llvm::append_range(permutation, llvm::seq<int64_t>(1, places + 1));
    Value split = reshapeTo(rewriter, op.getLoc(), transpose.getInput(), sizes, /*allowZero=*/false);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), split, rewriter.getDenseI64ArrayAttr(permutation));
    return success();
  }
};

/// The dims of `from` that each of `to` is made of; nothing when they are not runs.
std::optional<SmallVector<SmallVector<int64_t>>> findMerged(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<SmallVector<int64_t>> groups;
  size_t next = 0;
  for (int64_t size : to) {
    groups.emplace_back();
    if (size == 1 && next < from.size() && from[next] == 1)
      groups.back().push_back(next++);
    for (int64_t product = 1; product < size; product *= from[next++]) {
      if (next == from.size() || from[next] == 0)
        return std::nullopt;
      groups.back().push_back(next);
    }
  }
  for (; next < from.size(); ++next)
    groups.back().push_back(next);
  int64_t all = ShapedType::getNumElements(from);
  return all != 0 && all == ShapedType::getNumElements(to) ? std::optional(groups) : std::nullopt;
}

/// Dims that are transposed and then merged: where that keeps what is adjacent, they are merged with channels last, and then transposed.
struct MoveBehindMerge : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    RankedTensorType type = op.getType();
    if (!transpose || type.getRank() < 3 || transpose.getPermutation().empty())
      return rewriter.notifyMatchFailure(op, "its input is not transposed");
    SmallVector<int64_t> from(typeOf(op.getInput()).getShape()), to(type.getShape());
    Dim batch = Dim::of(type, 0);
    bool keepsBatch =
        !batch.isStatic() && batch == Dim::of(typeOf(op.getInput()), 0) && transpose.getPermutation()[0] == 0;
    if (keepsBatch)
      from[0] = to[0] = 1;
    if (llvm::any_of(from, ShapedType::isDynamic) || llvm::any_of(to, ShapedType::isDynamic))
      return rewriter.notifyMatchFailure(op, "a size other than that of a batch is not known");
    std::optional<SmallVector<SmallVector<int64_t>>> groups = findMerged(from, to);
    if (!groups)
      return rewriter.notifyMatchFailure(op, "does not merge dims");
    SmallVector<int64_t> permutation, sizes;
    for (int64_t dim : toChannelsLast(type.getRank())) {
      sizes.push_back(dim == 0 && keepsBatch ? 0 : to[dim]); // 0: as it was
      for (int64_t part : (*groups)[dim])
        permutation.push_back(transpose.getPermutation()[part]);
    }
    int64_t numPlaces = permutation.size() - (*groups)[1].size(), last = permutation.size() - 1;
    auto keepsAdjacent = [&](ArrayRef<int64_t> permutation) {
      return permutation.back() == last ||
             llvm::equal(permutation.take_front(numPlaces), llvm::seq<int64_t>(0, numPlaces));
    };
    if (keepsAdjacent(transpose.getPermutation()) || !keepsAdjacent(permutation))
      return rewriter.notifyMatchFailure(op, "channels last would be no better");
    Value moved = TransposeOp::create(rewriter, op.getLoc(), transpose.getInput(), permutation);
    Value reshaped = reshapeTo(rewriter, op.getLoc(), moved, sizes, /*allowZero=*/false);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), reshaped,
                                             rewriter.getDenseI64ArrayAttr(toChannelsFirst(type.getRank())));
    return success();
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Transposes that meet, or that move nothing
//===----------------------------------------------------------------------------------------------------------------------===//

struct JoinTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    Value source = op.getInput();
    SmallVector<int64_t> permutation(op.getPermutation());
    if (auto inner = source.getDefiningOp<TransposeOp>()) {
      for (int64_t &axis : permutation)
        axis = inner.getPermutation()[axis];
      source = inner.getInput();
    }
    bool isIdentity = llvm::is_sorted(permutation) && source.getType() == op.getType();
    if (!isIdentity && source == op.getInput())
      return rewriter.notifyMatchFailure(op, "is needed");
    if (isIdentity)
      rewriter.replaceOp(op, source);
    else
      rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), source, rewriter.getDenseI64ArrayAttr(permutation));
    return success();
  }
};

/// Dims of size 1 between the others: flattening what pooling left needs no transpose.
struct ReshapeUntransposed : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || !typeOf(op.getResult()).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "its input is not transposed, or of unknown size");
    SmallVector<int64_t> large;
    for (int64_t axis : transpose.getPermutation())
      if (typeOf(transpose.getInput()).getDimSize(axis) != 1)
        large.push_back(axis);
    if (!llvm::is_sorted(large))
      return rewriter.notifyMatchFailure(op, "the transpose moves elements");
    ArrayRef<int64_t> sizes = typeOf(op.getResult()).getShape();
    rewriter.replaceOp(op, reshapeTo(rewriter, op.getLoc(), transpose.getInput(), sizes, /*allowZero=*/true));
    return success();
  }
};

} // namespace

void populateMoveTransposes(RewritePatternSet &patterns) {
  patterns.add<MoveBehindElementwise, MoveBehindPool, MoveBehindResample, MoveBehindSlice, MoveBehindPad,
               MoveBehindReduce, MoveBehindSplit, MoveBehindMerge, JoinTransposes, ReshapeUntransposed>(
      patterns.getContext());
}

} // namespace nncc::nn
