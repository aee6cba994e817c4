//===- EmitScalar.cpp - kernels as plain loops on scalars
//-----------------------------------------------------------===//
//
// One loop nest an op, in the order of the body, each element accumulated in memory in the order of the loops: slow,
// and so simple that the results of everything else are compared with it.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "EmitKernel.h"
#include "VectorBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

void cpu::buildLoops(OpBuilder &b, Location loc, ValueRange sizes, llvm::function_ref<void(ValueRange)> body) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  SmallVector<Value> lower(sizes.size(), zero), steps(sizes.size(), one);
  OpBuilder::InsertionGuard guard(b);
  scf::LoopNest nest = scf::buildLoopNest(b, loc, lower, sizes, steps);
  if (!nest.loops.empty())
    b.setInsertionPoint(nest.loops.back().getBody()->getTerminator());
  body(llvm::map_to_vector(nest.loops, [](scf::ForOp loop) { return loop.getInductionVar(); }));
}

SmallVector<Value> ScalarEmitter::toIndices(const Sizes &sizes) {
  return llvm::map_to_vector(sizes, [&](OpFoldResult size) { return buffers.toIndex(size); });
}

void ScalarEmitter::copy(Location loc, Value source, Value target) {
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

void ScalarEmitter::fill(Location loc, Value scalar, Value target, const Sizes &sizes) {
  buildLoops(b, loc, toIndices(sizes), [&](ValueRange ivs) { memref::StoreOp::create(b, loc, scalar, target, ivs); });
}

LogicalResult ScalarEmitter::prepareResult(Value result, Value init, bool isRead) {
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

LogicalResult ScalarEmitter::emitFill(linalg::FillOp op) {
  Value result = op.getResult(0);
  // What only starts other results is filled there.
  if (llvm::all_of(result.getUses(), isInit))
    return success();
  if (failed(buffers.allocate(result)))
    return failure();
  fill(op.getLoc(), buffers.values.lookup(op.getInputs()[0]), buffers.values.lookup(result), buffers.getSizes(result));
  return success();
}

LogicalResult ScalarEmitter::emitGeneric(linalg::GenericOp op) {
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

LogicalResult ScalarEmitter::emitGrid(exec::GridOp op) {
  for (auto [result, init] : llvm::zip_equal(op.getResults(), op.getInits()))
    if (failed(prepareResult(result, init, /*isRead=*/true)))
      return failure();
  SmallVector<Value> sizes =
      llvm::map_to_vector(op.getSizes(), [&](Value size) { return buffers.values.lookup(size); });
  buildLoops(b, op.getLoc(), sizes, [&](ValueRange ivs) { cloneGridBody(op, ivs); });
  return success();
}

void ScalarEmitter::cloneGridBody(exec::GridOp op, ValueRange point) {
  IRMapping mapping(buffers.values);
  Block &body = op.getBody().front();
  SmallVector<Value> arguments(point);
  for (Value tensor : llvm::concat<Value>(SmallVector<Value>(op.getInputs()), SmallVector<Value>(op.getResults())))
    arguments.push_back(buffers.values.lookup(tensor));
  mapping.map(body.getArguments(), ValueRange(arguments));
  for (Operation &inner : body.without_terminator())
    b.clone(inner, mapping);
}

LogicalResult ScalarEmitter::emit(Operation &op) {
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return emitFill(fill);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return emitGeneric(generic);
  if (auto grid = dyn_cast<exec::GridOp>(op))
    return emitGrid(grid);
  if (buffers.visitSimpleOp(&op))
    return success();
  return op.emitError("cannot be part of a kernel for a CPU");
}

LogicalResult ScalarEmitter::emitAll() {
  buffers.assignResults();
  for (Operation &op : kernel.getBody().front())
    if (failed(emit(op)))
      return failure();
  for (auto [source, target] : buffers.getCopies())
    copy(kernel.getLoc(), source, target);
  return success();
}
