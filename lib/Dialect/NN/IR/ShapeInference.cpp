//===- ShapeInference.cpp - what the ops of nn share to infer their types -------------------------------------------------===//

#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/Broadcast.h"
#include "nncc/Dialect/NN/IR/NNOps.h"

using namespace mlir;

namespace nncc::nn {

DenseElementsAttr getConstant(Value value) {
  DenseElementsAttr elements;
  auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
  return constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : elements;
}

bool isCapped(const Dim &dim, const Dim &size) {
  if (dim.isUnknown() || dim.isStatic())
    return false;
  // Of the calls in it, the one that is the whole of it.
  bool isWhole = false;
  auto apply = [&](StringRef op, const Dim &x, const Dim &y) {
    if (op == "min" && Dim::min(x, y) == dim)
      isWhole |= (x == size && y.isAtLeast(1)) || (y == size && x.isAtLeast(1));
    return op == "+" ? x + y : op == "*" ? x * y : op == "min" ? Dim::min(x, y) : Dim::unknown();
  };
  dim.evaluate<Dim>([](int64_t number) { return Dim(number); }, [](StringRef name) { return Dim::symbol(name); },
                    apply);
  return isWhole;
}

FailureOr<Dim> broadcastDim(const Dim &a, const Dim &b, std::optional<Location> loc) {
  if (a.isStatic(1))
    return b;
  if (b.isStatic(1) || a == b || isCapped(b, a))
    return a;
  if (isCapped(a, b))
    return b;
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

} // namespace nncc::nn
