//===- SimtProduct.h - sums in registers, one multiply-add at a time ---------------------------------------*- C++ -*-===//
//
// Both operands go through shared memory, in two buffers: while the products of one part of K are added, the next part is on its way from global
// memory to registers, and from there to the other buffer. So one barrier a part is enough. The first part is the one that may be short:
// all others need no test but whether there is one. The products are in the code once: behind the loop, with those of a last part, ptxas would begin
// what becomes of the sums before they are complete, and spill.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_SIMTPRODUCT_H
#define NNCC_LIB_GPU_CONTRACTION_SIMTPRODUCT_H

#include "BlockProduct.h"
#include "Tiling.h"
#include "WordOperand.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

class SimtProduct : public BlockProduct {
public:
  /// Bytes are taken 4 at once where the card can.
  SimtProduct(const SimtTile &tile, const ElementKind &kind, bool isRightAlongDepth, const GPUTarget &target);

  int64_t getRows() const override { return tile.getRows(); }
  int64_t getColumns() const override { return tile.getColumns(); }
  int64_t getThreads() const override { return tile.getThreads(); }
  int64_t getDepth() const override { return left.depth; }
  int64_t getSharedBytes() const override { return 2 * getBufferBytes(); }
  int64_t getBlocksPerProcessor() const override;
  const OperandTile &getLeft() const override { return left; }
  const OperandTile &getRight() const override { return right; }
  int64_t getGroupSize() const override { return SimtTile::quad; }
  int64_t getNumGroups() const override { return tile.columnQuads; }
  int64_t getNumRows() const override { return tile.rowQuads * SimtTile::quad; }
  mlir::Value getRow(IndexMath &m, mlir::Value thread) const override;
  mlir::Value getColumn(IndexMath &m, mlir::Value thread, int64_t group) const override;
  mlir::Value getRowDistance(IndexMath &m, mlir::Value number) const override;
  llvm::SmallVector<mlir::Value> emit(IndexMath &m, mlir::Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                      mlir::Value depth, mlir::Value shared) const override;

private:
  int64_t getBufferBytes() const { return left.getSharedBytes() + right.getSharedBytes(); }
  void fill(IndexMath &m, TileLoader &leftLoader, TileLoader &rightLoader, mlir::ValueRange leftChunks,
            mlir::ValueRange rightChunks, mlir::Value buffer) const;
  /// Adds the products of the part in `buffer`.
  llvm::SmallVector<mlir::Value> multiply(IndexMath &m, mlir::Value thread, mlir::Value buffer,
                                          mlir::ValueRange sums) const;

  SimtTile tile;
  ElementKind kind;
  /// Elements of K that one instruction multiplies and adds.
  int64_t perWord;
  WordOperand left, right;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_SIMTPRODUCT_H
