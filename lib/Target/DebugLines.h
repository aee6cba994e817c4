//===- DebugLines.h - locations that debug information can hold -----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_DEBUGLINES_H
#define NNCC_LIB_TARGET_DEBUGLINES_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Target/NodeListing.h"

namespace nncc::target {

/// Replaces the names of nodes, which our locations are, by lines of `nodes`. What has no node gets the line of its function.
void useNodeLines(mlir::ModuleOp module, const NodeListing &nodes);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_DEBUGLINES_H
