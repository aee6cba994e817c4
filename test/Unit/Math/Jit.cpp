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
#include "nncc/CPU/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

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
  machines.insert(machines.end(), {{"x86-64", 4, true}, {"x86-64", 1, true}});
  return machines;
}

Jit::Jit() : state(std::make_unique<State>()) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  static bool registered = (registerAllPasses(), nncc::cpu::registerNNCCCPUPasses(), true);
  (void)registered;
  registerAllDialects(state->registry);
  registerAllExtensions(state->registry);
  registerAllToLLVMIRTranslations(state->registry);
  state->context = std::make_unique<MLIRContext>(state->registry, MLIRContext::Threading::DISABLED);
}

Jit::~Jit() = default;

static std::string source(const std::string &op, int arguments, int width) {
  std::string lanes = width == 1 ? "f32" : "vector<" + std::to_string(width) + "xf32>";
  std::string operands = arguments == 1 ? "%x" : "%x, %y";
  return R"(func.func @run(%a: !llvm.ptr, %b: !llvm.ptr, %out: !llvm.ptr, %count: index) {
    %zero = arith.constant 0 : index
    %step = arith.constant )" + std::to_string(width) + R"( : index
    scf.for %i = %zero to %count step %step {
      %k = arith.index_cast %i : index to i64
      %pa = llvm.getelementptr %a[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %pb = llvm.getelementptr %b[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %po = llvm.getelementptr %out[%k] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %x = llvm.load %pa {alignment = 4} : !llvm.ptr -> )" + lanes + R"(
      %y = llvm.load %pb {alignment = 4} : !llvm.ptr -> )" + lanes + R"(
      %z = math.)" + op + " " + operands + " : " + lanes + R"(
      llvm.store %z, %po {alignment = 4} : )" + lanes + R"(, !llvm.ptr
    }
    return
  })";
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

Jit::Function Jit::compile(const std::string &op, int arguments, const Machine &machine, const std::string &pipeline) {
  message.clear();
  auto fail = [&](const std::string &what) {
    message = "math." + op + " for " + machine.cpu + ": " + what;
    return nullptr;
  };
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source(op, arguments, machine.width), state->context.get());
  if (!module)
    return fail("cannot parse");
  PassManager passes(state->context.get());
  std::string expand = machine.sse2 ? "nncc-expand-math{sse2=true}" : "nncc-expand-math";
  std::string lower = "convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,"
                      "convert-func-to-llvm,reconcile-unrealized-casts";
  if (failed(parsePassPipeline((pipeline.empty() ? expand : pipeline) + "," + lower, passes)) || failed(passes.run(*module)))
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
  return symbol->toPtr<Function>();
}
