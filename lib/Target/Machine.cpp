//===- Machine.cpp - LLVM's x86 back end, as all of Target uses it ------------------------------------------------===//

#include "Machine.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

namespace nncc::target {

static constexpr char kTriple[] = "x86_64-unknown-linux-gnu";

std::shared_mutex &getLLVMOptionsLock() {
  static std::shared_mutex lock;
  return lock;
}

static void initializeBackEnd() {
  static const bool once = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // without it inline assembly ends the process
    return true;
  }();
  (void)once;
}

Expected<std::unique_ptr<TargetMachine>> createMachine(const CPULevel &level, unsigned optLevel) {
  initializeBackEnd();
  std::string error;
  Triple triple(kTriple);
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError(error);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Strict;
  auto effort = CodeGenOpt::getLevel(std::min(optLevel, 3u)).value();
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(triple, level.cpu, level.features, options, Reloc::PIC_, CodeModel::Small, effort));
}

void prepareModule(Module &module, const TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  module.setUwtable(UWTableKind::Sync); // a stack trace that passes through a kernel must not end there
}

Error verifyModule(const Module &module, StringRef when) {
  std::string messages;
  raw_string_ostream out(messages);
  return llvm::verifyModule(module, &out) ? createStringError("invalid LLVM IR " + when + ": " + messages)
                                          : Error::success();
}

void optimizeModule(Module &module, TargetMachine &machine, OptimizationLevel level, bool vectorizes,
                    function_ref<void(PassBuilder &)> extend) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopInterleaving = vectorizes;
  PassBuilder builder(&machine, tuning);
  if (extend)
    extend(builder);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ModulePassManager passes = level == OptimizationLevel::O0 ? builder.buildO0DefaultPipeline(level)
                                                            : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

namespace {
/// LLVM's own handler prints and ends the process.
struct ErrorCollector : DiagnosticHandler {
  explicit ErrorCollector(std::string &messages) : messages(messages) {}
  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() != DS_Error)
      return true;
    raw_string_ostream out(messages);
    DiagnosticPrinterRawOStream printer(out);
    info.print(printer);
    out << '\n';
    return true;
  }
  std::string &messages;
};
} // namespace

Error emitModule(Module &module, TargetMachine &machine, CodeGenFileType kind, raw_pwrite_stream &out) {
  std::string messages;
  module.getContext().setDiagnosticHandler(std::make_unique<ErrorCollector>(messages));
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, out, nullptr, kind))
    return createStringError("LLVM has no such output for " + machine.getTargetTriple().str());
  passes.run(module);
  module.getContext().setDiagnosticHandler(nullptr);
  return messages.empty() ? Error::success() : createStringError("the back end reports: " + messages);
}

} // namespace nncc::target
