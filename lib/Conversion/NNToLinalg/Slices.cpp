//===- Slices.cpp - slices, pads and concatenation to linalg -----------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/IR/GridLoops.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc {
namespace {

struct SliceLowering : Lowering<nn::SliceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::SliceOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), type = nn::typeOf(op.getResult());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<OpFoldResult> starts(input.getRank(), rewriter.getIndexAttr(0)),
        steps(input.getRank(), rewriter.getIndexAttr(1));
    for (auto [i, stated] : llvm::enumerate(op.getAxes())) {
      int64_t axis = stated < 0 ? stated + input.getRank() : stated;
      auto element = [&](Value original, Value converted) {
        return elementAsSize(rewriter, loc, original, converted, i);
      };
      Bounds bounds = clampBounds(rewriter, loc, sizes[axis], element(op.getStarts(), adaptor.getStarts()),
                                  element(op.getEnds(), adaptor.getEnds()), element(op.getSteps(), adaptor.getSteps()));
      nn::Dim known = nn::Dim::of(type, axis);
      sizes[axis] = known.isUnknown() ? bounds.count : materialize(rewriter, loc, known);
      starts[axis] = bounds.start;
      steps[axis] = bounds.step;
    }
    Type elementType = convertElementType(input.getElementType());
    Value result = areNumbers(starts) && areNumbers(steps)
                       ? read(rewriter, loc, sizes, elementType, adaptor.getInput(), starts, steps)
                       : copy(rewriter, loc, sizes, elementType, adaptor.getInput(), starts, steps);
    replace(op, result, rewriter);
    return success();
  }

private:
  static bool areNumbers(ArrayRef<OpFoldResult> values) {
    return llvm::all_of(values, [](OpFoldResult value) { return getConstantIntValue(value).has_value(); });
  }

  /// A loop nest that fuses with what uses the slice.
  static Value read(OpBuilder &b, Location loc, const Sizes &sizes, Type elementType, Value input,
                    ArrayRef<OpFoldResult> starts, ArrayRef<OpFoldResult> steps) {
    // Not an operand with a map: linalg wants one that moves along with a loop to be as long as the loop.
    return generateElements(b, loc, sizes, elementType, [&](OpBuilder &b, Location l, ValueRange point) -> Value {
      SmallVector<Value> place;
      for (auto [index, start, step] : llvm::zip_equal(point, starts, steps)) {
        AffineExpr expr = b.getAffineDimExpr(0) * *getConstantIntValue(step) + *getConstantIntValue(start);
        place.push_back(affine::makeComposedAffineApply(b, l, expr, {index}));
      }
      return tensor::ExtractOp::create(b, l, input, place);
    });
  }

  /// Where a slice begins is known only when the model runs.
  static Value copy(OpBuilder &b, Location loc, const Sizes &sizes, Type elementType, Value input,
                    ArrayRef<OpFoldResult> starts, ArrayRef<OpFoldResult> steps) {
    SmallVector<Value> startValues, stepValues;
    for (auto [start, step] : llvm::zip_equal(starts, steps)) {
      startValues.push_back(asIndex(b, loc, start));
      stepValues.push_back(asIndex(b, loc, step));
    }
    return generateRows(b, loc, sizes, elementType, input,
                        [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) -> Value {
                          SmallVector<Value> position;
                          for (auto [i, index] : llvm::enumerate(point)) {
                            Value offset = b.createOrFold<arith::MulIOp>(l, index, stepValues[i]);
                            position.push_back(b.createOrFold<arith::AddIOp>(l, startValues[i], offset));
                          }
                          return memref::LoadOp::create(b, l, inputs[0], position);
                        });
  }

  struct Bounds {
    OpFoldResult start, step, count;
  };

  /// NumPy's rules for one axis, at run time where they are not numbers.
  static Bounds clampBounds(OpBuilder &b, Location loc, OpFoldResult size, OpFoldResult start, OpFoldResult end,
                            OpFoldResult step) {
    Value n = asIndex(b, loc, size), by = asIndex(b, loc, step), zero = constantIndex(b, loc, 0),
          one = constantIndex(b, loc, 1);
    if (!getConstantIntValue(step)) {
      Value notZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, by, zero);
      exec::CheckOp::create(b, loc, notZero, b.getStringAttr("a slice has a step of 0"));
    }
    Value forward = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt, by, zero);
    Value low = b.createOrFold<arith::SelectOp>(loc, forward, zero, constantIndex(b, loc, -1));
    Value high = b.createOrFold<arith::SelectOp>(loc, forward, n, b.createOrFold<arith::SubIOp>(loc, n, one));
    auto clamp = [&](OpFoldResult bound) {
      Value at = asIndex(b, loc, bound);
      Value negative = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, at, zero);
      at = b.createOrFold<arith::SelectOp>(loc, negative, b.createOrFold<arith::AddIOp>(loc, at, n), at);
      return b.createOrFold<arith::MinSIOp>(loc, b.createOrFold<arith::MaxSIOp>(loc, at, low), high);
    };
    // A slice from the front begins there, whatever the size is.
    bool isFromFront = isConstantIntValue(start, 0) && getConstantIntValue(step).value_or(0) > 0;
    Value first = isFromFront ? zero : clamp(start), last = clamp(end);
    Value span = b.createOrFold<arith::SubIOp>(loc, last, first);
    Value count = b.createOrFold<arith::MaxSIOp>(loc, countSteps(b, loc, span, by), zero);
    return {getAsOpFoldResult(first), getAsOpFoldResult(by), getAsOpFoldResult(count)};
  }
};

struct PadLowering : Lowering<nn::PadOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::PadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), type = nn::typeOf(op.getResult());
    int64_t rank = input.getRank();
    Type elementType = convertElementType(input.getElementType());
    Sizes sizes, inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<Value> begins;
    for (int64_t i = 0; i < rank; ++i) {
      OpFoldResult begin = elementAsSize(rewriter, loc, op.getPads(), adaptor.getPads(), i);
      OpFoldResult end = elementAsSize(rewriter, loc, op.getPads(), adaptor.getPads(), rank + i);
      nn::Dim known = nn::Dim::of(type, i);
      OpFoldResult size =
          known.isUnknown()
              ? checkedSize(rewriter, loc, addSizes(rewriter, loc, addSizes(rewriter, loc, inputSizes[i], begin), end),
                            "negative pads remove more than there is")
              : materialize(rewriter, loc, known);
      sizes.push_back(size);
      begins.push_back(asIndex(rewriter, loc, begin));
      checkNotEmpty(op, inputSizes[i], size, rewriter);
    }
    Value filler =
        adaptor.getValue() ? onlyElement(rewriter, loc, adaptor.getValue()) : constantOf(rewriter, loc, elementType, 0);
    Value result = generateRows(rewriter, loc, sizes, elementType, adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return padded(b, l, op.getMode(), point, begins, inputs[0], filler);
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  /// Every mode but constant needs something to repeat.
  static void checkNotEmpty(nn::PadOp op, OpFoldResult inputSize, OpFoldResult size, OpBuilder &b) {
    if (op.getMode() == "constant" || getConstantIntValue(inputSize))
      return;
    Location loc = op.getLoc();
    Value zero = constantIndex(b, loc, 0);
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, asIndex(b, loc, inputSize), zero);
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, asIndex(b, loc, size), zero);
    exec::CheckOp::create(b, loc, arith::OrIOp::create(b, loc, any, none),
                          b.getStringAttr("there is nothing to pad an empty dim with"));
  }

  static Value padded(OpBuilder &b, Location loc, StringRef mode, ValueRange point, ArrayRef<Value> begins, Value input,
                      Value filler) {
    SmallVector<Value> position;
    Value inside;
    for (auto [i, index] : llvm::enumerate(point)) {
      Value at = b.createOrFold<arith::SubIOp>(loc, index, begins[i]), size = memref::DimOp::create(b, loc, input, i);
      if (mode != "constant") {
        position.push_back(foldBack(b, loc, mode, at, size));
        continue;
      }
      position.push_back(at);
      // One unsigned comparison covers both ends.
      Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, size);
      inside = inside ? arith::AndIOp::create(b, loc, inside, fits).getResult() : fits;
    }
    if (!inside)
      return memref::LoadOp::create(b, loc, input, position);
    auto choice = scf::IfOp::create(b, loc, filler.getType(), inside, /*withElseRegion=*/true);
    OpBuilder yes = choice.getThenBodyBuilder(), no = choice.getElseBodyBuilder();
    scf::YieldOp::create(yes, loc, memref::LoadOp::create(yes, loc, input, position).getResult());
    scf::YieldOp::create(no, loc, filler);
    return choice.getResult(0);
  }

  /// Where an index beyond the ends reads.
  static Value foldBack(OpBuilder &b, Location loc, StringRef mode, Value at, Value size) {
    Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1),
          last = arith::SubIOp::create(b, loc, size, one);
    if (mode == "edge")
      return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, at, zero), last);
    auto modulo = [&](Value period) {
      Value remainder = arith::RemSIOp::create(b, loc, at, period);
      Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, remainder, zero);
      return arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, remainder, period), remainder)
          .getResult();
    };
    if (mode == "wrap")
      return modulo(size);
    // Reflect: there and back again, without the ends twice.
    Value period = arith::MaxSIOp::create(b, loc, arith::MulIOp::create(b, loc, last, constantIndex(b, loc, 2)), one);
    Value there = modulo(period);
    Value isBack = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, there, last);
    return arith::SelectOp::create(b, loc, isBack, arith::SubIOp::create(b, loc, period, there), there);
  }
};

/// Rows of the operands, one behind the other: dims before the axis are one, dims from the axis on are one.
struct ConcatLowering : Lowering<nn::ConcatOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ConcatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = nn::typeOf(op.getResult());
    int64_t axis = axisFromFront(op.getAxis(), type.getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getInputs().front(), adaptor.getInputs().front());
    checkOtherSizes(op, adaptor, axis, sizes, rewriter);
    OpFoldResult rows = rewriter.getIndexAttr(1), inner = rewriter.getIndexAttr(1), total = rewriter.getIndexAttr(0);
    for (int64_t i = 0; i < type.getRank(); ++i)
      (i < axis ? rows : inner) = i == axis ? inner : mulSizes(rewriter, loc, i < axis ? rows : inner, sizes[i]);
    SmallVector<Value> flat, lengths;
    OpFoldResult along = rewriter.getIndexAttr(0);
    for (auto [original, converted] : llvm::zip_equal(op.getInputs(), adaptor.getInputs())) {
      OpFoldResult size = sizeOf(rewriter, loc, original, converted, axis),
                   length = mulSizes(rewriter, loc, size, inner);
      along = addSizes(rewriter, loc, along, size);
      total = addSizes(rewriter, loc, total, length);
      flat.push_back(reshapeTensor(rewriter, loc, converted, {rows, length}));
      lengths.push_back(asIndex(rewriter, loc, length));
    }
    Value init = emptyTensor(rewriter, loc, {rows, total}, convertElementType(type.getElementType()));
    auto grid =
        exec::GridOp::create(rewriter, loc, asIndex(rewriter, loc, rows), flat, init,
                             [&](OpBuilder &b, Location l, ValueRange row, ValueRange inputs, ValueRange outputs) {
                               Value offset = constantIndex(b, l, 0);
                               for (auto [input, length] : llvm::zip_equal(inputs, lengths)) {
                                 emitLoops(b, l, length, [&](OpBuilder &body, Location bl, ValueRange index) {
                                   Value element =
                                       memref::LoadOp::create(body, bl, input, ValueRange{row[0], index[0]});
                                   Value at = arith::AddIOp::create(body, bl, offset, index[0]);
                                   memref::StoreOp::create(body, bl, element, outputs[0], ValueRange{row[0], at});
                                 });
                                 offset = b.createOrFold<arith::AddIOp>(l, offset, length);
                               }
                             });
    grid->setAttr(exec::independentAttrName, rewriter.getUnitAttr());
    sizes[axis] = along;
    replace(op, reshapeTensor(rewriter, loc, grid.getResult(0), sizes), rewriter);
    return success();
  }

private:
  static void checkOtherSizes(nn::ConcatOp op, OpAdaptor adaptor, int64_t axis, const Sizes &sizes, OpBuilder &b) {
    RankedTensorType first = nn::typeOf(op.getInputs().front());
    for (auto [original, converted] : llvm::drop_begin(llvm::zip_equal(op.getInputs(), adaptor.getInputs())))
      for (int64_t i = 0; i < first.getRank(); ++i) {
        if (i == axis || nn::Dim::of(first, i) == nn::Dim::of(nn::typeOf(original), i))
          continue;
        Value same = arith::CmpIOp::create(b, op.getLoc(), arith::CmpIPredicate::eq, asIndex(b, op.getLoc(), sizes[i]),
                                           asIndex(b, op.getLoc(), sizeOf(b, op.getLoc(), original, converted, i)));
        exec::CheckOp::create(b, op.getLoc(), same, b.getStringAttr("tensors to concatenate differ in another dim"));
      }
  }
};

} // namespace

void populateSlices(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<SliceLowering, PadLowering, ConcatLowering>(converter, patterns.getContext());
}

} // namespace nncc
