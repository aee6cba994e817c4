//===- VectorBody.h - the body and the operands of a linalg op, as scalars or vectors -------------------*- C++ -*-===//
//
// What every emitter needs at one point of a loop nest: operands read and written through their indexing maps, and the
// body between them. With lanes, one loop of the nest is vectorised: lane i stands for that loop's index + i.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_KERNEL_VECTORBODY_H
#define NNCC_KERNEL_VECTORBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace nncc::kernel {

/// Where in the iteration space of a linalg op the code is.
struct LoopPoint {
  /// One index a loop of the op; of the vectorised loop that of lane 0.
  llvm::SmallVector<mlir::Value> ivs;
  /// The vectorised loop, -1: everything is scalar.
  int64_t dim = -1;
  int64_t lanes = 1;
  /// The lanes that exist (vector<lanes x i1>); null: all.
  mlir::Value mask = {};
};

/// Whether cloneBody can make vectors of the body: elementwise ops, constants, linalg.index, tensor.extract,
/// exec.fault.
bool isVectorizable(mlir::linalg::GenericOp op);

/// What the body of `op` computes anew at each step of `loop`: its other values are the same in all lanes.
llvm::SmallVector<mlir::Value> findVarying(mlir::linalg::GenericOp op, unsigned loop);

/// Lanes that fill 64 bytes with the widest type which the body of `op` computes vectors of along `loop`: 16 for f32, 8
/// for f64 and i64, 64 for i8.
int64_t getNaturalLanes(mlir::linalg::GenericOp op, unsigned loop);

/// The elements of `memref` (row-major, contiguous) at `point` through `map`: a scalar when the map does not depend on
/// the vectorised loop, else a vector, with one load where the lanes are adjacent, gathered where they are not. Lanes
/// that the mask excludes are zero, and not touched in memory.
mlir::Value loadOperand(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memref, mlir::AffineMap map,
                        const LoopPoint &point);

/// Stores a scalar, or a vector under the mask of `point`. A scalar is stored in all lanes when the map depends on the
/// vectorised loop.
void storeOperand(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Value memref, mlir::AffineMap map,
                  const LoopPoint &point);

/// The values that the body of `op` yields at `point`, for these block arguments: each a scalar (the same for all
/// lanes) or a vector of point.lanes. `outer` has what the body uses from around it: memrefs for tensors, scalars.
/// Excluded lanes compute something; only exec.fault heeds the mask. Bodies that are not vectorizable are cloned as
/// they are: point.dim must be -1.
llvm::SmallVector<mlir::Value> cloneBody(mlir::OpBuilder &b, mlir::linalg::GenericOp op, mlir::ValueRange args,
                                         const LoopPoint &point, const mlir::IRMapping &outer);

/// The same for a block of scalar arithmetic: a vector of `lanes` for each value that its terminator has.
llvm::SmallVector<mlir::Value> cloneArithmetic(mlir::OpBuilder &b, mlir::Block &body, mlir::ValueRange args,
                                               int64_t lanes, const mlir::IRMapping &outer);

/// `value` as a vector: itself, or a scalar in all lanes.
mlir::Value toVector(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, int64_t lanes);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_VECTORBODY_H
