//===- GridLoops.h - loops of an exec.grid that may run in any order --------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_IR_GRIDLOOPS_H
#define NNCC_DIALECT_EXEC_IR_GRIDLOOPS_H

#include "llvm/ADT/StringRef.h"

namespace nncc::exec {

/// The attribute of an exec.grid none of whose loops that stand in the body itself depends, in any step, on another step or another of these loops:
/// as points may, steps may run in any order and at once. Of a loop anywhere in the body: its steps write, and read of what is written, different elements.
inline constexpr llvm::StringLiteral independentAttrName = "exec.independent";

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_IR_GRIDLOOPS_H
