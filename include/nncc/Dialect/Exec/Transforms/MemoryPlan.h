//===- MemoryPlan.h - what PlanMemory tells the rest about memory -----------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_MEMORYPLAN_H
#define NNCC_DIALECT_EXEC_TRANSFORMS_MEMORYPLAN_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Dialect/Exec/Transforms/Packing.h"
#include <optional>

namespace nncc::exec {

/// The attribute `exec.plan` of a module: `{bytes = 4096, bound = 4096}`, or `{slots = [[-1, 0, 3], ..]}` with the bytes (-1: from the function
/// @sizes), the first and the last position of each slot; and the number of values that loops carry in growing buffers.
struct MemoryPlan {
  bool isStatic = true;
  int64_t arenaBytes = 0; // of a static plan
  int64_t boundBytes = 0; // of a static plan: the most that is alive at once, which no plan can beat
  llvm::SmallVector<Lifetime> slots;
  unsigned numCarries = 0;

  /// Nothing when the memory of the module is not planned.
  static std::optional<MemoryPlan> get(mlir::ModuleOp module);
  void setOn(mlir::ModuleOp module) const;
};

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_MEMORYPLAN_H
