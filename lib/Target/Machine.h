//===- Machine.h - LLVM's x86 back end, as all of Target uses it ----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_MACHINE_H
#define NNCC_LIB_TARGET_MACHINE_H

#include "nncc/Target/Codegen.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <shared_mutex>

namespace nncc::target {

/// lld in a process sets every cl::opt to its default, and LLVM reads cl::opts all over: compiling holds this shared,
/// linking alone.
std::shared_mutex &getLLVMOptionsLock();

/// A back end for position-independent code of the small model.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(const CPULevel &level, unsigned optLevel);

/// Gives `module` the triple, data layout and flags of code from this machine.
void prepareModule(llvm::Module &module, const llvm::TargetMachine &machine);

/// An error says what is invalid in `module`, and `when` it was seen.
llvm::Error verifyModule(const llvm::Module &module, llvm::StringRef when);

/// Runs LLVM's default pipeline of `level` for `machine`; `extend` adds passes to it. The vectorisers and interleaving of loops are on or
/// off together.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine, llvm::OptimizationLevel level, bool vectorizes,
                    llvm::function_ref<void(llvm::PassBuilder &)> extend = {});

/// Runs the back end.
llvm::Error emitModule(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType kind,
                       llvm::raw_pwrite_stream &out);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_MACHINE_H
