//===- OperandTile.h - the part of an operand that a block holds in shared memory ------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_OPERANDTILE_H
#define NNCC_LIB_GPU_CONTRACTION_OPERANDTILE_H

#include "ElementKind.h"

namespace nncc::gpu {

/// `depth` elements of K of each of `lines` (rows of the left operand, columns of the right one). The threads of a block bring it from global to
/// shared memory in passes, each thread `chunk` adjacent elements a pass.
struct OperandTile {
  OperandTile(int64_t lines, int64_t depth, int64_t threads, bool isAlongDepth, int64_t bytes, int64_t chunk)
      : lines(lines), depth(depth), threads(threads), isAlongDepth(isAlongDepth), bytes(bytes), chunk(chunk) {}
  virtual ~OperandTile() = default;

  int64_t lines, depth, threads;
  /// What is adjacent in global memory: elements of one line, or the same element of adjacent lines.
  bool isAlongDepth;
  /// Of an element in shared memory.
  int64_t bytes;
  int64_t chunk;

  int64_t getPasses() const { return lines * depth / chunk / threads; }
  virtual int64_t getSharedBytes() const = 0;

  /// The first element that a thread brings in each pass: its position in pass 0, i32, and how far those of the other passes are from that.
  struct Place {
    mlir::Value line, k;
    llvm::SmallVector<int64_t> lineOffsets, depthOffsets;
  };
  virtual Place getPlace(IndexMath &m, mlir::Value thread) const = 0;

  /// Writes what the passes brought to the tile that `shared` points to.
  virtual void store(IndexMath &m, mlir::ValueRange chunks, const Place &place, mlir::Value shared) const = 0;
  /// Where each pass writes a chunk as it is in global memory; empty: nowhere.
  virtual llvm::SmallVector<mlir::Value> getTargets(IndexMath &, const Place &, mlir::Value /*shared*/) const {
    return {};
  }
  /// Whether there are such places.
  virtual bool keepsChunks() const { return false; }
};

/// Elements of a chunk that are aligned together, and there or not together, where lines have `size` elements, maybe dynamic.
inline int64_t getRun(int64_t size, int64_t chunk) {
  int64_t run = mlir::ShapedType::isDynamic(size) ? 1 : chunk;
  while (size % run != 0)
    run /= 2;
  return run;
}

/// How the right operand of a product lies in global memory.
struct RightLayout {
  /// K is along its lines, or across them.
  bool isAlongDepth;
  /// See getRun, for chunks of up to 16 elements.
  int64_t run;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_OPERANDTILE_H
