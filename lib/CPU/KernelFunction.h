//===- KernelFunction.h - the functions that a kernel becomes -------------------------------------------*- C++ -*-===//
//
// `void NAME(const uint64_t *args, int64_t tile, void *scratch)` and `int64_t NAME.tiles(const uint64_t *args)`, as
// exec.kernel documents them, only unpack their slots and call a function with one argument a slot: there, each pointer
// is an argument, which can promise that nothing else points to its memory.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CPU_KERNELFUNCTION_H
#define NNCC_LIB_CPU_KERNELFUNCTION_H

#include "nncc/Kernel/KernelFunction.h"

namespace nncc::cpu {

using namespace kernel;

enum class KernelPart { Run, Tiles };

/// Adds to the end of the builder's block the entry point for `part` of `kernel` and the function that it calls, and
/// leaves the builder in that function, before its return; for Tiles, before the return of a placeholder, which
/// setTileCount replaces.
KernelFunction createKernelFunction(mlir::OpBuilder &b, exec::KernelOp kernel, KernelPart part);

/// Makes a function for Tiles return `count`, an index.
void setTileCount(KernelFunction &function, mlir::Value count);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_KERNELFUNCTION_H
