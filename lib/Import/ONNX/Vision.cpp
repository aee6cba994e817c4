//===- Vision.cpp - import of resizing ------------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/ADT/StringExtras.h"

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
  Value commonScale;        ///< (f64) of all axes; may be null
  SmallVector<int64_t> axes;

  LogicalResult run() {
    if (failed(check("mode", mode, {"nearest", "linear", "cubic"})) ||
        failed(check("coordinate_transformation_mode", coordinates,
                     {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                      "tf_crop_and_resize"})) ||
        failed(check("nearest_mode", rounding, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})))
      return failure();
    if (coordinates == "tf_crop_and_resize" && !roi)
      return node.error("tf_crop_and_resize needs a start and an end for each axis in 'roi'");
    std::optional<SmallVector<double>> known = constantFloats(scales);
    // The cheapest order: what shrinks comes first; the last axis, whose elements are gathered, while the tensor is small.
    auto shrinks = [&](int64_t i) {
      std::optional<nn::Dim> size = statedSize(i);
      nn::Dim from = lengthOf(axes[i]);
      return known ? (*known)[i] < 1
                   : size && size->isStatic() && from.isStatic() && size->getStatic() < from.getStatic();
    };
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, axes.size()));
    llvm::sort(order, [&](int64_t i, int64_t j) { return shrinks(i) != shrinks(j) ? shrinks(i) : i > j; });
    constexpr double kSmallestAntialiased = 1.0 / (1 << 20); // or filters have more elements than an axis
    for (int64_t i : order) {
      if (known && antialias && (*known)[i] < kSmallestAntialiased)
        return node.error("scale " + Twine(std::to_string((*known)[i])) +
                          " is too small for a filter that antialiases");
      if (staysAsItIs(i, known))
        continue;
      if (failed(resizeAxis(i, axes[i], known)))
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
  LogicalResult check(StringRef name, StringRef value, ArrayRef<StringRef> known) {
    if (llvm::is_contained(known, value))
      return success();
    return node.error(name + " is '" + value + "', not one of " + llvm::join(known, ", "));
  }

  nn::Dim lengthOf(int64_t axis) const { return nn::getDims(nn::typeOf(value))[axis]; }

  /// What `sizes` says of an axis, if it is known.
  std::optional<nn::Dim> statedSize(int64_t i) const {
    std::optional<SmallVector<nn::Dim>> elements = sizes ? nn::getShapeElements(sizes) : std::nullopt;
    return elements && int64_t(elements->size()) == int64_t(axes.size()) ? std::optional((*elements)[i]) : std::nullopt;
  }

  /// With the scale 1, each element is taken where it is.
  bool staysAsItIs(int64_t i, const std::optional<SmallVector<double>> &known) const {
    if (coordinates == "tf_crop_and_resize" || commonScale)
      return false;
    std::optional<nn::Dim> size = statedSize(i);
    return (known && (*known)[i] == 1) || (size && *size == lengthOf(axes[i]));
  }

  FailureOr<Value> element(Value tensor, int64_t index) {
    FailureOr<nn::SliceOp> part =
        node.create<nn::SliceOp>(tensor, node.constantInts(index), node.constantInts(index + 1), node.constantInts(1),
                                 b.getDenseI64ArrayAttr(0));
    return failed(part) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*part));
  }

  /// Sizes of one axis, each a tensor of one f64, and the tables that follow from them.
  struct Axis {
    Value scale, inputSize, outputSize, roiStart, roiEnd;
    Value positions; ///< [n] f64: where each element of the result is taken
    Value lastIndex; ///< one i64
    Value indices;   ///< [taps, n] i64
    Value weights;   ///< [taps, n] f32 or f64
  };

  LogicalResult resizeAxis(int64_t i, int64_t axis, const std::optional<SmallVector<double>> &known) {
    Axis a;
    FailureOr<Value> length = findSizes(i, axis, known, a);
    if (failed(length) || failed(findPositions(*length, a)))
      return failure();
    if (failed(mode == "nearest" ? tabulateNearest(a) : tabulateFilter(a)))
      return failure();
    Value source = value;
    FailureOr<nn::ResampleOp> result =
        node.create<nn::ResampleOp>(source, a.indices, a.weights, b.getI64IntegerAttr(axis));
    if (failed(result))
      return failure();
    value = *result;
    return coordinates == "tf_crop_and_resize" ? fillOutside(axis, a) : success();
  }

  /// The number of elements along the axis, as one i64, and the sizes as f64.
  FailureOr<Value> findSizes(int64_t i, int64_t axis, const std::optional<SmallVector<double>> &known, Axis &a) {
    Type wide = b.getF64Type();
    FailureOr<Value> inputSize = makeShape(node, SizeSource{axis, value});
    if (failed(inputSize))
      return failure();
    a.inputSize = Chain(node, *inputSize).cast(wide).get();
    a.lastIndex = Chain(node, *inputSize).with<nn::SubOp>(1).get();
    int64_t length = nn::typeOf(value).getDimSize(axis);
    FailureOr<Value> size;
    if (sizes) { // the scale follows from the sizes
      size = element(sizes, i);
      if (failed(size))
        return failure();
      if (auto stated = nn::getConstantInts(*size); stated && stated->front() < 0)
        return node.error("axis " + Twine(axis) + " is to have the size " + Twine(stated->front()));
      a.scale = commonScale ? commonScale : Chain(node, *size).cast(wide).with<nn::DivOp>(a.inputSize).get();
    } else if (known && !ShapedType::isDynamic(length)) {
      double exact = std::floor(double(length) * (*known)[i]);
      if (!(exact >= 0 && exact <= double(int64_t(1) << 53)))
        return node.error("scale " + Twine(std::to_string((*known)[i])) + " gives axis " + Twine(axis) +
                          " no possible size");
      size = node.constantInts(int64_t(exact));
      a.scale = node.constantScalar(wide, (*known)[i]);
    } else {
      FailureOr<Value> stated = element(scales, i);
      if (failed(stated))
        return failure();
      a.scale = Chain(node, *stated).cast(wide).get();
      size = Chain(node, a.scale).with<nn::MulOp>(a.inputSize).apply<nn::FloorOp>().cast(b.getI64Type()).get();
    }
    if (!*size || !a.scale)
      return failure();
    size = Chain(node, *size).cast(b.getI64Type()).get();
    a.outputSize = Chain(node, *size).cast(wide).get();
    if (coordinates == "tf_crop_and_resize") {
      FailureOr<Value> start = element(roi, i), end = element(roi, int64_t(axes.size()) + i);
      if (failed(start) || failed(end))
        return failure();
      a.roiStart = Chain(node, *start).cast(wide).get();
      a.roiEnd = Chain(node, *end).cast(wide).get();
    }
    return size;
  }

  Chain number(double value) { return Chain(node, node.constantScalar(b.getF64Type(), value)); }

  LogicalResult findPositions(Value length, Axis &a) {
    FailureOr<nn::RangeOp> numbers = node.create<nn::RangeOp>(node.constantInts(0), length, node.constantInts(1));
    if (failed(numbers))
      return failure();
    Chain o = Chain(node, *numbers).cast(b.getF64Type());
    if (!nn::getConstantInts(length)) { // a negative length, known only at run time, is refused by nn.full
      FailureOr<nn::FullOp> zeros = node.create<nn::FullOp>(length, number(0).get());
      if (failed(zeros))
        return failure();
      o = o.with<nn::AddOp>(Value(*zeros));
    }
    a.positions = position(o, a).get();
    return success(bool(a.positions));
  }

  /// Where element `o` of the result is taken.
  Chain position(const Chain &o, const Axis &a) {
    Chain scale(node, a.scale), inputSize(node, a.inputSize), one = number(1);
    Chain stretched = scale.with<nn::MulOp>(inputSize); // the size of the result before it was rounded
    Chain single = stretched.with<nn::EqualOp>(one);
    Chain centred = Chain(o).with<nn::AddOp>(0.5).with<nn::DivOp>(scale).with<nn::SubOp>(0.5);
    if (coordinates == "half_pixel")
      return centred;
    if (coordinates == "pytorch_half_pixel")
      return number(-0.5).where(single, centred);
    if (coordinates == "asymmetric")
      return Chain(o).with<nn::DivOp>(scale);
    if (coordinates == "half_pixel_symmetric")
      return one.with<nn::SubOp>(Chain(node, a.outputSize).with<nn::DivOp>(stretched))
          .with<nn::MulOp>(inputSize.with<nn::MulOp>(0.5))
          .with<nn::AddOp>(centred);
    Chain lastInput = inputSize.with<nn::SubOp>(one);
    Chain steps = one.where(single, stretched.with<nn::SubOp>(one));
    if (coordinates == "align_corners")
      return number(0).where(single, Chain(o).with<nn::MulOp>(lastInput).with<nn::DivOp>(steps));
    Chain start(node, a.roiStart);
    Chain span = Chain(node, a.roiEnd).with<nn::SubOp>(start).with<nn::MulOp>(lastInput);
    Chain along = span.with<nn::MulOp>(0.5).where(single, Chain(o).with<nn::MulOp>(span).with<nn::DivOp>(steps));
    return along.with<nn::AddOp>(start.with<nn::MulOp>(lastInput));
  }

  /// The vector as a matrix of one row, or of one column.
  FailureOr<Value> asMatrix(Value vector, ArrayRef<int64_t> shape) {
    if (!vector)
      return failure();
    FailureOr<nn::ReshapeOp> matrix =
        node.create<nn::ReshapeOp>(vector, node.constantInts(shape), b.getBoolAttr(false));
    return failed(matrix) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*matrix));
  }

  Value clampedIndices(const Chain &places, const Axis &a) {
    return Chain(places).cast(b.getI64Type()).with<nn::MaxOp>(0).with<nn::MinOp>(a.lastIndex).get();
  }

  LogicalResult tabulateNearest(Axis &a) {
    FailureOr<Value> row = asMatrix(a.positions, {1, -1});
    if (failed(row))
      return failure();
    Chain x(node, *row);
    Chain nearest = rounding == "floor"                ? x.apply<nn::FloorOp>()
                    : rounding == "ceil"               ? x.apply<nn::CeilOp>()
                    : rounding == "round_prefer_floor" ? x.with<nn::SubOp>(0.5).apply<nn::CeilOp>()
                                                       : x.with<nn::AddOp>(0.5).apply<nn::FloorOp>();
    a.indices = clampedIndices(nearest, a);
    return success(bool(a.indices));
  }

  /// The taps of a filter are at floor(x) - reach + 1 .. floor(x) + reach; more of them when a smaller result needs a wider filter.
  LogicalResult tabulateFilter(Axis &a) {
    double reach = mode == "cubic" ? 2 : 1;
    Type wide = b.getF64Type();
    Chain squeeze = number(1), offsets = number(0);
    if (antialias) {
      squeeze = Chain(node, a.scale).with<nn::MinOp>(1.0);
      Chain first = number(-reach).with<nn::DivOp>(squeeze).apply<nn::FloorOp>().with<nn::AddOp>(1.0);
      Chain end = number(2).with<nn::SubOp>(first);
      first = first.cast(b.getI64Type()), end = end.cast(b.getI64Type());
      if (!first.get() || !end.get())
        return failure();
      FailureOr<nn::RangeOp> range = node.create<nn::RangeOp>(first.get(), end.get(), node.constantInts(1));
      if (failed(range))
        return failure();
      offsets = Chain(node, *range).cast(wide);
    } else {
      offsets = Chain(node, node.constantInts(llvm::to_vector(llvm::seq(1 - int64_t(reach), int64_t(reach) + 1))));
      offsets = offsets.cast(wide);
    }
    FailureOr<Value> row = asMatrix(a.positions, {1, -1}), column = asMatrix(offsets.get(), {-1, 1});
    if (failed(row) || failed(column))
      return failure();
    Chain x(node, *row);
    Chain places = x.apply<nn::FloorOp>().with<nn::AddOp>(*column);
    Chain weights = filter(places.with<nn::SubOp>(x).with<nn::MulOp>(squeeze));
    if (excludeOutside) {
      Chain inside = number(0).with<nn::LessEqualOp>(places).with<nn::AndOp>(
          places.with<nn::LessEqualOp>(Chain(node, a.lastIndex).cast(wide)));
      weights = weights.where(inside, number(0));
    }
    if (antialias || excludeOutside) { // else they add up to 1
      if (!weights.get())
        return failure();
      FailureOr<nn::ReduceOp> sum =
          node.create<nn::ReduceOp>(weights.get(), b.getDenseI64ArrayAttr(0), b.getUnitAttr(), b.getStringAttr("sum"));
      if (failed(sum))
        return failure();
      weights = weights.with<nn::DivOp>(Value(*sum));
    }
    Type type = nn::typeOf(value).getElementType();
    bool isFloat = isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 32;
    a.weights = weights.cast(isFloat ? b.getF32Type() : b.getF64Type()).get();
    a.indices = clampedIndices(places, a);
    return success(a.weights && a.indices);
  }

  /// The weight of an element at a distance from the place.
  Chain filter(const Chain &distance) {
    Chain d = Chain(distance).apply<nn::AbsOp>();
    if (mode == "linear")
      return number(1).with<nn::SubOp>(d).with<nn::MaxOp>(0.0);
    Chain d2 = d.with<nn::MulOp>(d), d3 = d2.with<nn::MulOp>(d);
    Chain inner = d3.with<nn::MulOp>(cubic + 2).with<nn::SubOp>(d2.with<nn::MulOp>(cubic + 3)).with<nn::AddOp>(1.0);
    Chain outer = d3.with<nn::MulOp>(cubic)
                      .with<nn::SubOp>(d2.with<nn::MulOp>(5 * cubic))
                      .with<nn::AddOp>(d.with<nn::MulOp>(8 * cubic))
                      .with<nn::SubOp>(4 * cubic);
    Chain tail = outer.where(d.with<nn::LessOp>(number(2)), number(0));
    return inner.where(d.with<nn::LessEqualOp>(number(1)), tail);
  }

  /// Elements taken outside of the input are `outside`.
  LogicalResult fillOutside(int64_t axis, const Axis &a) {
    Chain x(node, a.positions), low = x.with<nn::LessOp>(number(0));
    Chain high = Chain(node, a.lastIndex).cast(b.getF64Type()).with<nn::LessOp>(x);
    Chain flags = low.with<nn::OrOp>(high);
    SmallVector<int64_t> shape(nn::typeOf(value).getRank() - axis, 1); // broadcast along the axes behind
    shape[0] = -1;
    if (!flags.get())
      return failure();
    FailureOr<nn::ReshapeOp> mask =
        node.create<nn::ReshapeOp>(flags.get(), node.constantInts(shape), b.getBoolAttr(false));
    if (failed(mask))
      return failure();
    Chain filler(node, node.constantScalar(nn::typeOf(value).getElementType(), outside));
    value = filler.where(Chain(node, *mask), Chain(node, value)).get();
    return success(bool(value));
  }

  NodeImporter &node;
  OpBuilder &b;
  Value value;
};

} // namespace

/// `sizes` under a policy that keeps the aspect ratio: one scale for all axes, and the sizes that it gives, rounded half up.
static LogicalResult keepAspectRatio(NodeImporter &node, Resize &resize, StringRef policy) {
  if (policy != "not_larger" && policy != "not_smaller")
    return node.error("keep_aspect_ratio_policy is '" + policy + "', not stretch, not_larger or not_smaller");
  OpBuilder &b = node.builder();
  SmallVector<SizeSource> sources =
      llvm::map_to_vector(resize.axes, [&](int64_t axis) { return SizeSource{axis, node.input(0)}; });
  FailureOr<Value> inputSizes = makeShape(node, sources);
  if (failed(inputSizes))
    return failure();
  Chain wide = Chain(node, *inputSizes).cast(b.getF64Type());
  Value scales = Chain(node, resize.sizes).cast(b.getF64Type()).with<nn::DivOp>(wide).get();
  if (!scales)
    return failure();
  FailureOr<nn::ReduceOp> scale = node.create<nn::ReduceOp>(scales, b.getDenseI64ArrayAttr(0), b.getUnitAttr(),
                                                            b.getStringAttr(policy == "not_larger" ? "min" : "max"));
  if (failed(scale))
    return failure();
  resize.commonScale = *scale;
  resize.sizes = wide.with<nn::MulOp>(*scale).with<nn::AddOp>(0.5).apply<nn::FloorOp>().cast(b.getI64Type()).get();
  return success(bool(resize.sizes));
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

static LogicalResult importGridSample(NodeImporter &node) {
  std::string mode = node.stringAttr("mode", "linear"); // version 16 names those of two dims
  mode = mode == "bilinear" ? "linear" : mode == "bicubic" ? "cubic" : mode;
  return node.becomes<nn::GridSampleOp>(node.input(0), node.input(1), mode, node.stringAttr("padding_mode", "zeros"),
                                        node.intAttr("align_corners") != 0);
}

static LogicalResult importRoiAlign(NodeImporter &node) {
  OpBuilder &b = node.builder();
  std::string mode = node.stringAttr("mode", "avg");
  if (mode != "avg" && mode != "max")
    return node.error("mode is '" + mode + "', not avg or max");
  bool halfPixel =
      node.opset() >= 16 && node.stringAttr("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  auto flag = [&](bool value) { return value ? b.getUnitAttr() : UnitAttr(); };
  return node.becomes<nn::RoiAlignOp>(
      node.input(0), node.input(1), node.input(2), b.getI64IntegerAttr(node.intAttr("output_height", 1)),
      b.getI64IntegerAttr(node.intAttr("output_width", 1)), b.getI64IntegerAttr(node.intAttr("sampling_ratio")),
      b.getF64FloatAttr(node.floatAttr("spatial_scale", 1)), flag(halfPixel), flag(mode == "max"));
}

static LogicalResult importCol2Im(NodeImporter &node) {
  OpBuilder &b = node.builder();
  RankedTensorType image = node.inputType(1);
  if (image.getRank() != 1 || image.isDynamicDim(0))
    return node.unsupported("a number of spatial dims that is known only at run time");
  size_t spatial = image.getDimSize(0);
  auto ints = [&](StringRef name, size_t count, int64_t fallback) {
    return b.getDenseI64ArrayAttr(node.intsAttr(name).value_or(SmallVector<int64_t>(count, fallback)));
  };
  return node.becomes<nn::FoldBlocksOp>(node.input(0), node.input(1), node.input(2), ints("strides", spatial, 1),
                                        ints("dilations", spatial, 1), ints("pads", 2 * spatial, 0));
}

void registerVision(ImportTable &table) {
  table.add({
      {"", "Col2Im", 18, importCol2Im},
      {"", "GridSample", 16, importGridSample},
      {"", "RoiAlign", 10, importRoiAlign},
      {"", "Resize", 10, importResizeOld},
      {"", "Resize", 11, importResize},
      {"", "Upsample", 7, importUpsample},
  });
}

} // namespace nncc::import
