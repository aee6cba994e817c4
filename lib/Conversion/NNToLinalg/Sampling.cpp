//===- Sampling.cpp - grids, regions and blocks of images to loops --------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/Exec/IR/Body.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/Vision.h"
#include "nnccrt/abi.h"

using namespace mlir;

namespace nncc {
namespace {

/// Ends the run unless an image has elements to take.
void checkAnyElement(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes) {
  Body c(b, loc);
  for (OpFoldResult size : sizes) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (!known || *known < 1)
      exec::CheckOp::create(b, loc, c.less(c.index(0), asIndex(b, loc, size)),
                            b.getStringAttr("there is nothing to sample in an image without elements"));
  }
}

/// Coordinates are computed in this type.
Type coordinateType(OpBuilder &b, Type type) { return type.isF64() ? type : Type(b.getF32Type()); }

Value toReal(Body c, Value index, Type real) {
  return castScalar(c.b, c.loc, c.toInteger(index), c.b.getI64Type(), real);
}

/// What does not fit an index becomes the smallest one.
Value toPlace(Body c, Value real) { return c.toIndex(castScalar(c.b, c.loc, real, real.getType(), c.b.getI64Type())); }

Value clampPlace(Body c, Value place, Value size) { return c.min(c.max(place, c.index(0)), c.sub(size, c.index(1))); }

//===----------------------------------------------------------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------------------------------------------------------===//

/// One result element; dims are the spatial ones.
class Sampler {
public:
  Sampler(nn::GridSampleOp op, Body c, ValueRange point, Value input, Value grid)
      : op(op), point(point), input(input), elementType(nn::typeOf(op.getInput()).getElementType()),
        real(coordinateType(c.b, nn::typeOf(op.getGrid()).getElementType())) {
    int64_t spatial = nn::typeOf(op.getInput()).getRank() - 2;
    SmallVector<Value> place = {point[0]};
    llvm::append_range(place, point.drop_front(2));
    for (int64_t i = 0; i < spatial; ++i) {
      SmallVector<Value> at(place);
      at.push_back(c.index(spatial - 1 - i)); // the last dim comes first
      Value stated = castScalar(c.b, c.loc, c.load(grid, at), nn::typeOf(op.getGrid()).getElementType(), real);
      sizes.push_back(c.dim(input, i + 2));
      coordinates.push_back(locate(c, stated, i));
    }
  }

  Value sample(Body c) {
    if (op.getMode() == "nearest") {
      SmallVector<Value> place;
      for (Value coordinate : coordinates)
        place.push_back(toPlace(c, coordinate));
      return pixel(c, place);
    }
    return castScalar(c.b, c.loc, interpolate(c, {}), real, elementType);
  }

private:
  Value number(Body c, double value) { return c.number(real, value); }
  /// The coordinates that -1 and 1 mean.
  Value low(Body c) { return number(c, op.getAlignCorners() ? 0 : -0.5); }
  Value high(Body c, int64_t dim) {
    return c.sub(toReal(c, sizes[dim], real), number(c, op.getAlignCorners() ? 1 : 0.5));
  }

  Value locate(Body c, Value stated, int64_t dim) {
    Value size = toReal(c, sizes[dim], real), half = number(c, 0.5), one = number(c, 1);
    Value x = op.getAlignCorners() ? c.mul(c.mul(c.add(stated, one), half), c.sub(size, one))
                                   : c.mul(c.sub(c.mul(c.add(stated, one), size), one), half);
    if (op.getMode() == "nearest")
      x = math::RoundEvenOp::create(c.b, c.loc, x);
    if (op.getPadding() == "zeros")
      return x;
    Value moved =
        op.getPadding() == "reflection" ? reflect(c, x, dim) : c.min(c.max(x, number(c, 0)), c.sub(size, one));
    Value outside = c.either(c.less(x, low(c)), c.less(high(c, dim), x));
    return c.select(outside, moved, x);
  }

  /// Mirrored at both ends until it is between them.
  Value reflect(Body c, Value x, int64_t dim) {
    Value first = low(c), last = high(c, dim), range = c.sub(last, first);
    Value isBelow = c.less(x, first), isAbove = c.less(last, x);
    Value beyond = c.select(isBelow, c.sub(first, x), c.sub(x, last));
    Value times = math::FloorOp::create(c.b, c.loc, c.div(beyond, range));
    Value rest = c.sub(beyond, c.mul(times, range));
    Value halves = math::FloorOp::create(c.b, c.loc, c.mul(times, number(c, 0.5)));
    Value isEven = c.equal(times, c.add(halves, halves));
    Value near = c.select(isEven, isBelow, isAbove);
    Value result = c.select(near, c.add(first, rest), c.sub(last, rest));
    result = c.select(c.less(number(c, 0), range), result, first); // one element alone
    return c.select(c.either(isBelow, isAbove), result, x);
  }

  /// The element at whole coordinates, or what stands for it outside.
  Value pixel(Body c, ArrayRef<Value> place) {
    SmallVector<Value> at(point.take_front(2));
    Value inside = c.yes();
    for (auto [dim, index] : llvm::enumerate(place)) {
      Value where = index;
      if (op.getPadding() == "zeros")
        inside = c.both(inside, arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, index, sizes[dim]));
      else if (op.getPadding() == "reflection")
        where = toPlace(c, reflect(c, toReal(c, index, real), dim));
      at.push_back(clampPlace(c, where, sizes[dim]));
    }
    Value element = c.load(input, at);
    return op.getPadding() == "zeros" ? c.select(inside, element, c.number(element.getType(), 0)) : element;
  }

  /// The weighted sum over the taps of the dims from `place.size()` on, at the places of those before.
  Value interpolate(Body c, ArrayRef<Value> place) {
    size_t dim = place.size();
    if (dim == coordinates.size())
      return castScalar(c.b, c.loc, pixel(c, place), elementType, real);
    bool isCubic = op.getMode() == "cubic";
    int64_t taps = isCubic ? 4 : 2;
    Value base = math::FloorOp::create(c.b, c.loc, coordinates[dim]);
    Value fraction = c.sub(coordinates[dim], base), start = toPlace(c, base);
    return c.loop(c.index(0), c.index(taps), number(c, 0), [&](Body n, Value tap, ValueRange sum) -> Body::Values {
      Value offset = n.sub(tap, n.index(isCubic ? 1 : 0));
      Value distance = n.sub(fraction, toReal(n, offset, real));
      distance = math::AbsFOp::create(n.b, n.loc, distance);
      Value weight = isCubic ? cubicWeight(n, distance) : n.sub(number(n, 1), distance);
      SmallVector<Value> next(place);
      next.push_back(n.add(start, offset));
      return {n.add(sum[0], n.mul(weight, interpolate(n, next)))};
    })[0];
  }

  /// Keys' filter with a = -0.75.
  Value cubicWeight(Body c, Value d) {
    constexpr double a = -0.75;
    Value d2 = c.mul(d, d), d3 = c.mul(d2, d);
    Value inner = c.add(c.sub(c.mul(number(c, a + 2), d3), c.mul(number(c, a + 3), d2)), number(c, 1));
    Value outer = c.sub(c.mul(number(c, a), d3), c.mul(number(c, 5 * a), d2));
    outer = c.sub(c.add(outer, c.mul(number(c, 8 * a), d)), number(c, 4 * a));
    return c.select(c.lessEqual(d, number(c, 1)), inner, outer);
  }

  nn::GridSampleOp op;
  ValueRange point;
  Value input;
  Type elementType, real;
  SmallVector<Value> sizes, coordinates;
};

struct GridSampleLowering : Lowering<nn::GridSampleOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GridSampleOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), grid = nn::typeOf(op.getGrid());
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput()),
          gridSizes = sizesOf(rewriter, loc, op.getGrid(), adaptor.getGrid());
    checkAnyElement(rewriter, loc, ArrayRef(inputSizes).drop_front(2));
    if (nn::Dim::of(input, 0) != nn::Dim::of(grid, 0)) {
      Value same = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, asIndex(rewriter, loc, inputSizes[0]),
                                         asIndex(rewriter, loc, gridSizes[0]));
      exec::CheckOp::create(rewriter, loc, same, rewriter.getStringAttr("GridSample needs a grid for each image"));
    }
    Sizes sizes = {inputSizes[0], inputSizes[1]};
    sizes.append(gridSizes.begin() + 1, gridSizes.end() - 1);
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()),
                                {adaptor.getInput(), adaptor.getGrid()},
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  Body c(b, l);
                                  return Sampler(op, c, point, inputs[0], inputs[1]).sample(c);
                                });
    replace(op, result, rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// RoiAlign
//===----------------------------------------------------------------------------------------------------------------------===//

/// Samples along one dim of a bin: a region of more than these has been computed from nonsense.
constexpr int64_t kMaxSamples = 1 << 16;

struct RoiAlignLowering : Lowering<nn::RoiAlignOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::RoiAlignOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput()),
          regions = sizesOf(rewriter, loc, op.getRois(), adaptor.getRois());
    checkAnyElement(rewriter, loc, ArrayRef(inputSizes).drop_front(2));
    Value count = asIndex(rewriter, loc, sizeOf(rewriter, loc, op.getImages(), adaptor.getImages(), 0));
    Body c(rewriter, loc);
    exec::CheckOp::create(rewriter, loc,
                          c.both(c.equal(count, asIndex(rewriter, loc, regions[0])),
                                 c.equal(asIndex(rewriter, loc, regions[1]), c.index(4))),
                          rewriter.getStringAttr("RoiAlign needs four numbers and an image for each region"));
    Sizes sizes = {regions[0], inputSizes[1], rewriter.getIndexAttr(op.getHeight()),
                   rewriter.getIndexAttr(op.getWidth())};
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()),
                                {adaptor.getInput(), adaptor.getRois(), adaptor.getImages()},
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return poolBin(op, Body(b, l), point, inputs);
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  /// Where the samples of a bin are along one dim.
  struct Axis {
    Value start, step, count, size;
  };

  static Axis measure(nn::RoiAlignOp op, Body c, ValueRange point, ValueRange inputs, int64_t dim, Type real) {
    Type type = nn::typeOf(op.getInput()).getElementType();
    auto edge = [&](int64_t field) {
      Value value = castScalar(c.b, c.loc, c.load(inputs[1], {point[0], c.index(field)}), type, real);
      return c.sub(c.mul(value, c.number(real, op.getScale().convertToDouble())),
                   c.number(real, op.getHalfPixel() ? 0.5 : 0));
    };
    Value first = edge(1 - dim), extent = c.sub(edge(3 - dim), first);
    if (!op.getHalfPixel())
      extent = c.max(extent, c.number(real, 1));
    Value bin = c.div(extent, c.number(real, double(dim ? op.getWidth() : op.getHeight())));
    Value count = c.index(op.getSamples());
    if (!op.getSamples()) {
      count = c.max(toPlace(c, math::CeilOp::create(c.b, c.loc, bin)), c.index(0));
      Value tooMany = c.less(c.index(kMaxSamples), count);
      exec::FaultOp::create(c.b, c.loc, tooMany, NNCCRT_FAULT_SIZE, count);
      count = c.select(tooMany, c.index(0), count);
    }
    Value start = c.add(first, c.mul(toReal(c, point[2 + dim], real), bin));
    return {start, c.div(bin, toReal(c, c.max(count, c.index(1)), real)), count, c.dim(inputs[0], 2 + dim)};
  }

  struct Corners {
    Value low, high, lowWeight, highWeight, inside;
  };

  static Corners locate(Body c, const Axis &axis, Value sample, Type real) {
    Value zero = c.number(real, 0), one = c.number(real, 1);
    Value x = c.add(axis.start, c.mul(c.add(toReal(c, sample, real), c.number(real, 0.5)), axis.step));
    Value size = toReal(c, axis.size, real);
    Value inside = c.both(c.lessEqual(c.number(real, -1), x), c.lessEqual(x, size));
    x = c.select(c.less(zero, x), x, zero); // NaN is 0 as well: it is not inside
    Value last = c.sub(axis.size, c.index(1));
    Value low = clampPlace(c, toPlace(c, x), axis.size), high = c.min(c.add(low, c.index(1)), last);
    Value atEnd = c.equal(low, last);
    Value fraction = c.select(atEnd, zero, c.sub(x, toReal(c, low, real)));
    return {low, high, c.sub(one, fraction), fraction, inside};
  }

  static Value poolBin(nn::RoiAlignOp op, Body c, ValueRange point, ValueRange inputs) {
    Type type = nn::typeOf(op.getInput()).getElementType(), real = coordinateType(c.b, type);
    Value image = checkedIndex(c.b, c.loc, c.load(inputs[2], point[0]), c.dim(inputs[0], 0));
    Axis rows = measure(op, c, point, inputs, 0, real), columns = measure(op, c, point, inputs, 1, real);
    // No image at all: checkedIndex has reported that, and there is nothing to load.
    rows.count = c.select(c.less(c.index(0), c.dim(inputs[0], 0)), rows.count, c.index(0));
    Value zero = c.number(real, 0);
    Value total = c.loop(c.index(0), rows.count, zero, [&](Body n, Value row, ValueRange outer) -> Body::Values {
      Corners y = locate(n, rows, row, real);
      return n.loop(n.index(0), columns.count, outer, [&](Body m, Value column, ValueRange sum) -> Body::Values {
        Corners x = locate(m, columns, column, real);
        Value products[4];
        for (int64_t i = 0; i < 4; ++i) {
          Value element = m.load(inputs[0], {image, point[1], i < 2 ? y.low : y.high, i % 2 ? x.high : x.low});
          Value weight = m.mul(i < 2 ? y.lowWeight : y.highWeight, i % 2 ? x.highWeight : x.lowWeight);
          products[i] = m.mul(weight, castScalar(m.b, m.loc, element, type, real));
        }
        Value inside = m.both(y.inside, x.inside);
        if (!op.getMax()) {
          Value all = m.add(m.add(products[0], products[1]), m.add(products[2], products[3]));
          return {m.add(sum[0], m.select(inside, all, zero))};
        }
        Value largest = m.max(m.max(products[0], products[1]), m.max(products[2], products[3]));
        largest = m.select(inside, largest, zero);
        Value isFirst = m.both(m.equal(row, m.index(0)), m.equal(column, m.index(0)));
        return {m.select(isFirst, largest, m.max(sum[0], largest))};
      });
    })[0];
    if (!op.getMax())
      total = c.div(total, toReal(c, c.max(c.mul(rows.count, columns.count), c.index(1)), real));
    return castScalar(c.b, c.loc, total, real, type);
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Col2Im
//===----------------------------------------------------------------------------------------------------------------------===//

/// Each element of the image sums what the blocks over it have for it.
struct FoldBlocksLowering : Lowering<nn::FoldBlocksOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::FoldBlocksOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Body c(rewriter, loc);
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t spatial = nn::typeOf(op.getImage()).getDimSize(0);
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<Value> image, block, places;
    Value one = c.index(1), volume = one, windows = one, valid = c.yes();
    for (int64_t i = 0; i < spatial; ++i) {
      image.push_back(asIndex(rewriter, loc, elementAsSize(rewriter, loc, op.getImage(), adaptor.getImage(), i)));
      block.push_back(asIndex(rewriter, loc, elementAsSize(rewriter, loc, op.getBlock(), adaptor.getBlock(), i)));
      Value reach = c.add(c.mul(c.sub(block[i], one), c.index(op.getDilations()[i])), one);
      Value padded = c.add(image[i], c.index(op.getPads()[i] + op.getPads()[spatial + i]));
      valid = c.both(valid, c.both(c.lessEqual(one, block[i]),
                                   c.both(c.lessEqual(c.index(0), image[i]), c.lessEqual(reach, padded))));
      places.push_back(c.add(c.div(c.sub(padded, reach), c.index(op.getStrides()[i])), one));
      volume = c.mul(volume, block[i]);
      windows = c.mul(windows, places[i]);
    }
    Value rows = asIndex(rewriter, loc, inputSizes[1]), safe = c.max(volume, one);
    Value channels = c.div(rows, safe);
    valid = c.both(
        valid, c.both(c.equal(c.mul(channels, safe), rows), c.equal(windows, asIndex(rewriter, loc, inputSizes[2]))));
    exec::CheckOp::create(rewriter, loc, valid,
                          rewriter.getStringAttr("blocks do not fit the sizes of image and block"));
    Sizes sizes = {inputSizes[0], getAsOpFoldResult(channels)};
    llvm::append_range(sizes, getAsOpFoldResult(image));
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()), adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return sumBlocks(op, Body(b, l), point, inputs[0], block, places);
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  static Value sumBlocks(nn::FoldBlocksOp op, Body c, ValueRange point, Value input, ArrayRef<Value> block,
                         ArrayRef<Value> places) {
    Type type = nn::typeOf(op.getInput()).getElementType();
    bool isSmall = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
    Type wide = isSmall ? Type(c.b.getF32Type()) : type;
    Value sum = sumFrom(op, c, point, input, block, places, 0, point[1], c.index(0), c.yes(),
                        c.number(convertElementType(wide), 0), wide);
    return castScalar(c.b, c.loc, sum, wide, type);
  }

  /// Over the dims of a block from `dim` on; `row` and `column` are where those before lead to.
  static Value sumFrom(nn::FoldBlocksOp op, Body c, ValueRange point, Value input, ArrayRef<Value> block,
                       ArrayRef<Value> places, size_t dim, Value row, Value column, Value hits, Value sum, Type wide) {
    if (dim == block.size())
      return c.choose(
          hits,
          [&](Body n) -> Body::Values {
            Value element = n.load(input, {point[0], row, column});
            Type type = nn::typeOf(op.getInput()).getElementType();
            return {n.add(sum, castScalar(n.b, n.loc, element, type, wide))};
          },
          [&](Body) -> Body::Values { return {sum}; })[0];
    return c.loop(c.index(0), block[dim], sum, [&](Body n, Value i, ValueRange carried) -> Body::Values {
      Value stride = n.index(op.getStrides()[dim]), zero = n.index(0);
      Value offset =
          n.sub(n.add(point[2 + dim], n.index(op.getPads()[dim])), n.mul(i, n.index(op.getDilations()[dim])));
      Value place = n.div(offset, stride);
      Value here = n.both(n.lessEqual(zero, offset), n.equal(n.mul(place, stride), offset));
      here = n.both(hits, n.both(here, n.less(place, places[dim])));
      return {sumFrom(op, n, point, input, block, places, dim + 1, n.add(n.mul(row, block[dim]), i),
                      n.add(n.mul(column, places[dim]), place), here, carried[0], wide)};
    })[0];
  }
};

} // namespace

void populateSampling(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<GridSampleLowering, RoiAlignLowering, FoldBlocksLowering>(converter, patterns.getContext());
}

} // namespace nncc
