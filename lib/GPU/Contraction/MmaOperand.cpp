//===- MmaOperand.cpp - an operand in shared memory, in the order of global memory -----------------------------------===//

#include "MmaOperand.h"
#include "Tiling.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Neighbours bring neighbouring chunks of a row.
OperandTile::Place MmaOperand::getPlace(IndexMath &m, Value thread) const {
  int64_t perRow = getRowBytes() / chunkBytes, rowsAtOnce = threads / perRow;
  assert(rowsAtOnce % (hasWords() ? wordRows : 8) == 0 && "passes permute chunks alike");
  Value row = m.div(thread, perRow), inRow = m.mul(m.rem(thread, perRow), chunk);
  Place place;
  place.line = isAlongDepth ? row : inRow;
  place.k = isAlongDepth ? inRow : row;
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    place.lineOffsets.push_back(isAlongDepth ? pass * rowsAtOnce : 0);
    place.depthOffsets.push_back(isAlongDepth ? 0 : pass * rowsAtOnce);
  }
  return place;
}

/// 8 rows that follow each other, at the same chunk, lie in different banks: of rows of 64 bytes two fill all banks, so the permutation changes
/// every second row. Words are read from two chunks of each of 4 rows.
Value MmaOperand::getChunkOffset(IndexMath &m, Value row, Value chunk) const {
  constexpr int64_t chunksOfBanks = 8;
  int64_t perRow = std::min(getRowBytes() / chunkBytes, chunksOfBanks);
  Value key = hasWords() ? m.mul(m.rem(row, wordRows), 2) : m.rem(m.div(row, chunksOfBanks / perRow), perRow);
  Value permuted = arith::XOrIOp::create(m.builder(), m.location(), chunk, key);
  return m.add(m.mul(row, getRowBytes()), m.mul(permuted, chunkBytes));
}

SmallVector<Value> MmaOperand::getTargets(IndexMath &m, const Place &place, Value shared) const {
  Value row = isAlongDepth ? place.line : place.k, inRow = isAlongDepth ? place.k : place.line;
  Value first = movePointer(m, shared, getChunkOffset(m, row, m.div(inRow, chunk)), m.builder().getI8Type());
  SmallVector<Value> targets;
  for (auto [line, k] : llvm::zip_equal(place.lineOffsets, place.depthOffsets))
    targets.push_back(moveBytes(m, first, (isAlongDepth ? line : k) * getRowBytes()));
  return targets;
}

void MmaOperand::store(IndexMath &m, ValueRange chunks, const Place &place, Value shared) const {
  for (auto [elements, target] : llvm::zip_equal(chunks, getTargets(m, place, shared)))
    storeElements(m, elements, target);
}

SmallVector<Value> MmaOperand::loadFragment(IndexMath &m, Value thread, Value line, int64_t lineOffset, int64_t step,
                                            Value shared) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  // Lanes 0 to 15 point to the rows of the first 8 columns of a 16 x 16 matrix, the others to those of the last 8.
  Value lane = m.rem(thread, MmaTile::warpSize), inRows = m.rem(lane, 16), half = m.div(lane, 16);
  Value row, chunkNumber;
  int64_t distance = 0;
  if (isAlongDepth) {
    row = m.add(line, inRows);
    chunkNumber = m.add(half, step * 2);
    distance = lineOffset * getRowBytes();
  } else {
    row = inRows;
    chunkNumber = m.add(m.add(m.div(line, chunk), half), lineOffset / chunk);
    distance = step * (MmaTile::tileBytes / bytes) * getRowBytes();
  }
  Value address = movePointer(m, shared, getChunkOffset(m, row, chunkNumber), b.getI8Type());
  SmallVector<Type> registers(4, b.getI32Type());
  auto matrices = NVVM::LdMatrixOp::create(
      b, loc, LLVM::LLVMStructType::getLiteral(b.getContext(), registers), moveBytes(m, address, distance), /*num=*/4,
      isAlongDepth ? NVVM::MMALayout::row : NVVM::MMALayout::col, NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, loc, matrices.getResult(), i));
  return values;
}

/// One word a load: the two of a tile have to come to adjacent registers, and of a wider load they would be moved there (121 of 374 instructions of the main loop).
std::array<Value, 2> MmaOperand::loadColumns(IndexMath &m, Value thread, Value line, int64_t lineOffset, int64_t step,
                                             Value shared) const {
  Value lane = m.rem(thread, MmaTile::warpSize), row = m.rem(lane, wordRows), inLine = m.div(lane, wordRows);
  // The banks repeat after this many lines: tiles so far apart have one address, but for a constant.
  constexpr int64_t linesOfBanks = 32;
  Value chunkNumber = m.add(m.div(line, chunk), m.add(m.div(inLine, chunk), lineOffset % linesOfBanks / chunk));
  Value offset = m.add(getChunkOffset(m, row, chunkNumber), m.mul(m.rem(inLine, chunk), bytes));
  Value first = movePointer(m, shared, offset, m.builder().getI8Type());
  std::array<Value, 2> words;
  for (int64_t half : {0, 1}) {
    int64_t firstRow = step * (MmaTile::tileBytes / bytes) + half * wordRows;
    int64_t distance = firstRow * getRowBytes() + lineOffset / linesOfBanks * linesOfBanks * bytes;
    words[half] = loadElements(m, moveBytes(m, first, distance), m.builder().getI32Type(), 1);
  }
  return words;
}
