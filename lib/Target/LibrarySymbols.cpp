//===- LibrarySymbols.cpp - what a model object may leave undefined -----------------------------------------------===//

#include "LibrarySymbols.h"
#include "Linker.h"
#include "Machine.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace nncc::target {

bool isMathSymbol(StringRef name) {
  static const StringSet<> kDouble = {
      "acos", "acosh",  "asin",   "asinh", "atan",      "atan2", "atanh",     "cbrt",  "ceil",   "copysign",  "cos",
      "cosh", "erf",    "erfc",   "exp",   "exp10",     "exp2",  "expm1",     "fabs",  "fdim",   "floor",     "fma",
      "fmax", "fmin",   "fmod",   "frexp", "hypot",     "ldexp", "lgamma",    "log",   "log10",  "log1p",     "log2",
      "logb", "lrint",  "lround", "modf",  "nearbyint", "pow",   "remainder", "rint",  "round",  "roundeven", "scalbn",
      "sin",  "sincos", "sinh",   "sqrt",  "tan",       "tanh",  "tgamma",    "trunc", "llrint", "llround"};
  return kDouble.contains(name) || (name.consume_back("f") && kDouble.contains(name));
}

bool isLibrarySymbol(StringRef name, Sanitizer sanitizer) {
  if (name == "memcpy" || name == "memmove" || name == "memset" || name == "memcmp" || name == "bcmp")
    return true;
  if (sanitizer == Sanitizer::Address && name.starts_with("__asan_"))
    return true;
  if (sanitizer == Sanitizer::Thread && name.starts_with("__tsan_"))
    return true;
  return isMathSymbol(name);
}

/// Functions that do nothing: only their names matter.
static Expected<ObjectBytes> compileNames(ArrayRef<std::string> functions) {
  std::shared_lock optionsLock(getLLVMOptionsLock());
  auto machine = createMachine(CPULevel::getBaseline(), /*optLevel=*/0);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  Module module("libm", context);
  prepareModule(module, **machine);
  auto *type = FunctionType::get(Type::getVoidTy(context), false);
  for (const std::string &name : functions) {
    auto *function = Function::Create(type, GlobalValue::ExternalLinkage, name, module);
    IRBuilder<>(BasicBlock::Create(context, "", function)).CreateRetVoid();
  }
  ObjectBytes object;
  raw_svector_ostream out(object);
  if (Error error = emitModule(module, **machine, CodeGenFileType::ObjectFile, out))
    return error;
  return object;
}

Expected<ObjectBytes> makeMathLibrary(ArrayRef<std::string> functions) {
  Expected<ObjectBytes> object = compileNames(functions);
  if (!object)
    return object.takeError();
  return runLinker({"-shared", "-soname=libm.so.6"}, ArrayRef<char>(*object));
}

} // namespace nncc::target
