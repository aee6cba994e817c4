//===- Attention.cpp - scaled dot-product attention of nn ---------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Support/AttentionMaps.h"

using namespace mlir;
using namespace nncc::nn;
using nncc::AttentionIndex;
using nncc::AttentionMaps;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Attention.cpp.inc"

/// The size of a dim of an attention, as precisely as an operand says.
static Dim getSize(const AttentionMaps &maps, unsigned dim, ArrayRef<RankedTensorType> operands) {
  Dim size = Dim::unknown();
  for (auto [tensor, position] : maps.findUses(dim)) {
    if (tensor >= operands.size())
      continue;
    Dim own = Dim::of(operands[tensor], position);
    if (own.isStatic())
      return own;
    size = size.isUnknown() ? own : size;
  }
  return size;
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &results) {
  auto attributes = op.getIndexingMaps().getAsValueRange<AffineMapAttr>();
  SmallVector<AffineMap> all(attributes.begin(), attributes.end());
  SmallVector<RankedTensorType> types =
      llvm::map_to_vector(op.getOperands(), [](Value operand) { return typeOf(operand); });
  Type element = types.front().getElementType();
  if (!llvm::all_of(types, [&](RankedTensorType type) { return type.getElementType() == element; }))
    return emitOptionalError(loc, "needs tensors of one element type (C1)");
  if (all.size() != types.size() + 1 || all.back().getNumDims() != all.front().getNumDims())
    return emitOptionalError(loc, "needs a map for each operand and the result, all of the same dims (C1)");
  AttentionMaps maps(all);
  // The result's type is what is asked for: any sizes serve to check its map.
  SmallVector<int64_t> shape;
  for (AffineExpr expr : all.back().getResults())
    shape.push_back(isa<AffineConstantExpr>(expr) ? 1 : ShapedType::kDynamic);
  types.push_back(RankedTensorType::get(shape, element));
  if (std::string mistake = maps.findMistake(types); !mistake.empty())
    return emitOptionalError(loc, mistake, " (C1)");
  types.pop_back();
  SmallVector<Dim> dims;
  for (AffineExpr expr : all.back().getResults()) {
    AttentionIndex index = *AttentionIndex::of(expr);
    dims.push_back(index.dim ? getSize(maps, *index.dim, types) : Dim(1));
  }
  results.push_back(makeTensorType(dims, element));
  return success();
}
