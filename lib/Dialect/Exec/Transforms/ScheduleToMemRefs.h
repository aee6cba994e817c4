//===- ScheduleToMemRefs.h - writes a planned schedule on memrefs -----------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULETOMEMREFS_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULETOMEMREFS_H

#include "Buffers.h"

namespace nncc::exec {

/// Where each planned buffer is: a byte offset when `isStatic`, else a plan slot; by buffer id.
struct PlannedPlaces {
  bool isStatic = true;
  llvm::DenseMap<unsigned, int64_t> places;
};

/// Replaces all tensors of `schedule` by memrefs. Fails, with a diagnostic, on an operation that has no place in a schedule.
llvm::LogicalResult convertToMemRefs(mlir::func::FuncOp schedule, BufferAssignment &assignment, SizeAnalysis &sizes,
                                     const PlannedPlaces &places);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULETOMEMREFS_H
