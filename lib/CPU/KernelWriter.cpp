//===- KernelWriter.cpp - the ways to write a kernel --------------------------------------------------------------===//

#include "KernelWriter.h"
#include "Attention.h"
#include "EmitContraction.h"
#include "NestEmitter.h"
#include "Recurrence.h"
#include "SequentialEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Kernel/Loops.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===----------------------------------------------------------------------------------------------------------------===//
// One op after the other
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

class SequentialWriter : public KernelWriter {
public:
  SequentialWriter(exec::KernelOp kernel, const CPUTarget &target) : kernel(kernel), target(target) {}

  FailureOr<Value> writeTileCount(OpBuilder &b, const KernelFunction &) override {
    return arith::ConstantIndexOp::create(b, kernel.getLoc(), 1).getResult();
  }

  FailureOr<int64_t> writeTile(OpBuilder &b, const KernelFunction &function) override {
    SequentialEmitter emitter(b, kernel, function, target);
    if (failed(emitter.emitAll()))
      return failure();
    return emitter.buffers.getScratchBytes();
  }

  void describe(llvm::raw_ostream &os) const override { os << "one tile: one op after the other, in scalars"; }

private:
  exec::KernelOp kernel;
  const CPUTarget &target;
};

} // namespace

//===----------------------------------------------------------------------------------------------------------------===//
// What all others share
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether `op` computes tensors.
static bool isComputation(Operation &op) {
  return isa<linalg::LinalgOp, exec::GridOp, exec::MatMulOp, exec::ConvOp>(op);
}

/// A fill that others start from is a scalar to them.
static bool isInitialFill(Operation &op) {
  return isa<linalg::FillOp>(op) && llvm::all_of(op.getUses(), [](OpOperand &use) {
           auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
           return user && user.isDpsInit(&use);
         });
}

/// The computations of a kernel, without initial fills.
static SmallVector<Operation *> getComputations(exec::KernelOp kernel) {
  SmallVector<Operation *> result;
  for (Operation &op : kernel.getBody().front())
    if (isComputation(op) && !isInitialFill(op))
      result.push_back(&op);
  return result;
}

/// Maps everything that is not computed: results, scalars, reshapes of arguments and of results.
static void visitSimpleOps(exec::KernelOp kernel, Buffers &buffers) {
  buffers.assignResults();
  for (Operation &op : kernel.getBody().front())
    if (!isComputation(op))
      buffers.visitSimpleOp(&op);
}

/// Whether all results come from computations, each from another: else they are copied in the end.
static bool hasDistinctResults(exec::KernelOp kernel) {
  llvm::SmallDenseSet<Value> sources;
  for (Value value : kernel.getBody().front().getTerminator()->getOperands()) {
    while (isReshape(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    if (!value.getDefiningOp() || !isComputation(*value.getDefiningOp()) || !sources.insert(value).second)
      return false;
  }
  return true;
}

/// Whether what is no computation can be written before all computations.
static bool hasSimpleOpsFirst(exec::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    if (isComputation(op) || isReshape(&op) || isa<tensor::EmptyOp, tensor::DimOp, exec::YieldOp>(op))
      continue;
    if (op.getNumRegions() != 0 || llvm::any_of(op.getResultTypes(), llvm::IsaPred<TensorType, MemRefType>))
      return false;
    for (Value operand : op.getOperands())
      if (isa<ShapedType>(operand.getType()) && !isa<BlockArgument>(operand))
        return false;
  }
  return true;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Nests of linalg ops
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

class NestWriter : public KernelWriter {
public:
  NestWriter(exec::KernelOp kernel, KernelGraph graph, NestPlan plan)
      : kernel(kernel), graph(std::move(graph)), plan(std::move(plan)) {}

  static std::unique_ptr<KernelWriter> create(exec::KernelOp kernel, ArrayRef<Operation *> computations,
                                              const CPUTarget &target);

  FailureOr<Value> writeTileCount(OpBuilder &b, const KernelFunction &function) override {
    Buffers buffers(b, kernel, function);
    visitSimpleOps(kernel, buffers);
    return NestEmitter(b, buffers, graph, plan).emitTileCount();
  }

  FailureOr<int64_t> writeTile(OpBuilder &b, const KernelFunction &function) override {
    Buffers buffers(b, kernel, function);
    visitSimpleOps(kernel, buffers);
    NestEmitter(b, buffers, graph, plan).emitTile(function.tile);
    return buffers.getScratchBytes();
  }

  void describe(llvm::raw_ostream &os) const override { plan.describe(os, graph); }

private:
  exec::KernelOp kernel;
  KernelGraph graph;
  NestPlan plan;
};

} // namespace

std::unique_ptr<KernelWriter> NestWriter::create(exec::KernelOp kernel, ArrayRef<Operation *> computations,
                                                 const CPUTarget &target) {
  SmallVector<linalg::GenericOp> ops;
  for (Operation *op : computations) {
    ops.push_back(dyn_cast<linalg::GenericOp>(op));
    if (!ops.back())
      return nullptr;
  }
  if (ops.empty() || !hasDistinctResults(kernel) || !hasSimpleOpsFirst(kernel))
    return nullptr;
  FailureOr<KernelGraph> graph = KernelGraph::build(ops);
  if (failed(graph))
    return nullptr;
  graph->collapse();
  std::optional<NestPlan> plan = NestPlan::create(*graph, kernel, target);
  if (!plan)
    return nullptr;
  return std::make_unique<NestWriter>(kernel, std::move(*graph), std::move(*plan));
}

//===----------------------------------------------------------------------------------------------------------------===//
// The points of a grid
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// One exec.grid whose results start with nothing: its points are independent of each other.
class GridWriter : public KernelWriter {
public:
  GridWriter(exec::KernelOp kernel, exec::GridOp grid) : kernel(kernel), grid(grid) {}

  static std::unique_ptr<KernelWriter> create(exec::KernelOp kernel, ArrayRef<Operation *> computations) {
    auto grid = computations.size() == 1 ? dyn_cast<exec::GridOp>(computations.front()) : nullptr;
    if (!grid || grid.getSizes().empty() || !hasDistinctResults(kernel) || !hasSimpleOpsFirst(kernel) ||
        !llvm::all_of(grid.getInits(), [](Value init) { return init.getDefiningOp<tensor::EmptyOp>(); }))
      return nullptr;
    return std::make_unique<GridWriter>(kernel, grid);
  }

  FailureOr<Value> writeTileCount(OpBuilder &b, const KernelFunction &function) override;
  FailureOr<int64_t> writeTile(OpBuilder &b, const KernelFunction &function) override;
  void describe(llvm::raw_ostream &os) const override {
    os << "the points of the grid; a tile takes those that read and write about " << elementsOfTile
       << " elements, or 1 / " << mostTiles << " of all";
  }

private:
  static constexpr int64_t elementsOfTile = 4096, mostTiles = 256;

  SmallVector<Value> getSizes(Buffers &buffers) {
    return llvm::map_to_vector(grid.getSizes(), [&](Value size) { return buffers.values.lookup(size); });
  }
  /// How many points there are, and how many of them a tile has.
  std::pair<Value, Value> getPoints(OpBuilder &b, Buffers &buffers);

  exec::KernelOp kernel;
  exec::GridOp grid;
};

} // namespace

/// A tile has a share of the elements of all operands: what a point costs is unknown.
std::pair<Value, Value> GridWriter::getPoints(OpBuilder &b, Buffers &buffers) {
  Location loc = grid.getLoc();
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  auto multiply = [&](ValueRange factors) {
    Value product = constant(1);
    for (Value factor : factors)
      product = b.createOrFold<arith::MulIOp>(loc, product, factor);
    return product;
  };
  Value elements = constant(0), points = multiply(getSizes(buffers));
  for (Value tensor : llvm::concat<Value>(SmallVector<Value>(grid.getInputs()), SmallVector<Value>(grid.getInits()))) {
    SmallVector<Value> sizes;
    for (OpFoldResult size : buffers.getSizes(tensor))
      sizes.push_back(buffers.toIndex(size));
    elements = b.createOrFold<arith::AddIOp>(loc, elements, multiply(sizes));
  }
  Value tiles = b.createOrFold<arith::CeilDivUIOp>(loc, elements, constant(elementsOfTile));
  tiles = b.createOrFold<arith::MinUIOp>(loc, tiles, constant(mostTiles));
  tiles = b.createOrFold<arith::MaxUIOp>(loc, tiles, constant(1));
  return {points, b.createOrFold<arith::CeilDivUIOp>(loc, points, tiles)};
}

FailureOr<Value> GridWriter::writeTileCount(OpBuilder &b, const KernelFunction &function) {
  Buffers buffers(b, kernel, function);
  visitSimpleOps(kernel, buffers);
  auto [points, share] = getPoints(b, buffers);
  Value one = arith::ConstantIndexOp::create(b, grid.getLoc(), 1);
  Value divisor = b.createOrFold<arith::MaxUIOp>(grid.getLoc(), share, one);
  return b.createOrFold<arith::CeilDivUIOp>(grid.getLoc(), points, divisor);
}

FailureOr<int64_t> GridWriter::writeTile(OpBuilder &b, const KernelFunction &function) {
  Location loc = grid.getLoc();
  Buffers buffers(b, kernel, function);
  visitSimpleOps(kernel, buffers);
  for (Value result : grid.getResults()) // What the kernel does not yield.
    if (failed(buffers.allocate(result)))
      return failure();
  auto [points, share] = getPoints(b, buffers);
  Value begin = b.createOrFold<arith::MulIOp>(loc, function.tile, share);
  Value end = b.createOrFold<arith::MinUIOp>(loc, b.createOrFold<arith::AddIOp>(loc, begin, share), points);
  buildLinearLoop(b, loc, getSizes(buffers), begin, end,
                  [&](ValueRange point) { cloneGridBody(b, grid, point, buffers); });
  return buffers.getScratchBytes();
}

//===----------------------------------------------------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------------------------------------------------===//

/// Fills that are results of their own become ops like all others.
static void generalizeFills(exec::KernelOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  for (Operation &op : llvm::make_early_inc_range(kernel.getBody().front()))
    if (auto fill = dyn_cast<linalg::FillOp>(op); fill && !isInitialFill(op)) {
      rewriter.setInsertionPoint(fill);
      (void)linalg::generalizeNamedOp(rewriter, fill); // A fill always has a body.
    }
}

std::unique_ptr<KernelWriter> cpu::createKernelWriter(exec::KernelOp kernel, const CPUTarget &target) {
  if (auto writer = createContractionWriter(kernel, target))
    return writer;
  if (auto writer = createAttentionWriter(kernel, target))
    return writer;
  if (auto writer = createRecurrenceWriter(kernel, target))
    return writer;
  if (target.optLevel > 0) {
    generalizeFills(kernel);
    SmallVector<Operation *> computations = getComputations(kernel);
    if (auto writer = NestWriter::create(kernel, computations, target))
      return writer;
    if (auto writer = GridWriter::create(kernel, computations))
      return writer;
  }
  return std::make_unique<SequentialWriter>(kernel, target);
}
