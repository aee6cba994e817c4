//===- Jit.cpp - an operation of the math dialect as a function -----------------------------------------------------------===//

#include "Jit.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "nncc/Kernel/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <regex>

using namespace mlir;

struct Jit::State {
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  std::vector<std::unique_ptr<llvm::orc::LLJIT>> engines;
};

std::vector<Machine> runnableMachines() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<const char *> names) {
    return llvm::all_of(names, [&](const char *name) { return features.lookup(name); });
  };
  std::vector<Machine> machines;
  if (has({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}))
    machines = {{"x86-64-v4", 16}, {"x86-64-v4", 1}};
  if (has({"avx2", "fma", "bmi2", "f16c"}))
    machines.insert(machines.end(), {{"x86-64-v3", 16}, {"x86-64-v3", 8}, {"x86-64-v3", 1}});
  machines.insert(machines.end(), {{"x86-64", 16, true}, {"x86-64", 1, true}});
  return machines;
}

Jit::Jit() : state(std::make_unique<State>()) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  static bool registered = (registerAllPasses(), nncc::kernel::registerNNCCKernelPasses(), true);
  (void)registered;
  registerAllDialects(state->registry);
  registerAllExtensions(state->registry);
  registerAllToLLVMIRTranslations(state->registry);
  state->context = std::make_unique<MLIRContext>(state->registry, MLIRContext::Threading::DISABLED);
}

Jit::~Jit() = default;

/// A loop around `body`.
static std::string source(const std::string &body, int width, const std::string &bits) {
  std::string text = R"(func.func @run(%pa: !llvm.ptr, %pb: !llvm.ptr, %pc: !llvm.ptr, %out: !llvm.ptr, %count: index) {
    %zero = arith.constant 0 : index
    %step = arith.constant $w : index
    scf.for %i = %zero to %count step %step {
      %k = arith.index_cast %i : index to i64
      %ea = llvm.getelementptr %pa[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f$bits
      %eb = llvm.getelementptr %pb[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f$bits
      %ec = llvm.getelementptr %pc[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f$bits
      %a = llvm.load %ea {alignment = 4} : !llvm.ptr -> $f
      %b = llvm.load %eb {alignment = 4} : !llvm.ptr -> $f
      %c = llvm.load %ec {alignment = 4} : !llvm.ptr -> $f
      $body
      %eo = llvm.getelementptr %out[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f$bits
      llvm.store %r, %eo {alignment = 4} : $f, !llvm.ptr
    }
    return
  })";
  std::string number = std::to_string(width), lanes = width == 1 ? "" : "vector<" + number + "x",
              end = width == 1 ? "" : ">";
  auto replace = [&](const std::string &name, const std::string &by) {
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), by);
  };
  replace("$body", body);
  text = std::regex_replace(text, std::regex("\\$c<([^>]*)>"), width == 1 ? "$1" : "dense<$1>");
  replace("$bits", bits);
  replace("$f", lanes + "f" + bits + end);
  replace("$i", lanes + "i" + bits + end);
  replace("$w", number);
  return text;
}

static void optimize(llvm::Module &module, llvm::TargetMachine *target) {
  llvm::PassBuilder builder(target);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

Jit::Function Jit::compile(const std::string &body, const Machine &machine, const std::string &expand) {
  std::string pass = machine.sse2 ? "nncc-expand-math{sse2=true}" : "nncc-expand-math";
  return reinterpret_cast<Function>(
      compileText(source(body, machine.width, "32"), expand.empty() ? pass : expand, machine));
}

Jit::DoubleFunction Jit::compileDouble(const std::string &body, const Machine &machine) {
  return reinterpret_cast<DoubleFunction>(
      compileText(source(body, machine.width, "64"), "nncc-expand-math{f64=true}", machine));
}

void *Jit::compileText(const std::string &text, const std::string &expand, const Machine &machine) {
  message.clear();
  auto fail = [&](const std::string &what) {
    message = text + " for " + machine.cpu + ": " + what;
    return nullptr;
  };
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, state->context.get());
  if (!module)
    return fail("cannot parse");
  PassManager passes(state->context.get());
  std::string lower =
      "convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,"
      "convert-func-to-llvm,reconcile-unrealized-casts";
  if (failed(parsePassPipeline("func.func(" + expand + ")," + lower, passes)) || failed(passes.run(*module)))
    return fail("cannot lower");

  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(*module, *context);
  llvm::orc::JITTargetMachineBuilder target((llvm::Triple(llvm::sys::getDefaultTargetTriple())));
  target.setCPU(machine.cpu);
  target.setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
  auto targetMachine = target.createTargetMachine();
  if (!code || !targetMachine)
    return fail("no code");
  code->setDataLayout((*targetMachine)->createDataLayout());
  code->setTargetTriple((*targetMachine)->getTargetTriple());
  for (llvm::Function &function : *code) {
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("target-cpu", machine.cpu);
  }
  optimize(*code, targetMachine->get());
  auto engine = llvm::orc::LLJITBuilder()
                    .setJITTargetMachineBuilder(std::move(target))
                    .setLinkProcessSymbolsByDefault(false)
                    .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                    .create();
  if (!engine)
    return fail(llvm::toString(engine.takeError()));
  if (llvm::Error error = (*engine)->addIRModule(llvm::orc::ThreadSafeModule(std::move(code), std::move(context))))
    return fail(llvm::toString(std::move(error)));
  auto symbol = (*engine)->lookup("run");
  if (!symbol)
    return fail(llvm::toString(symbol.takeError()));
  state->engines.push_back(std::move(*engine));
  return symbol->toPtr<void *>();
}
