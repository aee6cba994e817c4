//===- Codegen.h - from the LLVM dialect to an object ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_CODEGEN_H
#define NNCC_TARGET_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Target/CPULevel.h"
#include "nncc/Target/NodeListing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nncc::target {

/// An ELF object, in memory.
using ObjectBytes = llvm::SmallVector<char, 0>;

enum class Sanitizer { None, Address, Thread };

struct CodegenOptions {
  CPULevel level = CPULevel::getBaseline();
  unsigned optLevel = 3;
  bool debugInfo = false;             ///< line tables
  const NodeListing *nodes = nullptr; ///< what their lines refer to; null: the locations of the module as they are
  bool verify = true;                 ///< the LLVM module, before and after optimisation
  Sanitizer sanitizer = Sanitizer::None;
  std::string moduleName = "nncc"; ///< of the object's STT_FILE symbol
  std::string prefix;              ///< before the name of every function and constant: "nncc.resnet50."
  std::string suffix;              ///< behind it: ".v3"
};

/// What a context needs whose modules are compiled: the translations of the LLVM dialect.
void registerTranslations(mlir::DialectRegistry &registry);

/// Compiles a module of the LLVM dialect. Public functions become hidden symbols, all else is internal to the object.
/// Depends on nothing but its arguments, not on the machine either; may run in many threads at once on modules of
/// different contexts. Floating point is exact IEEE: no fast-math flags but those in the module, no contraction.
llvm::Expected<ObjectBytes> compileToObject(mlir::ModuleOp module, const CodegenOptions &options);
/// The same as text: assembly.
llvm::Expected<std::string> compileToAssembly(mlir::ModuleOp module, const CodegenOptions &options);
/// The same as text: LLVM IR behind the optimiser.
llvm::Expected<std::string> compileToLLVMIR(mlir::ModuleOp module, const CodegenOptions &options);

} // namespace nncc::target

#endif // NNCC_TARGET_CODEGEN_H
