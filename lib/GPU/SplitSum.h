//===- SplitSum.h - sums of very many elements ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_SPLITSUM_H
#define NNCC_LIB_GPU_SPLITSUM_H

#include "KernelWriter.h"

namespace nncc::gpu {

/// Whether `op` sums so many elements into so few that a team for each result would leave most of the card idle. Sizes are static.
bool isWideSum(mlir::linalg::GenericOp op);

/// Appends the phases of a wide sum: many blocks sum a part each, then one block a result joins the parts, in order.
void addSplitSum(KernelPlan &plan, mlir::linalg::GenericOp op);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_SPLITSUM_H
