//===- MmaProduct.h - sums of products by tensor cores ------------------------------------------------------*- C++ -*-===//
//
// f16, bf16 and, where that is asked for, f32 rounded to tf32, added in f32, and bytes, added in i32. Operands lie in shared memory as MmaOperand has them, but
// for the right one of bytes: `ldmatrix` cannot turn bytes, so that is an MmaWordOperand. From sm_80 on, `cp.async` copies parts of K ahead; f32 is rounded when
// it comes to registers.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H
#define NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H

#include "BlockProduct.h"
#include "MmaOperand.h"
#include "MmaWordOperand.h"
#include "Tiling.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

class MmaProduct : public BlockProduct {
public:
  /// Parts of K under way, where they are copied without registers.
  static constexpr int64_t asyncStages = 3;

  /// Whether the tensor cores of a card take these elements.
  static bool canMultiply(const ElementKind &kind, const GPUTarget &target);
  MmaProduct(const MmaTile &tile, const ElementKind &kind, const RightLayout &layout, const GPUTarget &target);

  int64_t getRows() const override { return tile.getRows(); }
  int64_t getColumns() const override { return tile.getColumns(); }
  int64_t getThreads() const override { return tile.getThreads(); }
  int64_t getDepth() const override { return tile.depth; }
  int64_t getSharedBytes() const override { return numStages * getStageBytes(); }
  const OperandTile &getLeft() const override { return left; }
  const OperandTile &getRight() const override { return *right; }
  int64_t getGroupSize() const override { return isBytes() ? 4 : 2; }
  int64_t getNumGroups() const override { return tile.columnTiles * 2 / getGroupSize(); }
  int64_t getNumRows() const override { return tile.rowTiles * 2; }
  mlir::Value getRow(IndexMath &m, mlir::Value thread) const override;
  mlir::Value getColumn(IndexMath &m, mlir::Value thread, int64_t group) const override;
  mlir::Value getRowDistance(IndexMath &m, mlir::Value number) const override;
  llvm::SmallVector<mlir::Value> emit(IndexMath &m, mlir::Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                      mlir::Value depth, mlir::Value shared) const override;

private:
  struct Pipeline;
  bool isBytes() const { return kind.isBytes(); }
  bool isSingle() const { return kind.left.isF32(); }
  int64_t getStageBytes() const { return left.getSharedBytes() + right->getSharedBytes(); }
  mlir::Value getWarpRow(IndexMath &m, mlir::Value thread) const;
  mlir::Value getWarpColumn(IndexMath &m, mlir::Value thread) const;
  llvm::SmallVector<mlir::Value> emitAhead(IndexMath &m, Pipeline &pipeline) const;
  llvm::SmallVector<mlir::Value> emitInTurns(IndexMath &m, Pipeline &pipeline) const;
  /// Adds the products of the part in `stage`. Sums are tile by tile, 4 each.
  llvm::SmallVector<mlir::Value> multiply(IndexMath &m, mlir::Value thread, mlir::Value stage,
                                          mlir::ValueRange sums) const;
  /// Two registers for each tile of 8 columns, for step `step` of K.
  llvm::SmallVector<std::array<mlir::Value, 2>> loadColumns(IndexMath &m, mlir::Value thread, int64_t step,
                                                            mlir::Value stage) const;
  llvm::SmallVector<mlir::Value> multiplyHalves(IndexMath &m, mlir::ValueRange left, mlir::ValueRange right,
                                                mlir::ValueRange sums) const;
  /// One instruction, or more where the card's are smaller.
  llvm::SmallVector<mlir::Value> multiplyTile(IndexMath &m, mlir::ValueRange left, mlir::ValueRange right,
                                              mlir::ValueRange sums) const;
  llvm::SmallVector<mlir::Value> multiplySingles(IndexMath &m, mlir::ValueRange left, mlir::ValueRange right,
                                                 mlir::ValueRange sums) const;
  llvm::SmallVector<mlir::Value> multiplyBytes(IndexMath &m, mlir::ValueRange left, mlir::ValueRange right,
                                               mlir::ValueRange sums) const;

  MmaTile tile;
  ElementKind kind;
  MmaOperand left;
  std::unique_ptr<OperandTile> right;
  /// 16 x 8 sums and 32 bytes of K an instruction; else half of K, and of bytes half the rows.
  bool isDeep;
  bool hasAsyncCopy;
  /// Parts of K that are in shared memory.
  int64_t numStages;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MMAPRODUCT_H
