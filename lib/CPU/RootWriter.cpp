//===- RootWriter.cpp - kernels that are one op with an emitter of its own ----------------------------------------===//

#include "RootWriter.h"
#include "nncc/Kernel/Buffers.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

FailureOr<IRMapping> cpu::mapValuesAround(Operation *root, OpBuilder &b, exec::KernelOp kernel,
                                          const KernelFunction &function) {
  Buffers buffers(b, kernel, function);
  buffers.assignResults();
  for (Operation &other : kernel.getBody().front())
    if (&other != root && !buffers.visitSimpleOp(&other))
      return LogicalResult(other.emitError("cannot be part of a kernel with ") << root->getName());
  if (!buffers.getCopies().empty())
    return LogicalResult(kernel.emitError("yields a value twice, or one that it does not compute"));
  return buffers.values;
}
