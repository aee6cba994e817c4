//===- ExecOps.h - the exec dialect -----------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_IR_EXECOPS_H
#define NNCC_DIALECT_EXEC_IR_EXECOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include "nncc/Dialect/Exec/IR/ExecDialect.h.inc"
#include "nncc/Dialect/Exec/IR/ExecEnums.h.inc"
#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/IR/ExecOps.h.inc"

namespace nncc::exec {

/// Bytes of an element in memory.
int64_t getElementBytes(mlir::Type element);

} // namespace nncc::exec

namespace nncc::exec {

/// Elements of K that lie side by side in the panels of a packed exec.matmul or exec.conv: what one instruction multiplies and
/// adds up. Four i8, two signed i16, one of everything else.
int64_t getElementsPerStep(mlir::Operation *contraction);

/// The attribute of a module whose schedule runs on a device, "cuda"; see --exec-place.
inline constexpr llvm::StringLiteral deviceAttrName = "exec.device";
/// The attribute of a tensor.empty that is a buffer of the host.
inline constexpr llvm::StringLiteral hostAttrName = "exec.host";

/// Whether the module's schedule runs on a device.
bool isForDevice(mlir::ModuleOp module);
/// Whether a tensor of a placed schedule lies in the memory of the host. Never in a module without a device.
bool isOnHost(mlir::Value tensor);
/// The memory space of buffers of the host in such a module.
mlir::Attribute getHostSpace(mlir::MLIRContext *context);
bool isInHostSpace(mlir::MemRefType type);

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_IR_EXECOPS_H
