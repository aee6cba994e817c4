//===- Attention.cpp - scaled dot-product attention to exec.attention -----------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Attention.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Support/AttentionMaps.h"

using namespace mlir;

namespace nncc {
namespace {

struct AttentionLowering : Lowering<nn::AttentionOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::AttentionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto attributes = op.getIndexingMaps().getAsValueRange<AffineMapAttr>();
    SmallVector<AffineMap> all(attributes.begin(), attributes.end());
    AttentionMaps maps(all);
    SmallVector<OpFoldResult> sizes;
    for (unsigned dim = 0; dim < maps.getNumDims(); ++dim)
      sizes.push_back(getSize(op, adaptor, maps, dim, rewriter));
    Sizes shape;
    for (AffineExpr expr : all.back().getResults()) {
      AttentionIndex index = *AttentionIndex::of(expr);
      shape.push_back(index.dim ? sizes[*index.dim] : OpFoldResult(rewriter.getIndexAttr(1)));
    }
    Value init = emptyTensor(rewriter, loc, shape, nn::typeOf(op.getQuery()).getElementType());
    Value result = exec::AttentionOp::create(rewriter, loc, init.getType(), adaptor.getQuery(), adaptor.getKey(),
                                             adaptor.getValue(), adaptor.getMasks(), init, op.getIndexingMapsAttr(),
                                             op.getScaleAttr(), op.getNanAsZeroAttr());
    replace(op, result, rewriter);
    return success();
  }

private:
  /// The size of a dim; operands of which inference does not know that they agree are compared at run time.
  static OpFoldResult getSize(nn::AttentionOp op, OpAdaptor adaptor, const AttentionMaps &maps, unsigned dim,
                              OpBuilder &b) {
    SmallVector<RankedTensorType> types =
        llvm::map_to_vector(op.getOperands(), [](Value operand) { return nn::typeOf(operand); });
    auto place = maps.findSize(dim, types);
    auto sizeAt = [&](std::pair<unsigned, unsigned> at) {
      return sizeOf(b, op.getLoc(), op->getOperand(at.first), adaptor.getOperands()[at.first], at.second);
    };
    OpFoldResult size = sizeAt(place);
    for (auto use : maps.findUses(dim)) {
      if (use.first >= types.size() || use == place ||
          nn::Dim::of(types[use.first], use.second) == nn::Dim::of(types[place.first], place.second))
        continue;
      Value same = arith::CmpIOp::create(b, op.getLoc(), arith::CmpIPredicate::eq, asIndex(b, op.getLoc(), size),
                                         asIndex(b, op.getLoc(), sizeAt(use)));
      exec::CheckOp::create(b, op.getLoc(), same, b.getStringAttr("sizes of an attention's operands differ"));
    }
    return size;
  }
};

} // namespace

void populateAttention(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<AttentionLowering>(converter, patterns.getContext());
}

} // namespace nncc
