//===- Vision.cpp - resizing to loops -------------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

/// Arithmetic on f64 coordinates and indices at one place.
struct Calculator {
  OpBuilder &b;
  Location loc;

  Value number(double value) { return constantOf(b, loc, b.getF64Type(), value); }
  Value index(int64_t value) { return constantIndex(b, loc, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value floor(Value x) { return math::FloorOp::create(b, loc, x); }
  Value ceil(Value x) { return math::CeilOp::create(b, loc, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y); }
  Value lessEqual(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y); }
  Value equal(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }
  Value toNumber(Value i) {
    return arith::SIToFPOp::create(b, loc, b.getF64Type(), arith::IndexCastOp::create(b, loc, b.getI64Type(), i));
  }
  Value toIndex(Value x) {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), castScalar(b, loc, x, b.getF64Type(), b.getI64Type()));
  }
  Value clamp(Value i, Value last) {
    return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, i, index(0)), last);
  }
};

/// What all elements of a result share: f64 values of the schedule.
struct ResizeSetup {
  Value scale, inputSize, outputSize, roiStart, roiEnd;
};

/// Where element `o` of the result is taken.
Value sourceCoordinate(Calculator c, StringRef mode, Value o, const ResizeSetup &s) {
  Value one = c.number(1), half = c.number(0.5);
  Value stretched = c.mul(s.scale, s.inputSize); // the size of the result before it was rounded
  Value centred = c.sub(c.div(c.add(o, half), s.scale), half);
  Value single = c.equal(stretched, one);
  if (mode == "half_pixel")
    return centred;
  if (mode == "pytorch_half_pixel")
    return c.select(single, c.number(-0.5), centred);
  if (mode == "asymmetric")
    return c.div(o, s.scale);
  if (mode == "half_pixel_symmetric") {
    Value center = c.mul(s.inputSize, half);
    return c.add(c.mul(center, c.sub(one, c.div(s.outputSize, stretched))), centred);
  }
  Value lastInput = c.sub(s.inputSize, one), steps = c.select(single, one, c.sub(stretched, one));
  if (mode == "align_corners")
    return c.select(single, c.number(0), c.div(c.mul(o, lastInput), steps));
  Value span = c.mul(c.sub(s.roiEnd, s.roiStart), lastInput);
  Value along = c.select(single, c.mul(span, half), c.div(c.mul(o, span), steps));
  return c.add(along, c.mul(s.roiStart, lastInput));
}

Value nearestIndex(Calculator c, StringRef rounding, Value x) {
  Value half = c.number(0.5);
  if (rounding == "floor")
    return c.floor(x);
  if (rounding == "ceil")
    return c.ceil(x);
  return rounding == "round_prefer_floor" ? c.ceil(c.sub(x, half)) : c.floor(c.add(x, half));
}

/// The weight of an element at a distance from the place, for filters of half-width 1 and 2.
Value filterWeight(Calculator c, bool isCubic, double a, Value distance) {
  Value d = c.abs(distance), zero = c.number(0), one = c.number(1);
  if (!isCubic)
    return c.select(c.less(d, one), c.sub(one, d), zero);
  Value d2 = c.mul(d, d), d3 = c.mul(d2, d);
  Value inner = c.add(c.sub(c.mul(c.number(a + 2), d3), c.mul(c.number(a + 3), d2)), one);
  Value outer = c.sub(c.add(c.sub(c.mul(c.number(a), d3), c.mul(c.number(5 * a), d2)), c.mul(c.number(8 * a), d)),
                      c.number(4 * a));
  return c.select(c.lessEqual(d, one), inner, c.select(c.less(d, c.number(2)), outer, zero));
}

struct ResizeAxisLowering : Lowering<nn::ResizeAxisOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ResizeAxisOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = op.getAxis();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Calculator c{rewriter, loc};
    Value inputSize = asIndex(rewriter, loc, sizes[axis]);
    nn::Dim known = nn::Dim::of(nn::typeOf(op.getResult()), axis);
    sizes[axis] = known.isUnknown() ? elementAsSize(rewriter, loc, op.getSize(), adaptor.getSize(), 0)
                                    : materialize(rewriter, loc, known);
    Value outputSize = asIndex(rewriter, loc, sizes[axis]);
    checkSizes(rewriter, loc, inputSize, outputSize);
    ResizeSetup setup{scalar(rewriter, loc, op.getScale(), adaptor.getScale(), 0),
                      c.toNumber(inputSize),
                      c.toNumber(outputSize),
                      {},
                      {}};
    if (op.getRoi()) {
      setup.roiStart = scalar(rewriter, loc, op.getRoi(), adaptor.getRoi(), 0);
      setup.roiEnd = scalar(rewriter, loc, op.getRoi(), adaptor.getRoi(), 1);
    }
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()), adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return sample(op, Calculator{b, l}, point, inputs[0], setup, input.getElementType());
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  static Value scalar(OpBuilder &b, Location loc, Value original, Value converted, int64_t index) {
    SmallVector<int64_t> position(nn::typeOf(original).getRank(), index);
    return castScalar(b, loc, readElement(b, loc, converted, position), nn::typeOf(original).getElementType(),
                      b.getF64Type());
  }

  static void checkSizes(OpBuilder &b, Location loc, Value inputSize, Value outputSize) {
    Value zero = constantIndex(b, loc, 0);
    Value valid = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, outputSize, zero);
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, inputSize, zero);
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, outputSize, zero);
    exec::CheckOp::create(b, loc, arith::AndIOp::create(b, loc, valid, arith::OrIOp::create(b, loc, any, none)),
                          b.getStringAttr("a tensor cannot be resized to this size"));
  }

  static Value sample(nn::ResizeAxisOp op, Calculator c, ValueRange point, Value input, const ResizeSetup &setup,
                      Type type) {
    int64_t axis = op.getAxis();
    Value x = sourceCoordinate(c, op.getCoordinates(), c.toNumber(point[axis]), setup);
    Value last = arith::SubIOp::create(c.b, c.loc, memref::DimOp::create(c.b, c.loc, input, axis), c.index(1));
    auto load = [&](OpBuilder &b, Value at) {
      SmallVector<Value> position(point);
      position[axis] = Calculator{b, c.loc}.clamp(at, last);
      return memref::LoadOp::create(b, c.loc, input, position).getResult();
    };
    Value result = op.getMode() == "nearest" ? load(c.b, c.toIndex(nearestIndex(c, op.getRounding(), x)))
                                             : interpolate(op, c, x, last, setup, type, load);
    if (op.getCoordinates() != "tf_crop_and_resize")
      return result;
    Value outside = c.either(c.less(x, c.number(0)), c.less(c.sub(setup.inputSize, c.number(1)), x));
    Value filler = castScalar(c.b, c.loc, c.number(op.getOutside().convertToDouble()), c.b.getF64Type(), type);
    return c.select(outside, filler, result);
  }

  /// The weighted mean of the elements under the filter around x.
  static Value interpolate(nn::ResizeAxisOp op, Calculator c, Value x, Value last, const ResizeSetup &setup, Type type,
                           function_ref<Value(OpBuilder &, Value)> load) {
    bool isCubic = op.getMode() == "cubic";
    double reach = isCubic ? 2 : 1;
    Value base = c.floor(x), squeeze = c.number(1);
    // Places of the taps relative to base: -reach + 1 to reach; more of them when a smaller result needs a wider filter.
    Value first = c.index(1 - int64_t(reach)), end = c.index(int64_t(reach) + 1);
    if (op.getAntialias()) {
      squeeze = c.select(c.less(setup.scale, c.number(1)), setup.scale, c.number(1));
      first = c.toIndex(c.add(c.floor(c.div(c.number(-reach), squeeze)), c.number(1)));
      end = arith::SubIOp::create(c.b, c.loc, c.index(2), first);
    }
    Value start = c.toIndex(base), zero = c.number(0);
    auto loop = scf::ForOp::create(
        c.b, c.loc, first, end, c.index(1), ValueRange{zero, zero},
        [&](OpBuilder &b, Location l, Value tap, ValueRange sums) {
          Calculator n{b, l};
          Value at = arith::AddIOp::create(b, l, start, tap);
          Value weight =
              filterWeight(n, isCubic, op.getCubic().convertToDouble(), n.mul(n.sub(n.toNumber(at), x), squeeze));
          if (op.getExcludeOutside()) {
            Value inside = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ule, at, last);
            weight = n.select(inside, weight, n.number(0));
          }
          Value element = castScalar(b, l, load(b, at), type, b.getF64Type());
          scf::YieldOp::create(b, l, ValueRange{n.add(sums[0], n.mul(weight, element)), n.add(sums[1], weight)});
        });
    bool normalised = !op.getAntialias() && !op.getExcludeOutside(); // the weights add up to 1 then
    Value mean = normalised ? loop.getResult(0) : c.div(loop.getResult(0), loop.getResult(1));
    return castScalar(c.b, c.loc, mean, c.b.getF64Type(), type);
  }
};

} // namespace

void populateVision(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ResizeAxisLowering>(converter, patterns.getContext());
}

} // namespace nncc
