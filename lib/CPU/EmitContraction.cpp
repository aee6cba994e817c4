//===- EmitContraction.cpp - kernels whose root is a matrix product or a convolution ------------------------------===//

#include "EmitContraction.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/CPU/Contraction.h"
#include "nncc/Kernel/Buffers.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

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

namespace {

class ContractionWriter : public KernelWriter {
public:
  ContractionWriter(exec::KernelOp kernel, ContractionSite site, const CPUTarget &target)
      : kernel(kernel), site(std::move(site)), target(target) {}

  FailureOr<Value> writeTileCount(OpBuilder &b, const KernelFunction &function) override {
    if (failed(mapValues(b, kernel, function, site)))
      return failure();
    return emitContractionTiles(b, site, target);
  }

  FailureOr<int64_t> writeTile(OpBuilder &b, const KernelFunction &function) override {
    if (failed(mapValues(b, kernel, function, site)) ||
        failed(emitContraction(b, site, function.tile, function.scratch, target)))
      return failure();
    return getContractionScratchBytes(site, target);
  }

  void describe(llvm::raw_ostream &os) const override { describeContraction(os, site, target); }

private:
  exec::KernelOp kernel;
  ContractionSite site;
  const CPUTarget &target;
};

} // namespace

std::unique_ptr<KernelWriter> cpu::createContractionWriter(exec::KernelOp kernel, const CPUTarget &target) {
  ContractionSite site = findContraction(kernel);
  return site.root ? std::make_unique<ContractionWriter>(kernel, std::move(site), target) : nullptr;
}
