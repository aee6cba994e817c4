//===- Contraction.cpp - which emitter writes a contraction -------------------------------------------------------===//

#include "nncc/CPU/Contraction.h"
#include "Contraction/ConvLines.h"
#include "Contraction/ConvNarrow.h"
#include "Contraction/ConvPointwise.h"

using namespace mlir;
using namespace nncc;

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
