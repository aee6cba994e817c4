//===- PartJoin.h - the last block of a tile adds the sums of its parts ----------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_PARTJOIN_H
#define NNCC_LIB_GPU_CONTRACTION_PARTJOIN_H

#include "BlockProduct.h"
#include "ElementKind.h"

namespace nncc::gpu {

/// Of a product whose K is cut: blocks of the same tile leave their sums in the workspace and count themselves; the one that ends last adds all, part by part, so
/// that the result does not depend on which one it was. That saves the launch of a phase. Block `part * numTiles + tile` has that part of that tile. A
/// thread finds again what it left, at a place that is of no other one: there is nothing to be masked, and lanes are adjacent.
class PartJoin {
public:
  PartJoin(const BlockProduct &product, const ElementKind &kind, int64_t numParts, int64_t numTiles);

  /// Whether there are counters for so many tiles.
  static bool canCount(int64_t numTiles);
  /// Of the sums of all parts.
  int64_t getBytes() const { return numParts * numTiles * getSumsOfBlock() * kind.getSumBytes(); }

  /// What a block has to know: its number and its thread, index; where the sums of all are and the workspace's counters, pointers to global
  /// memory; its shared memory, a pointer.
  struct Block {
    mlir::Value number, thread, sums, counters, shared;
  };
  /// Leaves the sums of a thread. Where the block is the last one of its tile, `finish` gets the sums of all parts.
  void join(IndexMath &m, const Block &block, mlir::ValueRange sums,
            llvm::function_ref<void(mlir::ValueRange)> finish) const;

private:
  int64_t getSumsOfBlock() const { return product.getThreads() * numSums; }
  /// Where sum `first` of a thread is, in the part of the block of that number.
  mlir::Value getPlace(IndexMath &m, const Block &block, mlir::Value number, int64_t first) const;
  /// Counts the block of a tile; whether it is the last one.
  mlir::Value count(IndexMath &m, const Block &block, mlir::Value counter) const;
  llvm::SmallVector<mlir::Value> load(IndexMath &m, const Block &block, mlir::Value number) const;

  const BlockProduct &product;
  const ElementKind &kind;
  int64_t numParts, numTiles;
  /// Of a thread, and how many of them are one access.
  int64_t numSums, width;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_PARTJOIN_H
