//===- MmaProduct.h - sums of f16 or bf16 products by tensor cores -----------------------------------------*- C++ -*-===//
//
// Operands lie in shared memory as in global memory, in rows of 16-byte chunks, which `ldmatrix` brings to registers in the order of `mma.sync`. Chunks
// are permuted within a row, so that the 8 rows that are read at once are in different banks. From sm_80 on, `cp.async` copies parts of K ahead.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H
#define NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H

#include "BlockProduct.h"
#include "Tiling.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

class MmaOperand : public OperandTile {
public:
  using OperandTile::OperandTile;

  int64_t getSharedBytes() const { return lines * depth * bytes; }
  Place getPlace(IndexMath &m, mlir::Value thread) const override;
  /// Where the passes write to; `shared` points to the tile.
  llvm::SmallVector<mlir::Value> getTargets(IndexMath &m, const Place &place, mlir::Value shared) const;
  /// Four registers (i32) of the 16 lines from `line` (i32, a multiple of 16) + `lineOffset` on and of elements 16 * `step` to 16 * `step` + 15 of K.
  llvm::SmallVector<mlir::Value> loadFragment(IndexMath &m, mlir::Value thread, mlir::Value line, int64_t lineOffset,
                                              int64_t step, mlir::Value shared) const;

private:
  int64_t getRowBytes() const { return (isAlongDepth ? depth : lines) * bytes; }
  /// Chunk `chunk` of row `row` in bytes; i32.
  mlir::Value getChunkOffset(IndexMath &m, mlir::Value row, mlir::Value chunk) const;
};

class MmaProduct : public BlockProduct {
public:
  /// Whether the tensor cores of a card take these elements.
  static bool canMultiply(const ElementKind &kind, const GPUTarget &target);
  MmaProduct(const MmaTile &tile, const ElementKind &kind, bool isRightAlongDepth, const GPUTarget &target);

  int64_t getRows() const override { return tile.getRows(); }
  int64_t getColumns() const override { return tile.getColumns(); }
  int64_t getThreads() const override { return tile.getThreads(); }
  int64_t getSharedBytes() const override { return numStages * getStageBytes(); }
  const OperandTile &getLeft() const override { return left; }
  const OperandTile &getRight() const override { return right; }
  int64_t getGroupSize() const override { return 2; }
  int64_t getNumGroups() const override { return tile.columnTiles; }
  int64_t getNumRows() const override { return tile.rowTiles * 2; }
  mlir::Value getRow(IndexMath &m, mlir::Value thread) const override;
  mlir::Value getColumn(IndexMath &m, mlir::Value thread, int64_t group) const override;
  mlir::Value getRowDistance(IndexMath &m, mlir::Value number) const override;
  llvm::SmallVector<mlir::Value> emit(IndexMath &m, mlir::Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                      mlir::Value depth, mlir::Value shared) const override;

private:
  struct Pipeline;
  int64_t getStageBytes() const { return left.getSharedBytes() + right.getSharedBytes(); }
  mlir::Value getWarpRow(IndexMath &m, mlir::Value thread) const;
  mlir::Value getWarpColumn(IndexMath &m, mlir::Value thread) const;
  llvm::SmallVector<mlir::Value> emitAhead(IndexMath &m, Pipeline &pipeline) const;
  llvm::SmallVector<mlir::Value> emitInTurns(IndexMath &m, Pipeline &pipeline) const;
  /// Adds the products of the part in `stage`. Sums are tile by tile, 4 each.
  llvm::SmallVector<mlir::Value> multiply(IndexMath &m, mlir::Value thread, mlir::Value stage,
                                          mlir::ValueRange sums) const;
  llvm::SmallVector<mlir::Value> multiplyTile(IndexMath &m, mlir::ValueRange left, mlir::ValueRange right,
                                              mlir::ValueRange sums) const;

  MmaTile tile;
  ElementKind kind;
  MmaOperand left, right;
  /// m16n8k16; else m16n8k8.
  bool isDeep;
  bool hasAsyncCopy;
  static constexpr int64_t numStages = 3;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H
