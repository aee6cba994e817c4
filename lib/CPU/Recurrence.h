//===- Recurrence.h - kernels whose root is a recurrent layer -------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_RECURRENCE_H
#define NNCC_LIB_CPU_RECURRENCE_H

#include "KernelWriter.h"

namespace nncc::cpu {

/// A writer for a kernel that is one exec.recurrence; null: the kernel is something else.
std::unique_ptr<KernelWriter> createRecurrenceWriter(exec::KernelOp kernel, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_RECURRENCE_H
