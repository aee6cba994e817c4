//===- SequentialEmitter.cpp - a kernel op by op ------------------------------------------------------------------===//

#include "SequentialEmitter.h"
#include "NestEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/CPU/Contraction.h"
#include "nncc/Kernel/Loops.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

SmallVector<Value> SequentialEmitter::toIndices(const Sizes &sizes) {
  return llvm::map_to_vector(sizes, [&](OpFoldResult size) { return buffers.toIndex(size); });
}

void SequentialEmitter::copy(Location loc, Value source, Value target) {
  if (source == target)
    return;
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < cast<MemRefType>(target.getType()).getRank(); ++dim)
    sizes.push_back(b.createOrFold<memref::DimOp>(loc, target, dim));
  buildLoops(b, loc, sizes, [&](ValueRange ivs) {
    Value element = memref::LoadOp::create(b, loc, source, ivs);
    memref::StoreOp::create(b, loc, element, target, ivs);
  });
}

void SequentialEmitter::fill(Location loc, Value scalar, Value target, const Sizes &sizes) {
  buildLoops(b, loc, toIndices(sizes), [&](ValueRange ivs) { memref::StoreOp::create(b, loc, scalar, target, ivs); });
}

LogicalResult SequentialEmitter::prepareResult(Value result, Value init, bool isRead) {
  if (failed(buffers.allocate(result)))
    return failure();
  Value target = buffers.values.lookup(result);
  if (auto filled = init.getDefiningOp<linalg::FillOp>(); filled && isRead)
    fill(result.getLoc(), buffers.values.lookup(filled.getInputs()[0]), target, buffers.getSizes(result));
  else if (Value start = buffers.values.lookupOrNull(init); start && isRead)
    copy(result.getLoc(), start, target);
  return success();
}

/// Whether a result of the user starts with what the operand holds.
static bool isInit(OpOperand &operand) {
  if (auto grid = dyn_cast<exec::GridOp>(operand.getOwner()))
    return operand.getOperandNumber() >= grid.getInits().getBeginOperandIndex();
  auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
  return destinationStyle && destinationStyle.isDpsInit(&operand);
}

LogicalResult SequentialEmitter::emitFill(linalg::FillOp op) {
  Value result = op.getResult(0);
  // What only starts other results is filled there.
  if (llvm::all_of(result.getUses(), isInit))
    return success();
  if (failed(buffers.allocate(result)))
    return failure();
  fill(op.getLoc(), buffers.values.lookup(op.getInputs()[0]), buffers.values.lookup(result), buffers.getSizes(result));
  return success();
}

/// In vectors, as a kernel of its own.
LogicalResult SequentialEmitter::emitGeneric(linalg::GenericOp op) {
  FailureOr<KernelGraph> graph = KernelGraph::build(op);
  if (target.optLevel == 0 || failed(graph))
    return emitScalarLoops(op);
  graph->collapse();
  std::optional<NestPlan> plan = NestPlan::create(*graph, kernel, target);
  if (!plan)
    return emitScalarLoops(op);
  for (Value result : op.getResults())
    if (failed(buffers.allocate(result)))
      return failure();
  NestEmitter emitter(b, buffers, *graph, *plan);
  buildLoops(b, op.getLoc(), emitter.emitTileCount(), [&](ValueRange ivs) { emitter.emitTile(ivs.front()); });
  return success();
}

LogicalResult SequentialEmitter::emitScalarLoops(linalg::GenericOp op) {
  for (OpOperand &init : op.getDpsInitsMutable())
    if (failed(prepareResult(op.getTiedOpResult(&init), init.get(), op.payloadUsesValueFromOperand(&init))))
      return failure();
  buildLoops(b, op.getLoc(), toIndices(buffers.getLoopSizes(op)), [&](ValueRange ivs) {
    LoopPoint point{SmallVector<Value>(ivs)};
    auto getMemRef = [&](OpOperand &operand) {
      return buffers.values.lookup(op.isDpsInit(&operand) ? op.getTiedOpResult(&operand) : operand.get());
    };
    SmallVector<Value> arguments;
    for (OpOperand &operand : op->getOpOperands()) {
      Value argument; // An operand that the body does not use may be one that only gives sizes.
      if (op.payloadUsesValueFromOperand(&operand))
        argument = isa<RankedTensorType>(operand.get().getType())
                       ? loadOperand(b, op.getLoc(), getMemRef(operand), op.getMatchingIndexingMap(&operand), point)
                       : buffers.values.lookup(operand.get());
      arguments.push_back(argument);
    }
    SmallVector<Value> yielded = cloneBody(b, op, arguments, point, buffers.values);
    for (auto [value, init] : llvm::zip_equal(yielded, op.getDpsInitsMutable()))
      storeOperand(b, op.getLoc(), value, getMemRef(init), op.getMatchingIndexingMap(&init), point);
  });
  return success();
}

LogicalResult SequentialEmitter::emitGrid(exec::GridOp op) {
  for (auto [result, init] : llvm::zip_equal(op.getResults(), op.getInits()))
    if (failed(prepareResult(result, init, /*isRead=*/true)))
      return failure();
  SmallVector<Value> sizes =
      llvm::map_to_vector(op.getSizes(), [&](Value size) { return buffers.values.lookup(size); });
  buildLoops(b, op.getLoc(), sizes, [&](ValueRange ivs) { cloneGridBody(b, op, ivs, buffers); });
  return success();
}

/// All of its tiles. Epilogues are ops of their own here.
LogicalResult SequentialEmitter::emitContraction(Operation *op) {
  if (failed(buffers.allocate(op->getResult(0))))
    return failure();
  ContractionSite site{op, {}, buffers.values};
  FailureOr<Value> tiles = emitContractionTiles(b, site, target);
  if (failed(tiles))
    return failure();
  auto type = MemRefType::get({getContractionScratchBytes(site, target)}, b.getI8Type());
  Value bytes = buffers.allocateScratch(op->getLoc(), type);
  auto anySize = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  Value scratch = memref::CastOp::create(b, op->getLoc(), anySize, bytes);
  LogicalResult result = success();
  buildLoops(b, op->getLoc(), *tiles,
             [&](ValueRange ivs) { result = cpu::emitContraction(b, site, ivs.front(), scratch, target); });
  return result;
}

LogicalResult SequentialEmitter::emit(Operation &op) {
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return emitFill(fill);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return emitGeneric(generic);
  if (auto grid = dyn_cast<exec::GridOp>(op))
    return emitGrid(grid);
  if (isa<exec::MatMulOp, exec::ConvOp>(op))
    return emitContraction(&op);
  if (buffers.visitSimpleOp(&op))
    return success();
  return op.emitError("cannot be part of a kernel for a CPU");
}

LogicalResult SequentialEmitter::emitAll() {
  buffers.assignResults();
  for (Operation &op : kernel.getBody().front())
    if (failed(emit(op)))
      return failure();
  for (auto [source, target] : buffers.getCopies())
    copy(kernel.getLoc(), source, target);
  return success();
}
