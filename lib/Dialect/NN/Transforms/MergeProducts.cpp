//===- MergeProducts.cpp - projections of one operand become one product ----------------------------------------------------===//

#include "Constants.h"
#include "TensorAccess.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"
#include "nncc/Support/AttentionMaps.h"
#include "llvm/ADT/MapVector.h"

#define DEBUG_TYPE "nn-merge-products"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_MERGEPRODUCTS
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// What is merged
//===----------------------------------------------------------------------------------------------------------------------===//

/// An attention, and which of its queries, keys and values.
struct Reader {
  AttentionOp attention;
  unsigned operand;
};

/// x * weights (+ bias), read by attentions alone.
struct Projection {
  MatMulOp product;
  /// A vector for all rows; null: none.
  Value bias;
  Value result;
  SmallVector<Reader> readers;

  Value getInput() { return product.getLhs(); }
  Value getWeights() { return product.getRhs(); }
  int64_t getColumns() { return typeOf(product.getRhs()).getDimSize(1); }
};

/// Where the elements of `value` come from through reshapes.
Value getReshaped(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

/// The attentions in `block` that read `result`, through reshapes; false when something else does.
bool collectReaders(Value result, Block *block, SmallVectorImpl<Reader> &readers) {
  SmallVector<Value> values = {result};
  while (!values.empty())
    for (OpOperand &use : values.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      auto attention = dyn_cast<AttentionOp>(user);
      bool isReshaped = isa<ReshapeOp>(user) && use.getOperandNumber() == 0;
      bool isRead = attention && use.getOperandNumber() < 3;
      if (user->getBlock() != block || !(isReshaped || isRead))
        return false;
      if (isRead)
        readers.push_back({attention, use.getOperandNumber()});
      else
        values.push_back(user->getResult(0));
    }
  return true;
}

/// The operand of `sum` that is a product for the sum alone, and the other one.
std::pair<MatMulOp, Value> splitSum(AddOp sum) {
  for (unsigned bias : {0, 1})
    if (auto product = sum->getOperand(1 - bias).getDefiningOp<MatMulOp>(); product && product->hasOneUse())
      return {product, sum->getOperand(bias)};
  return {MatMulOp(), Value()};
}

std::optional<Projection> getProjection(Value result, Block *block) {
  Projection projection{result.getDefiningOp<MatMulOp>(), Value(), result, {}};
  if (auto sum = result.getDefiningOp<AddOp>())
    std::tie(projection.product, projection.bias) = splitSum(sum);
  if (!projection.product || projection.product->getBlock() != block ||
      projection.product.getType() != result.getType())
    return std::nullopt;
  RankedTensorType weights = typeOf(projection.getWeights());
  bool isMatrix = weights.getRank() == 2 && weights.hasStaticShape() && isConstant(projection.getWeights()) &&
                  weights.getElementType() == typeOf(result).getElementType();
  bool isVector = !projection.bias || (typeOf(projection.bias).getShape() == ArrayRef(weights.getDimSize(1)) &&
                                       isConstant(projection.bias));
  if (!isMatrix || !isVector || !collectReaders(result, block, projection.readers))
    return std::nullopt;
  return projection;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// How it is read
//===----------------------------------------------------------------------------------------------------------------------===//

SmallVector<AffineMap> getMaps(AttentionOp op) {
  auto maps = op.getIndexingMaps().getAsValueRange<AffineMapAttr>();
  return {maps.begin(), maps.end()};
}

/// The size of each dim of the maps.
SmallVector<Dim> getLoopSizes(AttentionOp op) {
  SmallVector<AffineMap> all = getMaps(op);
  AttentionMaps maps(all);
  SmallVector<RankedTensorType> types =
      llvm::map_to_vector(op.getOperands(), [](Value operand) { return typeOf(operand); });
  return llvm::map_to_vector(llvm::seq(maps.getNumDims()), [&](unsigned dim) {
    auto [tensor, position] = maps.findSize(dim, types);
    return Dim::of(types[tensor], position);
  });
}

/// The elements of `operand` that an attention reaches by `map`.
TensorAccess getAccess(Value operand, AffineMap map, ArrayRef<Dim> sizes) {
  SmallVector<TensorAccess::Index> indices;
  for (auto [expr, size] : llvm::zip_equal(map.getResults(), getDims(typeOf(operand)))) {
    AttentionIndex index = *AttentionIndex::of(expr);
    TensorAccess::Index digits;
    if (!size.isStatic(1) && index.dim)
      digits.push_back({index.dim, index.divisor, 0, index.divisor == 1 ? sizes[*index.dim] : size});
    else if (!size.isStatic(1))
      digits.push_back({std::nullopt, 1, index.number, size});
    indices.push_back(digits);
  }
  return TensorAccess(operand, indices);
}

/// An operand of an attention that takes the place of a part of a product.
struct PartOperand {
  TensorAccess access;
  /// What the product is reshaped to; empty: nothing.
  SmallVector<Dim> shape;
  AffineMap map;

  /// As `reader` reads `result`, in part number `part` of `parts` of `merged`; nothing where indices cannot say it.
  static std::optional<PartOperand> of(Reader reader, Value result, Value merged, int64_t part, int64_t parts);
};

std::optional<PartOperand> PartOperand::of(Reader reader, Value result, Value merged, int64_t part, int64_t parts) {
  SmallVector<Dim> sizes = getLoopSizes(reader.attention);
  SmallVector<AffineMap> maps = getMaps(reader.attention);
  std::optional<TensorAccess> access =
      getAccess(reader.attention->getOperand(reader.operand), maps[reader.operand], sizes);
  for (bool moves; access && access->getTensor() != result;)
    access = access->stepBack(moves);
  if (!access)
    return std::nullopt;
  SmallVector<TensorAccess::Index> indices(access->getIndices());
  indices.back().insert(indices.back().begin(), IndexDigit{std::nullopt, 1, part, parts});
  PartOperand operand;
  std::optional<TensorAccess> split = TensorAccess(merged, indices).split(sizes, operand.shape);
  if (!split)
    return std::nullopt;
  unsigned last = sizes.size(), row = last - 4, key = last - 3, depth = last - 2, column = last - 1;
  const SmallVector<unsigned> wanted[] = {{row, depth}, {key, depth}, {key, column}};
  SmallVector<Dim> dims = operand.shape.empty() ? getDims(typeOf(merged)) : operand.shape;
  std::optional<AffineMap> map = split->getMap(sizes, dims, wanted[reader.operand]);
  if (!map)
    return std::nullopt;
  operand.access = *split;
  operand.map = *map;
  return operand;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------------------------------------------------------===//

class Merger {
public:
  explicit Merger(Block &block);
  void mergeAll();

private:
  SmallVector<Projection *> findSiblings(AttentionOp attention, Projection &first);
  Value createMerged(OpBuilder &b, ArrayRef<Projection *> siblings);
  bool merge(ArrayRef<Projection *> siblings, AttentionOp attention);

  SmallVector<AttentionOp> attentions;
  /// By result, in the order of their readers.
  llvm::MapVector<Value, Projection> projections;
};

Merger::Merger(Block &block) : attentions(block.getOps<AttentionOp>()) {
  for (AttentionOp attention : attentions)
    for (Value operand : attention->getOperands().take_front(3)) {
      Value result = getReshaped(operand);
      std::optional<Projection> projection = getProjection(result, &block);
      // As the only part of a product.
      if (projection && llvm::all_of(projection->readers, [&](Reader reader) {
            return PartOperand::of(reader, result, result, 0, 1).has_value();
          }))
        projections.insert({result, *projection});
    }
}

void Merger::mergeAll() {
  for (AttentionOp attention : attentions)
    for (unsigned operand : {0, 1, 2}) {
      auto first = projections.find(getReshaped(attention->getOperand(operand)));
      if (first == projections.end())
        continue;
      SmallVector<Projection *> siblings = findSiblings(attention, first->second);
      if (siblings.size() > 1 && merge(siblings, attention))
        for (Projection *sibling : siblings)
          sibling->readers.clear(); // it is done
    }
}

/// Those that can be computed together with `first` just before `attention`, its first reader, in the order of their products.
SmallVector<Projection *> Merger::findSiblings(AttentionOp attention, Projection &first) {
  SmallVector<Projection *> siblings;
  for (auto &[result, other] : projections) {
    bool isAlike = other.getInput() == first.getInput() && other.getColumns() == first.getColumns() &&
                   typeOf(other.getWeights()) == typeOf(first.getWeights());
    bool isInTime =
        result.getDefiningOp()->isBeforeInBlock(attention) &&
        llvm::none_of(other.readers, [&](Reader reader) { return reader.attention->isBeforeInBlock(attention); });
    if (isAlike && isInTime && !other.readers.empty())
      siblings.push_back(&other);
  }
  llvm::sort(siblings, [](Projection *a, Projection *b) { return a->product->isBeforeInBlock(b->product); });
  return siblings;
}

/// One product with all weights side by side, plus all biases.
Value Merger::createMerged(OpBuilder &b, ArrayRef<Projection *> siblings) {
  Location loc =
      b.getFusedLoc(llvm::map_to_vector(siblings, [](Projection *sibling) { return sibling->product.getLoc(); }));
  auto weights = llvm::map_to_vector(siblings, [](Projection *sibling) { return sibling->getWeights(); });
  Value merged = MatMulOp::create(b, loc, siblings.front()->getInput(), ConcatOp::create(b, loc, weights, /*axis=*/1));
  if (llvm::none_of(siblings, [](Projection *sibling) { return bool(sibling->bias); }))
    return merged;
  SmallVector<Value> biases;
  for (Projection *sibling : siblings) {
    auto type = RankedTensorType::get({sibling->getColumns()}, typeOf(merged).getElementType());
    biases.push_back(sibling->bias ? sibling->bias
                                   : ConstantOp::create(b, loc, cast<ElementsAttr>(b.getZeroAttr(type))).getResult());
  }
  return AddOp::create(b, loc, merged, ConcatOp::create(b, loc, biases, /*axis=*/0));
}

/// False when indices cannot say how one of them is read.
bool Merger::merge(ArrayRef<Projection *> siblings, AttentionOp attention) {
  OpBuilder b(attention);
  Value merged = createMerged(b, siblings);
  SmallVector<std::pair<Reader, PartOperand>, 3> operands;
  for (auto [part, sibling] : llvm::enumerate(siblings))
    for (Reader reader : sibling->readers) {
      std::optional<PartOperand> operand = PartOperand::of(reader, sibling->result, merged, part, siblings.size());
      if (!operand)
        return false; // the product has no user, and goes
      operands.push_back({reader, *operand});
    }
  for (auto &[reader, operand] : operands) {
    SmallVector<AffineMap> maps = getMaps(reader.attention);
    maps[reader.operand] = operand.map;
    Value value = operand.shape.empty() ? merged : reshapeTo(b, merged.getLoc(), merged, operand.shape);
    reader.attention->setOperand(reader.operand, value);
    reader.attention.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
  }
  return true;
}

struct MergeProductsPass : impl::MergeProductsBase<MergeProductsPass> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      Merger(*block).mergeAll();
  }
};

} // namespace
} // namespace nncc::nn
