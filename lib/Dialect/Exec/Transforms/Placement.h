//===- Placement.h - which tensors of a schedule the host keeps -------------------------------------------------*- C++ -*-===//
///
/// \file
/// The analysis behind --exec-place. The device computes everything but what the schedule itself reads (sizes, conditions), where small
/// kernels compute that from what the host has: sizes, constants, small weights and integer inputs. From a few integers that the device
/// computed the host goes on where the device reads nothing of it; so that it waits once, however many sizes follow from them.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_PLACEMENT_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_PLACEMENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace nncc::exec {

class Placement {
public:
  /// The most elements of a tensor that the host computes, of one that it reads from the device as a whole, and of one that it reads to
  /// compute with.
  static constexpr int64_t kMaxHost = 1024, kMaxDownload = 64, kMaxSizes = 8;

  explicit Placement(mlir::func::FuncOp schedule);

  bool isHostLaunch(LaunchOp launch) const;
  /// Where the tensor lies, before any copy.
  bool isOnHost(mlir::Value tensor) const;
  /// Whether the host can have it without a transfer.
  bool canBeOnHost(mlir::Value tensor) const;
  /// Where this use reads it; nothing: wherever it is.
  std::optional<bool> getSide(mlir::OpOperand &operand) const;

  static bool isSmall(mlir::Type type, int64_t elements);

private:
  /// What control flow joins lies in the same memory. Roots are apart: they have a copy on either side.
  void join(mlir::Value a, mlir::Value b);
  void joinAll(mlir::func::FuncOp schedule);
  void demand(mlir::Value tensor);
  bool dropImpossible(mlir::func::FuncOp schedule);
  bool canHold(mlir::Operation *op) const;
  bool isReadByDevice(LaunchOp launch) const;
  bool isHostClass(mlir::Value tensor) const;
  void *getLeader(mlir::Value tensor) const;
  llvm::SmallVector<void *> getClass(mlir::Value tensor) const;
  static bool isRoot(mlir::Value tensor);
  static bool isHostRoot(mlir::Value tensor);
  static bool isSmallKernel(LaunchOp launch);

  llvm::EquivalenceClasses<void *> classes;
  llvm::DenseSet<void *> hostClasses; // by leader
};

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_PLACEMENT_H
