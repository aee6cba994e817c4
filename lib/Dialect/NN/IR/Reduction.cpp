//===- Reduction.cpp - reductions of nn ---------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Reduction.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Reduction.cpp.inc"

static LogicalResult checkKind(std::optional<Location> loc, StringRef kind, ArrayRef<StringRef> known) {
  if (llvm::is_contained(known, kind))
    return success();
  return emitOptionalError(loc, "kind is '", kind, "', not one of ", llvm::join(known, ", "));
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  if (failed(checkKind(loc, op.getKind(), {"sum", "mean", "prod", "max", "min"})))
    return failure();
  SmallVector<bool> reduced(input.getRank(), false);
  for (int64_t axis : op.getAxes()) {
    if (axis < 0 || axis >= input.getRank() || reduced[axis])
      return emitOptionalError(loc, "axes [", op.getAxes(), "] do not fit ", input, " (C1)");
    reduced[axis] = true;
  }
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < input.getRank(); ++i) {
    if (!reduced[i])
      dims.push_back(Dim::of(input, i));
    else if (op.getKeepdims())
      dims.push_back(1);
  }
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult ReduceAxesOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), axes = typeOf(op.getAxes());
  if (failed(checkKind(loc, op.getKind(), {"sum", "mean", "prod", "max", "min"})))
    return failure();
  if (axes.getRank() > 1)
    return emitOptionalError(loc, "needs a list of axes, got ", axes);
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < input.getRank(); ++i)
    dims.push_back(input.getDimSize(i) == 1 ? Dim(1) : Dim::unknown());
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(checkKind(loc, op.getKind(), {"max", "min"})))
    return failure();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(loc, "axis ", axis, " does not fit ", input, " (C1)");
  if (input.getDimSize(axis) == 0)
    return emitOptionalError(loc, "axis ", axis, " of ", input, " has no elements (C2)");
  SmallVector<Dim> dims = getDims(input);
  if (op.getKeepdims())
    dims[axis] = 1;
  else
    dims.erase(dims.begin() + axis);
  results.push_back(makeTensorType(dims, IntegerType::get(context, 64)));
  return success();
}
