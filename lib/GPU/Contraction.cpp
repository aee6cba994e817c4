//===- Contraction.cpp - which way a contraction is written -------------------------------------------------------===//

#include "Contraction.h"
#include "Contraction/Conv.h"
#include "Contraction/FewRowsPhase.h"
#include "Contraction/MatMul.h"
#include "Contraction/NarrowConvPhase.h"
#include "Contraction/PartSumPhase.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static bool isPacked(Operation *root) {
  if (auto matmul = dyn_cast<exec::MatMulOp>(root))
    return matmul.getPacked().has_value();
  return cast<exec::ConvOp>(root).getPacked().has_value();
}

/// Positions along K are counted in 32 bits.
static bool isDeep(int64_t depth) { return depth > std::numeric_limits<int32_t>::max() / 2; }

/// A product, and the phase that adds its parts, if it has parts.
template <typename P, typename... Args> static void addProduct(KernelPlan &plan, Args &&...args) {
  P &product = plan.add<P>(plan, std::forward<Args>(args)...);
  if (product.leavesParts())
    plan.add<PartSumPhase>(product);
}

static void addMatMul(KernelPlan &plan, const ContractionSite &site) {
  if (isDeep(kernel::MatMulShape::of(cast<exec::MatMulOp>(site.root)).depth))
    addNaiveContraction(plan, site);
  else if (FewRowsPhase::canWrite(site))
    plan.add<FewRowsPhase>(site);
  else
    addProduct<MatMulPhase>(plan, site);
}

static void addConv(KernelPlan &plan, const ContractionSite &site) {
  // A filter whose sizes are known only at run time has no place in the tables of taps.
  std::optional<ConvShape> shape = ConvShape::of(cast<exec::ConvOp>(site.root));
  if (!shape || shape->groupInputs == 0 || isDeep(shape->getTaps() * shape->groupInputs))
    addNaiveContraction(plan, site);
  else if (FewRowsPhase::canWrite(site))
    plan.add<FewRowsPhase>(site);
  else if (NarrowConvPhase::fits(*shape))
    plan.add<NarrowConvPhase>(site, *shape);
  else
    addProduct<ConvPhase>(plan, site, *shape);
}

LogicalResult gpu::addContraction(KernelPlan &plan, const ContractionSite &site) {
  if (isPacked(site.root))
    return site.root->emitError("has an operand packed for a CPU, which no kernel for a GPU reads");
  if (plan.target.optLevel == 0)
    addNaiveContraction(plan, site);
  else if (isa<exec::MatMulOp>(site.root))
    addMatMul(plan, site);
  else
    addConv(plan, site);
  return success();
}
