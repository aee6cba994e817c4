//===- Naive.cpp - contractions as one scalar sum a thread --------------------------------------------------------===//
//
// Sums are taken in the order of K, from K = 0, and rounded as exec.matmul says. At level 0 this is what faster code is compared with;
// it also serves whatever that does not.
//
//===----------------------------------------------------------------------------------------------------------------===//

#include "../Contraction.h"
#include "../PointPhases.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/VectorBody.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// The types of a contraction.
struct Elements {
  explicit Elements(Operation *root) {
    left = getElementTypeOrSelf(root->getOperand(0));
    result = getElementTypeOrSelf(root->getResult(0));
    sum = result.isF16() || result.isBF16() ? Float32Type::get(root->getContext()) : result;
    if (auto matmul = dyn_cast<exec::MatMulOp>(root)) {
      leftUnsigned = matmul.getLhsUnsigned();
      rightUnsigned = matmul.getRhsUnsigned();
    } else {
      auto conv = cast<exec::ConvOp>(root);
      leftUnsigned = conv.getInputUnsigned();
      rightUnsigned = conv.getFilterUnsigned();
    }
  }
  Type left, result, sum;
  bool leftUnsigned, rightUnsigned;
};

/// What one thread does.
class NaiveSum {
public:
  NaiveSum(IndexMath &m, const ContractionSite &site, Buffers &values, ValueRange position)
      : m(m), root(site.root), site(site), elements(site.root), values(values), position(position) {}
  void write();

private:
  Value sumMatMul();
  Value sumConv();
  Value sumTaps(unsigned dim, SmallVector<Value> &taps, SmallVector<Value> &at, Value inside, Value sum);
  Value widen(Value value, bool isUnsigned);
  Value multiplyAdd(Value left, Value right, Value sum);
  Value addBias(Value sum);
  Value load(Value tensor, ValueRange indices) {
    return memref::LoadOp::create(m.builder(), m.location(), values.values.lookup(tensor), indices);
  }
  Value zero(Type type) { return arith::ConstantOp::create(m.builder(), m.location(), m.builder().getZeroAttr(type)); }

  IndexMath &m;
  Operation *root;
  const ContractionSite &site;
  Elements elements;
  Buffers &values;
  SmallVector<Value> position;
};

} // namespace

Value NaiveSum::widen(Value value, bool isUnsigned) {
  OpBuilder &b = m.builder();
  if (value.getType() == elements.sum)
    return value;
  if (isa<FloatType>(elements.sum))
    return arith::ExtFOp::create(b, m.location(), elements.sum, value);
  return isUnsigned ? arith::ExtUIOp::create(b, m.location(), elements.sum, value).getResult()
                    : arith::ExtSIOp::create(b, m.location(), elements.sum, value).getResult();
}

Value NaiveSum::multiplyAdd(Value left, Value right, Value sum) {
  OpBuilder &b = m.builder();
  left = widen(left, elements.leftUnsigned);
  right = widen(right, elements.rightUnsigned);
  if (isa<FloatType>(elements.sum))
    return math::FmaOp::create(b, m.location(), left, right, sum);
  return arith::AddIOp::create(b, m.location(), sum, arith::MulIOp::create(b, m.location(), left, right));
}

Value NaiveSum::sumMatMul() {
  auto op = cast<exec::MatMulOp>(root);
  ArrayRef<int64_t> lhsShape = op.getLhs().getType().getShape(), rhsShape = op.getRhsShape();
  int64_t rank = position.size(), missing = rank - int64_t(rhsShape.size());
  SmallVector<Value> left(position), right(position.begin() + missing, position.end());
  for (int64_t i = 0; i < rank - 2; ++i) {
    if (lhsShape[i] == 1)
      left[i] = m.constant(0);
    if (i >= missing && rhsShape[i - missing] == 1)
      right[i - missing] = m.constant(0);
  }
  Value depth = values.toIndex(values.getSizes(op.getLhs()).back());
  return m
      .reduce(depth, zero(elements.sum),
              [&](Value k, ValueRange sum) -> SmallVector<Value> {
                left.back() = k;
                right.end()[op.getTransposeRhs() ? -1 : -2] = k;
                right.end()[op.getTransposeRhs() ? -2 : -1] = position.back();
                return {multiplyAdd(load(op.getLhs(), left), load(op.getRhs(), right), sum.front())};
              })
      .front();
}

Value NaiveSum::sumConv() {
  SmallVector<Value> taps, at;
  Value inside = arith::ConstantIntOp::create(m.builder(), m.location(), 1, 1);
  return sumTaps(0, taps, at, inside, zero(elements.sum));
}

/// Loops over the taps of spatial dim `dim` and those behind it, then over the channels. `at` is where in the input, if `inside`.
Value NaiveSum::sumTaps(unsigned dim, SmallVector<Value> &taps, SmallVector<Value> &at, Value inside, Value sum) {
  auto op = cast<exec::ConvOp>(root);
  OpBuilder &b = m.builder();
  Location loc = m.location();
  unsigned spatial = op.getStrides().size();
  auto size = [&](Value tensor, unsigned i) { return values.toIndex(values.getSizes(tensor)[i]); };
  if (dim < spatial)
    return m
        .reduce(size(op.getFilter(), dim + 1), sum,
                [&](Value tap, ValueRange sums) -> SmallVector<Value> {
                  Value padded =
                      m.add(m.mul(position[dim + 1], op.getStrides()[dim]), m.mul(tap, op.getDilations()[dim]));
                  Value before = m.constant(op.getPads()[dim]), place = m.sub(padded, before);
                  Value isInside = arith::AndIOp::create(b, loc, m.less(place, size(op.getInput(), dim + 1)), inside);
                  isInside = arith::AndIOp::create(
                      b, loc, isInside, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, padded, before));
                  taps.push_back(tap);
                  at.push_back(place);
                  Value result = sumTaps(dim + 1, taps, at, isInside, sums.front());
                  taps.pop_back();
                  at.pop_back();
                  return {result};
                })
        .front();

  Value channels = size(op.getFilter(), spatial + 1), outputs = size(op.getFilter(), spatial + 2);
  Value group = m.div(position.back(), outputs), output = m.rem(position.back(), outputs);
  Value outside = op.getOutside() ? values.values.lookup(op.getOutside()) : zero(elements.left);
  return m
      .reduce(channels, sum,
              [&](Value channel, ValueRange sums) -> SmallVector<Value> {
                SmallVector<Value> source{position.front()}, weight{group};
                llvm::append_range(source, at);
                source.push_back(m.add(m.mul(group, channels), channel));
                auto branch = scf::IfOp::create(b, loc, elements.left, inside, /*withElseRegion=*/true);
                {
                  OpBuilder::InsertionGuard guard(b);
                  b.setInsertionPointToStart(branch.thenBlock());
                  scf::YieldOp::create(b, loc, load(op.getInput(), source));
                  b.setInsertionPointToStart(branch.elseBlock());
                  scf::YieldOp::create(b, loc, outside);
                }
                llvm::append_range(weight, taps);
                weight.append({channel, output});
                return {multiplyAdd(branch.getResult(0), load(op.getFilter(), weight), sums.front())};
              })
      .front();
}

Value NaiveSum::addBias(Value sum) {
  auto conv = dyn_cast<exec::ConvOp>(root);
  if (!conv || !conv.getBias())
    return sum;
  OpBuilder &b = m.builder();
  Value bias = widen(load(conv.getBias(), position.back()), /*isUnsigned=*/false);
  return isa<FloatType>(elements.sum) ? arith::AddFOp::create(b, m.location(), sum, bias).getResult()
                                      : arith::AddIOp::create(b, m.location(), sum, bias).getResult();
}

void NaiveSum::write() {
  OpBuilder &b = m.builder();
  Value sum = addBias(isa<exec::MatMulOp>(root) ? sumMatMul() : sumConv());
  if (elements.result != elements.sum)
    sum = arith::TruncFOp::create(b, m.location(), elements.result, sum);
  llvm::DenseMap<Value, Value> computed{{root->getResult(0), sum}};
  auto store = [&](Value tensor, Value value) {
    computed[tensor] = value;
    if (Value memory = values.values.lookupOrNull(tensor))
      memref::StoreOp::create(b, m.location(), value, memory, position);
  };
  store(root->getResult(0), sum);
  LoopPoint point{position};
  for (linalg::GenericOp generic : site.epilogue) {
    SmallVector<Value> arguments;
    for (OpOperand &operand : generic->getOpOperands()) {
      Value argument = computed.lookup(operand.get());
      if (!argument && generic.payloadUsesValueFromOperand(&operand)) {
        argument = values.values.lookup(operand.get());
        if (isa<MemRefType>(argument.getType()))
          argument = loadOperand(b, m.location(), argument, generic.getMatchingIndexingMap(&operand), point);
      }
      arguments.push_back(argument);
    }
    SmallVector<Value> yielded = cloneBody(b, generic, arguments, point, values.values);
    for (auto [result, value] : llvm::zip_equal(generic.getResults(), yielded))
      store(result, value);
  }
}

namespace {

class NaivePhase : public PointPhase {
public:
  explicit NaivePhase(ContractionSite site) : site(std::move(site)) {}

protected:
  Location getLoc() const override { return site.root->getLoc(); }
  SmallVector<Value> getSizes(OpBuilder &, Buffers &values) override {
    return llvm::map_to_vector(values.getSizes(site.root->getResult(0)),
                               [&](OpFoldResult size) { return values.toIndex(size); });
  }
  void writePoint(OpBuilder &b, Buffers &values, ValueRange point) override {
    IndexMath m(b, getLoc());
    NaiveSum(m, site, values, point).write();
  }

private:
  ContractionSite site;
};

} // namespace

void nncc::gpu::addNaiveContraction(KernelPlan &plan, const ContractionSite &site) { plan.add<NaivePhase>(site); }
