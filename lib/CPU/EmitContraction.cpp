//===- EmitContraction.cpp - kernels whose root is a matrix product or a convolution --------------------------------===//

#include "EmitContraction.h"
#include "Buffers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

ContractionSite cpu::findContraction(exec::KernelOp kernel) {
  ContractionSite site;
  for (Operation &op : kernel.getBody().front()) {
    if (isa<exec::MatMulOp, exec::ConvOp>(op) && !site.root) {
      site.root = &op;
    } else if (auto generic = dyn_cast<linalg::GenericOp>(op);
               generic && site.root && canFuseBehindContraction(site.root, site.epilogue, generic)) {
      site.epilogue.push_back(generic);
    } else if (isa<linalg::LinalgOp, exec::MatMulOp, exec::ConvOp, exec::GridOp>(op)) {
      return {};
    }
  }
  return site;
}

/// Maps the kernel's values for one of its functions.
static LogicalResult mapValues(OpBuilder &b, exec::KernelOp kernel, const KernelFunction &function,
                               ContractionSite &site) {
  Buffers buffers(b, kernel, function);
  buffers.assignResults();
  for (Operation &op : kernel.getBody().front())
    if (!isa<linalg::GenericOp, exec::MatMulOp, exec::ConvOp>(op) && !buffers.visitSimpleOp(&op))
      return op.emitError("cannot be part of a kernel with a contraction");
  if (!buffers.getCopies().empty())
    return kernel.emitError("yields a value twice, or one that it does not compute");
  site.values = buffers.values;
  return success();
}

FailureOr<int64_t> cpu::emitContractionKernel(OpBuilder &b, exec::KernelOp kernel, const CPUTarget &target) {
  OpBuilder::InsertionGuard guard(b);
  Block *end = b.getInsertionBlock();
  ContractionSite site = findContraction(kernel);
  KernelFunction tiles = createKernelFunction(b, kernel, KernelPart::Tiles);
  if (failed(mapValues(b, kernel, tiles, site)))
    return failure();
  FailureOr<Value> count = emitContractionTiles(b, site, target);
  if (failed(count))
    return failure();
  setTileCount(tiles, *count);
  b.setInsertionPointToEnd(end);
  KernelFunction run = createKernelFunction(b, kernel, KernelPart::Run);
  if (failed(mapValues(b, kernel, run, site)) || failed(emitContraction(b, site, run.tile, run.scratch, target)))
    return failure();
  lowerFaults(run.function);
  return getContractionScratchBytes(site, target);
}
