//===- Products.h - how products widen their operands -----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CONVERSION_NNTOLINALG_PRODUCTS_H
#define NNCC_LIB_CONVERSION_NNTOLINALG_PRODUCTS_H

#include "nncc/Dialect/NN/IR/ShapeInference.h"

namespace nncc {

/// Whether products of the tensor's elements are made of them widened, by zeros.
inline bool isWidenedUnsigned(mlir::Value original) {
  mlir::Type type = nn::typeOf(original).getElementType();
  return type.isUnsignedInteger() && type.getIntOrFloatBitWidth() < 32;
}

} // namespace nncc

#endif // NNCC_LIB_CONVERSION_NNTOLINALG_PRODUCTS_H
