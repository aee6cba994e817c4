//===- CompileKernel.h - one kernel into a module of the LLVM dialect -----------------------------------*- C++ -*-===//

#ifndef NNCC_CPU_COMPILEKERNEL_H
#define NNCC_CPU_COMPILEKERNEL_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/CPU/Target.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace nncc::cpu {

/// Where to stop on the way.
enum class KernelStage {
  Vector, ///< loops, vectors and memrefs, functions still on builtin types
  LLVM,
};

/// What a context needs in which kernels are compiled: dialects and how they are lowered.
void registerKernelDialects(mlir::DialectRegistry &registry);

/// The functions `NAME` and `NAME.tiles` of a kernel (see exec.kernel) in a module of their own, in the kernel's
/// context. The module's attribute `nncc.scratch_bytes` says how much scratch memory a tile needs. Null: a diagnostic
/// says why.
mlir::OwningOpRef<mlir::ModuleOp> compileKernel(exec::KernelOp kernel, const CPUTarget &target,
                                                KernelStage stage = KernelStage::LLVM);

/// How `kernel` is cut into tiles, blocks and vectors for `target`: one paragraph.
std::string describeTiling(exec::KernelOp kernel, const CPUTarget &target);

/// The attribute of the module.
inline constexpr llvm::StringLiteral scratchBytesAttrName = "nncc.scratch_bytes";

/// The passes from stage Vector to stage LLVM.
void buildLowerToLLVM(mlir::OpPassManager &passes, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_CPU_COMPILEKERNEL_H
