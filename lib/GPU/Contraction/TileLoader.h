//===- TileLoader.h - how a thread brings its share of an operand into registers -------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_TILELOADER_H
#define NNCC_LIB_GPU_CONTRACTION_TILELOADER_H

#include "OperandTile.h"
#include <functional>

namespace nncc::gpu {

/// K, an i32, in `count` parts of `part` elements, but for the first one, which has `first`: what the others leave. Of nothing that is one part
/// without an element.
struct DepthParts {
  mlir::Value count, first;
};
DepthParts cutDepth(IndexMath &m, mlir::Value depth, int64_t part);

/// Brings one operand of a block, part by part along K. What changes from part to part is a list of values that a loop carries.
class TileLoader {
public:
  TileLoader(const OperandTile &tile, OperandTile::Place place, mlir::Type element)
      : tile(tile), place(std::move(place)), element(element) {}
  virtual ~TileLoader() = default;

  const OperandTile &getTile() const { return tile; }
  const OperandTile::Place &getPlace() const { return place; }

  /// K begins at this element of the operands, an i32; null: the first.
  void setFirst(mlir::Value element) { first = element; }
  /// The state at K = 0.
  llvm::SmallVector<mlir::Value> begin(IndexMath &m) {
    llvm::SmallVector<mlir::Value> state = beginOperand(m);
    return first ? advance(m, state, first) : state;
  }
  /// A vector of a chunk a pass. `valid`, an i32: what lies that far behind the state or farther is zero; null: everything is there.
  virtual llvm::SmallVector<mlir::Value> load(IndexMath &m, mlir::ValueRange state, mlir::Value valid) = 0;
  /// Whether copy() can be used: chunks are 16 bytes, aligned, and the tile keeps them.
  virtual bool canCopy() const { return false; }
  /// The same as load, from global to shared memory without registers (cp.async): to an address a pass.
  virtual void copy(IndexMath &, mlir::ValueRange /*state*/, mlir::Value /*valid*/, mlir::ValueRange /*targets*/) {
    llvm_unreachable("see canCopy");
  }
  /// The state `count` (i32) elements of K farther.
  virtual llvm::SmallVector<mlir::Value> advance(IndexMath &m, mlir::ValueRange state, mlir::Value count) = 0;

  mlir::VectorType getChunkType() const { return mlir::VectorType::get(tile.chunk, element); }

protected:
  /// The state at the first element of K in the operand.
  virtual llvm::SmallVector<mlir::Value> beginOperand(IndexMath &m) = 0;
  /// Whether element `k` (i32) of K counts from the state on; null: yes.
  mlir::Value isValid(IndexMath &m, mlir::Value k, mlir::Value valid) const {
    return valid ? m.less(k, valid) : nullptr;
  }

  const OperandTile &tile;
  OperandTile::Place place;
  mlir::Type element;

private:
  mlir::Value first;
};

/// An operand that is a matrix, or the lines of one anywhere in memory.
class MatrixLoader : public TileLoader {
public:
  struct Matrix {
    /// The address of element 0 of a line of the tile; an i32. Lines that do not exist are given the place of one that does.
    std::function<mlir::Value(IndexMath &, mlir::Value line)> getLine;
    /// From one element of a line to the next; an index. 1 when the tile is along the depth.
    mlir::Value stride;
    /// Elements of a chunk that are aligned together, within the matrix or not together, and never partly valid: see getRun.
    int64_t run;
  };
  MatrixLoader(const OperandTile &tile, OperandTile::Place place, mlir::Type element, Matrix matrix)
      : TileLoader(tile, std::move(place), element), matrix(std::move(matrix)) {}

  llvm::SmallVector<mlir::Value> load(IndexMath &m, mlir::ValueRange state, mlir::Value valid) override;
  llvm::SmallVector<mlir::Value> advance(IndexMath &m, mlir::ValueRange state, mlir::Value count) override;

  bool canCopy() const override;
  void copy(IndexMath &m, mlir::ValueRange state, mlir::Value valid, mlir::ValueRange targets) override;

protected:
  llvm::SmallVector<mlir::Value> beginOperand(IndexMath &m) override;

private:
  /// The address of a pass, given those of its lines.
  mlir::Value getAddress(IndexMath &m, mlir::ValueRange state, int64_t pass);
  /// The lines that the passes start in, each once.
  llvm::SmallVector<int64_t> getLineOffsets() const;
  mlir::Value loadAlongDepth(IndexMath &m, mlir::Value pointer, mlir::Value k, mlir::Value valid);
  mlir::Value loadAcross(IndexMath &m, mlir::ValueRange pointers, mlir::Value k, mlir::Value valid);
  mlir::Value loadRun(IndexMath &m, mlir::Value pointer) {
    return loadElements(m, pointer, element, matrix.run, ReadKind::Constant);
  }

  Matrix matrix;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_TILELOADER_H
