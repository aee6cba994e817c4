//===- Vision.cpp - import of resizing ------------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {
namespace {

/// One resize, axis by axis.
class Resize {
public:
  explicit Resize(NodeImporter &node) : node(node), b(node.builder()), value(node.input(0)) {}

  std::string mode = "nearest", coordinates = "asymmetric", rounding = "floor";
  double cubic = -0.75, outside = 0;
  bool excludeOutside = false, antialias = false;
  Value scales, sizes, roi; ///< one element an axis; roi has all starts, then all ends
  SmallVector<int64_t> axes;

  LogicalResult run() {
    std::optional<SmallVector<double>> known = constantFloats(scales);
    for (auto [i, axis] : llvm::enumerate(axes)) {
      if (known && (*known)[i] == 1 && coordinates != "tf_crop_and_resize")
        continue;
      if (failed(resizeAxis(i, axis, known)))
        return failure();
    }
    node.setOutput(0, value);
    return success();
  }

  static std::optional<SmallVector<double>> constantFloats(Value tensor) {
    DenseElementsAttr elements = tensor ? nn::getConstant(tensor) : DenseElementsAttr();
    if (!elements || !isa<FloatType>(elements.getElementType()))
      return std::nullopt;
    SmallVector<double> result;
    for (APFloat element : elements.getValues<APFloat>()) {
      bool loses = false;
      element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
      result.push_back(element.convertToDouble());
    }
    return result;
  }

private:
  FailureOr<Value> element(Value tensor, int64_t index) {
    FailureOr<nn::SliceOp> part =
        node.create<nn::SliceOp>(tensor, node.constantInts(index), node.constantInts(index + 1), node.constantInts(1),
                                 b.getDenseI64ArrayAttr(0));
    return failed(part) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*part));
  }

  LogicalResult resizeAxis(int64_t i, int64_t axis, const std::optional<SmallVector<double>> &known) {
    Type wide = b.getF64Type();
    FailureOr<Value> inputSize = makeShape(node, SizeSource{axis, value});
    if (failed(inputSize))
      return failure();
    Value size, scale;
    int64_t length = nn::typeOf(value).getDimSize(axis);
    if (sizes) { // the scale follows from the sizes
      FailureOr<Value> stated = element(sizes, i);
      if (failed(stated))
        return failure();
      size = *stated;
      scale = Chain(node, size).cast(wide).with<nn::DivOp>(Chain(node, *inputSize).cast(wide)).get();
    } else if (known && !ShapedType::isDynamic(length)) {
      size = node.constantInts(int64_t(std::floor(double(length) * (*known)[i])));
      scale = node.constantScalar(wide, (*known)[i]);
    } else {
      FailureOr<Value> stated = element(scales, i);
      if (failed(stated))
        return failure();
      Chain factor = Chain(node, *stated).cast(wide);
      scale = factor.get();
      size = factor.with<nn::MulOp>(Chain(node, *inputSize).cast(wide)).apply<nn::FloorOp>().cast(b.getI64Type()).get();
    }
    Value range;
    if (coordinates == "tf_crop_and_resize") {
      FailureOr<Value> start = element(roi, i), end = element(roi, int64_t(axes.size()) + i);
      if (failed(start) || failed(end))
        return failure();
      FailureOr<nn::ConcatOp> both = node.create<nn::ConcatOp>(ValueRange{*start, *end}, b.getI64IntegerAttr(0));
      if (failed(both))
        return failure();
      range = *both;
    }
    if (!size || !scale)
      return failure();
    FailureOr<nn::ResizeAxisOp> result = node.create<nn::ResizeAxisOp>(
        value, size, scale, range, b.getI64IntegerAttr(axis), b.getStringAttr(mode), b.getStringAttr(coordinates),
        b.getStringAttr(rounding), b.getF64FloatAttr(cubic), b.getF64FloatAttr(outside), b.getBoolAttr(excludeOutside),
        b.getBoolAttr(antialias));
    if (failed(result))
      return failure();
    value = *result;
    return success();
  }

  NodeImporter &node;
  OpBuilder &b;
  Value value;
};

} // namespace

/// `sizes` under a policy that keeps the aspect ratio: one scale for all axes.
static LogicalResult keepAspectRatio(NodeImporter &node, Resize &resize, StringRef policy) {
  std::optional<SmallVector<int64_t>> sizes = node.constantInput(3);
  RankedTensorType type = node.inputType(0);
  if (!sizes || llvm::any_of(resize.axes, [&](int64_t axis) { return type.isDynamicDim(axis); }))
    return node.unsupported("keep_aspect_ratio_policy with sizes that are known only at run time");
  double chosen = 0;
  for (auto [i, axis] : llvm::enumerate(resize.axes)) {
    double scale = double((*sizes)[i]) / double(type.getDimSize(axis));
    bool better = policy == "not_larger" ? scale < chosen : scale > chosen;
    chosen = i == 0 || better ? scale : chosen;
  }
  SmallVector<int64_t> rounded;
  for (int64_t axis : resize.axes)
    rounded.push_back(int64_t(std::floor(chosen * double(type.getDimSize(axis)) + 0.5)));
  resize.sizes = node.constantInts(rounded);
  return success();
}

static LogicalResult importResize(NodeImporter &node) {
  Resize resize(node);
  int64_t rank = node.inputType(0).getRank();
  resize.mode = node.stringAttr("mode", "nearest");
  resize.coordinates = node.stringAttr("coordinate_transformation_mode", "half_pixel");
  resize.rounding = node.stringAttr("nearest_mode", "round_prefer_floor");
  resize.cubic = node.floatAttr("cubic_coeff_a", -0.75f);
  resize.outside = node.floatAttr("extrapolation_value");
  resize.excludeOutside = node.intAttr("exclude_outside") != 0;
  resize.antialias = node.intAttr("antialias") != 0 && resize.mode != "nearest";
  resize.axes = node.intsAttr("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  for (int64_t &axis : resize.axes) {
    if (axis < -rank || axis >= rank)
      return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
    axis += axis < 0 ? rank : 0;
  }
  int64_t count = resize.axes.size();
  auto fits = [&](unsigned input, int64_t length) {
    return node.hasInput(input) && node.inputType(input).getRank() == 1 &&
           node.inputType(input).getDimSize(0) == length;
  };
  if (fits(1, 2 * count))
    resize.roi = node.input(1);
  if (fits(3, count))
    resize.sizes = node.input(3);
  else if (fits(2, count))
    resize.scales = node.input(2);
  else
    return node.error("needs one scale or one size for each axis");
  std::string policy = node.stringAttr("keep_aspect_ratio_policy", "stretch");
  if (resize.sizes && policy != "stretch" && failed(keepAspectRatio(node, resize, policy)))
    return failure();
  return resize.run();
}

/// Version 10 has asymmetric coordinates and rounds down.
static LogicalResult importResizeOld(NodeImporter &node) {
  Resize resize(node);
  resize.mode = node.stringAttr("mode", "nearest");
  resize.axes = llvm::to_vector(llvm::seq<int64_t>(0, node.inputType(0).getRank()));
  resize.scales = node.input(1);
  return resize.run();
}

static LogicalResult importUpsample(NodeImporter &node) {
  if (node.opset() >= 9)
    return importResizeOld(node);
  std::optional<SmallVector<float>> scales = node.floatsAttr("scales");
  if (!scales || int64_t(scales->size()) != node.inputType(0).getRank())
    return node.error("needs one scale for each axis");
  Resize resize(node);
  resize.mode = node.stringAttr("mode", "nearest");
  resize.axes = llvm::to_vector(llvm::seq<int64_t>(0, node.inputType(0).getRank()));
  auto type = RankedTensorType::get({int64_t(scales->size())}, node.builder().getF32Type());
  resize.scales = node.constant(DenseElementsAttr::get(type, ArrayRef<float>(*scales)));
  return resize.run();
}

void registerVision(ImportTable &table) {
  table.add({
      {"", "Resize", 10, importResizeOld},
      {"", "Resize", 11, importResize},
      {"", "Upsample", 7, importUpsample},
  });
}

} // namespace nncc::import
