//===- CompileKernel.h - one kernel into code for the device and for the host ---------------------------*- C++ -*-===//

#ifndef NNCC_GPU_COMPILEKERNEL_H
#define NNCC_GPU_COMPILEKERNEL_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/GPU/Target.h"
#include <optional>
#include <string>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace nncc::gpu {

/// Where to stop on the way.
enum class KernelStage {
  Loops, ///< loops and memrefs, functions still on builtin types
  LLVM,  ///< the LLVM and NVVM dialects
};

/// One launch of a kernel.
struct CompiledPhase {
  /// The function of the device, a `.entry` of the image: one 64-bit parameter a slot of exec.kernel, and the address of the workspace.
  std::string entry;
  /// The function of the host: `void shape(const uint64_t *args, nnccrt_cuda_launch *launch)`.
  std::string shape;
  unsigned threads = 0;
  /// Dynamic shared memory of a block, where it does not depend on sizes that only a run knows.
  std::optional<int64_t> sharedBytes = std::nullopt;
};

/// A kernel is launched phase by phase; what a phase leaves to the next is in results or in the workspace.
struct CompiledKernel {
  mlir::OwningOpRef<mlir::ModuleOp> device, host;
  llvm::SmallVector<CompiledPhase> phases;
  /// The function of the host: `int64_t workspace(const uint64_t *args)`, in bytes; empty: there is no workspace.
  std::string workspace;
};

/// What a context needs in which kernels are compiled: dialects and how they are lowered.
void registerKernelDialects(mlir::DialectRegistry &registry);

/// The phases of a kernel, in modules of their own, in the kernel's context. Fails with a diagnostic.
mlir::FailureOr<CompiledKernel> compileKernel(exec::KernelOp kernel, const GPUTarget &target,
                                              KernelStage stage = KernelStage::LLVM);

/// `name` as PTX spells it: letters, digits and _ stay; different names stay different.
std::string getEntryName(llvm::StringRef name);

/// The passes from stage Loops to stage LLVM, on the device and on the host.
void buildLowerDeviceToLLVM(mlir::OpPassManager &passes, const GPUTarget &target);
void buildLowerHostToLLVM(mlir::OpPassManager &passes);

} // namespace nncc::gpu

#endif // NNCC_GPU_COMPILEKERNEL_H
