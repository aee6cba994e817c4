//===- BlockProduct.h - the sums of one block of threads -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_BLOCKPRODUCT_H
#define NNCC_LIB_GPU_CONTRACTION_BLOCKPRODUCT_H

#include "TileLoader.h"

namespace nncc::gpu {

/// A way to compute a tile of a matrix product by a block of threads. Each thread has sums in some rows and, in each of them, in some groups of
/// adjacent columns.
class BlockProduct {
public:
  virtual ~BlockProduct() = default;

  virtual int64_t getRows() const = 0;
  virtual int64_t getColumns() const = 0;
  virtual int64_t getThreads() const = 0;
  /// Elements of K that are in shared memory at once.
  virtual int64_t getDepth() const = 0;
  virtual int64_t getSharedBytes() const = 0;
  /// Blocks that a processor should have room for, which limits the registers of a thread; 0: whatever the assembler finds.
  virtual int64_t getBlocksPerProcessor() const { return 0; }

  /// How the operands go through shared memory.
  virtual const OperandTile &getLeft() const = 0;
  virtual const OperandTile &getRight() const = 0;

  /// Columns of a group; groups and rows of a thread.
  virtual int64_t getGroupSize() const = 0;
  virtual int64_t getNumGroups() const = 0;
  virtual int64_t getNumRows() const = 0;
  /// The first row of a thread and the first column of its group `group`, in the block; i32.
  virtual mlir::Value getRow(IndexMath &m, mlir::Value thread) const = 0;
  virtual mlir::Value getColumn(IndexMath &m, mlir::Value thread, int64_t group) const = 0;
  /// From the first row of a thread to its row `number`; index.
  virtual mlir::Value getRowDistance(IndexMath &m, mlir::Value number) const = 0;

  /// The sums of a thread, row by row, group by group. `depth`, an i32, is how many elements of K there are; `shared` is the shared memory of
  /// the block.
  virtual llvm::SmallVector<mlir::Value> emit(IndexMath &m, mlir::Value thread, TileLoader &leftLoader,
                                              TileLoader &rightLoader, mlir::Value depth, mlir::Value shared) const = 0;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_BLOCKPRODUCT_H
