//===- TensorAccess.cpp - which element of a tensor an index means, through what only moves elements ------------------------===//

#include "TensorAccess.h"
#include "Constants.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

//===----------------------------------------------------------------------------------------------------------------------===//
// Digits
//===----------------------------------------------------------------------------------------------------------------------===//

/// The most significant part of `digit`, of `size`; what is left becomes `digit`. False when its size is no multiple.
static bool splitDigit(IndexDigit &digit, int64_t size, IndexDigit &high) {
  if (!digit.size.isStatic() || size < 1 || digit.size.getStatic() % size != 0)
    return false;
  int64_t rest = digit.size.getStatic() / size;
  high = digit;
  high.size = size;
  if (digit.loop) {
    high.divisor = digit.divisor * rest;
  } else {
    high.number = digit.number / rest;
    digit.number %= rest;
  }
  digit.size = rest;
  return true;
}

/// Adds a digit behind others, as one with the last where both are adjacent parts of one loop.
static void appendDigit(TensorAccess::Index &index, const IndexDigit &digit) {
  if (digit.size.isStatic(1))
    return;
  if (!index.empty() && index.back().loop && index.back().loop == digit.loop && digit.size.isStatic() &&
      index.back().divisor == digit.divisor * digit.size.getStatic()) {
    index.back().divisor = digit.divisor;
    index.back().size = index.back().size * digit.size;
    return;
  }
  index.push_back(digit);
}

std::optional<SmallVector<TensorAccess::Index>> regroupDigits(ArrayRef<IndexDigit> digits, ArrayRef<Dim> sizes) {
  SmallVector<IndexDigit> queue(llvm::reverse(digits));
  SmallVector<TensorAccess::Index> indices;
  for (const Dim &size : sizes) {
    TensorAccess::Index index;
    Dim product(1);
    while (product != size) {
      if (queue.empty())
        return std::nullopt;
      IndexDigit digit = queue.pop_back_val();
      Dim next = product * digit.size;
      if (next != size && size.isStatic() && next.isStatic() && next.getStatic() > size.getStatic()) {
        IndexDigit high;
        if (size.getStatic() % product.getStatic() != 0 ||
            !splitDigit(digit, size.getStatic() / product.getStatic(), high))
          return std::nullopt;
        queue.push_back(digit);
        digit = high;
        next = size;
      }
      appendDigit(index, digit);
      product = next;
    }
    indices.push_back(std::move(index));
  }
  return queue.empty() ? std::optional(indices) : std::nullopt;
}

static SmallVector<IndexDigit> flatten(ArrayRef<TensorAccess::Index> indices) {
  SmallVector<IndexDigit> digits;
  for (const TensorAccess::Index &index : indices)
    llvm::append_range(digits, index);
  return digits;
}

/// Nothing is said about tensors that have no elements, or dims of sizes that nobody can compare.
static bool hasKnownSizes(Value tensor) {
  return llvm::none_of(getDims(typeOf(tensor)), [](const Dim &dim) { return dim.isUnknown() || dim.isStatic(0); });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------------------------------------------------------===//

static std::optional<TensorAccess> regroup(const TensorAccess &access, Value other) {
  if (!hasKnownSizes(access.getTensor()) || !hasKnownSizes(other))
    return std::nullopt;
  auto indices = regroupDigits(flatten(access.getIndices()), getDims(typeOf(other)));
  return indices ? std::optional(TensorAccess(other, *indices)) : std::nullopt;
}

/// One of equal parts of a dim is a number before the index in it.
static std::optional<TensorAccess> throughSlice(const TensorAccess &access, SliceOp slice) {
  std::optional<SmallVector<int64_t>> starts = getConstantInts(slice.getStarts()),
                                      steps = getConstantInts(slice.getSteps());
  RankedTensorType from = typeOf(slice.getInput()), to = typeOf(slice);
  if (!starts || !steps || llvm::any_of(*steps, [](int64_t step) { return step != 1; }))
    return std::nullopt;
  SmallVector<TensorAccess::Index> indices(access.getIndices());
  for (auto [start, given] : llvm::zip_equal(*starts, slice.getAxes())) {
    int64_t axis = given < 0 ? given + from.getRank() : given, size = from.getDimSize(axis), part = to.getDimSize(axis);
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(part) || part == 0)
      return std::nullopt;
    int64_t first = std::clamp<int64_t>(start < 0 ? start + size : start, 0, size);
    if (size % part != 0 || first % part != 0)
      return std::nullopt;
    TensorAccess::Index index;
    appendDigit(index, IndexDigit{std::nullopt, 1, first / part, size / part});
    for (const IndexDigit &digit : indices[axis])
      appendDigit(index, digit);
    indices[axis] = index;
  }
  return TensorAccess(slice.getInput(), indices);
}

/// One element along an axis.
static std::optional<TensorAccess> throughGather(const TensorAccess &access, GatherOp gather) {
  std::optional<SmallVector<int64_t>> number = getConstantInts(gather.getIndices());
  RankedTensorType from = typeOf(gather.getInput());
  int64_t rank = from.getRank(), axis = gather.getAxis() < 0 ? gather.getAxis() + rank : gather.getAxis();
  if (!number || typeOf(gather.getIndices()).getRank() != 0 || from.isDynamicDim(axis))
    return std::nullopt;
  int64_t size = from.getDimSize(axis), at = number->front() < 0 ? number->front() + size : number->front();
  if (at < 0 || at >= size)
    return std::nullopt;
  SmallVector<TensorAccess::Index> indices(access.getIndices());
  TensorAccess::Index index;
  appendDigit(index, IndexDigit{std::nullopt, 1, at, size});
  indices.insert(indices.begin() + axis, index);
  return TensorAccess(gather.getInput(), indices);
}

std::optional<TensorAccess> TensorAccess::stepBack(bool &moves) const {
  Operation *op = tensor.getDefiningOp();
  moves = op && !isa<ReshapeOp>(op);
  if (auto transpose = dyn_cast_or_null<TransposeOp>(op)) {
    SmallVector<Index> before(indices.size());
    for (auto [index, from] : llvm::zip_equal(indices, transpose.getPermutation()))
      before[from] = index;
    return TensorAccess(transpose.getInput(), before);
  }
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(op))
    return regroup(*this, reshape.getInput());
  if (auto slice = dyn_cast_or_null<SliceOp>(op))
    return throughSlice(*this, slice);
  if (auto gather = dyn_cast_or_null<GatherOp>(op))
    return throughGather(*this, gather);
  if (auto expand = dyn_cast_or_null<ExpandOp>(op))
    return ofOperand(expand.getInput());
  return std::nullopt;
}

std::optional<TensorAccess> TensorAccess::stepForward(Operation *user, bool &moves) const {
  moves = isa<TransposeOp>(user);
  if (auto transpose = dyn_cast<TransposeOp>(user))
    return TensorAccess(transpose,
                        llvm::map_to_vector(transpose.getPermutation(), [&](int64_t from) { return indices[from]; }));
  if (auto reshape = dyn_cast<ReshapeOp>(user); reshape && reshape.getInput() == tensor)
    return regroup(*this, reshape);
  return std::nullopt;
}

std::optional<TensorAccess> TensorAccess::ofOperand(Value operand) const {
  SmallVector<Dim> from = getDims(typeOf(operand)), to = getDims(typeOf(tensor));
  if (from.size() > to.size())
    return std::nullopt;
  size_t missing = to.size() - from.size();
  SmallVector<Index> own;
  for (auto [position, size] : llvm::enumerate(from)) {
    bool isSame = size == to[position + missing];
    if (!isSame && !size.isStatic(1))
      return std::nullopt;
    own.push_back(isSame ? indices[position + missing] : Index());
  }
  return TensorAccess(operand, own);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------------------------------------------------------===//

/// The digit as an index of a dim of its size; null where that takes a remainder.
static AffineExpr getExpr(MLIRContext *context, const IndexDigit &digit, ArrayRef<Dim> sizes) {
  if (!digit.loop)
    return getAffineConstantExpr(digit.number, context);
  AffineExpr loop = getAffineDimExpr(*digit.loop, context);
  if (digit.divisor == 1)
    return digit.size == sizes[*digit.loop] ? loop : AffineExpr();
  const Dim &size = sizes[*digit.loop];
  bool isHighest = size.isStatic() && digit.size.isStatic(size.getStatic() / digit.divisor);
  return isHighest ? loop.floorDiv(digit.divisor) : AffineExpr();
}

bool TensorAccess::isSimple(ArrayRef<Dim> sizes) const {
  MLIRContext *context = tensor.getContext();
  return llvm::all_of(indices, [&](const Index &index) {
    return index.empty() || (index.size() == 1 && getExpr(context, index.front(), sizes));
  });
}

std::optional<AffineMap> TensorAccess::getMap(ArrayRef<Dim> sizes, ArrayRef<Dim> dims,
                                              ArrayRef<unsigned> wanted) const {
  MLIRContext *context = tensor.getContext();
  auto exprs = llvm::map_to_vector(indices, [&](const Index &index) {
    return index.empty() ? getAffineConstantExpr(0, context) : getExpr(context, index.front(), sizes);
  });
  int64_t free = int64_t(dims.size()) - 1;
  for (unsigned loop : llvm::reverse(wanted)) {
    if (!sizes[loop].isStatic(1))
      continue;
    while (free >= 0 && !(indices[free].empty() && dims[free].isStatic(1)))
      --free;
    if (free < 0)
      return std::nullopt;
    exprs[free--] = getAffineDimExpr(loop, context);
  }
  return AffineMap::get(sizes.size(), 0, exprs, context);
}

std::optional<TensorAccess> TensorAccess::split(ArrayRef<Dim> sizes, SmallVectorImpl<Dim> &shape) const {
  if (isSimple(sizes))
    return *this;
  SmallVector<Index> single;
  for (auto [index, size] : llvm::zip_equal(indices, getDims(typeOf(tensor)))) {
    if (index.empty()) {
      single.push_back(index);
      shape.push_back(size);
    }
    for (const IndexDigit &digit : index) {
      single.push_back({digit});
      shape.push_back(digit.size);
    }
  }
  TensorAccess access(tensor, single);
  return canReshapeTo(typeOf(tensor), shape) && access.isSimple(sizes) ? std::optional(access) : std::nullopt;
}

} // namespace nncc::nn
