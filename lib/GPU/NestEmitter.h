//===- NestEmitter.h - what a thread does of nests ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_NESTEMITTER_H
#define NNCC_LIB_GPU_NESTEMITTER_H

#include "NestPlan.h"
#include "TeamReduction.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/VectorBody.h"

namespace nncc::gpu {

class NestEmitter {
public:
  NestEmitter(mlir::OpBuilder &b, Buffers &values, const KernelGraph &graph, const NestPlan &plan);

  /// Points of the shared loops, those that a thread has at a time counted once; an index.
  mlir::Value getNumPoints();
  /// Of a plan with tiles: how many there are, an index, and the bytes of shared memory for what is read across.
  mlir::Value getNumTiles();
  int64_t getTileBytes() const;
  void emit(const DeviceFunction &function);

private:
  /// The sums of a group: for each nest that sums, one value a result.
  using Sums = llvm::SmallVector<llvm::SmallVector<mlir::Value>>;

  // Loops.
  llvm::SmallVector<mlir::Value> getSharedSizes();
  void setPoint(mlir::Value number);
  void emitGroup(const NestGroup &group);
  /// The team goes along the loops, a member every so many points; carries sums.
  void emitTogether(const NestGroup &group, llvm::ArrayRef<unsigned> loops, Sums &sums,
                    llvm::function_ref<void(Sums &)> body);
  void emitSteps(const NestGroup &group, unsigned loop, Sums &sums, llvm::function_ref<void(Sums &)> body);
  /// A thread goes along the loops alone.
  void emitAlone(llvm::ArrayRef<unsigned> loops, Sums &sums, llvm::function_ref<void(Sums &)> body);
  void emitBody(const NestGroup &group, Sums &sums);

  // Tiles (NestTiles.cpp).
  using AccessKey = std::pair<mlir::Value, mlir::AffineMap>;
  AccessKey getKey(const Access &access) const { return {access.tensor, access.getMap(graph.classes.size())}; }
  /// What is read across, each once.
  llvm::SmallVector<const Access *> getTransposed() const;
  llvm::SmallVector<mlir::Value> getTileSizes();
  void emitTiles(const DeviceFunction &function);
  /// Does something at the points of a tile that this thread has: neighbours along the class `lanes`.
  void forEachOfTile(mlir::Value thread, llvm::ArrayRef<mlir::Value> tile, unsigned lanes,
                     llvm::function_ref<void(mlir::Value lane, mlir::Value line)> body);

  // Sums.
  bool isSummedTogether(const NestGroup &group) const {
    return group.parallel.empty() && !group.reduced.empty() && plan.team.members > 1;
  }
  Sums startSums(const NestGroup &group);
  void finishSums(const NestGroup &group, Sums &sums);

  // Elements.
  int64_t lanesAt() const { return lanesLoop < 0 ? 1 : plan.lanes; }
  LoopPoint getPointOf(const Nest &nest);
  /// The loops of an access that are not shared.
  llvm::SmallBitVector getOwn(const Access &access) const {
    return access.getClasses(graph.classes.size()).reset(shared);
  }
  mlir::Value load(const Access &access);
  mlir::Value loadInitial(const Nest &nest, unsigned result);
  void define(const Nest &nest, unsigned result, mlir::Value value, bool isAgain);
  void store(const Access &access, mlir::Value value);
  void createViews();
  mlir::Value createView(mlir::Value memref, const Access &access);

  mlir::OpBuilder &b;
  mlir::Location loc;
  IndexMath m;
  Buffers &values;
  const KernelGraph &graph;
  const NestPlan &plan;
  llvm::SmallBitVector shared;

  llvm::SmallVector<mlir::Value> sizes; // of the classes
  llvm::SmallVector<mlir::Value> ivs;   // of the classes whose loops are around the point
  int lanesLoop = -1;                   // the class along which the values here are vectors
  TeamPlace place;
  mlir::Value sharedMemory;
  /// Whether the point, and the element of the row, is one that exists; null: it does.
  mlir::Value isPoint, isElement;

  /// Results at this point of the shared loops, and in the body being written.
  llvm::DenseMap<mlir::Value, mlir::Value> rowValues, bodyValues;
  /// What was loaded and computed in each step along a row that is kept.
  struct Step {
    llvm::DenseMap<mlir::Value, mlir::Value> results;
    llvm::DenseMap<AccessKey, mlir::Value> loads;
  };
  llvm::SmallVector<Step> steps;
  Step *step = nullptr;
  /// What is read across, at this point.
  llvm::DenseMap<AccessKey, mlir::Value> tileValues;
  llvm::DenseMap<const Access *, mlir::Value> views;
  llvm::DenseMap<mlir::Value, mlir::Value> resultViews;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_NESTEMITTER_H
