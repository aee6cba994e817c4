//===- Vision.cpp - resampling to loops -----------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

/// Filters of up to so many taps are written out; longer ones are a loop.
constexpr int64_t kMaxUnrolledTaps = 8;

class ResampleLowering : public Lowering<nn::ResampleOp> {
public:
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ResampleOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Taps taps{int64_t(op.getAxis()), adaptor.getInput(), nn::typeOf(op.getInput()).getElementType(), {}, {}};
    Value size = asIndex(rewriter, loc, sizes[taps.axis]);
    taps.last = arith::SubIOp::create(rewriter, loc, size, constantIndex(rewriter, loc, 1));
    if (op.getWeights())
      taps.sumType = nn::typeOf(op.getWeights()).getElementType();
    sizes[taps.axis] = sizeOf(rewriter, loc, op.getIndices(), adaptor.getIndices(), 1);
    checkNotEmpty(rewriter, loc, size, asIndex(rewriter, loc, sizes[taps.axis]));
    int64_t width = nn::typeOf(op.getIndices()).getDimSize(0);
    bool isUnrolled = !ShapedType::isDynamic(width) && width <= kMaxUnrolledTaps;
    Value result =
        isUnrolled ? unrolled(rewriter, loc, sizes, adaptor, taps, width) : summed(rewriter, loc, sizes, adaptor, taps);
    replace(op, result, rewriter);
    return success();
  }

private:
  /// What the elements of a result share.
  struct Taps {
    int64_t axis;
    Value input;
    Type type;    ///< of the elements, with the sign
    Value last;   ///< the highest index
    Type sumType; ///< null: elements are moved

    /// The element at `index` along the axis, at the coordinates of the loops along the others.
    Value load(OpBuilder &b, Location loc, Value index) const {
      index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
      index = arith::MaxSIOp::create(b, loc, index, constantIndex(b, loc, 0));
      SmallVector<Value> point;
      for (int64_t dim = 0, rank = cast<RankedTensorType>(input.getType()).getRank(); dim < rank; ++dim)
        point.push_back(dim == axis ? arith::MinSIOp::create(b, loc, index, last).getResult()
                                    : linalg::IndexOp::create(b, loc, dim).getResult());
      return tensor::ExtractOp::create(b, loc, input, point);
    }

    Value addTo(OpBuilder &b, Location loc, Value sum, Value index, Value weight) const {
      Value element = castScalar(b, loc, load(b, loc, index), type, sumType);
      Value product = arith::MulFOp::create(b, loc, weight, element);
      return sum ? arith::AddFOp::create(b, loc, sum, product).getResult() : product;
    }
  };

  static void checkNotEmpty(OpBuilder &b, Location loc, Value inputSize, Value outputSize) {
    Value zero = constantIndex(b, loc, 0);
    Value any = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt, inputSize, zero);
    if (matchPattern(any, m_One()))
      return;
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, outputSize, zero);
    exec::CheckOp::create(b, loc, arith::OrIOp::create(b, loc, any, none),
                          b.getStringAttr("an empty tensor cannot be resized"));
  }

  /// One loop nest; row t of a table is an operand that only the loop along the axis moves.
  static Value unrolled(OpBuilder &b, Location loc, const Sizes &sizes, OpAdaptor adaptor, const Taps &taps,
                        int64_t width) {
    SmallVector<LoopOperand> rows;
    for (Value table : {adaptor.getIndices(), adaptor.getWeights()})
      for (int64_t t = 0; table && t < width; ++t)
        rows.push_back(
            {table, AffineMap::get(sizes.size(), 0, {b.getAffineConstantExpr(t), b.getAffineDimExpr(taps.axis)},
                                   b.getContext())});
    return mapElements(b, loc, sizes, convertElementType(taps.type), rows,
                       [&](OpBuilder &b, Location l, ValueRange row) {
                         if (!taps.sumType)
                           return taps.load(b, l, row[0]);
                         Value sum;
                         for (int64_t t = 0; t < width; ++t)
                           sum = taps.addTo(b, l, sum, row[t], row[width + t]);
                         return castScalar(b, l, sum, taps.sumType, taps.type);
                       });
  }

  /// A reduction over the rows of the tables.
  static Value summed(OpBuilder &b, Location loc, const Sizes &sizes, OpAdaptor adaptor, const Taps &taps) {
    int64_t rank = sizes.size();
    AffineMap table =
        AffineMap::get(rank + 1, 0, {b.getAffineDimExpr(rank), b.getAffineDimExpr(taps.axis)}, b.getContext());
    AffineMap whole = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext()).dropResult(rank);
    SmallVector<utils_iterator> iterators(rank, utils_iterator::parallel);
    iterators.push_back(utils_iterator::reduction);
    Value zero = fillTensor(b, loc, sizes, constantOf(b, loc, taps.sumType, 0));
    auto sum = linalg::GenericOp::create(b, loc, zero.getType(), ValueRange{adaptor.getIndices(), adaptor.getWeights()},
                                         zero, ArrayRef<AffineMap>{table, table, whole}, iterators,
                                         [&](OpBuilder &b, Location l, ValueRange row) {
                                           linalg::YieldOp::create(b, l, taps.addTo(b, l, row[2], row[0], row[1]));
                                         });
    return mapElements(b, loc, sizes, convertElementType(taps.type),
                       LoopOperand{sum.getResult(0), b.getMultiDimIdentityMap(rank)},
                       [&](OpBuilder &b, Location l, ValueRange values) {
                         return castScalar(b, l, values[0], taps.sumType, taps.type);
                       });
  }
};

} // namespace

void populateVision(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ResampleLowering>(converter, patterns.getContext());
}

} // namespace nncc
