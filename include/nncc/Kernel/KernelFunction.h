//===- KernelFunction.h - what the functions of a kernel are made of ------------------------------------*- C++ -*-===//
//
// Whatever it is compiled for, a kernel becomes functions with one argument a slot (see exec.kernel): each pointer is an
// argument, which can promise that nothing else points to its memory.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_KERNEL_KERNELFUNCTION_H
#define NNCC_KERNEL_KERNELFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OpDefinition.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::kernel {

using Sizes = llvm::SmallVector<mlir::OpFoldResult>;

/// The slot of the fault word; those of the arguments and results follow.
inline constexpr unsigned faultSlot = 0;

/// A tensor argument or a result as a memref with its sizes; a scalar argument as itself, without sizes.
struct KernelValue {
  mlir::Value value;
  Sizes sizes;
};

/// A function whose body is to be written.
struct KernelFunction {
  mlir::func::FuncOp function;
  llvm::SmallVector<KernelValue> arguments, results;
  /// On a CPU, of a function that runs a tile: an index.
  mlir::Value tile;
  /// A memref<?xi8>, 64-byte aligned, for what is kept between two ops; null where nothing is run.
  mlir::Value scratch;
};

/// Makes the values of `op` of a function's arguments, one a slot: pointers, index, scalars. Returns the number of slots.
unsigned takeSlots(mlir::OpBuilder &b, exec::KernelOp op, mlir::ValueRange slots, KernelFunction &function);

/// Spells out the memrefs that were made of a pointer and the dynamic sizes, for the LLVM dialect.
void lowerAddresses(mlir::func::FuncOp function);

/// Replaces exec.fault in a function whose slot 0 is its fault word by a write to it, unless it has a fault already.
void lowerFaults(mlir::func::FuncOp function);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_KERNELFUNCTION_H
