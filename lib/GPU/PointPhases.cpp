//===- PointPhases.cpp - phases of one thread a point -------------------------------------------------------------===//

#include "PointPhases.h"
#include "Points.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/IR/GridLoops.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/Loops.h"
#include "nncc/Kernel/VectorBody.h"
#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static SmallVector<Value> getTensorSizes(Buffers &values, Value tensor) {
  return llvm::map_to_vector(values.getSizes(tensor), [&](OpFoldResult size) { return values.toIndex(size); });
}

FailureOr<LaunchShape> PointPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, getLoc());
  return LaunchShape{m.ceilDiv(getNumPoints(b, getLoc(), getSizes(b, values)), getThreads()), {}};
}

LogicalResult PointPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, getLoc());
  SmallVector<Value> sizes = getSizes(b, values);
  Value number = m.add(m.mul(function.block, getThreads()), function.thread);
  m.ifThen(m.less(number, getNumPoints(b, getLoc(), sizes)),
           [&] { writePoint(b, values, getPoint(b, getLoc(), number, sizes)); });
  return success();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Moves
//===----------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> FillPhase::getSizes(OpBuilder &, Buffers &values) { return getTensorSizes(values, result); }

void FillPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  memref::StoreOp::create(b, getLoc(), values.values.lookup(scalar), values.values.lookup(result), point);
}

SmallVector<Value> CopyPhase::getSizes(OpBuilder &, Buffers &values) { return getTensorSizes(values, result); }

void CopyPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  Value element = memref::LoadOp::create(b, getLoc(), values.values.lookup(source), point);
  memref::StoreOp::create(b, getLoc(), element, values.values.lookup(result), point);
}

SmallVector<Value> YieldPhase::getSizes(OpBuilder &, Buffers &values) { return getTensorSizes(values, yielded()); }

void YieldPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  Value element = memref::LoadOp::create(b, getLoc(), values.values.lookup(yielded()), point);
  memref::StoreOp::create(b, getLoc(), element, values.getResult(number), point);
}

//===----------------------------------------------------------------------------------------------------------------===//
// linalg.generic
//===----------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> GenericPhase::getSizes(OpBuilder &, Buffers &values) {
  SmallVector<Value> sizes;
  for (auto [size, kind] : llvm::zip_equal(values.getLoopSizes(op), op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel)
      sizes.push_back(values.toIndex(size));
  return sizes;
}

Value nncc::gpu::loadElement(OpBuilder &b, linalg::GenericOp op, OpOperand &operand, Buffers &values,
                             const LoopPoint &point) {
  Value source = values.values.lookup(operand.get());
  if (!isa<MemRefType>(source.getType()))
    return source;
  return loadOperand(b, op.getLoc(), source, op.getMatchingIndexingMap(&operand), point);
}

Value nncc::gpu::loadStart(OpBuilder &b, linalg::GenericOp op, OpOperand &init, Buffers &values,
                           const LoopPoint &point) {
  if (auto fill = init.get().getDefiningOp<linalg::FillOp>())
    return values.values.lookup(fill.getInputs()[0]);
  if (init.get().getDefiningOp<tensor::EmptyOp>()) // holds anything
    return arith::ConstantOp::create(b, op.getLoc(), b.getZeroAttr(getElementTypeOrSelf(init.get())));
  return loadElement(b, op, init, values, point);
}

namespace {

/// What one thread does of a linalg.generic.
class GenericPoint {
public:
  GenericPoint(OpBuilder &b, linalg::GenericOp op, Buffers &values, ValueRange parallel)
      : b(b), op(op), values(values), loc(op.getLoc()), parallel(parallel) {}
  void write();

private:
  /// All loops, the summed ones at `reduced`.
  LoopPoint getPoint(ValueRange reduced) const;
  SmallVector<Value> compute(const LoopPoint &point, ArrayRef<Value> sums) const;

  OpBuilder &b;
  mutable linalg::GenericOp op;
  Buffers &values;
  Location loc;
  ValueRange parallel;
};

} // namespace

LoopPoint GenericPoint::getPoint(ValueRange reduced) const {
  LoopPoint point;
  ValueRange left = parallel;
  for (utils::IteratorType kind : op.getIteratorTypesArray()) {
    ValueRange &from = kind == utils::IteratorType::parallel ? left : reduced;
    point.ivs.push_back(from.front());
    from = from.drop_front();
  }
  return point;
}

SmallVector<Value> GenericPoint::compute(const LoopPoint &point, ArrayRef<Value> sums) const {
  SmallVector<Value> arguments;
  for (OpOperand *input : op.getDpsInputOperands())
    arguments.push_back(op.payloadUsesValueFromOperand(input) ? loadElement(b, op, *input, values, point) : Value());
  llvm::append_range(arguments, sums);
  return cloneBody(b, op, arguments, point, values.values);
}

void GenericPoint::write() {
  SmallVector<Value> zeros(op.getNumReductionLoops(), arith::ConstantIndexOp::create(b, loc, 0));
  LoopPoint first = getPoint(zeros);
  SmallVector<Value> sums;
  for (OpOperand &init : op.getDpsInitsMutable())
    sums.push_back(op.payloadUsesValueFromOperand(&init) || op.getNumReductionLoops() != 0
                       ? loadStart(b, op, init, values, first)
                       : Value());
  if (op.getNumReductionLoops() == 0) {
    sums = compute(first, sums);
  } else {
    SmallVector<Value> sizes;
    for (auto [size, kind] : llvm::zip_equal(values.getLoopSizes(op), op.getIteratorTypesArray()))
      if (kind == utils::IteratorType::reduction)
        sizes.push_back(values.toIndex(size));
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    SmallVector<Value> steps(sizes.size(), one);
    scf::LoopNest nest =
        scf::buildLoopNest(b, loc, zeros, sizes, steps, sums,
                           [&](OpBuilder &, Location, ValueRange ivs, ValueRange inner) -> scf::ValueVector {
                             return llvm::to_vector(compute(getPoint(ivs), llvm::to_vector(inner)));
                           });
    sums = llvm::to_vector(nest.results);
  }
  for (auto [value, init] : llvm::zip_equal(sums, op.getDpsInitsMutable()))
    if (Value memory = values.values.lookupOrNull(op.getTiedOpResult(&init)))
      storeOperand(b, loc, value, memory, op.getMatchingIndexingMap(&init), first);
}

void GenericPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  GenericPoint(b, op, values, point).write();
}

//===----------------------------------------------------------------------------------------------------------------===//
// exec.grid
//===----------------------------------------------------------------------------------------------------------------===//

/// The tensor behind a block argument of the body; null: something else.
static Value getTensor(exec::GridOp grid, Value memory) {
  auto argument = dyn_cast<BlockArgument>(memory);
  if (!argument || argument.getOwner() != &grid.getBody().front() || argument.getArgNumber() < grid.getSizes().size())
    return {};
  unsigned number = argument.getArgNumber() - grid.getSizes().size();
  return number < grid.getInputs().size() ? grid.getInputs()[number]
                                          : grid.getResults()[number - grid.getInputs().size()];
}

/// Whether the loop counts up from 0, carries nothing, and its end is known in front of the grid.
static bool isCountable(exec::GridOp grid, scf::ForOp loop) {
  Value end = loop.getUpperBound();
  auto dim = end.getDefiningOp<memref::DimOp>();
  bool isKnown =
      IndexMath::asConstant(end) || !grid.getBody().isAncestor(end.getParentRegion()) ||
      (dim && dim->getParentRegion() == &grid.getBody() && dim.getConstantIndex() && getTensor(grid, dim.getSource()));
  return isKnown && loop.getNumResults() == 0 && IndexMath::isConstant(loop.getLowerBound(), 0) &&
         IndexMath::isConstant(loop.getStep(), 1);
}

namespace {
/// A loop that copies the elements of a line one by one.
struct LineCopy {
  memref::LoadOp load;
  memref::StoreOp store;
};
} // namespace

static std::optional<LineCopy> matchCopy(scf::ForOp loop) {
  SmallVector<Operation *> rest;
  LineCopy copy;
  for (Operation &op : loop.getBody()->without_terminator())
    if (auto load = dyn_cast<memref::LoadOp>(op))
      copy.load = copy.load ? nullptr : load;
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      copy.store = copy.store ? nullptr : store;
    else if (!isa<arith::AddIOp>(op))
      return std::nullopt;
  bool isCopy = copy.load && copy.store && copy.store.getValueToStore() == copy.load &&
                !copy.load.getIndices().empty() && !copy.store.getIndices().empty();
  return isCopy ? std::optional(copy) : std::nullopt;
}

/// What all places of a line that the loop goes along are a multiple of, in elements: its first one, and those where lines begin. 1: not known.
static int64_t getAlignment(scf::ForOp loop, Value memory, ValueRange indices) {
  Value last = indices.back(), iv = loop.getInductionVar();
  auto add = last.getDefiningOp<arith::AddIOp>();
  std::optional<int64_t> first;
  if (last == iv)
    first = 0;
  else if (add && (add.getLhs() == iv || add.getRhs() == iv))
    first = IndexMath::asConstant(add.getLhs() == iv ? add.getRhs() : add.getLhs());
  int64_t line = cast<MemRefType>(memory.getType()).getShape().back();
  bool isElsewhere = llvm::all_of(indices.drop_back(), [&](Value index) {
    return IndexMath::asConstant(index) || index.getParentRegion() != &loop.getRegion();
  });
  return first && isElsewhere && !ShapedType::isDynamic(line) ? std::gcd(*first, line) : 1;
}

/// The elements that a thread may copy at once in all loops: 16 bytes of them at most.
static int64_t getLanes(ArrayRef<scf::ForOp> loops) {
  constexpr int64_t accessBits = 128, mostLanes = 8;
  int64_t common = 0, most = mostLanes;
  for (scf::ForOp loop : loops) {
    std::optional<LineCopy> copy = matchCopy(loop);
    std::optional<int64_t> length = IndexMath::asConstant(loop.getUpperBound());
    if (!copy || !length)
      return 1;
    common = std::gcd(common, std::gcd(*length, getAlignment(loop, copy->load.getMemRef(), copy->load.getIndices())));
    common = std::gcd(common, getAlignment(loop, copy->store.getMemRef(), copy->store.getIndices()));
    most = std::min<int64_t>(most, accessBits / copy->load.getType().getIntOrFloatBitWidth());
  }
  while (most > 1 && common % most != 0)
    most /= 2;
  return std::max<int64_t>(most, 1);
}

/// Copies the lanes of `type` from where `mapping` has the indices of the loop.
static void copyLanes(OpBuilder &b, LineCopy copy, VectorType type, const IRMapping &mapping) {
  auto mapped = [&](ValueRange indices) {
    return llvm::map_to_vector(indices, [&](Value index) { return mapping.lookupOrDefault(index); });
  };
  Location loc = copy.load.getLoc();
  uint64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  auto load =
      vector::LoadOp::create(b, loc, type, mapping.lookup(copy.load.getMemRef()), mapped(copy.load.getIndices()));
  load.setAlignment(bytes);
  vector::StoreOp::create(b, loc, load, mapping.lookup(copy.store.getMemRef()), mapped(copy.store.getIndices()))
      .setAlignment(bytes);
}

GridPhase::GridPhase(exec::GridOp grid) : grid(grid) {
  auto inBody = grid.getBody().front().getOps<scf::ForOp>();
  if (grid->hasAttr(exec::independentAttrName) &&
      llvm::all_of(inBody, [&](scf::ForOp loop) { return isCountable(grid, loop); })) {
    llvm::append_range(loops, inBody);
    lanes = getLanes(loops);
  }
  if (loops.empty())
    grid.getBody().walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (loop->hasAttr(exec::independentAttrName) && isCountable(grid, loop))
        innerLoops.push_back(loop);
    });
}

Value GridPhase::getSteps(OpBuilder &b, Buffers &values, scf::ForOp loop) const {
  Value end = loop.getUpperBound();
  if (std::optional<int64_t> known = IndexMath::asConstant(end))
    return arith::ConstantIndexOp::create(b, getLoc(), *known);
  if (auto dim = end.getDefiningOp<memref::DimOp>(); dim && end.getParentRegion() == &grid.getBody())
    return values.toIndex(values.getSizes(getTensor(grid, dim.getSource()))[*dim.getConstantIndex()]);
  return values.values.lookup(end);
}

SmallVector<Value> GridPhase::getSizes(OpBuilder &b, Buffers &values) {
  SmallVector<Value> sizes =
      llvm::map_to_vector(grid.getSizes(), [&](Value size) { return values.values.lookup(size); });
  IndexMath m(b, getLoc());
  Value steps;
  for (scf::ForOp loop : loops)
    steps = steps ? m.max(steps, getSteps(b, values, loop)) : getSteps(b, values, loop);
  if (steps)
    sizes.push_back(m.div(steps, lanes));
  for (scf::ForOp loop : innerLoops)
    sizes.push_back(getSteps(b, values, loop));
  return sizes;
}

/// One step in place of a loop.
static void takeStep(scf::ForOp loop, Value step) {
  loop.getInductionVar().replaceAllUsesWith(step);
  Block &body = *loop.getBody();
  body.getTerminator()->erase();
  loop->getBlock()->getOperations().splice(loop->getIterator(), body.getOperations());
  loop->erase();
}

void GridPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  size_t numDims = grid.getSizes().size();
  Block &body = grid.getBody().front();
  IRMapping mapping(values.values);
  mapping.map(ValueRange(body.getArguments()).take_front(numDims), point.take_front(numDims));
  for (Value memory : ValueRange(body.getArguments()).drop_front(numDims))
    mapping.map(memory, values.values.lookup(getTensor(grid, memory)));
  IndexMath m(b, getLoc());
  Value first = loops.empty() ? Value() : m.mul(point.back(), lanes);
  auto writeStep = [&](scf::ForOp loop) {
    std::optional<LineCopy> copy = lanes > 1 ? matchCopy(loop) : std::nullopt;
    for (Operation &op : loop.getBody()->without_terminator())
      if (!copy || !isa<memref::LoadOp, memref::StoreOp>(op))
        b.clone(op, mapping);
    if (copy)
      copyLanes(b, *copy, VectorType::get(lanes, copy->load.getType()), mapping);
  };
  for (Operation &op : body.without_terminator()) {
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop || loops.empty()) {
      b.clone(op, mapping);
      continue;
    }
    mapping.map(loop.getInductionVar(), first);
    m.ifThen(m.less(first, mapping.lookupOrDefault(loop.getUpperBound())), [&] { writeStep(loop); });
  }
  if (loops.empty())
    for (auto [loop, step] : llvm::zip_equal(innerLoops, point.drop_front(numDims)))
      takeStep(cast<scf::ForOp>(mapping.lookup(loop.getOperation())), step);
}
