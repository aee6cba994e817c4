//===- Broadcast.h - which sizes are the same where they broadcast ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_BROADCAST_H
#define NNCC_DIALECT_NN_IR_BROADCAST_H

#include "nncc/Dialect/NN/IR/Dim.h"

namespace nncc::nn {

/// True when `dim` is min(x, `size`) with an x of at least 1, as a slice of `size` elements of a table of x has it. Where the two broadcast
/// they are the same.
bool isCapped(const Dim &dim, const Dim &size);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_BROADCAST_H
