//===- Contraction.cpp - which emitter writes a contraction -------------------------------------------------------===//

#include "nncc/CPU/Contraction.h"
#include "Contraction/ConvLines.h"
#include "Contraction/ConvNarrow.h"
#include "Contraction/ConvPointwise.h"

using namespace mlir;
using namespace nncc;

bool cpu::canFuseBehindContraction(Operation *root, ArrayRef<linalg::GenericOp> before, linalg::GenericOp generic) {
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

static std::unique_ptr<cpu::ContractionEmitter> chooseEmitter(const cpu::ContractionSite &site,
                                                              const cpu::CPUTarget &target) {
  auto matmul = dyn_cast<exec::MatMulOp>(site.root);
  auto conv = dyn_cast<exec::ConvOp>(site.root);
  bool isPacked = matmul ? matmul.getPacked().has_value() : conv.getPacked().has_value();
  std::optional<cpu::ConvShape> shape = conv ? cpu::ConvShape::of(conv) : std::nullopt;
  if ((target.optLevel == 0 && !isPacked) || (conv && !shape))
    return std::make_unique<cpu::NaiveEmitter>(site, target);
  if (matmul)
    return std::make_unique<cpu::MatMulEmitter>(site, target);
  if (conv.hasNarrowGroups())
    return std::make_unique<cpu::ConvNarrowEmitter>(site, *shape, target);
  if (shape->isPointwise())
    return std::make_unique<cpu::ConvPointwiseEmitter>(site, *shape, target);
  return std::make_unique<cpu::ConvLinesEmitter>(site, *shape, target);
}

/// No element at all: the plans need not care.
static bool isEmpty(Operation *root) {
  return llvm::is_contained(cast<RankedTensorType>(root->getResult(0).getType()).getShape(), 0);
}

FailureOr<Value> cpu::emitContractionTiles(OpBuilder &b, const ContractionSite &site, const CPUTarget &target) {
  IndexMath m(b, site.root->getLoc());
  if (isEmpty(site.root))
    return m.constant(0);
  return chooseEmitter(site, target)->emitTiles(m);
}

LogicalResult cpu::emitContraction(OpBuilder &b, const ContractionSite &site, Value tile, Value scratch,
                                   const CPUTarget &target) {
  IndexMath m(b, site.root->getLoc());
  if (!isEmpty(site.root))
    chooseEmitter(site, target)->emitTile(m, tile, scratch);
  return success();
}

int64_t cpu::getContractionScratchBytes(const ContractionSite &site, const CPUTarget &target) {
  return isEmpty(site.root) ? 0 : chooseEmitter(site, target)->getScratchBytes();
}

void cpu::describeContraction(llvm::raw_ostream &os, const ContractionSite &site, const CPUTarget &target) {
  if (isEmpty(site.root))
    os << "no element, no tile";
  else
    chooseEmitter(site, target)->describe(os);
}
