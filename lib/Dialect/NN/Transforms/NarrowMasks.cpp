//===- NarrowMasks.cpp - masks of an attention have each element once -----------------------------------------------------===//

#include "Recognize.h"
#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace nncc::nn {
namespace {

constexpr unsigned mostSteps = 8;

bool isElementwise(Operation *op) {
  return isa_and_nonnull<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Elementwise.cpp.inc"
             >(op) &&
         op->getNumResults() == 1;
}

/// Whether `value` is of an op that repeats elements of its operands along dims that they lack, or have once.
bool isBroadcast(Value value) { return value.getDefiningOp<ExpandOp>() || isElementwise(value.getDefiningOp()); }

/// The operands whose elements `value`, which is broadcast, is made of.
OperandRange getSources(Value value) {
  Operation *op = value.getDefiningOp();
  return isa<ExpandOp>(op) ? op->getOperands().take_front() : op->getOperands();
}

/// The dims along which all elements of `value` are the same, whatever their number.
llvm::SmallBitVector findRepeated(Value value, unsigned steps = 0) {
  RankedTensorType type = typeOf(value);
  llvm::SmallBitVector repeated(type.getRank());
  if (DenseElementsAttr constant = getConstant(value); constant && constant.isSplat())
    return repeated.flip();
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    repeated[dim] = size == 1;
  if (!isBroadcast(value) || steps == mostSteps)
    return repeated;
  llvm::SmallBitVector inAll(type.getRank(), true);
  for (Value source : getSources(value)) {
    llvm::SmallBitVector own = findRepeated(source, steps + 1);
    for (unsigned dim : own.flip().set_bits())
      inAll.reset(dim + type.getRank() - own.size());
  }
  return repeated |= inAll;
}

/// `value` with dims of size 1 where it repeats itself, or without them where they are the first ones.
Value narrow(PatternRewriter &rewriter, Value value, unsigned steps = 0) {
  RankedTensorType type = typeOf(value);
  SmallVector<Dim> dims = getDims(type);
  bool repeats = false;
  llvm::SmallBitVector repeated = findRepeated(value, steps);
  for (unsigned dim : repeated.set_bits()) {
    repeats |= !dims[dim].isStatic(1);
    dims[dim] = Dim(1);
  }
  if (!repeats)
    return value;
  if (DenseElementsAttr constant = getConstant(value)) {
    auto scalar = RankedTensorType::get({}, type.getElementType());
    return ConstantOp::create(rewriter, value.getLoc(),
                              DenseElementsAttr::get(scalar, constant.getSplatValue<Attribute>()));
  }
  SmallVector<Value> sources =
      llvm::map_to_vector(getSources(value), [&](Value source) { return narrow(rewriter, source, steps + 1); });
  if (value.getDefiningOp<ExpandOp>())
    return sources.front();
  int64_t rank = 0;
  for (Value source : sources)
    rank = std::max(rank, typeOf(source).getRank());
  Operation *copy = rewriter.clone(*value.getDefiningOp());
  copy->setOperands(sources);
  copy->getResult(0).setType(makeTensorType(ArrayRef(dims).take_back(rank), type.getElementType()));
  return copy->getResult(0);
}

/// A mask that is the same for all rows (of padding) is a row.
struct NarrowMask : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    auto maps = llvm::to_vector(op.getIndexingMaps().getAsValueRange<AffineMapAttr>());
    SmallVector<Value> masks(op.getMasks());
    for (auto [number, mask] : llvm::enumerate(masks)) {
      Value narrowed = narrow(rewriter, mask);
      ArrayRef<int64_t> shape = typeOf(narrowed).getShape();
      AffineMap &map = maps[3 + number];
      SmallVector<AffineExpr> indices(map.getResults().take_back(shape.size()));
      for (auto [index, size] : llvm::zip_equal(indices, shape))
        if (size == 1)
          index = rewriter.getAffineConstantExpr(0);
      if (narrowed != mask)
        map = AffineMap::get(map.getNumDims(), 0, indices, op.getContext());
      mask = narrowed;
    }
    if (llvm::equal(masks, op.getMasks()))
      return rewriter.notifyMatchFailure(op, "no mask repeats itself");
    rewriter.modifyOpInPlace(op, [&] {
      op.getMasksMutable().assign(masks);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

} // namespace

void populateNarrowMasks(RewritePatternSet &patterns) { patterns.add<NarrowMask>(patterns.getContext()); }

} // namespace nncc::nn
