//===- ShapeElements.cpp - what is known of the elements of small tensors -------------------------------------------------===//
//
// Exporters compute shapes in graphs of small tensors: integers, which are expressions of the model's symbols here, and floats, as where a
// size follows from a scale, which are numbers or not known. Elements are in row-major order.
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "nncc/Dialect/NN/IR/NNOps.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <functional>

using namespace mlir;

namespace nncc::nn {
namespace {

constexpr int64_t kMaxElements = 64;
constexpr unsigned kMaxChain = 64;

template <typename T> using Elements = std::optional<SmallVector<T>>;
using Dims = Elements<Dim>;
using Numbers = Elements<double>;

//===----------------------------------------------------------------------------------------------------------------------===//
// One element
//===----------------------------------------------------------------------------------------------------------------------===//

/// Integer division rounds towards zero; it is a Dim's floorDiv only where neither side can be negative.
Dim divideTowardsZero(const Dim &a, const Dim &b) {
  if (a.isStatic() && b.isStatic() && b.getStatic() != 0 && a.getStatic() != INT64_MIN)
    return a.getStatic() / b.getStatic();
  return a.isAtLeast(0) && b.isAtLeast(1) ? a.floorDiv(b) : Dim::unknown();
}

/// An element of `from` as one of another integer type: unknown where the type may be too small for it. Of i1 whether it is not 0.
Dim castElement(const Dim &x, Type from, Type to) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (width == 1)
    return x.isStatic() ? Dim(!x.isStatic(0)) : x.isAtLeast(1) ? Dim(1) : Dim::unknown();
  if (!x.isStatic())
    return width >= std::min(32u, from.getIntOrFloatBitWidth()) ? x : Dim::unknown();
  bool fits = width == 64 ||
              (to.isUnsignedInteger() ? llvm::isUIntN(width, x.getStatic()) : llvm::isIntN(width, x.getStatic()));
  return fits ? x : Dim::unknown();
}

/// A float as an integer, where it fits.
Dim truncate(double x, Type to) {
  constexpr double limit = 0x1p+62;
  return std::abs(x) < limit ? castElement(int64_t(x), IntegerType::get(to.getContext(), 64), to) : Dim::unknown();
}

Dim isEqual(const Dim &a, const Dim &b) {
  if (a == b)
    return Dim(1);
  Dim difference = a - b;
  bool differs = difference.isAtLeast(1) || (Dim(0) - difference).isAtLeast(1) ||
                 (difference.isStatic() && !difference.isStatic(0));
  return differs ? Dim(0) : Dim::unknown();
}

/// What is left of a division that truncates or floors alike: of sizes.
Dim remainder(const Dim &a, const Dim &b) {
  bool isKnown = a.isStatic() && b.isStatic() && a.getStatic() >= 0 && b.getStatic() > 0;
  return isKnown ? Dim(a.getStatic() % b.getStatic()) : Dim::unknown();
}

/// Of truth values. One that is known may decide.
Dim both(const Dim &a, const Dim &b) {
  if (a.isStatic(0) || b.isStatic(0))
    return Dim(0);
  return a.isStatic() && b.isStatic() ? Dim(1) : Dim::unknown();
}

Dim either(const Dim &a, const Dim &b) {
  if ((a.isStatic() && !a.isStatic(0)) || (b.isStatic() && !b.isStatic(0)))
    return Dim(1);
  return a.isStatic() && b.isStatic() ? Dim(0) : Dim::unknown();
}

/// As a value of a type with fewer bits.
double roundTo(double x, FloatType type) {
  APFloat number(x);
  bool losesInfo = false;
  number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Many elements
//===----------------------------------------------------------------------------------------------------------------------===//

Dims elementsOfConstant(ElementsAttr attr) {
  auto elements = dyn_cast<DenseElementsAttr>(attr);
  if (!elements || !isa<IntegerType>(elements.getElementType()) || elements.getNumElements() > kMaxElements)
    return std::nullopt;
  SmallVector<Dim> result;
  bool isUnsigned = elements.getElementType().isUnsignedInteger() || elements.getElementType().isInteger(1);
  for (const APInt &element : elements.getValues<APInt>())
    result.push_back(isUnsigned ? Dim(int64_t(element.getZExtValue())) : Dim(element.getSExtValue()));
  return result;
}

Numbers numbersOfConstant(ElementsAttr attr) {
  auto elements = dyn_cast<DenseElementsAttr>(attr);
  if (!elements)
    return std::nullopt;
  return llvm::map_to_vector(elements.getValues<APFloat>(), [](APFloat x) {
    bool losesInfo = false;
    x.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    return x.convertToDouble();
  });
}

template <typename T, typename Combine>
Elements<T> combine(const Elements<T> &a, const Elements<T> &b, Combine function) {
  if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1))
    return std::nullopt;
  SmallVector<T> result;
  for (size_t i = 0, n = a->empty() || b->empty() ? 0 : std::max(a->size(), b->size()); i < n; ++i)
    result.push_back(function((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  return result;
}

template <typename T, typename Map> Elements<T> mapEach(Elements<T> elements, Map map) {
  if (elements)
    for (T &element : *elements)
      element = map(element);
  return elements;
}

/// Which element each one is, -1: not known.
using Positions = std::optional<SmallVector<int64_t>>;

Dims choose(const Dims &elements, const Positions &positions) {
  if (!elements || !positions)
    return std::nullopt;
  return llvm::map_to_vector(*positions, [&](int64_t at) { return at < 0 ? Dim::unknown() : (*elements)[at]; });
}

Numbers choose(const Numbers &elements, const Positions &positions) {
  if (!elements || !positions || llvm::is_contained(*positions, -1))
    return std::nullopt;
  return llvm::map_to_vector(*positions, [&](int64_t at) { return (*elements)[at]; });
}

Dims chooseWhere(const Dims &condition, const Dims &yes, const Dims &no) {
  if (!condition || !yes || !no)
    return std::nullopt;
  size_t count = std::max({condition->size(), yes->size(), no->size()});
  if (llvm::any_of(ArrayRef{&condition, &yes, &no},
                   [&](const Dims *part) { return (*part)->size() != 1 && (*part)->size() != count; }))
    return std::nullopt;
  SmallVector<Dim> result;
  auto at = [](const SmallVector<Dim> &elements, size_t i) { return elements[elements.size() == 1 ? 0 : i]; };
  for (size_t i = 0; i < count; ++i) {
    Dim chosen = at(*condition, i);
    result.push_back(!chosen.isStatic() ? Dim::unknown() : chosen.isStatic(0) ? at(*no, i) : at(*yes, i));
  }
  return result;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------------------------------------------------------===//

/// Answers one question; a value that is used twice is read once.
class ElementReader {
public:
  Dims getInts(Value value);
  Numbers getNumbers(Value value);

private:
  Dims computeInts(Operation *op, RankedTensorType type);
  Numbers computeNumbers(Operation *op);
  Dims reduceInts(ReduceOp op);
  Numbers reduceNumbers(ReduceOp op);
  Numbers castToFloat(CastOp op);
  template <typename T, typename Get> Elements<T> concat(ConcatOp op, Get get);
  Positions getPositions(GatherOp op);
  Positions getPositions(SliceOp op);
  Positions getPositions(TransposeOp op);

  llvm::DenseMap<Value, Dims> ints;
  llvm::DenseMap<Value, Numbers> numbers;
  unsigned depth = 0;
};

/// Null when the value has many elements, or not known how many.
RankedTensorType getSmallType(Value value) {
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
  return type && type.hasStaticShape() && type.getNumElements() <= kMaxElements ? type : RankedTensorType();
}

Positions ElementReader::getPositions(GatherOp op) {
  RankedTensorType type = getSmallType(op.getInput());
  Dims indices = getInts(op.getIndices());
  if (!type || type.getRank() != 1 || !indices)
    return std::nullopt;
  return llvm::map_to_vector(*indices, [count = type.getNumElements()](const Dim &index) -> int64_t {
    int64_t at = index.isStatic() ? index.getStatic() + (index.getStatic() < 0 ? count : 0) : -1;
    return at >= 0 && at < count ? at : -1;
  });
}

Positions ElementReader::getPositions(SliceOp op) {
  RankedTensorType input = getSmallType(op.getInput()), type = typeOf(op.getResult());
  Dims start = getInts(op.getStarts()), step = getInts(op.getSteps());
  if (!input || !start || !step || start->size() != 1 || step->size() != 1 || !start->front().isStatic() ||
      !step->front().isStatic() || !type.hasStaticShape())
    return std::nullopt;
  int64_t axis = op.getAxes().front(), by = step->front().getStatic(), from = start->front().getStatic();
  axis += axis < 0 ? input.getRank() : 0;
  int64_t count = input.getDimSize(axis), inner = 1;
  for (int64_t size : input.getShape().drop_front(axis + 1))
    inner *= size;
  int64_t first = std::clamp<int64_t>(from < 0 ? from + count : from, by < 0 ? -1 : 0, by < 0 ? count - 1 : count);
  int64_t run = type.getDimSize(axis) * inner;
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    int64_t at = first + i % run / inner * by;
    result.push_back(at >= 0 && at < count ? (i / run * count + at) * inner + i % inner : -1);
  }
  return result;
}

Positions ElementReader::getPositions(TransposeOp op) {
  RankedTensorType input = getSmallType(op.getInput());
  if (!input)
    return std::nullopt;
  SmallVector<int64_t> strides = computeSuffixProduct(input.getShape());
  SmallVector<int64_t> result{0};
  for (int64_t dim : op.getPermutation()) {
    SmallVector<int64_t> longer;
    for (int64_t at : result)
      for (int64_t i = 0; i < input.getDimSize(dim); ++i)
        longer.push_back(at + i * strides[dim]);
    result = std::move(longer);
  }
  return result;
}

template <typename T, typename Get> Elements<T> ElementReader::concat(ConcatOp op, Get get) {
  SmallVector<T> all;
  if (op.getAxis() != 0)
    return std::nullopt;
  for (Value input : op.getInputs()) {
    Elements<T> part = get(input);
    if (!part)
      return std::nullopt;
    llvm::append_range(all, *part);
  }
  return all;
}

/// Along the only axis of a vector.
template <typename T, typename Join> Elements<T> reduce(const Elements<T> &elements, ReduceOp op, Join join) {
  if (!elements || elements->empty() || typeOf(op.getInput()).getRank() != 1 || op.getAxes().size() != 1)
    return std::nullopt;
  T result = elements->front();
  for (const T &element : llvm::drop_begin(*elements))
    result = join(result, element);
  return SmallVector<T>{result};
}

Dims ElementReader::reduceInts(ReduceOp op) {
  StringRef kind = op.getKind();
  return reduce(getInts(op.getInput()), op, [&](const Dim &a, const Dim &b) {
    return kind == "min"    ? Dim::min(a, b)
           : kind == "max"  ? Dim::max(a, b)
           : kind == "sum"  ? a + b
           : kind == "prod" ? a * b
                            : Dim::unknown();
  });
}

Dims ElementReader::computeInts(Operation *op, RankedTensorType type) {
  auto combineInts = [&](auto op, auto function) {
    return combine(getInts(op.getLhs()), getInts(op.getRhs()), function);
  };
  return llvm::TypeSwitch<Operation *, Dims>(op)
      .Case([&](ConstantOp constant) { return elementsOfConstant(constant.getValue()); })
      .Case([&](ShapeOfOp shape) { return Dims(getDims(typeOf(shape.getInput()))); })
      .Case([&](ReshapeOp reshape) { return getInts(reshape.getInput()); })
      .Case([&](CastOp cast) -> Dims {
        Type from = typeOf(cast.getInput()).getElementType(), to = type.getElementType();
        if (isa<IntegerType>(from))
          return mapEach(getInts(cast.getInput()), [&](const Dim &x) { return castElement(x, from, to); });
        Numbers wide = to.isInteger(1) ? Numbers() : getNumbers(cast.getInput());
        return wide ? Dims(llvm::map_to_vector(*wide, [&](double x) { return truncate(x, to); })) : std::nullopt;
      })
      .Case([&](ConcatOp op) { return concat<Dim>(op, [&](Value input) { return getInts(input); }); })
      .Case([&](AddOp op) { return combineInts(op, [](const Dim &a, const Dim &b) { return a + b; }); })
      .Case([&](SubOp op) { return combineInts(op, [](const Dim &a, const Dim &b) { return a - b; }); })
      .Case([&](MulOp op) { return combineInts(op, [](const Dim &a, const Dim &b) { return a * b; }); })
      .Case([&](DivOp op) { return combineInts(op, divideTowardsZero); })
      .Case([&](ModOp op) { return combineInts(op, remainder); })
      .Case([&](AndOp op) { return type.getElementType().isInteger(1) ? combineInts(op, both) : std::nullopt; })
      .Case([&](OrOp op) { return type.getElementType().isInteger(1) ? combineInts(op, either) : std::nullopt; })
      .Case([&](MaxOp op) { return combineInts(op, Dim::max); })
      .Case([&](MinOp op) { return combineInts(op, Dim::min); })
      .Case([&](NegOp op) { return mapEach(getInts(op.getInput()), [](const Dim &x) { return Dim(0) - x; }); })
      .Case([&](NotOp op) -> Dims {
        if (!type.getElementType().isInteger(1))
          return std::nullopt;
        return mapEach(getInts(op.getInput()),
                       [](const Dim &x) { return x.isStatic() ? Dim(x.isStatic(0)) : Dim::unknown(); });
      })
      .Case([&](ReduceOp op) { return reduceInts(op); })
      .Case([&](GatherOp op) { return choose(getInts(op.getInput()), getPositions(op)); })
      .Case([&](SliceOp op) { return choose(getInts(op.getInput()), getPositions(op)); })
      .Case([&](TransposeOp op) { return choose(getInts(op.getInput()), getPositions(op)); })
      .Case([&](FullOp full) -> Dims {
        Dims value = getInts(full.getValue());
        return value ? Dims(SmallVector<Dim>(type.getNumElements(), value->front())) : std::nullopt;
      })
      .Case([&](ExpandOp expand) -> Dims {
        Dims value = getInts(expand.getInput());
        if (value && value->size() == 1)
          return SmallVector<Dim>(type.getNumElements(), value->front());
        return value;
      })
      .Case([&](WhereOp op) {
        return chooseWhere(getInts(op.getCondition()), getInts(op.getLhs()), getInts(op.getRhs()));
      })
      .Case([&](EqualOp op) { return combineInts(op, isEqual); })
      .Default(std::nullopt);
}

Dims ElementReader::getInts(Value value) {
  RankedTensorType type = getSmallType(value);
  if (!type || !isa<IntegerType>(type.getElementType()) || depth > kMaxChain)
    return std::nullopt;
  SmallVector<Dim> unknown(type.getNumElements(), Dim::unknown());
  Operation *op = value.getDefiningOp();
  if (!op)
    return unknown;
  if (auto known = ints.find(value); known != ints.end())
    return known->second;
  ++depth;
  Dims result = computeInts(op, type);
  --depth;
  // A wrong count means a chain that is not understood here (a broadcast): say nothing rather than something wrong.
  return ints[value] = result && result->size() == unknown.size() ? result : unknown;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------------------------------------------------------===//

Numbers ElementReader::castToFloat(CastOp op) {
  if (isa<FloatType>(typeOf(op.getInput()).getElementType()))
    return getNumbers(op.getInput());
  Dims elements = getInts(op.getInput());
  // Every integer below is a double.
  constexpr int64_t limit = int64_t(1) << 53;
  if (!elements || !llvm::all_of(*elements, [](const Dim &x) {
        return x.isStatic() && x.getStatic() > -limit && x.getStatic() < limit;
      }))
    return std::nullopt;
  return llvm::map_to_vector(*elements, [](const Dim &x) { return double(x.getStatic()); });
}

Numbers ElementReader::reduceNumbers(ReduceOp op) {
  bool isMin = op.getKind() == "min";
  if (!isMin && op.getKind() != "max") // others depend on the order
    return std::nullopt;
  return reduce(getNumbers(op.getInput()), op,
                [&](double a, double b) { return isMin ? std::min(a, b) : std::max(a, b); });
}

/// In f64: what these functions give of operands in f32, rounded to f32, is what f32 arithmetic gives. So it is of f16 and bf16.
Numbers ElementReader::computeNumbers(Operation *op) {
  auto mapInput = [&](auto op, auto function) { return mapEach(getNumbers(op.getInput()), function); };
  auto combineNumbers = [&](auto op, auto function) {
    return combine(getNumbers(op.getLhs()), getNumbers(op.getRhs()), function);
  };
  return llvm::TypeSwitch<Operation *, Numbers>(op)
      .Case([&](ConstantOp constant) { return numbersOfConstant(constant.getValue()); })
      .Case([&](ReshapeOp reshape) { return getNumbers(reshape.getInput()); })
      .Case([&](CastOp cast) { return castToFloat(cast); })
      .Case([&](ConcatOp op) { return concat<double>(op, [&](Value input) { return getNumbers(input); }); })
      .Case([&](GatherOp op) { return choose(getNumbers(op.getInput()), getPositions(op)); })
      .Case([&](SliceOp op) { return choose(getNumbers(op.getInput()), getPositions(op)); })
      .Case([&](TransposeOp op) { return choose(getNumbers(op.getInput()), getPositions(op)); })
      .Case([&](ReduceOp op) { return reduceNumbers(op); })
      .Case([&](AddOp op) { return combineNumbers(op, std::plus<>()); })
      .Case([&](SubOp op) { return combineNumbers(op, std::minus<>()); })
      .Case([&](MulOp op) { return combineNumbers(op, std::multiplies<>()); })
      .Case([&](DivOp op) { return combineNumbers(op, std::divides<>()); })
      .Case([&](MinOp op) { return combineNumbers(op, [](double a, double b) { return std::min(a, b); }); })
      .Case([&](MaxOp op) { return combineNumbers(op, [](double a, double b) { return std::max(a, b); }); })
      .Case([&](ReciprocalOp op) { return mapInput(op, [](double x) { return 1 / x; }); })
      .Case([&](NegOp op) { return mapInput(op, std::negate<>()); })
      .Case([&](SqrtOp op) { return mapInput(op, [](double x) { return std::sqrt(x); }); })
      .Case([&](FloorOp op) { return mapInput(op, [](double x) { return std::floor(x); }); })
      .Case([&](CeilOp op) { return mapInput(op, [](double x) { return std::ceil(x); }); })
      .Default(std::nullopt);
}

Numbers ElementReader::getNumbers(Value value) {
  RankedTensorType type = getSmallType(value);
  auto element = type ? dyn_cast<FloatType>(type.getElementType()) : FloatType();
  if (!element || depth > kMaxChain || !(element.isF16() || element.isBF16() || element.isF32() || element.isF64()))
    return std::nullopt;
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto known = numbers.find(value); known != numbers.end())
    return known->second;
  ++depth;
  Numbers result = computeNumbers(op);
  --depth;
  if (!element.isF64())
    result = mapEach(result, [&](double x) { return roundTo(x, element); });
  // Which NaN it would be, and what min and max make of it, is of no use for shapes.
  bool isUseful = result && int64_t(result->size()) == type.getNumElements() &&
                  llvm::all_of(*result, [](double x) { return std::isfinite(x); });
  return numbers[value] = isUseful ? result : std::nullopt;
}

} // namespace

std::optional<SmallVector<Dim>> getShapeElements(Value value) {
  RankedTensorType type = getSmallType(value);
  return type && type.getRank() <= 1 ? ElementReader().getInts(value) : std::nullopt;
}

std::optional<SmallVector<int64_t>> getConstantInts(Value value) {
  std::optional<SmallVector<Dim>> elements = getShapeElements(value);
  if (!elements || !llvm::all_of(*elements, [](const Dim &dim) { return dim.isStatic(); }))
    return std::nullopt;
  return llvm::map_to_vector(*elements, [](const Dim &dim) { return dim.getStatic(); });
}

std::optional<SmallVector<double>> getConstantNumbers(Value value) { return ElementReader().getNumbers(value); }

} // namespace nncc::nn
