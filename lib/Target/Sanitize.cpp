//===- Sanitize.cpp - instrumentation of kernels
//-------------------------------------------------------------------------------===//

#include "Sanitize.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Instrumentation/ThreadSanitizer.h"

using namespace llvm;

namespace nncc::target {

static void addThreadSanitizer(ModulePassManager &passes) {
  passes.addPass(ModuleThreadSanitizerPass());
  passes.addPass(createModuleToFunctionPassAdaptor(ThreadSanitizerPass()));
}

void addSanitizer(PassBuilder &builder, Module &module, Sanitizer sanitizer) {
  if (sanitizer == Sanitizer::None)
    return;
  bool address = sanitizer == Sanitizer::Address;
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(address ? Attribute::SanitizeAddress : Attribute::SanitizeThread);
  builder.registerOptimizerLastEPCallback([=](ModulePassManager &passes, OptimizationLevel, ThinOrFullLTOPhase) {
    if (address)
      passes.addPass(AddressSanitizerPass(AddressSanitizerOptions()));
    else
      addThreadSanitizer(passes);
  });
}

} // namespace nncc::target
