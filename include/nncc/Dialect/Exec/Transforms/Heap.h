//===- Heap.h - heaps in kernel bodies --------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_HEAP_H
#define NNCC_DIALECT_EXEC_TRANSFORMS_HEAP_H

#include "nncc/Dialect/Exec/IR/Body.h"

namespace nncc {

/// One line of a memref along an axis.
struct Line {
  mlir::Value memref;
  llvm::SmallVector<mlir::Value> others; ///< coordinates along the other axes
  int64_t axis;

  mlir::Value load(Body c, mlir::Value at) const { return c.load(memref, position(at)); }
  void store(Body c, mlir::Value value, mlir::Value at) const { c.store(value, memref, position(at)); }

private:
  llvm::SmallVector<mlir::Value> position(mlir::Value at) const {
    llvm::SmallVector<mlir::Value> all(others);
    all.insert(all.begin() + axis, at);
    return all;
  }
};

/// A binary heap of numbers (i64, of elements elsewhere) in a line. `isBefore` says which of two numbers (index) is nearer to the root.
class Heap {
public:
  using Order = std::function<mlir::Value(Body, mlir::Value, mlir::Value)>;

  Heap(Line line, Order isBefore) : line(std::move(line)), isBefore(std::move(isBefore)) {}

  mlir::Value get(Body c, mlir::Value at) const { return c.toIndex(line.load(c, at)); }
  void set(Body c, mlir::Value number, mlir::Value at) const { line.store(c, c.toInteger(number), at); }
  /// Moves what is at `start` down to its place among the first `size` entries.
  void siftDown(Body c, mlir::Value start, mlir::Value size) const;
  /// Makes a heap of the first `size` entries, whatever their order.
  void build(Body c, mlir::Value size) const;
  /// Sorts a heap; the root comes last.
  void sort(Body c, mlir::Value size) const;

private:
  Line line;
  Order isBefore;
};

} // namespace nncc

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_HEAP_H
