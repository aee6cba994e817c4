//===- MatrixLoader.cpp - operands that are matrices ------------------------------------------------------------------===//
//
// The state is addresses: of each line that the thread brings elements of, when these lie along the line; else of its lines, or of the
// first one of each run when the others are adjacent for certain.
//
//===----------------------------------------------------------------------------------------------------------------===//

#include "TileLoader.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

DepthParts gpu::cutDepth(IndexMath &m, Value depth, int64_t part) {
  Value one = m.constant(1, depth.getType()), count = m.max(m.ceilDiv(depth, part), one);
  return {count, m.sub(depth, m.mul(m.sub(count, one), part))};
}

SmallVector<int64_t> MatrixLoader::getLineOffsets() const {
  SmallVector<int64_t> offsets;
  if (tile.isAlongDepth) {
    for (int64_t offset : place.lineOffsets)
      if (!llvm::is_contained(offsets, offset))
        offsets.push_back(offset);
    return offsets;
  }
  for (int64_t i = 0; i < tile.chunk; i += matrix.run)
    offsets.push_back(i);
  return offsets;
}

SmallVector<Value> MatrixLoader::beginOperand(IndexMath &m) {
  Value first = m.mul(toIndex(m, place.k), matrix.stride);
  return llvm::map_to_vector(getLineOffsets(), [&](int64_t offset) {
    return movePointer(m, matrix.getLine(m, m.add(place.line, offset)), first, element);
  });
}

SmallVector<Value> MatrixLoader::advance(IndexMath &m, ValueRange state, Value count) {
  Value distance = m.mul(toIndex(m, count), matrix.stride);
  return llvm::map_to_vector(state, [&](Value pointer) { return movePointer(m, pointer, distance, element); });
}

Value MatrixLoader::loadAlongDepth(IndexMath &m, Value pointer, Value k, Value valid) {
  Type type = matrix.run == 1 ? element : Type(VectorType::get(matrix.run, element));
  SmallVector<Value> runs;
  for (int64_t i = 0; i < tile.chunk; i += matrix.run)
    runs.push_back(select(m, isValid(m, m.add(k, i), valid), getZero(m, type),
                          [&] { return loadRun(m, moveBytes(m, pointer, i * element.getIntOrFloatBitWidth() / 8)); }));
  return joinParts(m, runs, element);
}

Value MatrixLoader::loadAcross(IndexMath &m, ValueRange pointers, Value k, Value valid) {
  return select(m, isValid(m, k, valid), getZero(m, getChunkType()), [&] {
    return joinParts(m, llvm::map_to_vector(pointers, [&](Value pointer) { return loadRun(m, pointer); }), element);
  });
}

Value MatrixLoader::getAddress(IndexMath &m, ValueRange state, int64_t pass) {
  size_t line = 0;
  SmallVector<int64_t> lines = getLineOffsets();
  if (tile.isAlongDepth)
    line = llvm::find(lines, place.lineOffsets[pass]) - lines.begin();
  return movePointer(m, state[line], m.mul(matrix.stride, place.depthOffsets[pass]), element);
}

SmallVector<Value> MatrixLoader::load(IndexMath &m, ValueRange state, Value valid) {
  SmallVector<Value> chunks;
  for (int64_t pass = 0; pass < tile.getPasses(); ++pass) {
    Value k = m.add(place.k, place.depthOffsets[pass]);
    if (tile.isAlongDepth) {
      chunks.push_back(loadAlongDepth(m, getAddress(m, state, pass), k, valid));
      continue;
    }
    Value distance = m.mul(matrix.stride, place.depthOffsets[pass]);
    chunks.push_back(loadAcross(
        m, llvm::map_to_vector(state, [&](Value pointer) { return movePointer(m, pointer, distance, element); }), k,
        valid));
  }
  return chunks;
}

bool MatrixLoader::canCopy() const {
  return tile.keepsChunks() && matrix.run == tile.chunk &&
         tile.chunk * element.getIntOrFloatBitWidth() == 8 * asyncBytes;
}

void MatrixLoader::copy(IndexMath &m, ValueRange state, Value valid, ValueRange targets) {
  for (auto [pass, target] : llvm::enumerate(targets))
    copyAsync(m, target, getAddress(m, state, pass), isValid(m, m.add(place.k, place.depthOffsets[pass]), valid));
}
