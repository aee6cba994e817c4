//===- PixelLoader.cpp - the left operand of a convolution ---------------------------------------------------------===//

#include "PixelLoader.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Where in the image
//===----------------------------------------------------------------------------------------------------------------===//

/// Taps that a mask of the window has bits for.
static bool hasMask(const ConvShape &shape) { return shape.isPadded() && shape.getTaps() <= 32; }

/// The bits of all taps, given where the first one is. Dim by dim from the last one on: those of the dims behind are repeated for each tap that is inside.
static Value getInsideBits(IndexMath &m, const ConvShape &shape, const ConvOperands &operands,
                           const std::array<Value, 3> &first) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto number = [&](int64_t value) { return m.constant(value, b.getI32Type()); };
  Value bits = number(1), none = number(0);
  int64_t width = 1;
  for (int64_t dim = 2; dim >= 0; --dim) {
    Value all = none;
    for (int64_t tap = 0; tap < shape.kernel[dim]; ++tap) {
      Value own = arith::ShLIOp::create(b, loc, bits, number(tap * width));
      if (shape.isPaddedAlong[dim]) {
        Value at = m.add(first[dim], tap * shape.dilation[dim]);
        Value inside = gpu::isInside(m, at, toI32(m, operands.inputSizes[dim]));
        own = arith::SelectOp::create(b, loc, inside, own, none);
      }
      all = arith::OrIOp::create(b, loc, all, own);
    }
    bits = all;
    width *= shape.kernel[dim];
  }
  return bits;
}

Window Window::of(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, Value image, Value pixel,
                  Value group, Type element) {
  Window window;
  std::array<Value, 3> first;
  for (int64_t dim = 2; dim >= 0; --dim) {
    Value at = m.rem(pixel, operands.outputSizes[dim]);
    pixel = m.div(pixel, operands.outputSizes[dim]);
    first[dim] = m.sub(m.mul(at, shape.stride[dim]), shape.padBefore[dim]);
    window.first[dim] = toI32(m, first[dim]);
  }
  Value offset = pixel; // what is left is the number of the image
  for (int64_t dim = 0; dim < 3; ++dim)
    offset = m.add(m.mul(offset, operands.inputSizes[dim]), first[dim]);
  offset = m.add(m.mul(offset, shape.getInputs()), m.mul(group, shape.groupInputs));
  window.pointer = movePointer(m, image, offset, element);
  if (hasMask(shape))
    window.inside = getInsideBits(m, shape, operands, window.first);
  return window;
}

/// Whether offsets from the first tap to any other fit into 32 bits.
static bool isSmall(const ConvShape &shape) {
  uint64_t span = 0;
  for (int64_t dim = 0; dim < 3; ++dim) {
    bool isUnknown = ShapedType::isDynamic(shape.input[dim]);
    if (span > 0 && isUnknown)
      return false;
    uint64_t farthest = llvm::SaturatingMultiply<uint64_t>(shape.kernel[dim] - 1, shape.dilation[dim]);
    span = llvm::SaturatingMultiplyAdd<uint64_t>(span, isUnknown ? 1 : shape.input[dim], farthest);
  }
  return llvm::SaturatingMultiplyAdd<uint64_t>(span, shape.getInputs(), shape.getInputs()) <= INT32_MAX;
}

Tap Tap::of(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, Value k, bool isKnown) {
  Tap tap;
  Value channel = m.rem(k, shape.groupInputs), rest = m.div(k, shape.groupInputs);
  // A tap behind the last one takes any bit: nobody asks for it.
  tap.number = rest;
  if (!isKnown)
    tap.number = arith::AndIOp::create(m.builder(), m.location(), rest, m.constant(31, k.getType()));
  int64_t outermost = 0;
  while (outermost < 2 && shape.kernel[outermost] == 1)
    ++outermost;
  for (int64_t dim = 2; dim >= 0; --dim) {
    // The last quotient has no remainder to take: K ends there.
    Value number = dim <= outermost ? rest : m.rem(rest, shape.kernel[dim]);
    rest = m.div(rest, shape.kernel[dim]);
    tap.distance[dim] = shape.kernel[dim] == 1 ? m.constant(0, k.getType()) : m.mul(number, shape.dilation[dim]);
  }
  auto scale = [&](Value value) { return isSmall(shape) ? toI32(m, value) : toIndex(m, value); };
  Value offset = scale(tap.distance[0]);
  for (int64_t dim = 1; dim < 3; ++dim)
    offset = m.add(m.mul(offset, scale(operands.inputSizes[dim])), scale(tap.distance[dim]));
  tap.offset = m.add(m.mul(offset, scale(m.constant(shape.getInputs()))), scale(channel));
  return tap;
}

Value Tap::isInside(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, const Window &window) const {
  OpBuilder &b = m.builder();
  if (window.inside) {
    Value bit = arith::ShLIOp::create(b, m.location(), m.constant(1, number.getType()), number);
    Value own = arith::AndIOp::create(b, m.location(), window.inside, bit);
    return arith::CmpIOp::create(b, m.location(), arith::CmpIPredicate::ne, own, m.constant(0, own.getType()));
  }
  Value inside;
  for (int64_t dim = 0; dim < 3; ++dim)
    if (shape.isPaddedAlong[dim])
      inside = both(m, inside,
                    gpu::isInside(m, m.add(window.first[dim], distance[dim]), toI32(m, operands.inputSizes[dim])));
  return inside;
}

//===----------------------------------------------------------------------------------------------------------------===//
// The loader
//===----------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> PixelLoader::beginOperand(IndexMath &m) {
  for (int64_t offset : place.lineOffsets)
    if (!windows.contains(offset)) {
      Window window = Window::of(m, shape, operands, image, getPixel(m, m.add(place.line, offset)), group, element);
      // Else the assembler computes it again in each round: divisions by the sizes of the result.
      window.pointer = keepWhole(m, window.pointer);
      if (window.inside)
        window.inside = keepWhole(m, window.inside);
      windows[offset] = window;
    }
  return {place.k};
}

SmallVector<Value> PixelLoader::advance(IndexMath &m, ValueRange state, Value count) {
  return {m.add(state.front(), count)};
}

Value PixelLoader::loadTap(IndexMath &m, const Tap &tap, const Window &window, Value exists, int64_t count) {
  Type type = count == 1 ? element : Type(VectorType::get(count, element));
  Value inside = tap.isInside(m, shape, operands, window), outside = operands.outside;
  if (!inside && !exists)
    return loadElements(m, movePointer(m, window.pointer, tap.offset, element), element, count, ReadKind::Constant);
  if (!inside)
    outside = getZero(m, type);
  else if (count > 1)
    outside = vector::BroadcastOp::create(m.builder(), m.location(), type, outside);
  // What lies behind the end of K meets zeros of the filter: any value of the image will do.
  return select(m, both(m, inside, exists), outside, [&] {
    return loadElements(m, movePointer(m, window.pointer, tap.offset, element), element, count, ReadKind::Constant);
  });
}

llvm::SmallDenseMap<int64_t, Tap> PixelLoader::getTaps(IndexMath &m, Value k, int64_t step, bool isKnown) const {
  llvm::SmallDenseMap<int64_t, Tap> taps;
  for (int64_t offset : place.depthOffsets)
    for (int64_t i = 0; i < tile.chunk; i += step)
      if (!taps.contains(offset + i))
        taps[offset + i] = Tap::of(m, shape, operands, m.add(k, offset + i), isKnown);
  return taps;
}

SmallVector<Value> PixelLoader::load(IndexMath &m, ValueRange state, Value valid) {
  int64_t count = getRun(shape.groupInputs, tile.chunk);
  // The state is this thread's k, `valid` counts from that of the block.
  llvm::SmallDenseMap<int64_t, Tap> taps = getTaps(m, state.front(), count, !valid);
  SmallVector<Value> chunks;
  for (int64_t pass = 0; pass < tile.getPasses(); ++pass) {
    const Window &window = windows[place.lineOffsets[pass]];
    SmallVector<Value> parts;
    for (int64_t i = 0; i < tile.chunk; i += count) {
      int64_t distance = place.depthOffsets[pass] + i;
      parts.push_back(loadTap(m, taps[distance], window, isValid(m, m.add(place.k, distance), valid), count));
    }
    chunks.push_back(joinParts(m, parts, element));
  }
  return chunks;
}

bool PixelLoader::canCopy() const {
  return tile.keepsChunks() && shape.groupInputs % tile.chunk == 0 &&
         tile.chunk * element.getIntOrFloatBitWidth() == 8 * asyncBytes;
}

void PixelLoader::copy(IndexMath &m, ValueRange state, Value valid, ValueRange targets) {
  bool hasZeros = matchPattern(operands.outside, m_AnyZeroFloat()) || matchPattern(operands.outside, m_Zero());
  llvm::SmallDenseMap<int64_t, Tap> taps = getTaps(m, state.front(), tile.chunk, !valid);
  for (auto [pass, target] : llvm::enumerate(targets)) {
    int64_t distance = place.depthOffsets[pass];
    const Tap &tap = taps[distance];
    const Window &window = windows[place.lineOffsets[pass]];
    Value exists = both(m, tap.isInside(m, shape, operands, window), isValid(m, m.add(place.k, distance), valid));
    Value source = movePointer(m, window.pointer, tap.offset, element);
    if (exists && !hasZeros) {
      Value outside = vector::BroadcastOp::create(m.builder(), m.location(), getChunkType(), operands.outside);
      copyAsyncOr(m, target, source, exists, outside);
      continue;
    }
    // Where nothing is, nothing is read: the address may be any that is aligned.
    copyAsync(m, target, source, exists);
  }
}
