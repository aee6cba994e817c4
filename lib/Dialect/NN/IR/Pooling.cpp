//===- Pooling.cpp - pooling windows of nn ------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Windows.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Pooling.cpp.inc"

/// The input's type with the spatial sizes of the window's positions.
template <typename OpAdaptor>
static FailureOr<SmallVector<Dim>> inferPositions(std::optional<Location> loc, OpAdaptor op, bool channelsLast) {
  SmallVector<Dim> dims = getDims(typeOf(op.getInput()));
  size_t spatialRank = op.getKernel().size(), first = channelsLast ? 1 : 2;
  if (dims.size() != spatialRank + 2)
    return emitOptionalError(loc, "a window of ", spatialRank, " dims does not fit ", op.getInput().getType());
  Windows windows{op.getKernel(), op.getStrides(), op.getDilations(), op.getPads(), op.getCeilMode()};
  FailureOr<SmallVector<Dim>> positions = inferWindows(ArrayRef(dims).slice(first, spatialRank), windows, loc);
  if (failed(positions))
    return failure();
  llvm::copy(*positions, dims.begin() + first);
  return dims;
}

LogicalResult PoolOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  if (op.getKind() != "max" && op.getKind() != "average" && op.getKind() != "sum")
    return emitOptionalError(loc, "kind is '", op.getKind(), "', not max, average or sum");
  FailureOr<SmallVector<Dim>> dims = inferPositions(loc, op, op.getChannelsLast());
  if (failed(dims))
    return failure();
  results.push_back(makeTensorType(*dims, typeOf(op.getInput()).getElementType()));
  return success();
}

LogicalResult MaxPoolIndicesOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                                 SmallVectorImpl<Type> &results) {
  FailureOr<SmallVector<Dim>> dims = inferPositions(loc, op, /*channelsLast=*/false);
  if (failed(dims))
    return failure();
  results.push_back(makeTensorType(*dims, IntegerType::get(context, 64)));
  return success();
}
