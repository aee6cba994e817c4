//===- Attention.cpp - exec.attention -------------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Support/AttentionMaps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::exec;

SmallVector<AffineMap> AttentionOp::getMaps() {
  auto maps = getIndexingMaps().getAsValueRange<AffineMapAttr>();
  return {maps.begin(), maps.end()};
}

SmallVector<RankedTensorType> AttentionOp::getTensorTypes() {
  return llvm::map_to_vector(getOperands(), [](Value operand) { return cast<RankedTensorType>(operand.getType()); });
}

int64_t AttentionOp::getDimSize(unsigned dim) {
  SmallVector<AffineMap> maps = getMaps();
  SmallVector<RankedTensorType> types = getTensorTypes();
  auto [tensor, position] = AttentionMaps(maps).findSize(dim, types);
  return types[tensor].getDimSize(position);
}

LogicalResult AttentionOp::verify() {
  SmallVector<RankedTensorType> types = getTensorTypes();
  Type element = types.front().getElementType();
  if (!element.isF16() && !element.isBF16() && !element.isF32() && !element.isF64())
    return emitOpError("computes with floats, not ") << element;
  if (!llvm::all_of(types, [&](RankedTensorType type) { return type.getElementType() == element; }))
    return emitOpError("needs tensors of one element type");
  if (getInit().getType() != getType())
    return emitOpError("has the result ") << getType() << " but outs of " << getInit().getType();
  SmallVector<AffineMap> maps = getMaps();
  if (std::string mistake = maps.empty() ? "needs maps" : AttentionMaps(maps).findMistake(types); !mistake.empty())
    return emitOpError(mistake);
  return success();
}

/// Whether `dim` is the innermost index of the tensor, dims of size 1 apart.
static bool isInnermost(unsigned dim, AffineMap map, RankedTensorType type) {
  for (int64_t position = type.getRank() - 1; position >= 0; --position) {
    if (AttentionIndex::of(map.getResult(position))->isPlain(dim))
      return true;
    if (type.getDimSize(position) != 1)
      return false;
  }
  return false;
}

bool AttentionOp::isFusable() {
  // With fewer rows most lanes are empty. With more columns than this the sums of a tile need too much scratch.
  constexpr int64_t leastRows = 8, mostColumns = 512;
  SmallVector<AffineMap> all = getMaps();
  SmallVector<RankedTensorType> types = getTensorTypes();
  AttentionMaps maps(all);
  int64_t rows = getDimSize(maps.getRowDim()), depth = getDimSize(maps.getDepthDim()),
          columns = getDimSize(maps.getColumnDim());
  auto isModest = [](int64_t size) { return ShapedType::isStatic(size) && size > 0 && size <= mostColumns; };
  if (!types.front().getElementType().isF32() || !isModest(depth) || !isModest(columns) ||
      (ShapedType::isStatic(rows) && rows < leastRows))
    return false;
  if (llvm::any_of(types, [](RankedTensorType type) { return llvm::is_contained(type.getShape(), 0); }))
    return false;
  for (unsigned mask = 3; mask + 1 < all.size(); ++mask)
    if (all[mask].isFunctionOfDim(maps.getRowDim()) && !isInnermost(maps.getKeyDim(), all[mask], types[mask]))
      return false;
  return isInnermost(maps.getDepthDim(), all.front(), types.front()) &&
         isInnermost(maps.getColumnDim(), all.back(), types.back());
}
