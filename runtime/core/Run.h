//===- Run.h - what runs on the CPU and on a GPU have in common ---------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_RUN_H
#define NNCCRT_CORE_RUN_H

#include "Context.h"

namespace nncc::rt {

/// The service `output`: room for output `index`, of these dims. Null: reported.
void *placeOutput(nnccrt_context &context, uint32_t index, const int64_t *dims, Report &report);

/// Whether a schedule that returned `result` did all that it should.
bool checkEnd(nnccrt_context &context, int32_t result, Report &report);

/// Tells of a fault in a kernel. Returns false.
bool failFault(const nnccrt_kernel_info &info, const nnccrt_fault &fault, Report &report);

} // namespace nncc::rt

#endif // NNCCRT_CORE_RUN_H
