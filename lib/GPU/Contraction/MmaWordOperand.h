//===- MmaWordOperand.h - a right operand of bytes for mma.sync ------------------------------------------*- C++ -*-===//
//
// `ldmatrix` cannot turn bytes, so the columns of a K x N operand are turned on the way to shared memory, into words of 4 bytes of K as in WordOperand. Of the
// 8 words that one instruction takes of a column, numbers i and i + 4 lie side by side: they have to come to adjacent registers. A row holds these two words
// of all columns.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MMAWORDOPERAND_H
#define NNCC_LIB_GPU_CONTRACTION_MMAWORDOPERAND_H

#include "OperandTile.h"

namespace nncc::gpu {

class MmaWordOperand : public OperandTile {
public:
  /// `run`: see RightLayout.
  MmaWordOperand(int64_t lines, int64_t depth, int64_t threads, bool isAlongDepth, int64_t run);

  int64_t getSharedBytes() const override { return getNumRows() * getPitch() * wordBytes; }
  Place getPlace(IndexMath &m, mlir::Value thread) const override;
  void store(IndexMath &m, mlir::ValueRange chunks, const Place &place, mlir::Value shared) const override;

  /// The column within 32 adjacent ones that a thread has of the first of 4 tiles that are loaded together, given its column (i32) of a tile; those of
  /// the others follow.
  static mlir::Value getColumn(IndexMath &m, mlir::Value inTile);
  /// Two registers (i32) for each of 4 tiles of 8 columns, from column `line` (i32) + `lineOffset` on, and for bytes 32 * `step` to 32 * `step` + 31 of K.
  llvm::SmallVector<std::array<mlir::Value, 2>> loadFragments(IndexMath &m, mlir::Value thread, mlir::Value line,
                                                              int64_t lineOffset, int64_t step,
                                                              mlir::Value shared) const;

  /// Tiles that are loaded together.
  static constexpr int64_t tilesAtOnce = 4;

private:
  static constexpr int64_t wordBytes = 4, rowsPerStep = 4;
  int64_t getNumRows() const { return depth / (2 * wordBytes); }
  /// Words from one row to the next: 8 rows, at the same column, lie in different banks.
  int64_t getPitch() const { return 2 * lines + 4; }
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MMAWORDOPERAND_H
