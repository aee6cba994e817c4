//===- AttentionMaps.cpp - which elements an attention combines -----------------------------------------------------------===//

#include "nncc/Support/AttentionMaps.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace nncc;

std::optional<AttentionIndex> AttentionIndex::of(AffineExpr expr) {
  AttentionIndex index;
  if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
    index.number = number.getValue();
    return index.number >= 0 ? std::optional(index) : std::nullopt;
  }
  if (auto quotient = dyn_cast<AffineBinaryOpExpr>(expr)) {
    auto divisor = dyn_cast<AffineConstantExpr>(quotient.getRHS());
    if (quotient.getKind() != AffineExprKind::FloorDiv || !divisor || divisor.getValue() < 1)
      return std::nullopt;
    index.divisor = divisor.getValue();
    expr = quotient.getLHS();
  }
  auto dim = dyn_cast<AffineDimExpr>(expr);
  if (!dim)
    return std::nullopt;
  index.dim = dim.getPosition();
  return index;
}

SmallVector<std::pair<unsigned, unsigned>> AttentionMaps::findUses(unsigned dim) const {
  SmallVector<std::pair<unsigned, unsigned>> uses;
  for (auto [tensor, map] : llvm::enumerate(maps))
    for (auto [position, expr] : llvm::enumerate(map.getResults()))
      if (std::optional<AttentionIndex> index = AttentionIndex::of(expr); index && index->isPlain(dim))
        uses.push_back({tensor, position});
  return uses;
}

std::pair<unsigned, unsigned> AttentionMaps::findSize(unsigned dim, ArrayRef<RankedTensorType> types) const {
  SmallVector<std::pair<unsigned, unsigned>> uses = findUses(dim);
  for (auto [tensor, position] : uses)
    if (tensor < types.size() && !types[tensor].isDynamicDim(position))
      return {tensor, position};
  return uses.front();
}

std::string AttentionMaps::findMistakeOf(unsigned tensor, RankedTensorType type, ArrayRef<unsigned> wanted,
                                         ArrayRef<unsigned> allowed) const {
  AffineMap map = maps[tensor];
  if (map.getNumSymbols() != 0 || map.getNumDims() != getNumDims() || map.getNumResults() != type.getRank())
    return (Twine("map ") + Twine(tensor) + " does not fit its tensor, or has other dims than the first").str();
  bool isResult = tensor + 1 == maps.size();
  SmallVector<bool> seen(getNumDims(), false);
  for (auto [position, expr] : llvm::enumerate(map.getResults())) {
    std::optional<AttentionIndex> index = AttentionIndex::of(expr);
    auto mistake = [&](StringRef text) {
      return (Twine("index ") + Twine(position) + " of map " + Twine(tensor) + " " + text).str();
    };
    if (!index || (index->dim && *index->dim >= getNumBatchDims() && index->divisor != 1))
      return mistake("is no dim, no number, and no batch dim divided by one");
    int64_t size = type.getDimSize(position);
    if (!index->dim) {
      if (ShapedType::isDynamic(size) || index->number >= size || (isResult && size != 1))
        return mistake("is out of range");
      continue;
    }
    if (seen[*index->dim] || (isResult && index->divisor != 1))
      return mistake("occurs twice, or is divided in the result");
    if (*index->dim >= getNumBatchDims() && !llvm::is_contained(allowed, *index->dim))
      return mistake("is none of that operand");
    seen[*index->dim] = true;
  }
  for (unsigned dim : wanted)
    if (!seen[dim])
      return (Twine("map ") + Twine(tensor) + " lacks dim " + Twine(dim)).str();
  return "";
}

std::string AttentionMaps::findMistake(ArrayRef<RankedTensorType> types) const {
  if (maps.size() != types.size() || maps.size() < 4 || maps.front().getNumDims() < 4)
    return "needs a map of at least four dims for each operand and the result";
  unsigned m = getRowDim(), n = getKeyDim(), d = getDepthDim(), e = getColumnDim();
  for (auto [tensor, type] : llvm::enumerate(types)) {
    SmallVector<unsigned> wanted, allowed = {m, n};
    if (tensor < 3)
      allowed = wanted = tensor == 0   ? SmallVector<unsigned>{m, d}
                         : tensor == 1 ? SmallVector{n, d}
                                       : SmallVector{n, e};
    if (tensor + 1 == types.size()) {
      allowed = wanted = {m, e};
      for (unsigned batch = 0; batch < getNumBatchDims(); ++batch)
        wanted.push_back(batch);
    }
    if (std::string mistake = findMistakeOf(tensor, type, wanted, allowed); !mistake.empty())
      return mistake;
  }
  // Sizes: those of operands, which decide that of the result.
  for (unsigned dim = 0; dim < getNumDims(); ++dim) {
    SmallVector<std::pair<unsigned, unsigned>> uses = findUses(dim);
    if (uses.empty() || uses.front().first + 1 == types.size())
      return (Twine("dim ") + Twine(dim) + " is the index of no operand").str();
    int64_t size = ShapedType::kDynamic;
    for (auto [tensor, position] : uses) {
      int64_t own = types[tensor].getDimSize(position);
      if (ShapedType::isStatic(size) && ShapedType::isStatic(own) && own != size)
        return (Twine("dim ") + Twine(dim) + " has sizes " + Twine(size) + " and " + Twine(own)).str();
      size = ShapedType::isStatic(own) ? own : size;
    }
    for (auto [tensor, map] : llvm::enumerate(maps))
      for (auto [position, expr] : llvm::enumerate(map.getResults())) {
        AttentionIndex index = *AttentionIndex::of(expr);
        int64_t own = types[tensor].getDimSize(position);
        bool isKnown = ShapedType::isStatic(size) && ShapedType::isStatic(own);
        if (index.dim == dim && index.divisor != 1 && (!isKnown || own * index.divisor != size))
          return (Twine("dim ") + Twine(dim) + " divided by " + Twine(index.divisor) +
                  " needs the size that it indexes")
              .str();
      }
  }
  return "";
}
