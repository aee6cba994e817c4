//===- Quantized.h - what the patterns on quantised arithmetic share --------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_QUANTIZED_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_QUANTIZED_H

#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/IR/Quantization.h"

namespace nncc::nn {

/// Null, or one number.
bool isOneNumber(mlir::Value value);
/// The op that made `value` from integers of 8 bits with a scale and zero point for all elements; null if none did.
DequantizeOp getDequantizedBytes(mlir::Value value);
/// The numbers of a constant scale; empty when it is none.
llvm::SmallVector<float> getScales(mlir::Value scale);
/// Whether two scales are known to be equal, up to the rounding of a product.
bool areSameScales(mlir::Value x, mlir::Value y);
/// Whether two zero points are known to be equal.
bool areSameZeroPoints(mlir::Value x, mlir::Value y);

/// Products of dequantised tensors become products of integers, dequantised afterwards.
void populateIntegerProducts(mlir::RewritePatternSet &patterns);
/// Dequantisation moves behind what only moves data, quantisation before monotonic ops; what meets is merged.
void populateMoveQuantization(mlir::RewritePatternSet &patterns);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_QUANTIZED_H
