//===- WordOperand.h - an operand in shared memory, lines side by side -----------------------------------*- C++ -*-===//
//
// One word of each line, then the next word along K. A word is an element in the type of sums, or 4 bytes of K, which `dp4a` and `mma.sync` take at once.
// A right operand of bytes that is K x N is turned on the way: a thread brings the same columns of 4 elements of K, and `prmt` makes words of them.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_WORDOPERAND_H
#define NNCC_LIB_GPU_CONTRACTION_WORDOPERAND_H

#include "OperandTile.h"

namespace nncc::gpu {

class WordOperand : public OperandTile {
public:
  /// Bytes of K in a word of bytes.
  static constexpr int64_t packed = 4;

  /// `words` along K, of `wordBytes`, with `perWord` (1 or `packed`) elements of K each.
  WordOperand(int64_t lines, int64_t words, int64_t threads, bool isAlongDepth, int64_t wordBytes, int64_t perWord,
              int64_t chunk)
      : OperandTile(lines, words * perWord, threads, isAlongDepth, wordBytes / perWord, chunk), wordBytes(wordBytes),
        perWord(perWord) {}

  int64_t wordBytes, perWord;

  /// Words from one k to the next. Threads of a warp that bring elements of adjacent lines would write them to one bank but for what is added.
  int64_t getPitch() const { return lines + (isAlongDepth ? 16 / wordBytes : 0); }
  int64_t getSharedBytes() const override { return getPitch() * depth / perWord * wordBytes; }
  Place getPlace(IndexMath &m, mlir::Value thread) const override;
  /// Elements of one byte each, or vectors in the type of sums.
  void store(IndexMath &m, mlir::ValueRange chunks, const Place &place, mlir::Value shared) const override;

private:
  Place getPlaceAlong(IndexMath &m, mlir::Value thread) const;
  void storeAcross(IndexMath &m, mlir::ValueRange chunks, const Place &place, mlir::Value first) const;
  /// From word 0 of line 0.
  int64_t getDistance(const Place &place, int64_t pass) const {
    return (place.depthOffsets[pass] / perWord * getPitch() + place.lineOffsets[pass]) * wordBytes;
  }
};

/// The bytes of a chunk as words.
llvm::SmallVector<mlir::Value> asWords(IndexMath &m, mlir::Value chunk);
/// Four columns of bytes as words of K: `rows` are chunks of adjacent columns, one for each of 4 elements of K, of which column 4 * `number` is the
/// first.
llvm::SmallVector<mlir::Value> turnBytes(IndexMath &m, mlir::ValueRange rows, int64_t number);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_WORDOPERAND_H
