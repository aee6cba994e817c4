//===- KernelWriter.h - the phases of a kernel ----------------------------------------------------------*- C++ -*-===//
//
// A kernel is cut into phases, launched one behind the other; what one leaves to the next is in the kernel's results or in
// its workspace. planKernel chooses the phases; each writes its own functions. To add a way to write something is to
// add a class of Phase and to choose it.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_KERNELWRITER_H
#define NNCC_LIB_GPU_KERNELWRITER_H

#include "KernelFunction.h"
#include "nncc/GPU/Target.h"
#include "nncc/Kernel/Buffers.h"
#include <memory>

namespace nncc::gpu {

class KernelPlan;

/// One launch.
class Phase {
public:
  virtual ~Phase() = default;

  /// Threads of a block, a multiple of a warp.
  virtual unsigned getThreads() const = 0;
  /// Writes, on the host, how many blocks are launched. `values` has the kernel's values in that function: sizes and scalars
  /// may be used, elements of tensors not. Fails with a diagnostic, as the other.
  virtual mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) = 0;
  /// Writes what a thread does.
  virtual llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) = 0;
};

/// Memory between the phases of a kernel.
class Workspace {
public:
  /// Keeps a tensor that the kernel does not yield.
  void keep(mlir::Value tensor);
  /// Reserves bytes for a phase of its own: `size` writes their number, an index, in any of the kernel's functions. Returns what
  /// getReserved knows them by.
  unsigned reserve(std::function<mlir::Value(mlir::OpBuilder &, Buffers &)> size);

  bool isEmpty() const { return parts.empty(); }
  /// The bytes of all, an index.
  mlir::Value getBytes(mlir::OpBuilder &b, Buffers &values) const;
  /// Maps the tensors to where they are in `memory`, a memref<?xi8>.
  void map(mlir::OpBuilder &b, Buffers &values, mlir::Value memory) const;
  /// A memref<?xi8>, 256-byte aligned.
  mlir::Value getReserved(mlir::OpBuilder &b, Buffers &values, mlir::Value memory, unsigned number) const;

private:
  struct Part {
    mlir::Value tensor; // null: reserved
    std::function<mlir::Value(mlir::OpBuilder &, Buffers &)> size;
  };
  mlir::Value getBytes(mlir::OpBuilder &b, Buffers &values, const Part &part) const;

  llvm::SmallVector<Part> parts;
};

/// The phases of one kernel, which must outlive the plan; they may refer to the plan.
class KernelPlan {
public:
  KernelPlan(exec::KernelOp kernel, const GPUTarget &target) : kernel(kernel), target(target) {}
  KernelPlan(const KernelPlan &) = delete;
  KernelPlan &operator=(const KernelPlan &) = delete;

  exec::KernelOp kernel;
  const GPUTarget &target;
  Workspace workspace;
  llvm::SmallVector<std::unique_ptr<Phase>> phases;

  /// Appends a phase of the class P.
  template <typename P, typename... Args> P &add(Args &&...args) {
    phases.push_back(std::make_unique<P>(std::forward<Args>(args)...));
    return static_cast<P &>(*phases.back());
  }
  /// Maps what the kernel does not compute, its results, and what is kept in `memory` (on the host only asked for sizes).
  void mapValues(mlir::OpBuilder &b, Buffers &values, mlir::Value memory) const;
};

/// Cuts the kernel into phases. It may be changed. Fails with a diagnostic.
llvm::LogicalResult planKernel(KernelPlan &plan);

/// Whether `op` computes tensors, by a phase.
bool isComputation(mlir::Operation *op);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_KERNELWRITER_H
