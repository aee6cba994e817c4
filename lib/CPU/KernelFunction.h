//===- KernelFunction.h - the functions that a kernel becomes -------------------------------------------*- C++ -*-===//
//
// `void NAME(const uint64_t *args, int64_t tile, void *scratch)` and `int64_t NAME.tiles(const uint64_t *args)`, as
// exec.kernel documents them, only unpack their slots and call a function with one argument a slot: there, each pointer
// is an argument, which can promise that nothing else points to its memory.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CPU_KERNELFUNCTION_H
#define NNCC_LIB_CPU_KERNELFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OpDefinition.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

using Sizes = llvm::SmallVector<mlir::OpFoldResult>;

enum class KernelPart { Run, Tiles };

/// A tensor argument or a result as a memref with its sizes; a scalar argument as itself, without sizes.
struct KernelValue {
  mlir::Value value;
  Sizes sizes;
};

/// A function whose body is to be written.
struct KernelFunction {
  mlir::func::FuncOp function;
  llvm::SmallVector<KernelValue> arguments, results;
  /// Of Run only: an index, and a memref<?xi8>, 64-byte aligned.
  mlir::Value tile, scratch;
};

/// Adds to the end of the builder's block the entry point for `part` of `kernel` and the function that it calls, and
/// leaves the builder in that function, before its return; for Tiles, before the return of a placeholder, which
/// setTileCount replaces.
KernelFunction createKernelFunction(mlir::OpBuilder &b, exec::KernelOp kernel, KernelPart part);

/// Makes a function for Tiles return `count`, an index.
void setTileCount(KernelFunction &function, mlir::Value count);

/// Spells out the memrefs that createKernelFunction made of a pointer and the dynamic sizes, for the LLVM dialect.
void lowerAddresses(mlir::func::FuncOp function);

/// Replaces exec.fault in a function for Run by a write to the run's fault word, unless it has a fault already.
void lowerFaults(mlir::func::FuncOp function);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_KERNELFUNCTION_H
