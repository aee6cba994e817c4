//===- Vision.cpp - resizing and boxes of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Vision.cpp.inc"

LogicalResult ResampleOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(loc, "axis ", axis, " does not fit ", input, " (C1)");
  if (indices.getRank() != 2)
    return emitOptionalError(loc, "needs a table of indices, got ", indices, " (C1)");
  if (op.getWeights()) {
    RankedTensorType weights = typeOf(op.getWeights());
    if (weights.getRank() != 2 || failed(verifyCompatibleShape(weights.getShape(), indices.getShape())))
      return emitOptionalError(loc, "weights ", weights, " do not fit indices ", indices, " (C1)");
  } else if (indices.getDimSize(0) != 1) {
    return emitOptionalError(loc, "needs weights for more than one index an element (C1)");
  }
  SmallVector<Dim> dims = getDims(input);
  dims[axis] = Dim::of(indices, 1);
  if (input.getDimSize(axis) == 0 && !dims[axis].isStatic(0))
    return emitOptionalError(loc, "has nothing to take from the empty axis ", axis, " (C2)");
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult GridSampleOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), grid = typeOf(op.getGrid());
  int64_t spatial = input.getRank() - 2;
  if (spatial < 1 || grid.getRank() != input.getRank() || grid.getShape().back() != spatial)
    return emitOptionalError(loc, "grid ", grid, " does not fit input ", input);
  if (!llvm::is_contained({"nearest", "linear", "cubic"}, op.getMode()))
    return emitOptionalError(loc, "mode is '", op.getMode(), "', not nearest, linear or cubic");
  if (!llvm::is_contained({"zeros", "border", "reflection"}, op.getPadding()))
    return emitOptionalError(loc, "padding is '", op.getPadding(), "', not zeros, border or reflection");
  Dim images = Dim::of(input, 0), others = Dim::of(grid, 0);
  if (images.isStatic() && others.isStatic() && images != others)
    return emitOptionalError(loc, "grid ", grid, " does not fit input ", input, " (C1)");
  SmallVector<Dim> dims = {images, Dim::of(input, 1)};
  for (int64_t i = 1; i <= spatial; ++i)
    dims.push_back(Dim::of(grid, i));
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult RoiAlignOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), rois = typeOf(op.getRois()), images = typeOf(op.getImages());
  auto agree = [](const Dim &a, const Dim &b) { return !a.isStatic() || !b.isStatic() || a == b; };
  if (input.getRank() != 4 || rois.getRank() != 2 || images.getRank() != 1 || !agree(Dim::of(rois, 1), 4) ||
      !agree(Dim::of(rois, 0), Dim::of(images, 0)))
    return emitOptionalError(loc, "regions ", rois, " and images ", images, " do not fit ", input);
  if (int64_t(op.getHeight()) < 1 || int64_t(op.getWidth()) < 1 || int64_t(op.getSamples()) < 0)
    return emitOptionalError(loc, "has no bins, or a negative number of samples");
  if (rois.getElementType() != input.getElementType())
    return emitOptionalError(loc, "needs regions of the input's element type, got ", rois);
  results.push_back(makeTensorType({Dim::of(rois, 0), Dim::of(input, 1), Dim(op.getHeight()), Dim(op.getWidth())},
                                   input.getElementType()));
  return success();
}

LogicalResult FoldBlocksOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), image = typeOf(op.getImage()), block = typeOf(op.getBlock());
  if (input.getRank() != 3 || image.getRank() != 1 || block.getRank() != 1 || !image.hasStaticShape() ||
      block.getShape() != image.getShape())
    return emitOptionalError(loc, "needs blocks of three dims, and sizes of the image and of a block, got ", input,
                             ", ", image, " and ", block);
  size_t spatial = image.getDimSize(0);
  if (op.getStrides().size() != spatial || op.getDilations().size() != spatial || op.getPads().size() != 2 * spatial)
    return emitOptionalError(loc, "strides, dilations or pads do not fit ", spatial, " dims");
  for (int64_t step : llvm::concat<const int64_t>(op.getStrides(), op.getDilations()))
    if (step < 1)
      return emitOptionalError(loc, "has a stride or dilation of ", step);
  SmallVector<Dim> sizes = getShapeElements(op.getImage()).value_or(SmallVector<Dim>(spatial, Dim::unknown()));
  Dim channels = Dim::of(input, 1);
  for (const Dim &size : getShapeElements(op.getBlock()).value_or(SmallVector<Dim>(spatial, Dim::unknown())))
    channels = size.isStatic() && size.getStatic() < 1 ? Dim::unknown() : channels.floorDiv(size);
  SmallVector<Dim> dims = {Dim::of(input, 0), channels};
  for (const Dim &size : sizes)
    dims.push_back(size.isStatic() && size.getStatic() < 0 ? Dim::unknown() : size);
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}
