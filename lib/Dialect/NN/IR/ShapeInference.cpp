//===- ShapeInference.cpp - what the ops of nn share to infer their types -------------------------------------------------===//

#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/NNOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc::nn {

DenseElementsAttr getConstant(Value value) {
  DenseElementsAttr elements;
  auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
  return constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : elements;
}

FailureOr<Dim> broadcastDim(const Dim &a, const Dim &b, std::optional<Location> loc) {
  if (a.isStatic(1))
    return b;
  if (b.isStatic(1) || a == b)
    return a;
  if (a.isStatic() && b.isStatic())
    return emitOptionalError(loc, "sizes ", a.getStatic(), " and ", b.getStatic(), " do not broadcast");
  if (a.isStatic() || b.isStatic())
    return a.isStatic() ? a : b;
  return Dim::unknown();
}

FailureOr<SmallVector<Dim>> broadcastShapes(ArrayRef<SmallVector<Dim>> shapes, std::optional<Location> loc) {
  size_t rank = 0;
  for (const SmallVector<Dim> &shape : shapes)
    rank = std::max(rank, shape.size());
  SmallVector<Dim> result(rank, Dim(1));
  for (const SmallVector<Dim> &shape : shapes)
    for (size_t i = 0, shift = rank - shape.size(); i < shape.size(); ++i) {
      FailureOr<Dim> dim = broadcastDim(result[i + shift], shape[i], loc);
      if (failed(dim))
        return failure();
      result[i + shift] = *dim;
    }
  return result;
}

LogicalResult inferBroadcast(std::optional<Location> loc, ValueRange values, ValueRange sameElement, Type elementType,
                             SmallVectorImpl<Type> &results) {
  Type common = getElementTypeOrSelf(sameElement.front());
  for (Value value : sameElement)
    if (getElementTypeOrSelf(value) != common)
      return emitOptionalError(loc, "element types differ: ", common, " and ", getElementTypeOrSelf(value));
  SmallVector<SmallVector<Dim>> shapes =
      llvm::map_to_vector(values, [](Value value) { return getDims(typeOf(value)); });
  FailureOr<SmallVector<Dim>> shape = broadcastShapes(shapes, loc);
  if (failed(shape))
    return failure();
  results.push_back(makeTensorType(*shape, elementType ? elementType : common));
  return success();
}

RankedTensorType withElementType(Type tensor, Type elementType) {
  auto type = cast<RankedTensorType>(tensor);
  return RankedTensorType::get(type.getShape(), elementType, type.getEncoding());
}

FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank, std::optional<Location> loc, StringRef what) {
  if (axis < -rank || axis >= rank)
    return emitOptionalError(loc, what, " ", axis, " is not in [", -rank, ", ", rank - 1, "] of a tensor of rank ",
                             rank);
  return axis < 0 ? axis + rank : axis;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Contents of shape tensors
//===----------------------------------------------------------------------------------------------------------------------===//

static constexpr int64_t kMaxShapeElements = 64;
static constexpr unsigned kMaxChain = 64;

static std::optional<SmallVector<Dim>> shapeElements(Value value, unsigned depth);

static std::optional<SmallVector<Dim>> elementsOfConstant(ElementsAttr attr) {
  auto elements = dyn_cast<DenseElementsAttr>(attr);
  if (!elements || !isa<IntegerType>(elements.getElementType()) || elements.getNumElements() > kMaxShapeElements)
    return std::nullopt;
  SmallVector<Dim> result;
  bool isUnsigned = elements.getElementType().isUnsignedInteger() || elements.getElementType().isInteger(1);
  for (const APInt &element : elements.getValues<APInt>())
    result.push_back(isUnsigned ? Dim(int64_t(element.getZExtValue())) : Dim(element.getSExtValue()));
  return result;
}

template <typename Combine>
static std::optional<SmallVector<Dim>> combineElements(Value lhs, Value rhs, unsigned depth, Combine combine) {
  std::optional<SmallVector<Dim>> a = shapeElements(lhs, depth), b = shapeElements(rhs, depth);
  if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1))
    return std::nullopt;
  SmallVector<Dim> result;
  for (size_t i = 0, n = a->empty() || b->empty() ? 0 : std::max(a->size(), b->size()); i < n; ++i)
    result.push_back(combine((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  return result;
}

/// Integer division rounds towards zero; it is a Dim's floorDiv only where neither side can be negative.
static Dim divideTowardsZero(const Dim &a, const Dim &b) {
  if (a.isStatic() && b.isStatic() && b.getStatic() != 0 && a.getStatic() != INT64_MIN)
    return a.getStatic() / b.getStatic();
  return a.isAtLeast(0) && b.isAtLeast(1) ? a.floorDiv(b) : Dim::unknown();
}

template <typename Map>
static std::optional<SmallVector<Dim>> mapElements(std::optional<SmallVector<Dim>> elements, Map map) {
  if (elements)
    for (Dim &element : *elements)
      element = map(element);
  return elements;
}

/// An element of `from` as one of another integer type: unknown where the type may be too small for it. Of i1 whether it is not 0.
static Dim castElement(const Dim &x, Value from, Type to) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (width == 1)
    return x.isStatic() ? Dim(!x.isStatic(0)) : x.isAtLeast(1) ? Dim(1) : Dim::unknown();
  if (!x.isStatic())
    return width >= std::min(32u, typeOf(from).getElementTypeBitWidth()) ? x : Dim::unknown();
  bool fits = width == 64 ||
              (to.isUnsignedInteger() ? llvm::isUIntN(width, x.getStatic()) : llvm::isIntN(width, x.getStatic()));
  return fits ? x : Dim::unknown();
}

static std::optional<SmallVector<Dim>> gatherElements(GatherOp gather, unsigned depth) {
  std::optional<SmallVector<Dim>> elements = shapeElements(gather.getInput(), depth),
                                  indices = shapeElements(gather.getIndices(), depth);
  if (!elements || !indices)
    return std::nullopt;
  SmallVector<Dim> result;
  for (const Dim &index : *indices) {
    int64_t count = elements->size();
    int64_t at = index.isStatic() ? index.getStatic() + (index.getStatic() < 0 ? count : 0) : -1;
    result.push_back(at >= 0 && at < count ? (*elements)[at] : Dim::unknown());
  }
  return result;
}

static std::optional<SmallVector<Dim>> sliceElements(SliceOp slice, unsigned depth) {
  std::optional<SmallVector<Dim>> elements = shapeElements(slice.getInput(), depth);
  std::optional<SmallVector<Dim>> start = shapeElements(slice.getStarts(), depth),
                                  step = shapeElements(slice.getSteps(), depth);
  RankedTensorType type = typeOf(slice.getResult());
  if (!elements || !start || !step || start->size() != 1 || step->size() != 1 || !start->front().isStatic() ||
      !step->front().isStatic() || !type.hasStaticShape())
    return std::nullopt;
  int64_t count = elements->size(), by = step->front().getStatic(), at = start->front().getStatic();
  at = std::clamp<int64_t>(at < 0 ? at + count : at, by < 0 ? -1 : 0, by < 0 ? count - 1 : count);
  SmallVector<Dim> result;
  for (int64_t i = 0; i < type.getNumElements(); ++i, at += by)
    result.push_back(at >= 0 && at < count ? (*elements)[at] : Dim::unknown());
  return result;
}

static std::optional<SmallVector<Dim>> whereElements(WhereOp where, unsigned depth) {
  std::optional<SmallVector<Dim>> condition = shapeElements(where.getCondition(), depth),
                                  yes = shapeElements(where.getLhs(), depth), no = shapeElements(where.getRhs(), depth);
  if (!condition || !yes || !no)
    return std::nullopt;
  SmallVector<Dim> result;
  auto at = [](const SmallVector<Dim> &elements, size_t i) {
    return elements.size() == 1 ? elements[0] : i < elements.size() ? elements[i] : Dim::unknown();
  };
  for (size_t i = 0, n = std::max({condition->size(), yes->size(), no->size()}); i < n; ++i) {
    Dim chosen = at(*condition, i);
    result.push_back(!chosen.isStatic() ? Dim::unknown() : chosen.isStatic(0) ? at(*no, i) : at(*yes, i));
  }
  return result;
}

static std::optional<SmallVector<Dim>> shapeElements(Value value, unsigned depth) {
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
  if (!type || !type.hasStaticShape() || type.getRank() > 1 || type.getNumElements() > kMaxShapeElements ||
      !isa<IntegerType>(type.getElementType()) || depth > kMaxChain)
    return std::nullopt;
  SmallVector<Dim> unknown(type.getNumElements(), Dim::unknown());
  Operation *op = value.getDefiningOp();
  if (!op)
    return unknown;
  using Result = std::optional<SmallVector<Dim>>;
  Result result =
      llvm::TypeSwitch<Operation *, Result>(op)
          .Case([&](ConstantOp constant) { return elementsOfConstant(constant.getValue()); })
          .Case([&](ShapeOfOp shape) { return Result(getDims(typeOf(shape.getInput()))); })
          .Case([&](ReshapeOp reshape) { return shapeElements(reshape.getInput(), depth + 1); })
          .Case([&](CastOp cast) {
            return mapElements(shapeElements(cast.getInput(), depth + 1),
                               [&](const Dim &x) { return castElement(x, cast.getInput(), type.getElementType()); });
          })
          .Case([&](ConcatOp concat) -> Result {
            SmallVector<Dim> all;
            for (Value input : concat.getInputs()) {
              Result part = shapeElements(input, depth + 1);
              if (!part)
                return std::nullopt;
              llvm::append_range(all, *part);
            }
            return all;
          })
          .Case([&](AddOp add) {
            return combineElements(add.getLhs(), add.getRhs(), depth + 1,
                                   [](const Dim &a, const Dim &b) { return a + b; });
          })
          .Case([&](SubOp sub) {
            return combineElements(sub.getLhs(), sub.getRhs(), depth + 1,
                                   [](const Dim &a, const Dim &b) { return a - b; });
          })
          .Case([&](MulOp mul) {
            return combineElements(mul.getLhs(), mul.getRhs(), depth + 1,
                                   [](const Dim &a, const Dim &b) { return a * b; });
          })
          .Case([&](DivOp div) { return combineElements(div.getLhs(), div.getRhs(), depth + 1, divideTowardsZero); })
          .Case([&](MaxOp max) { return combineElements(max.getLhs(), max.getRhs(), depth + 1, Dim::max); })
          .Case([&](MinOp min) { return combineElements(min.getLhs(), min.getRhs(), depth + 1, Dim::min); })
          .Case([&](NegOp neg) {
            return mapElements(shapeElements(neg.getInput(), depth + 1), [](const Dim &x) { return Dim(0) - x; });
          })
          .Case([&](NotOp negation) -> Result {
            if (!type.getElementType().isInteger(1))
              return std::nullopt;
            return mapElements(shapeElements(negation.getInput(), depth + 1),
                               [](const Dim &x) { return x.isStatic() ? Dim(x.isStatic(0)) : Dim::unknown(); });
          })
          .Case([&](GatherOp gather) { return gatherElements(gather, depth + 1); })
          .Case([&](SliceOp slice) { return sliceElements(slice, depth + 1); })
          .Case([&](FullOp full) -> Result {
            Result value = shapeElements(full.getValue(), depth + 1);
            return value ? Result(SmallVector<Dim>(type.getNumElements(), value->front())) : std::nullopt;
          })
          .Case([&](ExpandOp expand) -> Result {
            Result value = shapeElements(expand.getInput(), depth + 1);
            if (value && value->size() == 1)
              return SmallVector<Dim>(type.getNumElements(), value->front());
            return value;
          })
          .Case([&](WhereOp where) { return whereElements(where, depth + 1); })
          .Case([&](EqualOp equal) {
            return combineElements(equal.getLhs(), equal.getRhs(), depth + 1, [](const Dim &a, const Dim &b) {
              if (a == b)
                return Dim(1);
              Dim difference = a - b;
              bool differs = difference.isAtLeast(1) || (Dim(0) - difference).isAtLeast(1) ||
                             (difference.isStatic() && !difference.isStatic(0));
              return differs ? Dim(0) : Dim::unknown();
            });
          })
          .Default(std::nullopt);
  // A wrong count means a chain that is not understood here (a broadcast): say nothing rather than something wrong.
  return result && result->size() == unknown.size() ? result : unknown;
}

std::optional<SmallVector<Dim>> getShapeElements(Value value) { return shapeElements(value, 0); }

std::optional<SmallVector<int64_t>> getConstantInts(Value value) {
  std::optional<SmallVector<Dim>> elements = getShapeElements(value);
  if (!elements || !llvm::all_of(*elements, [](const Dim &dim) { return dim.isStatic(); }))
    return std::nullopt;
  return llvm::map_to_vector(*elements, [](const Dim &dim) { return dim.getStatic(); });
}

} // namespace nncc::nn
