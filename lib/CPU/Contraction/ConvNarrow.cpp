//===- ConvNarrow.cpp - depthwise convolutions, and others of small groups ------------------------------------------===//
//
// The lanes of a vector are channels of the result, of one or several groups. One vector of the input, its lanes spread to the groups,
// serves all taps of neighbouring pixels that read it. Nothing is copied: taps above and below the image are left out of the loops,
// and the few pixels whose taps leave it at the sides are computed one by one, with checks.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "ConvNarrow.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

static int64_t orGuess(int64_t size, int64_t guess) { return ShapedType::isDynamic(size) ? guess : size; }

ConvNarrowEmitter::ConvNarrowEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target)
    : site(site), shape(shape), kind(ElementKind::of(site.root, target)), pixelsAtOnce(target.hasAVX512() ? 8 : 4),
      lines(shape.output[1], 1), columns(shape.getOutputs(), 1, kind.lanes) {
  BlockCosts costs;
  costs.rowTiles = orGuess(shape.output[1], 16);
  costs.columnTiles = columns.getNumTiles();
  costs.batch = orGuess(shape.batch, 1) * orGuess(shape.output[0], 1);
  costs.maxRowTiles = costs.rowTiles;
  costs.tileWork = double(orGuess(shape.output[2], 16)) * kind.lanes * shape.getTaps() * shape.groupInputs;
  costs.rightBytes = 0;
  BlockShape blocks = chooseBlockShape(costs);
  lines.setTilesPerBlock(blocks.rowTiles);
  columns.setTilesPerBlock(blocks.columnTiles);
}

Value ConvNarrowEmitter::emitTiles(IndexMath &m) const {
  ConvOperands operands(m, site);
  Value blocks =
      m.mul(columns.getNumBlocks(m, m.constant(shape.getOutputs())), lines.getNumBlocks(m, operands.outputSizes[1]));
  return m.mul(m.mul(blocks, operands.outputSizes[0]), operands.batch);
}

namespace {

/// Taps of one spatial dim, from `first` to before `end`.
struct TapRange {
  Value first, end;
};

/// Writes the code of one tile.
class NarrowTile {
public:
  NarrowTile(IndexMath &m, const ContractionSite &site, const ConvShape &shape, const ElementKind &kind,
             int64_t pixelsAtOnce)
      : m(m), shape(shape), kind(kind), pixelsAtOnce(pixelsAtOnce), operands(m, site), epilogue(m, site, kind.lanes),
        lanes(kind.lanes) {
    auto op = cast<exec::ConvOp>(site.root);
    isPacked = op.getPacked().has_value();
    hasOutside = bool(op.getOutside());
  }

  void emit(const RowTiling &lines, const ColumnTiling &columns, Value tile, Value memory);
  /// Elements of scratch: weights of a vector of channels, sums of pixels.
  static int64_t getNumWeights(const ConvShape &shape, int64_t lanes) {
    return shape.getTaps() * shape.groupInputs * lanes;
  }

private:
  void copyWeights(Value column);
  void emitLine(Value line);
  bool emitKnownLine(const TapRange &planes, const TapRange &taps, bool isUnrolled);
  void emitKnownPixels(int64_t first, int64_t count, const TapRange &planes, const TapRange &taps, bool isUnrolled);
  void emitPixels(Value first, Value end, const TapRange &planes, const TapRange &taps, bool isUnrolled);
  void emitTile(Value pixel, int64_t count, const TapRange &planes, const TapRange &taps, bool isChecked,
                bool isUnrolled);
  SmallVector<Value> addTaps(Value pixel, Value planeTap, Value lineTap, bool isChecked, ValueRange sums);
  Value loadInput(Value index, int64_t channel);
  Value loadChecked(Value planeTap, Value lineTap, Value pixel, int64_t tap, Value index, int64_t channel);
  Value loadWeight(Value planeTap, Value lineTap, int64_t tap, int64_t channel);
  TapRange getTapRange(int64_t dim, Value at);
  void finish(ValueRange sums, Value pixel);

  IndexMath &m;
  const ConvShape &shape;
  const ElementKind &kind;
  int64_t pixelsAtOnce;
  ConvOperands operands;
  Epilogue epilogue;
  int64_t lanes;
  bool isPacked, hasOutside;

  Value image, plane, line;
  /// The first pixel of the tile that is written, where it is known, and with it which of its taps are inside of the line.
  std::optional<int64_t> knownPixel;
  /// The vector of channels that is worked on: its mask (or null), first input channel, weights.
  Value mask, inputMask, channel, weights, weightsBase;
  int64_t weightStride = 0;
  Epilogue::Columns columns;
  Value weightScratch, sumScratch;
};

} // namespace

//===--------------------------------------------------------------------------------------------------------------===//
// Loading
//===--------------------------------------------------------------------------------------------------------------===//

/// Lane `l` gets input channel `channel` of the group of its output. `index` is that of the first channel of the vector.
Value NarrowTile::loadInput(Value index, int64_t channel) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  int64_t groups = std::max<int64_t>(lanes / shape.groupOutputs, 1), width = groups * shape.groupInputs;
  if (groups == 1)
    return kind.loadLeft(m, operands.input, m.add(index, channel));
  auto type = VectorType::get(width, kind.left);
  Value elements;
  if (inputMask) {
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    elements = vector::MaskedLoadOp::create(b, loc, type, operands.input, index, inputMask, none);
  } else {
    elements = vector::LoadOp::create(b, loc, type, operands.input, index);
  }
  if (shape.groupInputs > 1 || shape.groupOutputs > 1) {
    SmallVector<int64_t> spread;
    for (int64_t lane = 0; lane < lanes; ++lane)
      spread.push_back(lane / shape.groupOutputs * shape.groupInputs + channel);
    elements = vector::ShuffleOp::create(b, loc, elements, elements, spread);
  }
  return kind.widen(m, elements, kind.leftUnsigned);
}

/// The same for a tap that may be outside of the image.
Value NarrowTile::loadChecked(Value planeTap, Value lineTap, Value pixel, int64_t tap, Value index, int64_t channel) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto isInside = [&](int64_t dim, Value at, Value tap) {
    Value place = m.add(m.mul(at, shape.stride[dim]), m.mul(tap, shape.dilation[dim]));
    Value before = m.constant(shape.padBefore[dim]);
    Value isBehind = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, place, before);
    return arith::AndIOp::create(b, loc, isBehind, m.less(place, m.add(operands.inputSizes[dim], before))).getResult();
  };
  Value inside = isInside(2, pixel, m.constant(tap));
  if (hasOutside) // otherwise the loops leave those taps out
    inside = arith::AndIOp::create(
        b, loc, inside, arith::AndIOp::create(b, loc, isInside(0, plane, planeTap), isInside(1, line, lineTap)));
  auto branch = scf::IfOp::create(b, loc, kind.getSumType(), inside, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, loadInput(index, channel));
  b.setInsertionPointToStart(branch.elseBlock());
  Value outside = vector::BroadcastOp::create(b, loc, VectorType::get(lanes, kind.left), operands.outside);
  scf::YieldOp::create(b, loc, kind.widen(m, outside, kind.leftUnsigned));
  return branch.getResult(0);
}

Value NarrowTile::loadWeight(Value planeTap, Value lineTap, int64_t tap, int64_t channel) {
  Value index = m.add(m.mul(planeTap, shape.kernel[1]), lineTap);
  index = m.add(m.mul(index, shape.kernel[2] * shape.groupInputs), tap * shape.groupInputs + channel);
  return kind.loadRight(m, weights, m.add(weightsBase, m.mul(index, weightStride)), nullptr);
}

/// Weights that are not in panels: those of the channels from `column` on are copied to scratch.
void NarrowTile::copyWeights(Value column) {
  int64_t depth = shape.getTaps() * shape.groupInputs, outputs = shape.groupOutputs;
  m.loop(m.constant(depth), [&](Value k) {
    m.loop(m.constant(lanes), [&](Value lane) {
      Value output = m.min(m.add(column, lane), shape.getOutputs() - 1); // a lane that does not exist takes any
      Value from = m.add(m.mul(m.div(output, outputs), depth), k);
      from = m.add(m.mul(from, outputs), m.rem(output, outputs));
      Value weight = memref::LoadOp::create(m.builder(), m.location(), operands.filter, from);
      memref::StoreOp::create(m.builder(), m.location(), weight, weightScratch, m.add(m.mul(k, lanes), lane));
    });
  });
}

//===--------------------------------------------------------------------------------------------------------------===//
// Computing
//===--------------------------------------------------------------------------------------------------------------===//

/// Adds the taps across the line for one plane and line of taps. Inputs are visited from left to right: each sum takes its products in
/// the order of taps, and few vectors are alive.
SmallVector<Value> NarrowTile::addTaps(Value pixel, Value planeTap, Value lineTap, bool isChecked, ValueRange sums) {
  SmallVector<Value> results(sums);
  int64_t inputs = shape.getInputs();
  auto place = [&](int64_t dim, Value at, Value tap) {
    Value padded = m.add(m.mul(at, shape.stride[dim]), m.mul(tap, shape.dilation[dim]));
    return m.sub(padded, shape.padBefore[dim]);
  };
  Value row = m.add(m.mul(m.mul(image, operands.inputSizes[0]), operands.inputSizes[1]),
                    m.add(m.mul(place(0, plane, planeTap), operands.inputSizes[1]), place(1, line, lineTap)));
  Value base = m.add(m.mul(row, operands.inputSizes[2]), m.sub(m.mul(pixel, shape.stride[2]), shape.padBefore[2]));
  base = m.add(m.mul(base, inputs), channel);
  auto isInLine = [&](int64_t position) {
    int64_t at = knownPixel ? *knownPixel * shape.stride[2] - shape.padBefore[2] + position : 0;
    return !knownPixel || (at >= 0 && at < shape.input[2]);
  };
  // Position in the line -> (pixel, tap) that read it.
  std::map<int64_t, SmallVector<std::pair<int64_t, int64_t>>> readers;
  for (int64_t i = 0; i < int64_t(sums.size()); ++i)
    for (int64_t tap = 0; tap < shape.kernel[2]; ++tap)
      if (int64_t position = i * shape.stride[2] + tap * shape.dilation[2]; isInLine(position))
        readers[position].push_back({i, tap});
  for (const auto &[position, users] : readers)
    for (int64_t k = 0; k < shape.groupInputs; ++k) {
      Value index = m.add(base, position * inputs);
      Value input =
          isChecked ? loadChecked(planeTap, lineTap, pixel, users.front().second, index, k) : loadInput(index, k);
      for (auto [i, tap] : users)
        results[i] = kind.multiplyAdd(m, input, loadWeight(planeTap, lineTap, tap, k), results[i]);
    }
  return results;
}

/// `count` pixels from `pixel` on. With checks `count` is 1.
void NarrowTile::emitTile(Value pixel, int64_t count, const TapRange &planes, const TapRange &taps, bool isChecked,
                          bool isUnrolled) {
  SmallVector<Value> sums(count, kind.zero(m));
  if (isUnrolled) {
    for (int64_t i = 0; i < shape.kernel[0]; ++i)
      for (int64_t j = 0; j < shape.kernel[1]; ++j)
        sums = addTaps(pixel, m.constant(i), m.constant(j), isChecked, sums);
  } else {
    sums = m.reduce(m.sub(planes.end, planes.first), sums, [&](Value i, ValueRange outer) {
      return m.reduce(m.sub(taps.end, taps.first), outer, [&](Value j, ValueRange inner) {
        return addTaps(pixel, m.add(planes.first, i), m.add(taps.first, j), isChecked, inner);
      });
    });
  }
  finish(sums, pixel);
}

void NarrowTile::finish(ValueRange sums, Value pixel) {
  Value row = m.add(m.mul(image, operands.outputSizes[0]), plane);
  row = m.add(m.mul(row, operands.outputSizes[1]), line);
  row = m.add(m.mul(row, operands.outputSizes[2]), pixel);
  if (!epilogue.isHeavy() || sums.size() == 1) {
    for (auto [i, sum] : llvm::enumerate(sums))
      epilogue.finish(m, sum, m.add(row, i), columns);
    return;
  }
  for (auto [i, sum] : llvm::enumerate(sums))
    vector::StoreOp::create(m.builder(), m.location(), sum, sumScratch, m.constant(i * lanes));
  m.loop(m.constant(sums.size()), [&](Value i) {
    Value sum = vector::LoadOp::create(m.builder(), m.location(), cast<VectorType>(kind.getSumType()), sumScratch,
                                       m.mul(i, lanes));
    epilogue.finish(m, sum, m.add(row, i), columns);
  });
}

void NarrowTile::emitPixels(Value first, Value end, const TapRange &planes, const TapRange &taps, bool isUnrolled) {
  Value fullEnd = m.add(first, m.mul(m.div(m.sub(end, first), pixelsAtOnce), pixelsAtOnce));
  m.loop(first, fullEnd, pixelsAtOnce,
         [&](Value pixel) { emitTile(pixel, pixelsAtOnce, planes, taps, /*isChecked=*/false, isUnrolled); });
  m.loop(fullEnd, end, 1, [&](Value pixel) { emitTile(pixel, 1, planes, taps, /*isChecked=*/false, isUnrolled); });
}

/// The taps of spatial dim `dim` that are inside of the image for position `at` of the result.
TapRange NarrowTile::getTapRange(int64_t dim, Value at) {
  Value start = m.mul(at, shape.stride[dim]), before = m.constant(shape.padBefore[dim]);
  Value first = m.ceilDiv(m.subSaturating(before, start), shape.dilation[dim]);
  Value room = m.subSaturating(m.add(operands.inputSizes[dim], before), start);
  Value end = m.min(m.ceilDiv(room, shape.dilation[dim]), shape.kernel[dim]);
  return {first, m.max(end, first)};
}

void NarrowTile::emitKnownPixels(int64_t first, int64_t count, const TapRange &planes, const TapRange &taps,
                                 bool isUnrolled) {
  knownPixel = first;
  emitTile(m.constant(first), count, planes, taps, /*isChecked=*/false, isUnrolled);
  knownPixel.reset();
}

/// A line whose sizes are known: in the tiles at both ends the taps that are outside are left out. False: it is too short for that, or
/// the taps that are outside count.
bool NarrowTile::emitKnownLine(const TapRange &planes, const TapRange &taps, bool isUnrolled) {
  int64_t width = shape.output[2], inputWidth = shape.input[2], before = shape.padBefore[2];
  if (hasOutside || ShapedType::isDynamic(width) || ShapedType::isDynamic(inputWidth))
    return false;
  // A tile may be as wide as almost two: there are registers for that.
  int64_t widest = 2 * pixelsAtOnce - 1, reach = (shape.kernel[2] - 1) * shape.dilation[2];
  if (width <= widest) {
    emitKnownPixels(0, width, planes, taps, isUnrolled);
    return true;
  }
  int64_t atStart = llvm::divideCeil(before, shape.stride[2]);
  int64_t innerEnd = llvm::divideFloorSigned(inputWidth + before - reach - 1, shape.stride[2]) + 1;
  int64_t atEnd = std::max<int64_t>(width - innerEnd, 0), first = atStart > 0 ? pixelsAtOnce : 0;
  if (atStart > pixelsAtOnce || atEnd > pixelsAtOnce)
    return false;
  int64_t last = (width - first) % pixelsAtOnce;
  if (last < atEnd)
    last += pixelsAtOnce;
  if (first)
    emitKnownPixels(0, first, planes, taps, isUnrolled);
  emitPixels(m.constant(first), m.constant(width - last), planes, taps, isUnrolled);
  if (last)
    emitKnownPixels(width - last, last, planes, taps, isUnrolled);
  return true;
}

void NarrowTile::emitLine(Value line) {
  this->line = line;
  OpBuilder &b = m.builder();
  TapRange planes = getTapRange(0, plane), taps = getTapRange(1, line);
  Value width = operands.outputSizes[2], zero = m.constant(0);
  // Pixels whose taps are all inside of the line: from `inner` to before `innerEnd`.
  Value inner = m.min(m.constant(llvm::divideCeil(shape.padBefore[2], shape.stride[2])), width);
  Value reach = m.constant((shape.kernel[2] - 1) * shape.dilation[2]);
  Value room = m.subSaturating(m.add(operands.inputSizes[2], shape.padBefore[2]), reach);
  Value innerEnd = m.max(m.min(m.ceilDiv(room, shape.stride[2]), width), inner);
  auto isWhole = [&](const TapRange &range, int64_t size) -> Value {
    return m.equal(m.sub(range.end, range.first), m.constant(size));
  };
  Value whole =
      arith::AndIOp::create(b, m.location(), isWhole(planes, shape.kernel[0]), isWhole(taps, shape.kernel[1]));
  TapRange allPlanes{zero, m.constant(shape.kernel[0])}, allTaps{zero, m.constant(shape.kernel[1])};
  bool isUnrolled = shape.getTaps() * shape.groupInputs <= 32;
  auto emitInner = [&](const TapRange &planes, const TapRange &taps, bool isUnrolled) {
    bool isDone = emitKnownLine(planes, taps, isUnrolled);
    if (!isDone)
      emitPixels(inner, innerEnd, planes, taps, isUnrolled);
    return isDone;
  };
  bool isKnown = false;
  auto emitChecked = [&](Value first, Value end) {
    m.loop(first, end, 1, [&](Value pixel) {
      emitTile(pixel, 1, hasOutside ? allPlanes : planes, hasOutside ? allTaps : taps, /*isChecked=*/true,
               /*isUnrolled=*/false);
    });
  };
  auto branch = scf::IfOp::create(b, m.location(), whole, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    isKnown = emitInner(allPlanes, allTaps, isUnrolled);
    b.setInsertionPointToStart(branch.elseBlock());
    if (hasOutside)
      emitChecked(inner, innerEnd);
    else
      emitInner(planes, taps, /*isUnrolled=*/false);
  }
  if (isKnown)
    return;
  emitChecked(zero, inner);
  emitChecked(innerEnd, width);
}

void NarrowTile::emit(const RowTiling &lines, const ColumnTiling &columnTiling, Value tile, Value memory) {
  Scratch scratch(memory);
  weightScratch = scratch.take(m, getNumWeights(shape, lanes), kind.right);
  sumScratch = scratch.take(m, 2 * pixelsAtOnce * lanes, kind.sum);
  Value outputs = m.constant(shape.getOutputs()), columnBlocks = columnTiling.getNumBlocks(m, outputs);
  Value rest = m.div(tile, columnBlocks), lineBlocks = lines.getNumBlocks(m, operands.outputSizes[1]);
  Value lineBlock = m.rem(rest, lineBlocks);
  rest = m.div(rest, lineBlocks);
  plane = m.rem(rest, operands.outputSizes[0]);
  image = m.div(rest, operands.outputSizes[0]);
  columnTiling.forEachTile(m, outputs, m.rem(tile, columnBlocks), [&](Value column, ArrayRef<Value> masks) {
    int64_t panelColumns = kind.getPanelColumns(), groups = std::max<int64_t>(lanes / shape.groupOutputs, 1);
    mask = masks.front();
    channel = m.mul(m.div(column, shape.groupOutputs), shape.groupInputs);
    inputMask = mask && groups > 1
                    ? createColumnMask(m, channel, m.constant(shape.getInputs()), groups * shape.groupInputs)
                    : Value();
    columns = epilogue.load(m, column, mask);
    weights = isPacked ? operands.filter : weightScratch;
    weightStride = isPacked ? panelColumns : lanes;
    weightsBase = m.constant(0);
    if (isPacked)
      weightsBase = m.add(m.mul(m.div(column, panelColumns), shape.getTaps() * shape.groupInputs * panelColumns),
                          m.rem(column, panelColumns));
    else
      copyWeights(column);
    auto [first, end] = lines.getBlock(m, operands.outputSizes[1], lineBlock);
    m.loop(first, end, 1, [&](Value line) { emitLine(line); });
  });
}

void ConvNarrowEmitter::emitTile(IndexMath &m, Value tile, Value scratch) const {
  NarrowTile(m, site, shape, kind, pixelsAtOnce).emit(lines, columns, tile, scratch);
}

int64_t ConvNarrowEmitter::getScratchBytes() const {
  int64_t weights = NarrowTile::getNumWeights(shape, kind.lanes) * kind.right.getIntOrFloatBitWidth() / 8;
  return llvm::alignTo(weights, 64) +
         llvm::alignTo(2 * pixelsAtOnce * kind.lanes * kind.sum.getIntOrFloatBitWidth() / 8, 64);
}
