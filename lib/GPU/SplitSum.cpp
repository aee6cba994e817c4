//===- SplitSum.cpp - sums of very many elements ------------------------------------------------------------------===//

#include "SplitSum.h"
#include "PointPhases.h"
#include "Points.h"
#include "TeamReduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/Reduction.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// How a wide sum is cut.
struct SplitPlan {
  explicit SplitPlan(linalg::GenericOp op) : op(op) {
    for (auto [size, kind] : llvm::zip_equal(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
      bool isReduced = kind == utils::IteratorType::reduction;
      (isReduced ? reduced : parallel).push_back(size);
      (isReduced ? numTerms : numResults) *= size;
    }
    constexpr int64_t termsOfPart = 8192, mostParts = 256;
    numParts = std::clamp<int64_t>(llvm::divideCeil(numTerms, termsOfPart), 1, mostParts);
  }

  /// The loops of the op at a number of a result and a number of a term.
  LoopPoint getPoint(OpBuilder &b, Value result, Value term) {
    auto constants = [&](ArrayRef<int64_t> sizes) {
      return llvm::map_to_vector(
          sizes, [&](int64_t size) -> Value { return arith::ConstantIndexOp::create(b, op.getLoc(), size); });
    };
    SmallVector<Value> outer = nncc::gpu::getPoint(b, op.getLoc(), result, constants(parallel));
    SmallVector<Value> inner = nncc::gpu::getPoint(b, op.getLoc(), term, constants(reduced));
    LoopPoint point;
    ValueRange left = outer, right = inner;
    for (utils::IteratorType kind : op.getIteratorTypesArray()) {
      ValueRange &from = kind == utils::IteratorType::reduction ? right : left;
      point.ivs.push_back(from.front());
      from = from.drop_front();
    }
    return point;
  }

  linalg::GenericOp op;
  SmallVector<int64_t> parallel, reduced;
  int64_t numResults = 1, numTerms = 1, numParts;
};

class SplitPhase : public Phase {
public:
  SplitPhase(KernelPlan &plan, linalg::GenericOp op, ArrayRef<unsigned> reserved)
      : plan(plan), split(op), reserved(reserved) {}

protected:
  /// Where the parts of a result are, as many for each as there are parts.
  Value getParts(OpBuilder &b, Buffers &values, const DeviceFunction &function, unsigned result) {
    linalg::GenericOp op = split.op;
    Value bytes = plan.workspace.getReserved(b, values, function.scratch, reserved[result]);
    auto type = MemRefType::get({split.numResults * split.numParts}, getElementTypeOrSelf(op.getResult(result)));
    Value zero = arith::ConstantIndexOp::create(b, op.getLoc(), 0);
    return memref::ViewOp::create(b, op.getLoc(), type, bytes, zero, ValueRange());
  }
  Value getNeutralOf(OpBuilder &b, unsigned result) {
    return arith::ConstantOp::create(b, split.op.getLoc(), getNeutral(getCombiner(split.op, result)));
  }
  Value join(OpBuilder &b, const DeviceFunction &function, unsigned result, Value value) {
    Team team{getThreads(), 1, true};
    Value zero = arith::ConstantIndexOp::create(b, split.op.getLoc(), 0);
    return joinTeam(b, split.op.getLoc(), getCombiner(split.op, result), value, team, {function.thread, zero},
                    function.shared);
  }

  KernelPlan &plan;
  SplitPlan split;
  SmallVector<unsigned> reserved;
};

/// A block sums a part of the terms of one result.
class PartsPhase : public SplitPhase {
public:
  using SplitPhase::SplitPhase;
  unsigned getThreads() const override { return 256; }
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &) override {
    IndexMath m(b, split.op.getLoc());
    return LaunchShape{m.constant(split.numResults * split.numParts),
                       m.constant(getReductionBytes({getThreads(), 1, true}))};
  }
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;
};

/// A warp joins the parts of one result.
class JoinPhase : public SplitPhase {
public:
  using SplitPhase::SplitPhase;
  unsigned getThreads() const override { return 32; }
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &) override {
    return LaunchShape{arith::ConstantIndexOp::create(b, split.op.getLoc(), split.numResults), {}};
  }
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;
};

} // namespace

LogicalResult PartsPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  linalg::GenericOp op = split.op;
  IndexMath m(b, op.getLoc());
  Value result = m.div(function.block, split.numParts), part = m.rem(function.block, split.numParts);
  int64_t terms = llvm::divideCeil(split.numTerms, split.numParts);
  Value first = m.mul(part, terms), end = m.min(m.add(first, terms), split.numTerms);
  SmallVector<Value> sums;
  for (unsigned number = 0; number < op.getNumResults(); ++number)
    sums.push_back(getNeutralOf(b, number));
  auto loop = scf::ForOp::create(b, op.getLoc(), m.add(first, function.thread), end, m.constant(getThreads()), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    LoopPoint point = split.getPoint(b, result, loop.getInductionVar());
    SmallVector<Value> arguments;
    for (OpOperand *input : op.getDpsInputOperands())
      arguments.push_back(op.payloadUsesValueFromOperand(input) ? loadElement(b, op, *input, values, point) : Value());
    llvm::append_range(arguments, loop.getRegionIterArgs());
    scf::YieldOp::create(b, op.getLoc(), cloneBody(b, op, arguments, point, values.values));
  }
  for (auto [number, sum] : llvm::enumerate(loop.getResults())) {
    Value joined = join(b, function, number, sum), parts = getParts(b, values, function, number);
    m.ifThen(m.equal(function.thread, m.constant(0)),
             [&] { memref::StoreOp::create(b, op.getLoc(), joined, parts, function.block); });
  }
  return success();
}

LogicalResult JoinPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  linalg::GenericOp op = split.op;
  IndexMath m(b, op.getLoc());
  LoopPoint point = split.getPoint(b, function.block, m.constant(0));
  for (unsigned number = 0; number < op.getNumResults(); ++number) {
    Operation *combiner = getCombiner(op, number);
    Value parts = getParts(b, values, function, number), base = m.mul(function.block, split.numParts);
    auto loop = scf::ForOp::create(b, op.getLoc(), function.thread, m.constant(split.numParts),
                                   m.constant(getThreads()), getNeutralOf(b, number));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value next = memref::LoadOp::create(b, op.getLoc(), parts, m.add(base, loop.getInductionVar()));
      scf::YieldOp::create(b, op.getLoc(), combine(b, op.getLoc(), combiner, loop.getRegionIterArg(0), next));
    }
    Value joined = join(b, function, number, loop.getResult(0));
    OpOperand &init = op.getDpsInitsMutable()[number];
    joined = combine(b, op.getLoc(), combiner, loadStart(b, op, init, values, point), joined);
    m.ifThen(m.equal(function.thread, m.constant(0)), [&] {
      storeOperand(b, op.getLoc(), joined, values.values.lookup(op.getResult(number)), op.getMatchingIndexingMap(&init),
                   point);
    });
  }
  return success();
}

bool nncc::gpu::isWideSum(linalg::GenericOp op) {
  constexpr int64_t mostResults = 64, leastTerms = 1 << 16;
  if (op.getNumReductionLoops() == 0 || llvm::any_of(op.getStaticLoopRanges(), ShapedType::isDynamic))
    return false;
  for (unsigned result = 0; result < op.getNumResults(); ++result)
    if (!getCombiner(op, result) || op.getResult(result).use_empty())
      return false;
  SplitPlan split(op);
  return split.numResults > 0 && split.numResults <= mostResults && split.numTerms >= leastTerms;
}

void nncc::gpu::addSplitSum(KernelPlan &plan, linalg::GenericOp op) {
  SplitPlan split(op);
  SmallVector<unsigned> reserved;
  for (Value result : op.getResults()) {
    int64_t bytes = split.numResults * split.numParts * getElementTypeOrSelf(result).getIntOrFloatBitWidth() / 8;
    reserved.push_back(plan.workspace.reserve([bytes, loc = op.getLoc()](OpBuilder &b, Buffers &) -> Value {
      return arith::ConstantIndexOp::create(b, loc, bytes);
    }));
  }
  plan.add<PartsPhase>(plan, op, reserved);
  plan.add<JoinPhase>(plan, op, reserved);
}
