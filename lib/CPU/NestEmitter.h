//===- NestEmitter.h - the loops of a kernel, tiled, fused and vectorised -------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_NESTEMITTER_H
#define NNCC_LIB_CPU_NESTEMITTER_H

#include "NestPlan.h"
#include "nncc/Kernel/Buffers.h"
#include "nncc/Kernel/LaneValue.h"
#include "nncc/Kernel/VectorBody.h"

namespace nncc::cpu {

using namespace kernel;

/// Writes the nests of a plan into one function. Results do not depend on how the shared loops are cut into tiles.
class NestEmitter {
public:
  NestEmitter(mlir::OpBuilder &b, Buffers &buffers, const KernelGraph &graph, const NestPlan &plan);

  /// The number of tiles, an index.
  mlir::Value emitTileCount();
  void emitTile(mlir::Value tile);

private:
  /// Vectors at the point being written: `unroll` of them, one behind the other along `loop`.
  struct Lanes {
    int loop = -1;
    int64_t unroll = 1;
    mlir::Value mask;
  };
  /// The sums of one nest: for each result one accumulator an unrolled vector.
  using Accumulators = llvm::SmallVector<llvm::SmallVector<mlir::Value>>;
  /// Nests that sum in the loops around the point, with their accumulators.
  struct Sums {
    llvm::SmallVector<unsigned> nests;
    llvm::SmallVector<Accumulators> values;
  };
  struct TileShape {
    mlir::Value rows, columns; // in all
    mlir::Value tileRows, tileColumns;
    mlir::Value numRowTiles, numColumnTiles;
  };

  // Tiles and shared loops.
  TileShape emitTileShape();
  mlir::Value getPointCost();
  llvm::SmallVector<mlir::Value> getRowSizes();
  void emitRows(mlir::Value begin, mlir::Value end, llvm::function_ref<void()> body);
  void emitColumns(mlir::Value begin, mlir::Value end);
  void emitSquareRow(mlir::Value begin, mlir::Value end);
  void emitSquare(mlir::Value column, mlir::Value numColumns);
  void emitPoint();

  // Loops of a group.
  void emitLoops(const NestGroup &group, unsigned depth, Sums &sums);
  void emitScalarLoop(const NestGroup &group, unsigned depth, Sums &sums);
  /// `body` from `begin` to `end`: by unrolled vectors, single vectors, and a masked one.
  void emitVectorLoop(unsigned loop, int64_t unroll, mlir::Value begin, mlir::Value end, Sums &sums,
                      llvm::function_ref<void(Sums &)> body);
  void emitFor(mlir::Value begin, mlir::Value end, int64_t step, Sums &sums,
               llvm::function_ref<void(mlir::Value, Sums &)> body);
  void emitMasked(mlir::Value begin, mlir::Value end, unsigned loop, Sums &sums, llvm::function_ref<void(Sums &)> body);
  void emitBody(const NestGroup &group, Sums &sums);

  // Sums.
  bool isSummedAcrossLanes(const NestGroup &group, const Nest &nest) const;
  Accumulators startSums(const NestGroup &group, const Nest &nest);
  void finishSums(const NestGroup &group, unsigned nest, const Accumulators &sums);

  // Elements.
  /// Where vector number `vector` of the point is, by classes or by the loops of the nest.
  LoopPoint getPoint(int64_t vector);
  LoopPoint getPointOf(const Nest &nest, int64_t vector);
  mlir::Value load(const Access &access, int64_t vector);
  mlir::Value loadInitial(const Nest &nest, unsigned result, int64_t vector);
  /// What the nest computed: one value a vector of the point, into registers and, unless `isAgain`, into memory.
  void define(const Nest &nest, unsigned result, llvm::ArrayRef<mlir::Value> vectors, bool isAgain = false);

  // Memory.
  void createViews();
  mlir::Value createView(mlir::Value memref, const Access &access);
  llvm::SmallVector<LaneValue> getScratchIndices(LaneBuilder &builder, const Access &access, int64_t vector);

  mlir::Value constant(int64_t value);
  template <typename Op> mlir::Value fold(mlir::Value x, mlir::Value y);

  mlir::OpBuilder &b;
  mlir::Location loc;
  Buffers &buffers;
  const KernelGraph &graph;
  const NestPlan &plan;

  llvm::SmallVector<mlir::Value> sizes; // of the classes
  llvm::SmallVector<mlir::Value> ivs;   // of the classes whose loops are around the point
  Lanes lanes;
  /// Results in registers: at this point of the shared loops, and in the body being written.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> registers;
  /// The memory that accesses go to, with a dim an index; results by their tensor.
  llvm::DenseMap<const Access *, mlir::Value> views;
  llvm::DenseMap<mlir::Value, mlir::Value> resultViews, scratch;
  /// What the accesses read at this point of a square.
  llvm::DenseMap<const Access *, mlir::Value> transposed;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_NESTEMITTER_H
