//===- Convolution.cpp - convolutions to exec.conv ------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "Lowering.h"
#include "Products.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

/// Only channels-last ones: --nn-channels-last has rewritten the others.
struct ConvLowering : Lowering<nn::ConvOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ConvOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (!op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "channels are not last");
    Location loc = op.getLoc();
    auto filterType = cast<RankedTensorType>(adaptor.getFilter().getType());
    if (!filterType.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the filter's size is not known");
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes sizes = {inputSizes.front()};
    int64_t spatialRank = op.getStrides().size();
    for (int64_t i = 0; i < spatialRank; ++i)
      sizes.push_back(positions(op, filterType, i, inputSizes[i + 1], rewriter));
    sizes.push_back(rewriter.getIndexAttr(filterType.getShape().back() * op.getGroups()));

    // Negative pads crop; the root takes none.
    Value input = adaptor.getInput();
    SmallVector<int64_t> pads(op.getPads());
    input = crop(loc, input, inputSizes, pads, rewriter);
    Value init = emptyTensor(rewriter, loc, sizes, nn::typeOf(op.getResult()).getElementType());
    Value outside;
    if (op.getOutside())
      outside = readElement(rewriter, loc, adaptor.getOutside(),
                            SmallVector<int64_t>(nn::typeOf(op.getOutside()).getRank(), 0));
    auto conv = exec::ConvOp::create(rewriter, loc, init.getType(), input, adaptor.getFilter(), adaptor.getBias(),
                                     outside, init, op.getStrides(), op.getDilations(), pads, op.getGroups(),
                                     isWidenedUnsigned(op.getInput()), isWidenedUnsigned(op.getFilter()),
                                     /*packed=*/DenseI64ArrayAttr());
    replace(op, conv.getResult(), rewriter);
    return success();
  }

private:
  static OpFoldResult positions(nn::ConvOp op, RankedTensorType filter, int64_t i, OpFoldResult size, OpBuilder &b) {
    Location loc = op.getLoc();
    nn::Dim known = nn::Dim::of(nn::typeOf(op.getResult()), i + 1);
    if (!known.isUnknown())
      return materialize(b, loc, known);
    int64_t extent = op.getDilations()[i] * (filter.getDimSize(i + 1) - 1) + 1;
    int64_t room = op.getPads()[i] + op.getPads()[op.getStrides().size() + i] - extent;
    Value space = asIndex(b, loc, addSizes(b, loc, size, b.getIndexAttr(room)));
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, space, constantIndex(b, loc, 0));
    exec::CheckOp::create(b, loc, fits, b.getStringAttr("a convolution's window does not fit its padded input"));
    Value steps = arith::FloorDivSIOp::create(b, loc, space, constantIndex(b, loc, op.getStrides()[i]));
    return arith::AddIOp::create(b, loc, steps, constantIndex(b, loc, 1)).getResult();
  }

  static Value crop(Location loc, Value input, const Sizes &sizes, SmallVectorImpl<int64_t> &pads, OpBuilder &b) {
    if (llvm::none_of(pads, [](int64_t pad) { return pad < 0; }))
      return input;
    int64_t spatialRank = pads.size() / 2;
    Sizes cropped(sizes);
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0, rank = sizes.size(); i < rank; ++i)
      exprs.push_back(b.getAffineDimExpr(i));
    for (int64_t i = 0; i < spatialRank; ++i) {
      int64_t begin = std::min<int64_t>(pads[i], 0), end = std::min<int64_t>(pads[spatialRank + i], 0);
      cropped[i + 1] = addSizes(b, loc, cropped[i + 1], b.getIndexAttr(begin + end));
      exprs[i + 1] = exprs[i + 1] - begin;
      pads[i] -= begin;
      pads[spatialRank + i] -= end;
    }
    Type elementType = cast<RankedTensorType>(input.getType()).getElementType();
    return generateElements(
        b, loc, cropped, elementType, [&](OpBuilder &nested, Location nestedLoc, ValueRange point) -> Value {
          SmallVector<Value> position;
          for (auto [index, expr] : llvm::enumerate(exprs))
            position.push_back(
                affine::AffineApplyOp::create(nested, nestedLoc, AffineMap::get(sizes.size(), 0, expr), point));
          return tensor::ExtractOp::create(nested, nestedLoc, input, position);
        });
  }
};

} // namespace

void populateConvolution(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConvLowering>(converter, patterns.getContext());
}

} // namespace nncc
