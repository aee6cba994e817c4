//===- Contraction.h - matrix products and convolutions -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_H
#define NNCC_LIB_GPU_CONTRACTION_H

#include "KernelWriter.h"
#include "nncc/Kernel/ContractionSite.h"

namespace nncc::gpu {

/// Appends the phases that compute a contraction with what is fused behind it. `site` is without values: each phase finds them in its own
/// functions. Results and kept tensors have memory. Fails with a diagnostic.
llvm::LogicalResult addContraction(KernelPlan &plan, const ContractionSite &site);

/// One thread an element of the result, whatever the contraction: what faster ways are compared with.
void addNaiveContraction(KernelPlan &plan, const ContractionSite &site);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_H
