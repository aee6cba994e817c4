//===- Recognize.h - what exporters take apart ------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_RECOGNIZE_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_RECOGNIZE_H

#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include <array>

namespace nncc::nn {

/// The number that all elements of a constant of floats are.
std::optional<double> getNumber(mlir::Value value);

/// Whether `given` is `wanted` as exporters round it for an element type: to some six digits for f32.
bool isNearly(double given, double wanted, mlir::Type element);

/// Coefficients of x^0 .. x^3.
using Polynomial = std::array<double, 4>;
/// What `value` computes from `x` by sums, products and powers with constants, as a polynomial; nothing where it is none of a degree
/// up to 3.
std::optional<Polynomial> asPolynomial(mlir::Value value, mlir::Value x);

/// A product taken apart: a number times other factors.
struct Product {
  double number = 1;
  llvm::SmallVector<mlir::Value> factors;
  /// Of the multiplications and divisions by numbers that `value` is the last one of; those before it have no other use.
  static Product of(mlir::Value value);
};

/// The operand of a commutative op that is not `other`; null when neither is `other`.
mlir::Value getOtherOperand(mlir::Operation *op, mlir::Value other);

void populateRecognizeAttention(mlir::RewritePatternSet &patterns, bool roundsScores);
/// Masks that attentions broadcast are computed once an element.
void populateNarrowMasks(mlir::RewritePatternSet &patterns);
void populateRecognizeActivations(mlir::RewritePatternSet &patterns);
void populateRecognizeNorms(mlir::RewritePatternSet &patterns);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_RECOGNIZE_H
