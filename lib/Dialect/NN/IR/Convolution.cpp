//===- Convolution.cpp - convolutions of nn -------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Windows.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Convolution.cpp.inc"

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), filter = typeOf(op.getFilter());
  bool channelsLast = op.getChannelsLast();
  int64_t rank = input.getRank(), spatialRank = rank - 2, groups = op.getGroups();
  if (spatialRank < 1 || spatialRank > 3 || filter.getRank() != rank + channelsLast)
    return emitOptionalError(loc, "needs 1 to 3 spatial dims in input and filter, got ", input, " and ", filter);
  FailureOr<Type> element = inferProductType(loc, input.getElementType(), filter.getElementType());
  if (failed(element))
    return failure();
  if (op.getOutside() && (typeOf(op.getOutside()).getElementType() != input.getElementType() ||
                          typeOf(op.getOutside()).getNumElements() != 1))
    return emitOptionalError(loc, "pads ", input, " with ", op.getOutside().getType());
  if (groups < 1)
    return emitOptionalError(loc, "groups must be positive (C1), got ", groups);

  ArrayRef<int64_t> kernel = filter.getShape();
  kernel = channelsLast ? kernel.drop_front().drop_back(2) : kernel.drop_front(2);
  if (llvm::any_of(kernel, ShapedType::isDynamic))
    return emitOptionalError(loc, "needs a filter of known size, got ", filter);
  Dim channels = Dim::of(input, channelsLast ? rank - 1 : 1);
  Dim filterChannels = Dim::of(filter, channelsLast ? rank - 1 : 1);
  Dim outputs = channelsLast ? Dim::of(filter, rank) * Dim(groups) : Dim::of(filter, 0);
  if (channels.isStatic() && filterChannels.isStatic() && channels != filterChannels * Dim(groups))
    return emitOptionalError(loc, "has ", channels.getStatic(), " channels, but a filter for ",
                             filterChannels.getStatic(), " in each of ", groups, " groups (C1)");
  if (outputs.isStatic() && outputs.getStatic() % groups)
    return emitOptionalError(loc, outputs.getStatic(), " output channels do not make ", groups, " groups (C1)");
  if (op.getBias() &&
      (typeOf(op.getBias()).getRank() != 1 || (outputs.isStatic() && Dim::of(typeOf(op.getBias()), 0).isStatic() &&
                                               Dim::of(typeOf(op.getBias()), 0) != outputs)))
    return emitOptionalError(loc, "has a bias of type ", op.getBias().getType(), " for ", outputs.str(),
                             " output channels");
  if (op.getBias() && typeOf(op.getBias()).getElementType() != *element)
    return emitOptionalError(loc, "has a bias of ", typeOf(op.getBias()).getElementType(), " for sums of ", *element);

  SmallVector<Dim> dims = getDims(input);
  SmallVector<Dim> spatial(ArrayRef(dims).slice(channelsLast ? 1 : 2, spatialRank));
  Windows windows{kernel, op.getStrides(), op.getDilations(), op.getPads()};
  FailureOr<SmallVector<Dim>> positions = inferWindows(spatial, windows, loc);
  if (failed(positions))
    return failure();
  SmallVector<Dim> shape = {dims[0]};
  if (!channelsLast)
    shape.push_back(outputs);
  llvm::append_range(shape, *positions);
  if (channelsLast)
    shape.push_back(outputs);
  results.push_back(makeTensorType(shape, *element));
  return success();
}
