//===- Reduction.h - sums and maxima in a fixed order of lanes ------------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_REDUCTION_H
#define NNCC_KERNEL_REDUCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace nncc::kernel {

/// The op by which partial results of a reduction can be combined: an associative one that the body applies last to the
/// accumulator and to something that does not depend on it. Null: the body must see the elements one after the other.
mlir::Operation *getCombiner(mlir::linalg::GenericOp op, unsigned result);

/// The value that `combiner` leaves everything else as it is with.
mlir::TypedAttr getNeutral(mlir::Operation *combiner);

/// x combined with y, scalars or vectors.
mlir::Value combine(mlir::OpBuilder &b, mlir::Location loc, mlir::Operation *combiner, mlir::Value x, mlir::Value y);

/// All lanes of a vector combined, halves with halves: the same order on every machine. LLVM may choose another one for
/// vector.reduction.
mlir::Value combineLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Operation *combiner, mlir::Value vector);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_REDUCTION_H
