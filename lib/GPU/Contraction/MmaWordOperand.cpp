//===- MmaWordOperand.cpp - a right operand of bytes for mma.sync ----------------------------------------------------===//

#include "MmaWordOperand.h"
#include "Tiling.h"
#include "WordOperand.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Bytes of K that a row of shared memory has of a column.
static constexpr int64_t rowBytes = 8;

/// Along K chunks are 16 bytes: 4 words of half a step. Across it a thread brings 8 elements of K of some columns; of the widths that leave work for all
/// threads it takes the largest.
static int64_t chooseChunk(int64_t lines, int64_t depth, int64_t threads, bool isAlongDepth, int64_t run) {
  if (isAlongDepth)
    return 16;
  return run % 8 == 0 && lines / 8 * (depth / rowBytes) >= threads ? 8 : 4;
}

MmaWordOperand::MmaWordOperand(int64_t lines, int64_t depth, int64_t threads, bool isAlongDepth, int64_t run)
    : OperandTile(lines, depth, threads, isAlongDepth, /*bytes=*/1,
                  chooseChunk(lines, depth, threads, isAlongDepth, run)) {
  assert(lines * depth >= threads * chunk * (isAlongDepth ? 1 : rowBytes) &&
         "a part of K is too small for all threads");
}

OperandTile::Place MmaWordOperand::getPlace(IndexMath &m, Value thread) const {
  Place place;
  if (isAlongDepth) { // two threads a line and step: 16 lines fill the banks
    Value number = m.div(thread, 2);
    int64_t linesAtOnce = threads / 2;
    place.line = m.rem(number, lines);
    place.k = m.add(m.mul(m.rem(thread, 2), chunk), m.mul(m.div(number, lines), MmaTile::tileBytes));
    for (int64_t pass = 0; pass < getPasses(); ++pass) {
      place.lineOffsets.push_back(pass * linesAtOnce % lines);
      place.depthOffsets.push_back(pass * linesAtOnce / lines * MmaTile::tileBytes);
    }
    return place;
  }
  // Of 8 threads that write at once some have adjacent rows, the others adjacent chunks, so that they fill the banks.
  int64_t abreast = chunk / 2, perRow = lines / chunk, rowsAtOnce = threads / perRow;
  assert(rowsAtOnce % rowsPerStep == 0 && "passes are whole steps apart");
  Value number = m.div(thread, abreast);
  Value row = m.add(m.rem(thread, abreast), m.mul(m.div(number, perRow), abreast));
  place.line = m.mul(m.rem(number, perRow), chunk);
  place.k = m.add(m.mul(m.div(row, rowsPerStep), MmaTile::tileBytes), m.mul(m.rem(row, rowsPerStep), wordBytes));
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    int64_t inRow = pass % rowBytes;
    place.lineOffsets.push_back(0);
    place.depthOffsets.push_back(pass / rowBytes * (rowsAtOnce / rowsPerStep) * MmaTile::tileBytes +
                                 inRow / wordBytes * (MmaTile::tileBytes / 2) + inRow % wordBytes);
  }
  return place;
}

void MmaWordOperand::store(IndexMath &m, ValueRange chunks, const Place &place, Value shared) const {
  // Word w of K is in row w / 8 * 4 + w mod 4, there in half w / 4 mod 2.
  Value word = m.div(place.k, wordBytes);
  Value row = m.add(m.mul(m.div(word, 2 * rowsPerStep), rowsPerStep), m.rem(word, rowsPerStep));
  Value half = m.rem(m.div(word, rowsPerStep), 2);
  Value offset = m.add(m.mul(row, getPitch()), m.add(m.mul(place.line, 2), half));
  Value first = movePointer(m, shared, offset, m.builder().getI32Type());
  auto getTarget = [&](int64_t pass) {
    int64_t steps = place.depthOffsets[pass] / MmaTile::tileBytes;
    return moveBytes(m, first, (steps * rowsPerStep * getPitch() + place.lineOffsets[pass] * 2) * wordBytes);
  };
  if (isAlongDepth) {
    for (auto [pass, elements] : llvm::enumerate(chunks))
      for (auto [i, value] : llvm::enumerate(asWords(m, elements)))
        storeElements(m, value, moveBytes(m, getTarget(pass), i * getPitch() * wordBytes));
    return;
  }
  for (int64_t pass = 0; pass < int64_t(chunks.size()); pass += rowBytes)
    for (int64_t i = 0; i < chunk / WordOperand::packed; ++i) {
      SmallVector<Value> low = turnBytes(m, chunks.slice(pass, 4), i),
                         high = turnBytes(m, chunks.slice(pass + 4, 4), i);
      for (int64_t column : {0, 2})
        storeElements(m, joinVector(m, {low[column], high[column], low[column + 1], high[column + 1]}),
                      moveBytes(m, getTarget(pass), (i * WordOperand::packed + column) * 2 * wordBytes));
    }
}

/// Such that 8 lanes, which have two columns of a tile, read from all banks; and that the sums of a lane are 4 adjacent columns.
Value MmaWordOperand::getColumn(IndexMath &m, Value inTile) {
  Value pair = m.div(inTile, 2);
  Value inHalf = m.add(m.mul(m.rem(inTile, 2), 8), m.mul(m.rem(pair, 2), 4));
  return m.add(inHalf, m.mul(m.div(pair, 2), 16));
}

SmallVector<std::array<Value, 2>> MmaWordOperand::loadFragments(IndexMath &m, Value thread, Value line,
                                                                int64_t lineOffset, int64_t step, Value shared) const {
  Value lane = m.rem(thread, MmaTile::warpSize), column = m.add(line, getColumn(m, m.div(lane, 4)));
  Value offset = m.add(m.mul(m.rem(lane, 4), getPitch()), m.mul(column, 2));
  Value first = movePointer(m, shared, offset, m.builder().getI32Type());
  SmallVector<std::array<Value, 2>> fragments;
  for (int64_t tile = 0; tile < tilesAtOnce; tile += 2) {
    Value at = moveBytes(m, first, (step * rowsPerStep * getPitch() + (lineOffset + tile) * 2) * wordBytes);
    SmallVector<Value> words = splitVector(m, loadElements(m, at, m.builder().getI32Type(), 4));
    fragments.push_back({words[0], words[1]});
    fragments.push_back({words[2], words[3]});
  }
  return fragments;
}
