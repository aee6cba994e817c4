//===- Program.h - a planned module into objects ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_PROGRAM_H
#define NNCC_LIB_COMPILER_PROGRAM_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Target/Codegen.h"
#include "nncc/Target/ModelDescription.h"
#include <optional>

namespace nncc {

/// How machine code is made.
struct ProgramOptions {
  unsigned optLevel = 3; ///< of kernels
  bool debugInfo = false;
  const target::NodeListing *nodes = nullptr; ///< what lines of debug information mean
  bool verify = false;
  target::Sanitizer sanitizer = target::Sanitizer::None;
  unsigned jobs = 1;
  bool tf32 = false;             ///< see gpu::GPUTarget
  llvm::ArrayRef<unsigned> gpus; ///< families to make images for, ascending; of a module for a device
  /// Called when a kernel is done, from any thread, one at a time.
  llvm::function_ref<void(size_t done, size_t total)> progress;
};

/// The dialects of all stages.
void registerAllNNCCDialects(mlir::DialectRegistry &registry);

/// Fills in what the module says about the model: inputs, outputs, symbols, kernels, the memory plan. `name`, `levels` and weights are
/// the caller's.
mlir::LogicalResult describeModel(mlir::ModuleOp module, target::ModelDescription &model);

/// Whether the schedule asks only for what `model`, its description, has: what a dump says may have been edited. It is code, though:
/// what it does to the memory that it has is not checked.
mlir::LogicalResult checkSchedule(mlir::ModuleOp module, const target::ModelDescription &model);

/// The kernels of a module on tensors, each with how it is cut for one level.
std::string printTiling(mlir::ModuleOp module, const target::CPULevel &level, const ProgramOptions &options);
/// The kernels of a module for the last level or family as loops, vectors and memrefs, one after the other.
mlir::FailureOr<std::string> printKernels(mlir::ModuleOp module, const target::ModelDescription &model,
                                          const ProgramOptions &options);
/// The PTX of all families.
mlir::FailureOr<std::string> printImages(mlir::ModuleOp module, const ProgramOptions &options);
/// Kernels for all levels (in a module for a device: those of the host) and the schedule.
enum class TextKind { Assembly, LLVMIR };
mlir::FailureOr<std::string> printCode(mlir::ModuleOp module, const target::ModelDescription &model,
                                       const ProgramOptions &options, TextKind kind);

/// Compiles kernels (for each level and family, in parallel) and schedule of a planned module. Sets `model.scratchBytes` and
/// `model.images`. The module is not changed.
mlir::FailureOr<std::vector<target::ObjectBytes>> compileCode(mlir::ModuleOp module, target::ModelDescription &model,
                                                              const ProgramOptions &options);
/// The same, and the descriptor.
mlir::FailureOr<std::vector<target::ObjectBytes>> compileProgram(mlir::ModuleOp module, target::ModelDescription &model,
                                                                 const ProgramOptions &options);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_PROGRAM_H
