//===- ShapeInference.h - what the ops of nn share to infer their types -----------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_SHAPEINFERENCE_H
#define NNCC_DIALECT_NN_IR_SHAPEINFERENCE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Value.h"
#include "mlir/IR/ValueRange.h"
#include "mlir/Support/LLVM.h"
#include "nncc/Dialect/NN/IR/Dim.h"
#include <optional>

namespace nncc::nn {

/// The tensor type of a value of nn.
inline mlir::RankedTensorType typeOf(mlir::Value value) { return llvm::cast<mlir::RankedTensorType>(value.getType()); }

/// The elements of a value that is an nn.constant (of whatever size), else null.
mlir::DenseElementsAttr getConstant(mlir::Value value);

/// The elements of a small integer tensor (rank 0 or 1), each a number, an expression of the model's symbols, or unknown; nothing
/// when the number of elements is unknown or above 64. Looks through the ops that exporters compute shapes with: shape_of, gather,
/// concat, slice, reshape, cast, integer arithmetic, where, constants, and arithmetic of floats on numbers that are known. Costs no more
/// than the chain's length.
std::optional<llvm::SmallVector<Dim>> getShapeElements(mlir::Value value);

/// As getShapeElements, when all elements are numbers.
std::optional<llvm::SmallVector<int64_t>> getConstantInts(mlir::Value value);

/// The elements of a small float tensor where they are finite numbers that the same ops make of constants and static sizes.
std::optional<llvm::SmallVector<double>> getConstantNumbers(mlir::Value value);

/// The size of two sizes that broadcast against each other (NumPy rules). An unknown or symbolic size against a number other than 1
/// is that number; two different symbolic sizes are unknown, unless one is 1. Fails with a message on two different numbers.
mlir::FailureOr<Dim> broadcastDim(const Dim &a, const Dim &b, std::optional<mlir::Location> loc);
/// The shape that all these shapes broadcast to.
mlir::FailureOr<llvm::SmallVector<Dim>> broadcastShapes(llvm::ArrayRef<llvm::SmallVector<Dim>> shapes,
                                                        std::optional<mlir::Location> loc);

/// Appends the type that broadcasts `values`, with `elementType` or (null) that of `sameElement`, which must agree among themselves.
mlir::LogicalResult inferBroadcast(std::optional<mlir::Location> loc, mlir::ValueRange values,
                                   mlir::ValueRange sameElement, mlir::Type elementType,
                                   llvm::SmallVectorImpl<mlir::Type> &results);
/// The tensor type with another element type.
mlir::RankedTensorType withElementType(mlir::Type tensor, mlir::Type elementType);

/// `axis` counted from the front; fails with a message naming `what` when it is not in [-rank, rank).
mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank, std::optional<mlir::Location> loc,
                                       llvm::StringRef what = "axis");

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_SHAPEINFERENCE_H
