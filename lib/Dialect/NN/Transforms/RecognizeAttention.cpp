//===- RecognizeAttention.cpp - scaled dot-product attention from products and softmax --------------------------------------===//

#include "Constants.h"
#include "Recognize.h"
#include "TensorAccess.h"
#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// The only operand of a reduction of `kind` over the last dim, which is kept; null if `value` is something else.
Value getReducedRow(Value value, StringRef kind) {
  auto reduce = value ? value.getDefiningOp<ReduceOp>() : ReduceOp();
  if (!reduce || reduce.getKind() != kind || !reduce.getKeepdims())
    return {};
  int64_t rank = typeOf(reduce.getInput()).getRank();
  return reduce.getAxes() == ArrayRef<int64_t>(rank - 1) ? reduce.getInput() : Value();
}

bool hasUses(Value value, unsigned count) {
  return unsigned(std::distance(value.use_begin(), value.use_end())) == count;
}

/// A softmax over the last dim whose parts nothing else uses: e^(x - max) / sum.
struct Softmax {
  Value scores;
  /// NaN counts as 0.
  bool nanAsZero = false;
  /// A mask: a row that it hides whole has no weights. Null: there is none.
  Value hiding = {};

  static std::optional<Softmax> of(Value weights);
};

/// Where the largest number of each row is -inf: the tensor with these rows.
Value getRowsOfNothing(Value condition) {
  constexpr double nothing = -std::numeric_limits<double>::infinity();
  auto equal = condition.getDefiningOp<EqualOp>();
  if (!equal || !condition.hasOneUse())
    return {};
  bool isLeft = getNumber(equal.getLhs()) == nothing;
  if (!isLeft && getNumber(equal.getRhs()) != nothing)
    return {};
  return getReducedRow(isLeft ? equal.getRhs() : equal.getLhs(), "max");
}

std::optional<Softmax> Softmax::of(Value weights) {
  Softmax softmax;
  unsigned uses = 1;
  if (auto where = weights.getDefiningOp<WhereOp>(); where && weights.hasOneUse()) {
    auto test = where.getCondition().getDefiningOp<IsNaNOp>();
    bool isTested = test && test.getInput() == where.getRhs() && test->hasOneUse();
    softmax.hiding = isTested ? Value() : getRowsOfNothing(where.getCondition());
    if ((!isTested && !softmax.hiding) || getNumber(where.getLhs()) != 0.0 ||
        where.getType() != where.getRhs().getType())
      return std::nullopt;
    // A mask of one number hides all rows or none.
    std::optional<double> number = softmax.hiding ? getNumber(softmax.hiding) : std::nullopt;
    if (number && std::isfinite(*number))
      softmax.hiding = {};
    softmax.nanAsZero = isTested || softmax.hiding;
    weights = where.getRhs();
    uses = isTested ? 2 : 1;
  }
  auto quotient = weights.getDefiningOp<DivOp>();
  Value powers = quotient ? quotient.getLhs() : Value();
  auto exp = powers ? powers.getDefiningOp<ExpOp>() : ExpOp();
  if (!exp || getReducedRow(quotient.getRhs(), "sum") != powers || !hasUses(weights, uses) || !hasUses(powers, 2))
    return std::nullopt;
  auto shifted = exp.getInput().getDefiningOp<SubOp>();
  if (!shifted || getReducedRow(shifted.getRhs(), "max") != shifted.getLhs() || !shifted->hasOneUse() ||
      !hasUses(shifted.getLhs(), 2) || shifted.getType() != shifted.getLhs().getType())
    return std::nullopt;
  softmax.scores = shifted.getLhs();
  return softmax;
}

/// The number that one operand of `op` is, and the other operand, of the result's type.
std::optional<std::pair<double, Value>> splitNumber(Operation *op) {
  bool isQuotient = isa_and_nonnull<DivOp>(op);
  if (!isQuotient && !isa_and_nonnull<MulOp>(op))
    return std::nullopt;
  for (unsigned number : {1, 0}) {
    std::optional<double> factor = getNumber(op->getOperand(number));
    Value other = op->getOperand(1 - number);
    if (factor && *factor != 0 && other.getType() == op->getResult(0).getType())
      return std::pair(isQuotient ? 1 / *factor : *factor, other);
    if (isQuotient)
      break;
  }
  return std::nullopt;
}

/// What is added to scores: a tensor, or a number where a condition holds (or does not).
struct Mask {
  TensorAccess access;
  Value added = {}; ///< to the scores
  Value number = {};
  bool isWhereTrue = false;
};

/// Puts an attention together from the product with the values back to the projections.
class AttentionBuilder {
public:
  AttentionBuilder(PatternRewriter &rewriter, MatMulOp product, bool roundsScores)
      : rewriter(rewriter), loc(product.getLoc()), product(product), roundsScores(roundsScores) {}

  /// Null, or why there is none.
  const char *match();
  void replace();

private:
  using Index = TensorAccess::Index;

  /// Of a loop of size 1 there is no digit.
  Index getIndex(unsigned loop) const {
    return sizes[loop].isStatic(1) ? Index() : Index{IndexDigit{loop, 1, 0, sizes[loop]}};
  }
  bool nameLoops(Value weights);
  const char *matchScores(TensorAccess access);
  bool addMask(const TensorAccess &access, Value mask);
  Value addWhereMask(const TensorAccess &access, WhereOp where);
  TensorAccess findSource(TensorAccess access, double *factor) const;
  TensorAccess findTarget(TensorAccess access);
  const char *matchProduct(const TensorAccess &access, MatMulOp scores);
  std::optional<TensorAccess> ofFactor(const TensorAccess &access, Value operand, unsigned row, unsigned column) const;
  /// The operands and their maps.
  bool addOperand(const TensorAccess &access, ArrayRef<unsigned> wanted);
  std::vector<std::pair<TensorAccess, SmallVector<Dim>>> operands;
  SmallVector<AffineMap> maps;

  PatternRewriter &rewriter;
  Location loc;
  MatMulOp product;
  bool roundsScores;
  Softmax softmax;
  /// Of all loops: batch, rows, keys, depth, columns.
  SmallVector<Dim> sizes;
  unsigned numBatch = 0;
  TensorAccess query, key, value, result;
  SmallVector<Mask> masks;
  Value replaced;
  double scale = 1;
};

/// The loops are the dims of the weights, but for batch dims of size 1, then the depth and the columns.
bool AttentionBuilder::nameLoops(Value weights) {
  SmallVector<Dim> dims = getDims(typeOf(weights));
  Dim columns = Dim::of(typeOf(product), typeOf(product).getRank() - 1);
  if (typeOf(product).getRank() != int64_t(dims.size()) || columns.isUnknown() ||
      llvm::any_of(dims, [](const Dim &dim) { return dim.isUnknown() || dim.isStatic(0); }))
    return false;
  for (const Dim &dim : ArrayRef(dims).drop_back(2))
    if (!dim.isStatic(1))
      sizes.push_back(dim);
  numBatch = sizes.size();
  llvm::append_range(sizes, ArrayRef(dims).take_back(2));
  sizes.push_back(Dim::unknown()); // the depth is known when the scores are
  sizes.push_back(columns);
  return true;
}

bool AttentionBuilder::addMask(const TensorAccess &access, Value mask) {
  if (getNumber(mask) == 0.0)
    return true;
  std::optional<TensorAccess> own = access.ofOperand(mask);
  if (!own)
    return false;
  // A mask is small, often made of constants, and wanted row by row: it keeps its order.
  bool moves;
  while (own->getTensor().getDefiningOp<ExpandOp>()) {
    std::optional<TensorAccess> before = own->stepBack(moves);
    if (!before)
      break;
    own = before;
  }
  masks.push_back({*own, mask});
  return true;
}

/// where(c, scores, -huge) is scores + where(c, 0, -huge) where nothing of a score is left of the sum. Returns the scores; null: no mask.
Value AttentionBuilder::addWhereMask(const TensorAccess &access, WhereOp where) {
  constexpr double huge = -1e30;
  for (bool isWhereTrue : {false, true}) {
    Value number = isWhereTrue ? where.getLhs() : where.getRhs();
    Value scores = isWhereTrue ? where.getRhs() : where.getLhs();
    std::optional<double> least = getNumber(number);
    if (!least || *least > huge || scores.getType() != where.getType() || typeOf(number).getNumElements() != 1 ||
        !typeOf(where).getElementType().isF32())
      continue;
    std::optional<TensorAccess> own = access.ofOperand(where.getCondition());
    if (!own)
      return {};
    masks.push_back({*own, {}, number, isWhereTrue});
    return scores;
  }
  return {};
}

/// An operand of the product of queries and keys: batch dims broadcast, the others are these loops.
std::optional<TensorAccess> AttentionBuilder::ofFactor(const TensorAccess &access, Value operand, unsigned row,
                                                       unsigned column) const {
  SmallVector<Dim> dims = getDims(typeOf(access.getTensor())), own = getDims(typeOf(operand));
  SmallVector<Index> indices;
  if (own.size() > dims.size())
    return std::nullopt;
  for (size_t i = 0, missing = dims.size() - own.size(); i + 2 < own.size(); ++i) {
    bool isOne = own[i].isStatic(1);
    if (!isOne && own[i] != dims[i + missing])
      return std::nullopt;
    indices.push_back(isOne ? Index() : access.getIndices()[i + missing]);
  }
  indices.push_back(getIndex(row));
  indices.push_back(getIndex(column));
  return TensorAccess(operand, indices);
}

const char *AttentionBuilder::matchProduct(const TensorAccess &access, MatMulOp scores) {
  unsigned m = numBatch, n = numBatch + 1, d = numBatch + 2;
  RankedTensorType left = typeOf(scores.getLhs()), right = typeOf(scores.getRhs());
  sizes[d] = Dim::of(left, left.getRank() - 1);
  if (sizes[d].isUnknown() || sizes[d] != Dim::of(right, right.getRank() - 2))
    return "the depth of queries and keys is not known";
  for (unsigned loop : {m, n}) {
    const Index &index = access.getIndices().take_back(2)[loop - m];
    bool isLoop = sizes[loop].isStatic(1) ? index.empty()
                                          : index.size() == 1 && index[0].loop == loop && index[0].size == sizes[loop];
    if (!isLoop)
      return "rows and keys are not the last dims of the scores";
  }
  std::optional<TensorAccess> ofQuery = ofFactor(access, scores.getLhs(), m, d),
                              ofKey = ofFactor(access, scores.getRhs(), d, n);
  if (!ofQuery || !ofKey)
    return "batch dims of queries and keys do not fit";
  query = findSource(*ofQuery, &scale);
  key = findSource(*ofKey, &scale);
  return nullptr;
}

/// The operand of a sum that the scores come from, the other one a mask: it has the result's type, and is computed for the sum alone.
static unsigned findScores(AddOp sum) {
  auto mayBe = [&](Value operand) {
    Operation *op = operand.getDefiningOp();
    return op && op->getNumOperands() != 0 && operand.hasOneUse() && operand.getType() == sum.getType();
  };
  return mayBe(sum.getLhs()) ? 0 : 1;
}

/// From the softmax back to the product of queries and keys: masks, then a factor.
const char *AttentionBuilder::matchScores(TensorAccess access) {
  bool isScaled = false, moves;
  for (unsigned steps = 0; steps < 12; ++steps) {
    Operation *op = access.getTensor().getDefiningOp();
    bool isFirst = steps == 0; // has two users, and others one
    if (!op || (!isFirst && !op->hasOneUse()))
      return "scores have other uses, or come from elsewhere";
    if (auto scores = dyn_cast<MatMulOp>(op))
      return matchProduct(access, scores);
    Value before;
    if (auto split = splitNumber(op)) {
      isScaled = true;
      scale *= split->first;
      before = split->second;
    } else if (isa<ReshapeOp>(op)) {
      std::optional<TensorAccess> reshaped = access.stepBack(moves);
      if (!reshaped)
        return "a reshape of the scores joins rows and keys";
      access = *reshaped;
      continue;
    } else if (isScaled) {
      return "masks are scaled with the scores";
    } else if (auto where = dyn_cast<WhereOp>(op)) {
      before = addWhereMask(access, where);
    } else if (auto sum = dyn_cast<AddOp>(op)) {
      unsigned scores = findScores(sum);
      if (sum->getOperand(scores).getType() == sum.getType() && addMask(access, sum->getOperand(1 - scores)))
        before = sum->getOperand(scores);
    }
    if (!before)
      return "scores are not products, scaled and masked";
    access = TensorAccess(before, SmallVector<Index>(access.getIndices()));
  }
  return "there are many steps between product and softmax";
}

/// Back to where the elements lie. Factors on the way go into `factor` where it is given.
TensorAccess AttentionBuilder::findSource(TensorAccess access, double *factor) const {
  TensorAccess best = access;
  double found = 1, atBest = 1;
  for (unsigned steps = 0; steps < 16; ++steps) {
    bool moves = true;
    if (auto split = factor ? splitNumber(access.getTensor().getDefiningOp()) : std::nullopt) {
      found *= split->first;
      access = TensorAccess(split->second, SmallVector<Index>(access.getIndices()));
    } else if (std::optional<TensorAccess> before = access.stepBack(moves)) {
      access = *before;
    } else {
      break;
    }
    // A reshape alone is not worth another one; but where there are dims of size 1, each may be needed.
    if (moves || (access.isSimple(sizes) && llvm::none_of(sizes, [](const Dim &dim) { return dim.isStatic(1); }))) {
      best = access;
      atBest = found;
    }
  }
  if (factor)
    *factor *= atBest;
  return best;
}

/// Forward through transposes, to where the elements are wanted.
TensorAccess AttentionBuilder::findTarget(TensorAccess access) {
  TensorAccess best = access;
  replaced = access.getTensor();
  for (unsigned steps = 0; steps < 8 && access.getTensor().hasOneUse(); ++steps) {
    bool moves;
    std::optional<TensorAccess> next = access.stepForward(*access.getTensor().user_begin(), moves);
    if (!next)
      break;
    access = *next;
    if (moves && access.isSimple(sizes)) {
      best = access;
      replaced = access.getTensor();
    }
  }
  return best;
}

bool AttentionBuilder::addOperand(const TensorAccess &access, ArrayRef<unsigned> wanted) {
  SmallVector<Dim> shape;
  std::optional<TensorAccess> split = access.split(sizes, shape);
  SmallVector<Dim> dims = shape.empty() ? getDims(typeOf(access.getTensor())) : shape;
  std::optional<AffineMap> map = split ? split->getMap(sizes, dims, wanted) : std::nullopt;
  if (!map)
    return false;
  operands.push_back({*split, shape});
  maps.push_back(*map);
  return true;
}

const char *AttentionBuilder::match() {
  Value weights = product.getLhs();
  std::optional<Softmax> found = Softmax::of(weights);
  if (!found)
    return "the left operand is no softmax over the last dim, or is used elsewhere";
  softmax = *found;
  if (!nameLoops(weights))
    return "sizes are not known, or values have more batch dims than weights";
  unsigned m = numBatch, n = numBatch + 1, d = numBatch + 2, e = numBatch + 3, loop = 0;
  SmallVector<Index> indices;
  SmallVector<Dim> dims = getDims(typeOf(weights));
  for (const Dim &dim : ArrayRef(dims).drop_back(2))
    indices.push_back(dim.isStatic(1) ? Index() : getIndex(loop++));
  indices.append({getIndex(m), getIndex(n)});
  TensorAccess ofWeights(weights, indices);
  RankedTensorType values = typeOf(product.getRhs());
  std::optional<TensorAccess> ofValue = ofFactor(ofWeights, product.getRhs(), n, e);
  if (!ofValue || Dim::of(values, values.getRank() - 2) != sizes[n])
    return "values do not fit the weights";
  value = findSource(*ofValue, nullptr);
  indices.back() = getIndex(e);
  result = findTarget(TensorAccess(product, indices));
  if (const char *obstacle = matchScores(TensorAccess(softmax.scores, SmallVector<Index>(ofWeights.getIndices()))))
    return obstacle;
  if (softmax.hiding && (masks.size() != 1 || masks[0].added != softmax.hiding))
    return "rows without weights are those of something else than the mask";
  Type element = typeOf(product).getElementType();
  if (softmax.hiding && roundsScores && !element.isF32() && !element.isF64())
    return "the definition of ONNX rounds scores and weights";
  bool isSplit = addOperand(query, {m, d}) && addOperand(key, {n, d}) && addOperand(value, {n, e});
  for (const Mask &mask : llvm::reverse(masks)) // The first one added is the last one met.
    isSplit = isSplit && addOperand(mask.access, {});
  return isSplit && addOperand(result, {m, e}) ? nullptr : "operands lie in a way that indices cannot say";
}

void AttentionBuilder::replace() {
  operands.pop_back(); // the result
  SmallVector<Value> values;
  for (auto [number, operand] : llvm::enumerate(operands)) {
    auto &[access, shape] = operand;
    Value tensor = access.getTensor();
    const Mask *mask = number < 3 ? nullptr : &masks[masks.size() - 1 - (number - 3)];
    if (mask && mask->number) {
      auto scalar = RankedTensorType::get({}, typeOf(mask->number).getElementType());
      Value zero = ConstantOp::create(rewriter, loc, DenseElementsAttr::get(scalar, 0.0f));
      Value yes = mask->isWhereTrue ? mask->number : zero, no = mask->isWhereTrue ? zero : mask->number;
      tensor = WhereOp::create(rewriter, loc, tensor, yes, no);
    }
    values.push_back(shape.empty() ? tensor : reshapeTo(rewriter, loc, tensor, shape));
  }
  // What moved the result, the last one first.
  SmallVector<Operation *> movers = {replaced.getDefiningOp()};
  while (movers.back() != product)
    movers.push_back(movers.back()->getOperand(0).getDefiningOp());
  auto nanAsZero = softmax.nanAsZero ? rewriter.getUnitAttr() : UnitAttr();
  rewriter.replaceOpWithNewOp<AttentionOp>(movers.front(), replaced.getType(), values[0], values[1], values[2],
                                           ArrayRef(values).drop_front(3), rewriter.getAffineMapArrayAttr(maps),
                                           rewriter.getF64FloatAttr(scale), nanAsZero);
  for (Operation *mover : ArrayRef(movers).drop_front())
    rewriter.eraseOp(mover);
}

/// The product of weights and values: all else is before it, or moves its result.
struct AttentionOfProducts : OpRewritePattern<MatMulOp> {
  AttentionOfProducts(MLIRContext *context, bool roundsScores)
      : OpRewritePattern(context), roundsScores(roundsScores) {}
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    AttentionBuilder builder(rewriter, op, roundsScores);
    if (const char *obstacle = builder.match())
      return rewriter.notifyMatchFailure(op, obstacle);
    builder.replace();
    return success();
  }

private:
  bool roundsScores;
};

} // namespace

void populateRecognizeAttention(RewritePatternSet &patterns, bool roundsScores) {
  patterns.add<AttentionOfProducts>(patterns.getContext(), roundsScores);
}

} // namespace nncc::nn
