//===- Softmax.h - scores, their largest one, and weights -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_SOFTMAX_H
#define NNCC_LIB_GPU_ATTENTION_SOFTMAX_H

#include "AttentionOperands.h"

namespace nncc::gpu {

/// The arithmetic of a row, in the type of sums. Weights are powers of scores less the largest one, divided by their total in the end.
class Softmax {
public:
  Softmax(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape) : m(m), op(op), type(shape.sum) {}

  mlir::Value number(double value) const;
  mlir::Value getZero() const { return number(0); }
  /// What is larger than nothing: the largest of no scores, the score of a key that is not there.
  mlir::Value getLeast() const;
  /// A product of a row and a key, to which masks may be added. It is still to be scaled where there is none: getWeight does it then.
  mlir::Value scale(mlir::Value product) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value multiply(mlir::Value x, mlir::Value y) const;
  /// A score that is NaN is not the largest; as a weight it makes the total NaN.
  mlir::Value getLarger(mlir::Value x, mlir::Value y) const;
  /// What scores are compared with: when all are -inf so far, their powers are 0, not NaN, as others may follow.
  mlir::Value getBase(mlir::Value largest) const;
  /// In f32 by the card's own power of two, within 2^-22 of the weight: the difference is rounded first, so that what is far below the base, and
  /// whose exponent is less exact, is small. What is no normal number is 0: beside the largest weight, which is one, it says nothing.
  mlir::Value getWeight(mlir::Value score, mlir::Value base) const;
  /// Sums divided by the total. Without keys the result is a sum of nothing. Without a weight all scores are -inf, and weights NaN.
  llvm::SmallVector<mlir::Value> divide(mlir::ValueRange sums, mlir::Value total, mlir::Value numKeys) const;

private:
  IndexMath &m;
  mutable exec::AttentionOp op; // a handle, none of whose methods is const
  mlir::Type type;
};

/// What a thread carries from one tile of keys to the next: the largest score and its part of the total of each of its rows, and their sums in an order
/// of the emitter's own.
struct SoftmaxState {
  llvm::SmallVector<mlir::Value> largest, totals, sums;

  llvm::SmallVector<mlir::Value> join() const;
  /// The inverse, of `rows` rows.
  static SoftmaxState split(mlir::ValueRange all, size_t rows);
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_SOFTMAX_H
