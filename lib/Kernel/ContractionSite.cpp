//===- ContractionSite.cpp - a matrix product or a convolution and what is fused into it --------------------------===//

#include "nncc/Kernel/ContractionSite.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

bool kernel::canFuseBehindContraction(Operation *root, ArrayRef<linalg::GenericOp> before, linalg::GenericOp generic) {
  if (generic.getNumReductionLoops() != 0 || !generic.hasPureTensorSemantics() || generic.hasIndexSemantics())
    return false;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(root->getResult(0).getType()).getShape();
  if (generic.getNumLoops() != shape.size())
    return false;
  auto isOwn = [&](Value value) {
    Operation *producer = value.getDefiningOp();
    return producer && (producer == root || llvm::is_contained(before, producer));
  };
  for (OpOperand &operand : generic->getOpOperands()) {
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    if (generic.isDpsInit(&operand) || isOwn(operand.get())) {
      if (!map.isIdentity() || cast<RankedTensorType>(operand.get().getType()).getShape() != shape)
        return false;
      if (generic.isDpsInit(&operand) && generic.payloadUsesValueFromOperand(&operand))
        return false;
      continue;
    }
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    // Lanes are the innermost dim: an operand has it innermost or not at all.
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return false;
    auto lanes = getAffineDimExpr(map.getNumDims() - 1, map.getContext());
    std::optional<unsigned> position = map.getResultPosition(lanes);
    if (position && *position + 1 != map.getNumResults())
      return false;
  }
  return true;
}

ContractionSite kernel::findContraction(exec::KernelOp op) {
  ContractionSite site;
  for (Operation &inner : op.getBody().front()) {
    if (isa<exec::MatMulOp, exec::ConvOp>(inner) && !site.root) {
      site.root = &inner;
    } else if (auto generic = dyn_cast<linalg::GenericOp>(inner);
               generic && site.root && canFuseBehindContraction(site.root, site.epilogue, generic)) {
      site.epilogue.push_back(generic);
    } else if (isa<linalg::LinalgOp, exec::MatMulOp, exec::ConvOp, exec::GridOp>(inner)) {
      return {};
    }
  }
  return site;
}

int64_t kernel::countInstructions(ArrayRef<linalg::GenericOp> epilogue) {
  int64_t count = 0;
  for (linalg::GenericOp generic : epilogue)
    for (Operation &op : generic.getBody()->without_terminator())
      count += isa<math::MathDialect>(op.getDialect()) && !isa<math::AbsFOp, math::SqrtOp, math::FmaOp>(op) ? 20 : 1;
  return count;
}

bool kernel::dependsOnColumnOnly(AffineMap map) {
  for (unsigned i = 0; i + 1 < map.getNumDims(); ++i)
    if (map.isFunctionOfDim(i))
      return false;
  return true;
}

SmallVector<Value> kernel::getPosition(IndexMath &m, ArrayRef<Value> sizes, Value row, Value column) {
  SmallVector<Value> result(sizes.size(), column);
  for (int64_t i = int64_t(sizes.size()) - 2; i > 0; --i) {
    result[i] = m.rem(row, sizes[i]);
    row = m.div(row, sizes[i]);
  }
  if (sizes.size() > 1)
    result[0] = row;
  return result;
}

Value kernel::findResult(const ContractionSite &site) {
  if (Value memref = site.values.lookupOrNull(site.root->getResult(0)))
    return memref;
  for (linalg::GenericOp generic : site.epilogue)
    for (Value result : generic.getResults())
      if (Value memref = site.values.lookupOrNull(result))
        return memref;
  return nullptr;
}
