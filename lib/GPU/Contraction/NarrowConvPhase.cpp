//===- NarrowConvPhase.cpp - convolutions whose groups have few channels ---------------------------------------------===//

#include "NarrowConvPhase.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Channels of a group's result from which on tiles of a product are full enough.
static constexpr int64_t leastColumns = 16;
/// Taps along a line up to which the code is written once a tap.
static constexpr int64_t mostUnrolledTaps = 7;
/// Sums of a thread from which on one line of taps at once takes the registers that there are.
static constexpr int64_t mostSums = 16;

bool NarrowConvPhase::fits(const ConvShape &shape) { return shape.groups > 1 && shape.groupOutputs < leastColumns; }

NarrowConvPhase::NarrowConvPhase(ContractionSite site, const ConvShape &shape)
    : original(std::move(site)), kind(ElementKind::of(original.root)), shape(shape) {
  bool isDepthwise = shape.groupInputs == 1 && shape.groupOutputs == 1;
  lanes = isDepthwise && shape.groups % 4 == 0 ? 4 : 1;
  pixels = shape.kernel[2] > mostUnrolledTaps || shape.output[2] == 1 ? 1 : shape.output[2] % 4 == 0 ? 4 : 2;
}

Value NarrowConvPhase::getNumUnits(IndexMath &m, const ConvOperands &operands) const {
  Value units = m.mul(operands.batch, m.constant(shape.getOutputs() / lanes));
  units = m.mul(m.mul(units, operands.outputSizes[0]), operands.outputSizes[1]);
  return m.mul(units, m.ceilDiv(operands.outputSizes[2], pixels));
}

FailureOr<LaunchShape> NarrowConvPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, original.root->getLoc());
  ContractionSite site = original;
  site.values = values.values;
  return LaunchShape{m.ceilDiv(getNumUnits(m, ConvOperands(m, site)), threads), Value()};
}

namespace {

/// Writes what one thread does.
class NarrowWriter {
public:
  NarrowWriter(IndexMath &m, const ContractionSite &site, const ElementKind &kind, const ConvShape &shape,
               int64_t lanes, int64_t pixels)
      : m(m), site(site), kind(kind), shape(shape), lanes(lanes), pixels(pixels), operands(m, site),
        input(getGlobalPointer(m, operands.input)), filter(getGlobalPointer(m, operands.filter)),
        isWhole(!ShapedType::isDynamic(shape.output[2]) && shape.output[2] % pixels == 0) {}

  void write(Value unit);

private:
  SmallVector<Value> addLines(ValueRange sums);
  SmallVector<Value> addLine(Value line, Value inside, Value taps, ValueRange sums);
  SmallVector<Value> addColumns(Value line, Value inside, Value taps, Value channel, int64_t channels, ValueRange sums);
  /// Where pixel 0 of the input line of a tap is, and whether that line exists (null: yes).
  Value getInputLine(Value line, unsigned dim, Value tap, Value &inside);
  /// The channels of the pixel in column `column` (index, may be outside) of an input line.
  SmallVector<Value> loadInput(Value line, Value inside, Value column, Value channel, int64_t channels);
  SmallVector<Value> loadFilter(Value tap, Value channel, int64_t channels);
  Type getSumType() const { return lanes == 1 ? kind.sum : Type(VectorType::get(lanes, kind.sum)); }

  IndexMath &m;
  const ContractionSite &site;
  const ElementKind &kind;
  const ConvShape &shape;
  int64_t lanes, pixels;
  ConvOperands operands;
  Value input, filter;
  /// All pixels of all units exist: then only pads are outside.
  bool isWhole;
  /// Of the unit, index: the first channel of the result, its group, the number of the image, the position in it.
  Value output, group, image;
  std::array<Value, 3> position;
};

} // namespace

Value NarrowWriter::getInputLine(Value line, unsigned dim, Value tap, Value &inside) {
  Value at = m.add(m.mul(position[dim], shape.stride[dim]), m.mul(tap, shape.dilation[dim]));
  at = m.sub(at, shape.padBefore[dim]);
  if (shape.isPaddedAlong[dim])
    inside = both(m, inside, isInside(m, at, operands.inputSizes[dim]));
  return m.add(m.mul(line, operands.inputSizes[dim]), at);
}

SmallVector<Value> NarrowWriter::loadInput(Value line, Value inside, Value column, Value channel, int64_t channels) {
  if (shape.isPaddedAlong[2] || !isWhole)
    inside = both(m, inside, isInside(m, column, operands.inputSizes[2]));
  Value offset = m.mul(m.add(m.mul(line, operands.inputSizes[2]), column), shape.getInputs());
  offset = m.add(m.add(offset, m.mul(group, shape.groupInputs)), channel);
  int64_t count = std::max(lanes, channels);
  Value outside = operands.outside;
  if (count > 1)
    outside = vector::BroadcastOp::create(m.builder(), m.location(), VectorType::get(count, kind.left), outside);
  Value loaded = select(m, inside, outside, [&] {
    return loadElements(m, movePointer(m, input, offset, kind.left), kind.left, count, ReadKind::Constant);
  });
  Value wide = kind.widenLeft(m, loaded);
  return lanes > 1 ? SmallVector<Value>{wide} : splitVector(m, wide);
}

/// One value a channel of the input; for several lanes one vector.
SmallVector<Value> NarrowWriter::loadFilter(Value tap, Value channel, int64_t channels) {
  auto load = [&](Value group, Value channel, Value column) {
    Value row = m.add(m.mul(m.add(m.mul(group, shape.getTaps()), tap), shape.groupInputs), channel);
    Value offset = m.add(m.mul(row, shape.groupOutputs), column);
    return kind.widenRight(
        m, loadElements(m, movePointer(m, filter, offset, kind.right), kind.right, 1, ReadKind::Constant));
  };
  SmallVector<Value> values;
  if (lanes > 1) {
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(load(m.add(group, lane), channel, m.constant(0)));
    return {joinVector(m, values)};
  }
  for (int64_t i = 0; i < channels; ++i)
    values.push_back(load(group, m.add(channel, i), m.rem(output, shape.groupOutputs)));
  return values;
}

/// The taps of one line, for some channels of the input.
SmallVector<Value> NarrowWriter::addColumns(Value line, Value inside, Value taps, Value channel, int64_t channels,
                                            ValueRange sums) {
  Value first = m.sub(m.mul(position[2], shape.stride[2]), shape.padBefore[2]);
  if (shape.kernel[2] > mostUnrolledTaps)
    return m.reduce(m.constant(shape.kernel[2]), sums, [&](Value tap, ValueRange now) -> SmallVector<Value> {
      Value column = m.add(first, m.mul(tap, shape.dilation[2])), sum = now.front();
      for (auto [x, y] : llvm::zip_equal(loadInput(line, inside, column, channel, channels),
                                         loadFilter(m.add(taps, tap), channel, channels)))
        sum = kind.multiplyAdd(m, x, y, sum);
      return {sum};
    });
  llvm::SmallDenseMap<int64_t, SmallVector<Value>> columns; // what several pixels see is read once
  SmallVector<Value> next(sums);
  for (int64_t tap = 0; tap < shape.kernel[2]; ++tap) {
    SmallVector<Value> weights = loadFilter(m.add(taps, tap), channel, channels);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      int64_t distance = pixel * shape.stride[2] + tap * shape.dilation[2];
      SmallVector<Value> &seen = columns[distance];
      if (seen.empty())
        seen = loadInput(line, inside, m.add(first, distance), channel, channels);
      for (auto [x, y] : llvm::zip_equal(seen, weights))
        next[pixel] = kind.multiplyAdd(m, x, y, next[pixel]);
    }
  }
  return next;
}

SmallVector<Value> NarrowWriter::addLine(Value line, Value inside, Value taps, ValueRange sums) {
  int64_t channels = shape.groupInputs % 4 == 0 ? 4 : 1;
  return m.reduce(m.constant(shape.groupInputs / channels), sums, [&](Value part, ValueRange now) {
    return addColumns(line, inside, taps, m.mul(part, channels), channels, now);
  });
}

SmallVector<Value> NarrowWriter::addLines(ValueRange sums) {
  return m.reduce(m.constant(shape.kernel[0]), sums, [&](Value first, ValueRange now) {
    Value planeInside, plane = getInputLine(image, 0, first, planeInside);
    auto add = [&](Value second, ValueRange now) {
      Value inside = planeInside, line = getInputLine(plane, 1, second, inside);
      Value taps = m.mul(m.add(m.mul(first, shape.kernel[1]), second), shape.kernel[2]);
      return addLine(line, inside, taps, now);
    };
    Value lines = m.constant(shape.kernel[1]);
    return lanes * pixels >= mostSums ? reduceRolled(m, lines, now, add) : m.reduce(lines, now, add);
  });
}

void NarrowWriter::write(Value unit) {
  int64_t channelUnits = shape.getOutputs() / lanes;
  output = m.mul(m.rem(unit, channelUnits), lanes);
  group = m.div(output, shape.groupOutputs);
  Value rest = m.div(unit, channelUnits), lineUnits = m.ceilDiv(operands.outputSizes[2], pixels);
  position[2] = m.mul(m.rem(rest, lineUnits), pixels);
  Value line = m.div(rest, lineUnits); // of the result
  position[1] = m.rem(line, operands.outputSizes[1]);
  rest = m.div(line, operands.outputSizes[1]);
  position[0] = m.rem(rest, operands.outputSizes[0]);
  image = m.div(rest, operands.outputSizes[0]);

  SmallVector<Value> sums = addLines(SmallVector<Value>(pixels, getZero(m, getSumType())));
  Epilogue epilogue(m, site, lanes);
  Epilogue::Columns columns = epilogue.load(m, output, Value());
  Value row = m.add(m.mul(line, operands.outputSizes[2]), position[2]);
  for (auto [pixel, sum] : llvm::enumerate(sums)) {
    auto finish = [&, pixel = int64_t(pixel), sum = sum] { epilogue.finish(m, sum, m.add(row, pixel), columns); };
    if (isWhole)
      finish();
    else
      m.ifThen(m.less(m.add(position[2], pixel), operands.outputSizes[2]), finish);
  }
}

LogicalResult NarrowConvPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, original.root->getLoc());
  ContractionSite site = original;
  site.values = values.values;
  Value unit = m.add(m.mul(function.block, threads), function.thread);
  m.ifThen(m.less(unit, getNumUnits(m, ConvOperands(m, site))),
           [&] { NarrowWriter(m, site, kind, shape, lanes, pixels).write(unit); });
  return success();
}
