//===- ConvLines.cpp - convolutions as matrix products of image lines -----------------------------------------------===//
//
// The pixels of a line of the result are rows whose left operands lie a constant stride apart, so a register tile of them is a product
// like any other, reduced over taps and channels. Where the input is padded, the lines that a block needs are first copied to scratch
// with their surroundings: the inner loops check nothing. Short lines are joined to one tile.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "ConvLines.h"
#include "Packing.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===--------------------------------------------------------------------------------------------------------------===//
// Plan
//===--------------------------------------------------------------------------------------------------------------===//

static int64_t orGuess(int64_t size, int64_t guess) { return ShapedType::isDynamic(size) ? guess : size; }

ConvLinesPlan::ConvLinesPlan(const ConvShape &shape, const ElementKind &kind, const CPUTarget &target) : shape(shape) {
  int64_t elementBytes = std::max<int64_t>(llvm::divideCeil(kind.left.getIntOrFloatBitWidth(), 8), 1);
  // Groups are copied too: then the channels of neighbouring pixels touch, and taps and channels are one loop.
  step = std::max<int64_t>(kind.getStepSize(), 1);
  isCopied = shape.isPadded() || (shape.groups > 1 && shape.kernel[2] > 1) || shape.groupInputs % step != 0 ||
             kind.widensLeft();
  int64_t width = shape.output[2], numVectors = llvm::divideCeil(shape.groupOutputs, kind.lanes);
  int64_t rowBytes = isCopied ? 0 : shape.stride[2] * shape.getInputs() * elementBytes;
  registers = chooseRegisterShape(target, kind, width, numVectors, rowBytes);
  joinLines(kind, target);
  choosePixelStride(elementBytes);
  pixels = RowTiling(joinedLines ? 1 : width, joinedLines ? 1 : registers.rows);
  lines = RowTiling(shape.output[1], joinedLines ? joinedLines : 1);
  columns = ColumnTiling(shape.groupOutputs, registers.vectors, kind.lanes);
  chooseBlocks(elementBytes, target);
  double panelBytes = double(getDepth()) * columns.getColumnsPerTile() * elementBytes;
  prefetch = 2 * panelBytes > double(target.l1Bytes);
}

/// When a line fills less than half of a register tile, whole lines are joined; copied, because their distance must be static.
void ConvLinesPlan::joinLines(const ElementKind &kind, const CPUTarget &target) {
  int64_t width = shape.output[2];
  if (ShapedType::isDynamic(width) || ShapedType::isDynamic(shape.input[2]) || width < 1)
    return;
  int64_t numVectors = llvm::divideCeil(shape.groupOutputs, kind.lanes);
  RegisterShape tall = chooseRegisterShape(target, kind, ShapedType::kDynamic, std::min<int64_t>(numVectors, 2), 0);
  int64_t most = orGuess(shape.output[1], tall.rows);
  int64_t joined = std::min(tall.rows / width, most);
  if (joined < 2)
    return;
  joinedLines = joined;
  registers = {joined * width, tall.vectors};
  isCopied = true;
}

/// The copy leaves out pixels that no tap reads, and may leave gaps between pixels.
void ConvLinesPlan::choosePixelStride(int64_t elementBytes) {
  skipsPixels = isCopied && !shape.isPadded() && shape.kernel[2] == 1;
  copiedPixel = getSteppedInputs();
  int64_t rowBytes = copiedPixel * getPixelStep() * elementBytes;
  // With gaps the taps across are a loop of their own: for a few channels that costs more.
  if (getRowsAtOnePlace(registers.rows, rowBytes) > 2 && shape.groupInputs >= 64)
    copiedPixel += 64 / elementBytes;
}

int64_t ConvLinesPlan::getSteppedInputs() const { return llvm::alignTo(shape.groupInputs, step); }

int64_t ConvLinesPlan::getDepth() const { return shape.getTaps() * getSteppedInputs(); }

/// Lines of the input that `count` lines of the result need. When taps or strides leave gaps, each has copies of its own.
int64_t ConvLinesPlan::getInputLines(int64_t count) const {
  return separatesLines() ? count * shape.kernel[1]
                          : (count - 1) * shape.stride[1] + (shape.kernel[1] - 1) * shape.dilation[1] + 1;
}

bool ConvLinesPlan::separatesLines() const {
  return shape.dilation[1] > shape.stride[1] || shape.stride[1] > shape.kernel[1];
}

int64_t ConvLinesPlan::getInputWidth(int64_t count) const {
  return (count - 1) * getPixelStep() + (shape.kernel[2] - 1) * shape.dilation[2] + 1;
}

int64_t ConvLinesPlan::getPixelsPerBlock() const { return joinedLines ? shape.output[2] : pixels.getRowsPerBlock(); }

int64_t ConvLinesPlan::getNumCopied() const {
  return isCopied ? shape.kernel[0] * getInputLines(lines.getRowsPerBlock()) * getLineStride() : 0;
}

int64_t ConvLinesPlan::getLineStride() const { return getInputWidth(getPixelsPerBlock()) * copiedPixel; }

void ConvLinesPlan::chooseBlocks(int64_t elementBytes, const CPUTarget &target) {
  int64_t pixelTiles = pixels.isDynamic() ? 4 : pixels.getNumTiles();
  int64_t lineTiles = lines.isDynamic() ? 16 : lines.getNumTiles();
  int64_t budget = target.l2Bytes / 3;
  // Pixels of one line, then lines, that fit.
  int64_t pixelsPerBlock = pixelTiles;
  pixels.setTilesPerBlock(pixelsPerBlock);
  auto copiedBytes = [&] { return std::max<int64_t>(getNumCopied(), 1) * elementBytes; };
  while (pixelsPerBlock > 1 && copiedBytes() > budget)
    pixels.setTilesPerBlock(pixelsPerBlock = llvm::divideCeil(pixelsPerBlock, 2));
  int64_t mostLines = isCopied ? std::max<int64_t>(budget / copiedBytes(), 1) : lineTiles;

  int64_t pixelBlocks = llvm::divideCeil(pixelTiles, pixelsPerBlock);
  BlockCosts costs;
  costs.rowTiles = lineTiles;
  costs.columnTiles = columns.getNumTiles();
  costs.batch = orGuess(shape.batch, 1) * orGuess(shape.output[0], 1) * shape.groups * pixelBlocks;
  costs.maxRowTiles = mostLines;
  costs.tileWork = double(getPixelsPerBlock()) * lines.getRowsPerTile() * columns.getColumnsPerTile() * getDepth();
  costs.rightBytes = double(shape.groupOutputs) * getDepth() * elementBytes;
  // Lines at the border between blocks are copied twice, and everything once a block of columns.
  constexpr double copyWork = 2;
  if (isCopied) {
    double lineWork = copyWork * shape.kernel[0] * getLineStride();
    costs.rowWork = lineWork * (getInputLines(2) - getInputLines(1)) * lines.getRowsPerTile();
    costs.blockWork = lineWork * getInputLines(1);
  }
  BlockShape blocks = chooseBlockShape(costs);
  lines.setTilesPerBlock(blocks.rowTiles);
  columns.setTilesPerBlock(blocks.columnTiles);
}

int64_t ConvLinesPlan::getScratchBytes(const ElementKind &kind) const {
  int64_t sums = registers.rows * registers.vectors * kind.lanes * kind.sum.getIntOrFloatBitWidth() / 8;
  return llvm::alignTo(sums, 64) + llvm::alignTo(getNumCopied() * kind.getCopiedLeft().getIntOrFloatBitWidth() / 8, 64);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Code
//===--------------------------------------------------------------------------------------------------------------===//

ConvLinesEmitter::ConvLinesEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target)
    : site(site), shape(shape), kind(ElementKind::of(site.root, target)), plan(this->shape, kind, target) {}

Value ConvLinesEmitter::emitTiles(IndexMath &m) const {
  ConvOperands operands(m, site);
  Value tiles = m.mul(plan.columns.getNumBlocks(m, m.constant(shape.groupOutputs)),
                      plan.pixels.getNumBlocks(m, operands.outputSizes[2]));
  tiles = m.mul(tiles, plan.lines.getNumBlocks(m, operands.outputSizes[1]));
  return m.mul(m.mul(m.mul(tiles, operands.outputSizes[0]), operands.batch), m.constant(shape.groups));
}

namespace {

/// Where the block of one tile is.
struct BlockPlace {
  Value group, image, plane, lineBlock, pixelBlock, columnBlock;
  /// First line and pixel of the result, and how many.
  Value line, pixel, numLines, numPixels;
};

/// Writes the code of one tile.
class LinesTile {
public:
  LinesTile(IndexMath &m, const ContractionSite &site, const ConvShape &shape, const ElementKind &kind,
            const ConvLinesPlan &plan)
      : m(m), shape(shape), kind(kind), plan(plan), operands(m, site), epilogue(m, site, kind.lanes),
        isPacked(cast<exec::ConvOp>(site.root).getPacked().has_value()) {}

  void emit(Value tile, Value memory);

private:
  void findPlace(Value tile);
  /// The input lines of the block in scratch.
  Value copyLines(Scratch &scratch);
  void copyLine(Value target, Value to, Value plane, Value line);
  void copyPixels(Value target, Value to, Value from, Value count);
  void setLeft(GemmBlock &block, Value copied);
  void addLoop(GemmBlock &block, int64_t count, Value leftStep, int64_t depthStep) {
    if (count != 1)
      block.loops.push_back({m.constant(count), leftStep, m.constant(depthStep)});
  }

  IndexMath &m;
  const ConvShape &shape;
  const ElementKind &kind;
  const ConvLinesPlan &plan;
  ConvOperands operands;
  Epilogue epilogue;
  bool isPacked;
  BlockPlace place;
};

} // namespace

void LinesTile::findPlace(Value tile) {
  auto next = [&](Value count) {
    Value index = m.rem(tile, count);
    tile = m.div(tile, count);
    return index;
  };
  place.columnBlock = next(plan.columns.getNumBlocks(m, m.constant(shape.groupOutputs)));
  place.pixelBlock = next(plan.pixels.getNumBlocks(m, operands.outputSizes[2]));
  place.lineBlock = next(plan.lines.getNumBlocks(m, operands.outputSizes[1]));
  place.plane = next(operands.outputSizes[0]);
  place.group = shape.groups == 1 ? m.constant(0) : m.rem(tile, shape.groups);
  place.image = m.div(tile, shape.groups);
  auto [firstLine, endLine] = plan.lines.getBlock(m, operands.outputSizes[1], place.lineBlock);
  auto [firstPixel, endPixel] = plan.pixels.getBlock(m, operands.outputSizes[2], place.pixelBlock);
  place.line = firstLine;
  place.numLines = m.sub(endLine, firstLine);
  place.pixel = plan.joinedLines ? m.constant(0) : firstPixel;
  place.numPixels = plan.joinedLines ? m.constant(shape.output[2]) : m.sub(endPixel, firstPixel);
}

/// Copies `count` pixels of one group, from pixel `from` of the input on.
void LinesTile::copyPixels(Value target, Value to, Value from, Value count) {
  int64_t own = shape.groupInputs, all = shape.getInputs();
  int64_t pixelStep = plan.skipsPixels ? shape.stride[2] : 1;
  Value source = m.add(m.mul(from, all), m.mul(place.group, own));
  if (plan.copiedPixel == all && pixelStep == 1)
    return emitCopyLeft(m, kind, operands.input, source, target, to, m.mul(count, own));
  m.loop(count, [&](Value pixel) {
    emitCopyLeft(m, kind, operands.input, m.add(source, m.mul(pixel, all * pixelStep)), target,
                 m.add(to, m.mul(pixel, plan.copiedPixel)), m.constant(own));
  });
}

/// `plane` and `line` of the input count from the padding on.
void LinesTile::copyLine(Value target, Value to, Value plane, Value line) {
  int64_t own = plan.copiedPixel;
  Value outside = kind.toCopiedLeft(m, operands.outside);
  auto sizes = operands.inputSizes;
  Value width = m.constant(plan.getInputWidth(1));
  width = m.add(m.mul(m.sub(place.numPixels, 1), plan.getPixelStep()), width);
  auto isInside = [&](int64_t dim, Value at) -> Value {
    Value before = m.constant(shape.padBefore[dim]);
    Value inside = m.less(at, m.add(sizes[dim], before));
    if (shape.padBefore[dim] == 0)
      return inside;
    return arith::AndIOp::create(m.builder(), m.location(), inside, m.less(m.sub(before, 1), at));
  };
  Value inside = arith::AndIOp::create(m.builder(), m.location(), isInside(0, plane), isInside(1, line));
  // Left of the input, in it, right of it.
  Value first = m.mul(place.pixel, shape.stride[2]), before = m.constant(shape.padBefore[2]);
  Value numLeft = m.min(m.subSaturating(before, first), width), source = m.subSaturating(first, before);
  Value numInside = plan.skipsPixels ? width : m.min(m.sub(width, numLeft), m.subSaturating(sizes[2], source));
  Value count = arith::SelectOp::create(m.builder(), m.location(), inside, numInside, m.constant(0));
  Value filled = arith::SelectOp::create(m.builder(), m.location(), inside, numLeft, m.constant(0));
  emitFill(m, outside, target, to, m.mul(filled, own));
  m.ifThen(inside, [&] {
    Value lineBase = m.mul(place.image, sizes[0]);
    lineBase = m.add(m.mul(m.sub(m.add(lineBase, plane), shape.padBefore[0]), sizes[1]), line);
    Value from = m.add(m.mul(m.sub(lineBase, shape.padBefore[1]), sizes[2]), source);
    copyPixels(target, m.add(to, m.mul(filled, own)), from, count);
  });
  Value done = m.add(filled, count);
  emitFill(m, outside, target, m.add(to, m.mul(done, own)), m.mul(m.sub(width, done), own));
}

Value LinesTile::copyLines(Scratch &scratch) {
  Value target = scratch.take(m, plan.getNumCopied(), kind.getCopiedLeft());
  int64_t lineStride = plan.getLineStride(), planeLines = plan.getInputLines(plan.lines.getRowsPerBlock());
  Value numLines = plan.separatesLines()
                       ? m.mul(place.numLines, shape.kernel[1])
                       : m.add(m.mul(m.sub(place.numLines, 1), shape.stride[1]), plan.getInputLines(1));
  m.loop(m.constant(shape.kernel[0]), [&](Value tap) {
    Value plane = m.add(m.mul(place.plane, shape.stride[0]), m.mul(tap, shape.dilation[0]));
    m.loop(numLines, [&](Value i) {
      Value line = m.add(m.mul(place.line, shape.stride[1]), i);
      if (plan.separatesLines())
        line = m.add(m.mul(m.add(place.line, m.div(i, shape.kernel[1])), shape.stride[1]),
                     m.mul(m.rem(i, shape.kernel[1]), shape.dilation[1]));
      copyLine(target, m.mul(m.add(m.mul(tap, planeLines), i), lineStride), plane, line);
    });
  });
  return target;
}

/// How rows and taps are found in the copied lines, or in the input itself.
void LinesTile::setLeft(GemmBlock &block, Value copied) {
  int64_t pixel = copied ? plan.copiedPixel : shape.getInputs();
  Value line = copied ? m.constant(plan.getLineStride()) : m.mul(operands.inputSizes[2], pixel);
  Value plane = copied ? m.constant(plan.getInputLines(plan.lines.getRowsPerBlock()) * plan.getLineStride())
                       : m.mul(operands.inputSizes[1], line);
  bool isCompact = copied && plan.separatesLines();
  block.left = copied ? copied : operands.input;
  block.leftLineStride = m.mul(line, isCompact ? shape.kernel[1] : shape.stride[1]);
  block.leftRowStride = m.constant(pixel * (copied ? plan.getPixelStep() : shape.stride[2]));
  block.leftRunStride = block.leftLineStride;
  block.leftBase = m.constant(0);
  if (copied) { // The copy starts where the block does.
    block.leftFirstRow = plan.joinedLines ? place.line : place.pixel;
  } else {
    Value first = m.add(m.mul(place.image, operands.inputSizes[0]), m.mul(place.plane, shape.stride[0]));
    first = m.add(m.mul(first, plane), m.mul(m.mul(place.line, shape.stride[1]), line));
    block.leftBase = m.add(first, m.mul(place.group, shape.groupInputs));
  }
  // In steps: the taps of a pixel start at a whole one.
  int64_t channels = plan.getSteppedInputs() / plan.step, across = shape.kernel[2];
  addLoop(block, shape.kernel[0], copied ? plane : m.mul(plane, shape.dilation[0]),
          shape.kernel[1] * across * channels);
  addLoop(block, shape.kernel[1], isCompact ? line : m.mul(line, shape.dilation[1]), across * channels);
  if (shape.dilation[2] == 1 && pixel == plan.getSteppedInputs()) {
    block.loops.push_back({m.constant(across * channels), m.constant(plan.step), m.constant(1)});
    return;
  }
  addLoop(block, across, m.constant(pixel * shape.dilation[2]), channels);
  block.loops.push_back({m.constant(channels), m.constant(plan.step), m.constant(1)});
}

void LinesTile::emit(Value tile, Value memory) {
  findPlace(tile);
  Scratch scratch(memory);
  Value zero = m.constant(0), outputs = m.constant(shape.groupOutputs);
  GemmBlock block{.kind = kind,
                  .epilogue = &epilogue,
                  .left = {},
                  .leftBase = {},
                  .leftLineStride = {},
                  .leftRowStride = {},
                  .loops = {},
                  .numLines = plan.joinedLines ? m.constant(1) : place.numLines,
                  .numRows = plan.joinedLines ? operands.outputSizes[1] : operands.outputSizes[2],
                  .rowBlock = plan.joinedLines ? place.lineBlock : place.pixelBlock,
                  .rows = plan.joinedLines ? plan.lines : plan.pixels,
                  .runRows = plan.joinedLines ? shape.output[2] : 1,
                  .numColumns = outputs,
                  .columnBlock = place.columnBlock,
                  .columns = plan.columns,
                  .right = {},
                  .prefetch = plan.prefetch && isPacked,
                  .numSharers = plan.lines.getTilesPerBlock() * plan.pixels.getTilesPerBlock(),
                  .resultRow = {},
                  .resultLineStride = operands.outputSizes[2],
                  .resultColumn = m.mul(place.group, shape.groupOutputs)};
  block.sums = scratch.take(m, plan.registers.rows * plan.registers.vectors * kind.lanes, kind.sum);
  setLeft(block, plan.isCopied ? copyLines(scratch) : Value());
  Value depth = m.constant(plan.getDepth());
  block.right.kind = isPacked ? RightMatrix::Panels : RightMatrix::RowMajor;
  block.right.memref = operands.filter;
  block.right.panelColumns = kind.getPanelColumns();
  block.right.stride = isPacked ? m.mul(depth, kind.getPanelColumns()) : outputs; // whole steps: the panel's size
  Value groupSize = isPacked ? m.mul(block.right.stride, llvm::divideCeil(shape.groupOutputs, kind.getPanelColumns()))
                             : m.mul(depth, outputs);
  block.right.base = m.mul(place.group, groupSize);
  Value resultLine = m.add(m.mul(place.image, operands.outputSizes[0]), place.plane);
  resultLine = m.add(m.mul(resultLine, operands.outputSizes[1]), plan.joinedLines ? zero : place.line);
  block.resultRow = m.mul(resultLine, operands.outputSizes[2]);
  emitGemmBlock(m, block);
}

void ConvLinesEmitter::emitTile(IndexMath &m, Value tile, Value scratch) const {
  LinesTile(m, site, shape, kind, plan).emit(tile, scratch);
}

int64_t ConvLinesEmitter::getScratchBytes() const { return plan.getScratchBytes(kind); }
