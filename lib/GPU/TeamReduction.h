//===- TeamReduction.h - what the threads of a team have summed, joined ---------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_TEAMREDUCTION_H
#define NNCC_LIB_GPU_TEAMREDUCTION_H

#include "NestPlan.h"

namespace nncc::gpu {

/// The bytes of shared memory that joining takes, for one value of 64 bits a thread at most.
int64_t getReductionBytes(const Team &team);

/// Where a thread stands, index.
struct TeamPlace {
  mlir::Value member, point;
};

/// The value of each member, joined by `combiner` in a fixed order: the same for all members. All threads of the block must get here.
/// `shared` is a memref<?xi8, 3> of getReductionBytes, which may be used again behind this.
mlir::Value joinTeam(mlir::OpBuilder &b, mlir::Location loc, mlir::Operation *combiner, mlir::Value value,
                     const Team &team, const TeamPlace &place, mlir::Value shared);

/// The value, a number of up to 64 bits, of the lane whose number differs in the bits of `mask`.
mlir::Value shuffleLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, int64_t mask);

/// All threads of the block wait for each other, and see what the others wrote.
void createBarrier(mlir::OpBuilder &b, mlir::Location loc);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_TEAMREDUCTION_H
