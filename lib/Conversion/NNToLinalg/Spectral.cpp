//===- Spectral.cpp - Fourier transforms and determinants to loops --------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/Body.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include <numbers>

using namespace mlir;

namespace nncc {
namespace {

/// Each element of the result is a sum over the signal; sines and cosines are tabulated first.
struct DftLowering : Lowering<nn::DftOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::DftOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Body c(rewriter, loc);
    RankedTensorType input = nn::typeOf(op.getInput());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    OpFoldResult parts = sizes.pop_back_val();
    AxisSplit split = splitAtAxis(rewriter, loc, sizes, op.getAxis(), adaptor.getAxis(), input.getRank());
    Value length = asIndex(rewriter, loc, elementAsSize(rewriter, loc, op.getLength(), adaptor.getLength(), 0));
    if (!getConstantIntValue(length))
      exec::CheckOp::create(rewriter, loc, c.less(c.index(0), length),
                            rewriter.getStringAttr("the length of a Fourier transform is not positive"));
    bool isHalf = op.getKind() == "half", isReal = op.getKind() == "real";
    Value count = isHalf ? c.add(c.div(length, c.index(2)), c.index(1)) : length;
    Value signal = reshapeTensor(
        rewriter, loc, adaptor.getInput(),
        {getAsOpFoldResult(split.outer), getAsOpFoldResult(split.length), getAsOpFoldResult(split.inner), parts});
    Sizes results = getAsOpFoldResult(ValueRange{split.outer, count, split.inner});
    results.push_back(rewriter.getIndexAttr(isReal ? 1 : 2));
    Value init = emptyTensor(rewriter, loc, results, convertElementType(input.getElementType()));
    Value cosines = tabulate<math::CosOp>(rewriter, loc, length), sines = tabulate<math::SinOp>(rewriter, loc, length);
    auto grid =
        exec::GridOp::create(rewriter, loc, {split.outer, count, split.inner}, ValueRange{signal, cosines, sines}, init,
                             [&](OpBuilder &b, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                               emitElement(op, Body(b, l), length, point, ins, outs[0]);
                             });
    Sizes whole;
    for (auto [i, size] : llvm::enumerate(sizes)) {
      Value isAxis = c.equal(c.index(i), split.axis);
      whole.push_back(getAsOpFoldResult(c.select(isAxis, count, asIndex(rewriter, loc, size))));
    }
    whole.push_back(results.back());
    replace(op, reshapeTensor(rewriter, loc, grid.getResult(0), whole), rewriter);
    return success();
  }

private:
  template <typename OpTy> static Value tabulate(OpBuilder &b, Location loc, Value length) {
    return generateElements(b, loc, getAsOpFoldResult(length), b.getF64Type(),
                            [&](OpBuilder &nested, Location l, ValueRange point) -> Value {
                              Body c(nested, l);
                              auto real = [&](Value index) {
                                return castScalar(nested, l, c.toInteger(index), nested.getI64Type(),
                                                  nested.getF64Type());
                              };
                              Value turns = c.div(real(point[0]), real(length));
                              Value angle = c.mul(turns, c.number(nested.getF64Type(), 2 * std::numbers::pi));
                              return OpTy::create(nested, l, angle);
                            });
  }

  static void emitElement(nn::DftOp op, Body c, Value length, ValueRange point, ValueRange ins, Value target) {
    bool isReal = op.getKind() == "real", isForward = op.getKind() == "forward" || op.getKind() == "half";
    Type type = nn::typeOf(op.getInput()).getElementType(), wide = c.b.getF64Type();
    int64_t parts = nn::typeOf(op.getInput()).getShape().back();
    Value zero = c.number(wide, 0), used = isReal ? c.add(c.div(length, c.index(2)), c.index(1)) : length;
    Value end = c.min(used, c.dim(ins[0], 1));
    Body::Values sums =
        c.loop(c.index(0), end, {zero, zero, c.index(0)}, [&](Body n, Value j, ValueRange carried) -> Body::Values {
          auto part = [&](int64_t k) {
            return castScalar(n.b, n.loc, n.load(ins[0], {point[0], j, point[2], n.index(k)}), type, wide);
          };
          Value x = part(0), y = parts == 2 ? part(1) : zero;
          if (isReal) { // the other half is the mirror image of this one
            Value isAlone = n.either(n.equal(j, n.index(0)), n.equal(n.add(j, j), length));
            Value weight = n.select(isAlone, n.number(wide, 1), n.number(wide, 2));
            x = n.mul(x, weight);
            y = n.mul(y, weight);
          }
          Value cosine = n.load(ins[1], carried[2]), sine = n.load(ins[2], carried[2]);
          if (isForward)
            sine = n.sub(zero, sine);
          Value real = n.add(carried[0], n.sub(n.mul(x, cosine), n.mul(y, sine)));
          Value imaginary = n.add(carried[1], n.add(n.mul(x, sine), n.mul(y, cosine)));
          // j * k modulo the length
          Value next = n.add(carried[2], point[1]), wrapped = n.sub(next, length);
          return {real, imaginary, n.select(n.less(next, length), next, wrapped)};
        });
    Value factor = c.number(wide, 1);
    if (!isForward)
      factor = c.div(factor, castScalar(c.b, c.loc, c.toInteger(length), c.b.getI64Type(), wide));
    for (int64_t k = 0; k < (isReal ? 1 : 2); ++k)
      c.store(castScalar(c.b, c.loc, c.mul(sums[k], factor), wide, type), target,
              {point[0], point[1], point[2], c.index(k)});
  }
};

/// Gaussian elimination with the largest element of each column, on a copy in f64.
struct DetLowering : Lowering<nn::DetOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::DetOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = nn::typeOf(op.getInput()).getElementType();
    Sizes batch = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    OpFoldResult columns = batch.pop_back_val(), rows = batch.pop_back_val(), count = rewriter.getIndexAttr(1);
    if (!getConstantIntValue(columns) || !getConstantIntValue(rows)) {
      Value square = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, asIndex(rewriter, loc, rows),
                                           asIndex(rewriter, loc, columns));
      exec::CheckOp::create(rewriter, loc, square, rewriter.getStringAttr("Det needs square matrices"));
    }
    for (OpFoldResult size : batch)
      count = mulSizes(rewriter, loc, count, size);
    Value matrices = reshapeTensor(rewriter, loc, adaptor.getInput(), {count, rows, columns});
    Value copies = mapElements(
        rewriter, loc, {count, rows, columns}, rewriter.getF64Type(),
        LoopOperand{matrices, rewriter.getMultiDimIdentityMap(3)},
        [&](OpBuilder &b, Location l, ValueRange values) { return castScalar(b, l, values[0], type, b.getF64Type()); });
    Value init = emptyTensor(rewriter, loc, count, convertElementType(type));
    auto grid = exec::GridOp::create(
        rewriter, loc, asIndex(rewriter, loc, count), ValueRange(), ValueRange{copies, init},
        [&](OpBuilder &b, Location l, ValueRange point, ValueRange, ValueRange outs) {
          Body c(b, l);
          c.store(castScalar(b, l, eliminate(c, outs[0], point[0]), b.getF64Type(), type), outs[1], point[0]);
        });
    replace(op, reshapeTensor(rewriter, loc, grid.getResult(1), batch), rewriter);
    return success();
  }

private:
  static Value eliminate(Body c, Value matrices, Value number) {
    Type wide = c.b.getF64Type();
    Value size = c.dim(matrices, 1), one = c.index(1), zero = c.number(wide, 0);
    auto load = [&](Body n, Value row, Value column) { return n.load(matrices, {number, row, column}); };
    auto store = [&](Body n, Value value, Value row, Value column) { n.store(value, matrices, {number, row, column}); };
    return c.loop(c.index(0), size, c.number(wide, 1), [&](Body n, Value k, ValueRange product) -> Body::Values {
      Body::Values best =
          n.loop(k, size, {k, n.number(wide, -1)}, [&](Body m, Value row, ValueRange carried) -> Body::Values {
            Value magnitude = math::AbsFOp::create(m.b, m.loc, load(m, row, k));
            Value better = m.less(carried[1], magnitude);
            return {m.select(better, row, carried[0]), m.select(better, magnitude, carried[1])};
          });
      Value isMoved = n.isNot(n.equal(best[0], k));
      n.when(isMoved, [&](Body m) {
        m.loop(k, size, [&](Body q, Value column) {
          Value upper = load(q, k, column);
          store(q, load(q, best[0], column), k, column);
          store(q, upper, best[0], column);
        });
      });
      Value pivot = load(n, k, k);
      n.when(n.isNot(n.equal(pivot, zero)), [&](Body m) {
        m.loop(m.add(k, one), size, [&](Body q, Value row) {
          Value factor = q.div(load(q, row, k), pivot);
          q.loop(q.add(k, one), size, [&](Body r, Value column) {
            store(r, r.sub(load(r, row, column), r.mul(factor, load(r, k, column))), row, column);
          });
        });
      });
      Value signedPivot = n.select(isMoved, n.sub(zero, pivot), pivot);
      return {n.mul(product[0], signedPivot)};
    })[0];
  }
};

} // namespace

void populateSpectral(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<DftLowering, DetLowering>(converter, patterns.getContext());
}

} // namespace nncc
