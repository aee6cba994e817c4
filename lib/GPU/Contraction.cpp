//===- Contraction.cpp - which way a contraction is written -------------------------------------------------------===//

#include "Contraction.h"

using namespace mlir;
using namespace nncc;

LogicalResult nncc::gpu::addContraction(KernelPlan &plan, const ContractionSite &site) {
  auto matmul = dyn_cast<exec::MatMulOp>(site.root);
  if (matmul ? matmul.getPacked() : cast<exec::ConvOp>(site.root).getPacked())
    return site.root->emitError("has its weights packed for a CPU");
  addNaiveContraction(plan, site);
  return success();
}
