//===- FlattenedMatrices.cpp - the first matrix behind the convolutions ---------------------------------------------------===//

#include "Constants.h"
#include "MoveTransposes.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// The transpose to channels first whose result `reshape` flattens, batch by batch; null if it does something else.
TransposeOp getFlattened(ReshapeOp reshape) {
  auto transpose = reshape ? reshape.getInput().getDefiningOp<TransposeOp>() : TransposeOp();
  if (!transpose || typeOf(reshape).getRank() != 2)
    return {};
  RankedTensorType first = typeOf(transpose);
  ArrayRef<int64_t> sizes = first.getShape().drop_front();
  bool isFlat = first.getRank() >= 3 && transpose.getPermutation() == ArrayRef(toChannelsFirst(first.getRank())) &&
                !ShapedType::isDynamicShape(sizes) && Dim::of(typeOf(reshape), 0) == Dim::of(first, 0) &&
                typeOf(reshape).getDimSize(1) == ShapedType::getNumElements(sizes);
  return isFlat ? transpose : TransposeOp();
}

/// matmul(flatten(transpose(x)), w): the rows of a constant w take the order that x has.
struct MatMulOfFlattened : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    TransposeOp transpose = getFlattened(op.getLhs().getDefiningOp<ReshapeOp>());
    RankedTensorType matrix = typeOf(op.getRhs());
    if (!transpose || matrix.getRank() != 2 || !matrix.hasStaticShape() || !isConstant(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "no flattened transpose, or no constant matrix");
    Value lhs = reshapeTo(rewriter, op.getLoc(), transpose.getInput(), getDims(typeOf(op.getLhs())));
    if (!lhs)
      return rewriter.notifyMatchFailure(op, "the shape is not known well enough");
    // C x D1.. x N -> D1.. x C x N.
    int64_t rank = typeOf(transpose).getRank();
    SmallVector<Dim> rows(ArrayRef(getDims(typeOf(transpose))).drop_front());
    rows.push_back(matrix.getDimSize(1));
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
    order.append({0, rank - 1});
    Value rhs = reshapeTo(rewriter, op.getLoc(), op.getRhs(), rows);
    rhs = TransposeOp::create(rewriter, op.getLoc(), rhs, order);
    rhs = reshapeTo(rewriter, op.getLoc(), rhs, getDims(matrix));
    rewriter.replaceOpWithNewOp<MatMulOp>(op, op.getType(), lhs, rhs);
    return success();
  }
};

} // namespace

void populateFlattenedMatrices(RewritePatternSet &patterns) { patterns.add<MatMulOfFlattened>(patterns.getContext()); }

} // namespace nncc::nn
