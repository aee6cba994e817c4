//===- Points.h - which thread has which point ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_POINTS_H
#define NNCC_LIB_GPU_POINTS_H

#include "mlir/IR/Builders.h"

namespace nncc::gpu {

/// The product of sizes, an index.
mlir::Value getNumPoints(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes);

/// The indices of the point that is numbered `number`, row-major, below the number of points. In 32 bits where the sizes are known to
/// fit: a division of 64 bits takes a hundred instructions.
llvm::SmallVector<mlir::Value> getPoint(mlir::OpBuilder &b, mlir::Location loc, mlir::Value number,
                                        mlir::ValueRange sizes);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_POINTS_H
