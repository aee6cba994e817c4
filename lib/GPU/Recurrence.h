//===- Recurrence.h - recurrent layers --------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_RECURRENCE_H
#define NNCC_LIB_GPU_RECURRENCE_H

#include "KernelWriter.h"

namespace nncc::gpu {

/// Appends the phase of an exec.recurrence. Results and kept tensors have memory. Fails with a diagnostic.
llvm::LogicalResult addRecurrence(KernelPlan &plan, exec::RecurrenceOp op);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_RECURRENCE_H
