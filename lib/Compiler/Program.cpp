//===- Program.cpp - a planned module into objects ------------------------------------------------------------------------===//

#include "Program.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/Conversion/ExecToLLVM/WeightLayout.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Pipelines/Pipelines.h"
#include "nncc/Target/Descriptor.h"
#include "nnccrt/abi.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;

namespace nncc {

void registerAllNNCCDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<nn::NNDialect, exec::ExecDialect>();
  cpu::registerKernelDialects(registry);
  target::registerTranslations(registry);
}

static cpu::CPUTarget makeTarget(const target::CPULevel &level, const ProgramOptions &options) {
  cpu::CPUTarget target;
  target.vectorBits = level.getVectorBits();
  target.hasFMA = level.hasAVX2();
  target.hasVNNI = (level.required & NNCCRT_CPU_AVX512_VNNI) != 0;
  target.optLevel = options.optLevel;
  return target;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Kernels, in parallel
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {

/// One kernel for one level.
struct KernelJob {
  StringRef bytecode;
  const target::CPULevel *level;
  target::CodegenOptions codegen;
  // Results.
  std::optional<target::ObjectBytes> object;
  int64_t scratchBytes = 0;
  std::string error;
};

/// Compiles jobs on several threads, each with an MLIRContext of its own.
class KernelFarm {
public:
  KernelFarm(MutableArrayRef<KernelJob> jobs, const ProgramOptions &options) : jobs(jobs), options(options) {
    cpu::registerKernelDialects(registry);
    target::registerTranslations(registry);
  }

  void run() {
    unsigned count = std::min<size_t>(std::max(1u, options.jobs), jobs.size());
    SmallVector<std::thread> threads;
    for (unsigned i = 1; i < count; ++i)
      threads.emplace_back([this] { work(); });
    work();
    for (std::thread &thread : threads)
      thread.join();
  }

private:
  void work() {
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects(); // the emitters create what the kernel did not have
    for (size_t index = next++; index < jobs.size(); index = next++) {
      compile(jobs[index], context);
      if (options.progress) {
        std::lock_guard lock(progressLock);
        options.progress(++done, jobs.size());
      }
    }
  }

  void compile(KernelJob &job, MLIRContext &context) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        job.error += (job.error.empty() ? "" : "; ") + diagnostic.str();
      return success();
    });
    ParserConfig config(&context, /*verifyAfterParse=*/options.verify);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(job.bytecode, config);
    if (!module)
      return;
    auto kernel = *module->getOps<exec::KernelOp>().begin();
    OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, makeTarget(*job.level, options));
    if (!code)
      return;
    if (auto scratch = (*code)->getAttrOfType<IntegerAttr>(cpu::scratchBytesAttrName))
      job.scratchBytes = scratch.getInt();
    llvm::Expected<target::ObjectBytes> object = target::compileToObject(*code, job.codegen);
    if (object)
      job.object = std::move(*object);
    else
      job.error = llvm::toString(object.takeError());
  }

  MutableArrayRef<KernelJob> jobs;
  const ProgramOptions &options;
  DialectRegistry registry;
  std::atomic<size_t> next = 0;
  std::mutex progressLock;
  size_t done = 0;
};

} // namespace

/// Only debug information needs the locations. A kernel that many were merged into has very many.
static void forgetLocations(ModuleOp module) {
  Location nowhere = UnknownLoc::get(module.getContext());
  module->walk([&](Operation *op) {
    op->setLoc(nowhere);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setLoc(nowhere);
  });
}

static std::string bytecodeOf(exec::KernelOp kernel, bool keepLocations) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  OpBuilder::atBlockEnd(module->getBody()).clone(*kernel);
  if (!keepLocations)
    forgetLocations(*module);
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  (void)writeBytecodeToFile(*module, os); // fails only for versions that cannot be written
  return bytes;
}

static target::CodegenOptions codegenFor(const target::ModelDescription &model, const ProgramOptions &options) {
  target::CodegenOptions codegen;
  codegen.debugInfo = options.debugInfo;
  codegen.nodes = options.nodes;
  codegen.verify = options.verify;
  codegen.sanitizer = options.sanitizer;
  codegen.prefix = model.getSymbolPrefix();
  return codegen;
}

/// Kernels of -O0 keep LLVM's optimiser at its first level: without it scalar loops would take minutes where seconds do.
static target::CodegenOptions kernelCodegen(const target::ModelDescription &model, const target::CPULevel &level,
                                            const ProgramOptions &options) {
  target::CodegenOptions codegen = codegenFor(model, options);
  codegen.level = level;
  codegen.optLevel = options.optLevel ? 3 : 1;
  codegen.suffix = level.getSuffix();
  return codegen;
}

static LogicalResult compileKernels(ModuleOp module, target::ModelDescription &model, const ProgramOptions &options,
                                    std::vector<target::ObjectBytes> &objects) {
  SmallVector<exec::KernelOp> kernels(module.getOps<exec::KernelOp>());
  std::vector<std::string> bytecode;
  for (exec::KernelOp kernel : kernels)
    bytecode.push_back(bytecodeOf(kernel, options.debugInfo));
  std::vector<KernelJob> jobs;
  for (const target::CPULevel &level : model.levels)
    for (auto [index, kernel] : llvm::enumerate(kernels)) {
      KernelJob &job = jobs.emplace_back();
      job.bytecode = bytecode[index];
      job.level = &level;
      job.codegen = kernelCodegen(model, level, options);
      job.codegen.moduleName = kernel.getSymName().str();
    }
  KernelFarm(jobs, options).run();

  bool ok = true;
  for (auto [index, job] : llvm::enumerate(jobs)) {
    if (!job.object) {
      kernels[index % kernels.size()].emitError("for ") << job.level->name << ": " << job.error;
      ok = false;
      continue;
    }
    model.scratchBytes = std::max(model.scratchBytes, job.scratchBytes);
    objects.push_back(std::move(*job.object));
  }
  return success(ok);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Schedule and descriptor
//===----------------------------------------------------------------------------------------------------------------------===//

/// The schedule alone, in the LLVM dialect.
static OwningOpRef<ModuleOp> lowerSchedule(ModuleOp module, const ProgramOptions &options) {
  OwningOpRef<ModuleOp> schedule = cast<ModuleOp>(module->clone());
  if (auto weights = schedule->lookupSymbol<ModuleOp>("weights")) {
    WeightLayout::of(weights.lookupSymbol<func::FuncOp>("main").getResultTypes()).setOn(*schedule);
    weights.erase();
  }
  PassManager passes(module.getContext());
  passes.enableVerifier(options.verify);
  buildScheduleToLLVM(passes);
  if (failed(passes.run(*schedule)))
    return nullptr;
  return schedule;
}

FailureOr<std::vector<target::ObjectBytes>> compileProgram(ModuleOp module, target::ModelDescription &model,
                                                           const ProgramOptions &options) {
  std::vector<target::ObjectBytes> objects;
  if (failed(compileKernels(module, model, options, objects)))
    return failure();
  OwningOpRef<ModuleOp> schedule = lowerSchedule(module, options);
  if (!schedule)
    return failure();
  target::CodegenOptions codegen = codegenFor(model, options);
  codegen.moduleName = "schedule";
  codegen.optLevel = 1;
  llvm::Expected<target::ObjectBytes> object = target::compileToObject(*schedule, codegen);
  if (!object)
    return module.emitError(llvm::toString(object.takeError()));
  objects.push_back(std::move(*object));
  llvm::Expected<target::ObjectBytes> descriptor = target::compileDescriptor(model);
  if (!descriptor)
    return module.emitError(llvm::toString(descriptor.takeError()));
  objects.push_back(std::move(*descriptor));
  return objects;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Text of the late stages
//===----------------------------------------------------------------------------------------------------------------------===//

std::string printTiling(ModuleOp module, const target::CPULevel &level, const ProgramOptions &options) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (exec::KernelOp kernel : module.getOps<exec::KernelOp>())
    os << "// " << kernel.getSymName() << " for " << level.name << ": "
       << cpu::describeTiling(kernel, makeTarget(level, options)) << "\n"
       << kernel << "\n\n";
  return text;
}

FailureOr<std::string> printKernels(ModuleOp module, const target::CPULevel &level, const ProgramOptions &options) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (exec::KernelOp kernel : module.getOps<exec::KernelOp>()) {
    OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, makeTarget(level, options), cpu::KernelStage::Vector);
    if (!code)
      return failure();
    os << "// " << kernel.getSymName() << " for " << level.name << "\n" << *code << "\n";
  }
  return text;
}

FailureOr<std::string> printCode(ModuleOp module, const target::ModelDescription &model, const ProgramOptions &options,
                                 TextKind kind) {
  auto print = kind == TextKind::Assembly ? target::compileToAssembly : target::compileToLLVMIR;
  std::string text;
  auto append = [&](ModuleOp code, const target::CodegenOptions &codegen) -> LogicalResult {
    llvm::Expected<std::string> part = print(code, codegen);
    if (!part)
      return module.emitError(llvm::toString(part.takeError()));
    text += *part + "\n";
    return success();
  };
  for (const target::CPULevel &level : model.levels)
    for (exec::KernelOp kernel : module.getOps<exec::KernelOp>()) {
      OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, makeTarget(level, options));
      if (!code || failed(append(*code, kernelCodegen(model, level, options))))
        return failure();
    }
  OwningOpRef<ModuleOp> schedule = lowerSchedule(module, options);
  if (!schedule || failed(append(*schedule, codegenFor(model, options))))
    return failure();
  return text;
}

} // namespace nncc
