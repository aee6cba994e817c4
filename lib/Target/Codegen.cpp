//===- Codegen.cpp - from the LLVM dialect to an object -----------------------------------------------------------===//

#include "nncc/Target/Codegen.h"
#include "DebugLines.h"
#include "Machine.h"
#include "Sanitize.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace nncc::target {

void registerTranslations(DialectRegistry &registry) {
  registry.insert<LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

namespace {
/// One compilation, in steps.
class Compilation {
public:
  Compilation(ModuleOp source, const CodegenOptions &options) : source(source), options(options) {}

  llvm::Error run();
  llvm::Error emit(llvm::CodeGenFileType kind, llvm::raw_pwrite_stream &out) {
    return emitModule(*module, *machine, kind, out);
  }
  llvm::Module &getModule() { return *module; }

private:
  llvm::Error translate();
  llvm::Error verify(llvm::StringRef when);
  void nameSymbols();
  void setAttributes();
  void optimize();

  ModuleOp source;
  const CodegenOptions &options;
  std::shared_lock<std::shared_mutex> optionsLock{getLLVMOptionsLock()};
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module; // after the context: it goes first
};
} // namespace

/// The message of an error that came as MLIR diagnostics.
static llvm::Error runReporting(MLIRContext *context, StringRef what, llvm::function_ref<LogicalResult()> step) {
  std::string messages;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return success();
  });
  return succeeded(step()) ? llvm::Error::success() : llvm::createStringError(what + ": " + messages);
}

llvm::Error Compilation::translate() {
  MLIRContext *mlirContext = source.getContext();
  if (options.debugInfo) {
    if (options.nodes)
      useNodeLines(source, *options.nodes);
    PassManager passes(mlirContext);
    passes.addPass(LLVM::createDIScopeForLLVMFuncOpPass());
    if (auto error = runReporting(mlirContext, "line tables", [&] { return passes.run(source); }))
      return error;
  }
  return runReporting(mlirContext, "translation to LLVM IR", [&] {
    module = translateModuleToLLVMIR(source, context, options.moduleName, /*disableVerification=*/true);
    return success(module != nullptr);
  });
}

/// Public definitions are for the linker alone; all else is internal. (A private function of MLIR has external linkage
/// unless it says otherwise.)
void Compilation::nameSymbols() {
  llvm::StringSet<> exported;
  for (auto function : source.getOps<LLVM::LLVMFuncOp>())
    if (function.isPublic() && function.getLinkage() == LLVM::Linkage::External)
      exported.insert(function.getSymName());
  for (llvm::GlobalValue &value : module->global_values()) {
    if (value.isDeclaration())
      continue;
    bool isExported = exported.contains(value.getName());
    if (value.hasPrivateLinkage())
      continue;
    value.setName(options.prefix + value.getName() + options.suffix);
    value.setLinkage(isExported ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage);
    if (isExported)
      value.setVisibility(llvm::GlobalValue::HiddenVisibility);
    value.setDSOLocal(true);
  }
}

void Compilation::setAttributes() {
  const CPULevel &level = options.level;
  for (llvm::Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", level.cpu);
    function.addFnAttr("target-features", level.features);
    function.addFnAttr("tune-cpu", level.tune);
    // Some CPUs are tuned for 256 bits against the clock drops of the first AVX-512 machines; our kernels fill whole
    // registers.
    function.addFnAttr("prefer-vector-width", std::to_string(level.getVectorBits()));
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr(llvm::Attribute::getWithUWTableKind(context, llvm::UWTableKind::Sync));
  }
}

llvm::Error Compilation::verify(llvm::StringRef when) {
  return options.verify ? verifyModule(*module, when) : llvm::Error::success();
}

void Compilation::optimize() {
  const llvm::OptimizationLevel levels[] = {llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
                                            llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  optimizeModule(*module, *machine, levels[std::min(options.optLevel, 3u)], /*vectorizes=*/true,
                 [&](llvm::PassBuilder &builder) { addSanitizer(builder, *module, options.sanitizer); });
}

llvm::Error Compilation::run() {
  auto created = createMachine(options.level, options.optLevel);
  if (!created)
    return created.takeError();
  machine = std::move(*created);
  if (llvm::Error error = translate())
    return error;
  prepareModule(*module, *machine);
  nameSymbols();
  setAttributes();
  if (llvm::Error error = verify("from the kernels"))
    return error;
  optimize();
  return verify("behind the optimiser");
}

llvm::Expected<ObjectBytes> compileToObject(ModuleOp module, const CodegenOptions &options) {
  Compilation compilation(module, options);
  if (llvm::Error error = compilation.run())
    return error;
  ObjectBytes bytes;
  llvm::raw_svector_ostream out(bytes);
  if (llvm::Error error = compilation.emit(llvm::CodeGenFileType::ObjectFile, out))
    return error;
  return bytes;
}

llvm::Expected<std::string> compileToAssembly(ModuleOp module, const CodegenOptions &options) {
  Compilation compilation(module, options);
  if (llvm::Error error = compilation.run())
    return error;
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream out(text);
  if (llvm::Error error = compilation.emit(llvm::CodeGenFileType::AssemblyFile, out))
    return error;
  return std::string(text.begin(), text.end());
}

llvm::Expected<std::string> compileToLLVMIR(ModuleOp module, const CodegenOptions &options) {
  Compilation compilation(module, options);
  if (llvm::Error error = compilation.run())
    return error;
  std::string text;
  llvm::raw_string_ostream out(text);
  compilation.getModule().print(out, nullptr);
  return text;
}

} // namespace nncc::target
