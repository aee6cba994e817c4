//===- Program.cpp - a planned module into objects ------------------------------------------------------------------------===//

#include "Program.h"
#include "KernelFarm.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/Conversion/ExecToLLVM/WeightLayout.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/GPU/CompileKernel.h"
#include "nncc/Pipelines/Pipelines.h"
#include "nncc/Target/Descriptor.h"
#include "nncc/Target/Ptx.h"

using namespace mlir;

namespace nncc {

void registerAllNNCCDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<nn::NNDialect, exec::ExecDialect>();
  cpu::registerKernelDialects(registry);
  gpu::registerKernelDialects(registry);
  target::registerTranslations(registry);
  target::registerPtxTranslations(registry);
}

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

namespace {

/// The kernels of a module: those of the host for each level of CPUs, the others for each family of GPUs.
class KernelCompilation {
public:
  KernelCompilation(ModuleOp module, target::ModelDescription &model, const ProgramOptions &options)
      : module(module), kernels(module.getOps<exec::KernelOp>()), model(model), options(options),
        isForDevice(exec::isForDevice(module)) {}

  LogicalResult run(std::vector<target::ObjectBytes> &objects);

private:
  void addJobs();
  LogicalResult collect(std::vector<target::ObjectBytes> &objects);
  LogicalResult makeImages();
  LogicalResult makeParts(target::CudaImageDescription &image, ArrayRef<std::string> texts, ArrayRef<unsigned> ofTexts);

  ModuleOp module;
  SmallVector<exec::KernelOp> kernels;
  target::ModelDescription &model;
  const ProgramOptions &options;
  bool isForDevice;
  std::vector<std::string> bytecode;
  std::vector<KernelJob> jobs;
  std::vector<unsigned> numbers; // the kernel of each job
};

} // namespace

void KernelCompilation::addJobs() {
  for (exec::KernelOp kernel : kernels)
    bytecode.push_back(bytecodeOf(kernel, options.debugInfo));
  auto add = [&](unsigned number) -> KernelJob & {
    KernelJob &job = jobs.emplace_back();
    numbers.push_back(number);
    job.bytecode = bytecode[number];
    return job;
  };
  for (const target::CPULevel &level : model.levels)
    for (auto [number, kernel] : llvm::enumerate(kernels))
      if (!isForDevice || kernel.getHost()) {
        KernelJob &job = add(number);
        job.level = &level;
        job.codegen = kernelCodegen(model, level, options);
        job.codegen.moduleName = kernel.getSymName().str();
      }
  for (unsigned sm : isForDevice ? options.gpus : ArrayRef<unsigned>())
    for (auto [number, kernel] : llvm::enumerate(kernels))
      if (!kernel.getHost()) {
        KernelJob &job = add(number);
        job.sm = sm;
        job.codegen = codegenFor(model, options);
        job.codegen.optLevel = 1;
        job.codegen.suffix = target::getCudaSuffix(sm);
        job.codegen.moduleName = kernel.getSymName().str();
      }
}

LogicalResult KernelCompilation::collect(std::vector<target::ObjectBytes> &objects) {
  bool ok = true;
  for (auto [job, number] : llvm::zip_equal(jobs, numbers)) {
    if (!job.object) {
      kernels[number].emitError("for ") << (job.level ? job.level->name : "sm_" + std::to_string(job.sm)) << ": "
                                        << job.error;
      ok = false;
      continue;
    }
    model.scratchBytes = std::max(model.scratchBytes, job.scratchBytes);
    objects.push_back(std::move(*job.object));
  }
  return success(ok);
}

/// Texts with one module become one. An image without kernels has an empty part.
LogicalResult KernelCompilation::makeParts(target::CudaImageDescription &image, ArrayRef<std::string> texts,
                                           ArrayRef<unsigned> ofTexts) {
  SmallVector<unsigned> modules = target::divideIntoModules(texts);
  image.numParts = modules.empty() ? 1 : *llvm::max_element(modules) + size_t(1);
  for (unsigned part = 0; part < image.numParts; ++part) {
    std::vector<std::string> joined;
    for (auto [text, number, itsPart] : llvm::zip_equal(texts, ofTexts, modules))
      if (itsPart == part) {
        joined.push_back(text);
        image.kernels[number].part = part;
      }
    llvm::Expected<std::string> text = target::joinPtx(joined, makeTarget(image.sm, options));
    if (!text)
      return module.emitError(llvm::toString(text.takeError()));
    image.bytes += text->size();
    image.parts.push_back(std::move(*text));
  }
  return success();
}

/// The kernels of a family.
LogicalResult KernelCompilation::makeImages() {
  for (unsigned sm : isForDevice ? options.gpus : ArrayRef<unsigned>()) {
    std::vector<std::string> texts;
    SmallVector<unsigned> ofTexts;
    target::CudaImageDescription &image = model.images.emplace_back();
    image.sm = sm;
    image.kernels.resize(kernels.size());
    for (auto [job, number] : llvm::zip_equal(jobs, numbers))
      if (!job.level && job.sm == sm) {
        texts.push_back(std::move(job.ptx));
        ofTexts.push_back(number);
        image.kernels[number] = std::move(job.cuda);
      }
    if (failed(makeParts(image, texts, ofTexts)))
      return failure();
  }
  return success();
}

LogicalResult KernelCompilation::run(std::vector<target::ObjectBytes> &objects) {
  addJobs();
  compileKernels(jobs, options);
  return success(succeeded(collect(objects)) && succeeded(makeImages()));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Schedule and descriptor
//===----------------------------------------------------------------------------------------------------------------------===//

/// The schedule alone, in the LLVM dialect.
static OwningOpRef<ModuleOp> lowerSchedule(ModuleOp module, const ProgramOptions &options) {
  OwningOpRef<ModuleOp> schedule = cast<ModuleOp>(module->clone());
  if (auto weights = schedule->lookupSymbol<ModuleOp>("weights")) {
    // A program that shares its weights with another has the offsets already.
    if (!schedule.get()->hasAttr("exec.weight_offsets"))
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

FailureOr<std::vector<target::ObjectBytes>> compileCode(ModuleOp module, target::ModelDescription &model,
                                                        const ProgramOptions &options) {
  std::vector<target::ObjectBytes> objects;
  if (failed(KernelCompilation(module, model, options).run(objects)))
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
  return objects;
}

FailureOr<std::vector<target::ObjectBytes>> compileProgram(ModuleOp module, target::ModelDescription &model,
                                                           const ProgramOptions &options) {
  FailureOr<std::vector<target::ObjectBytes>> objects = compileCode(module, model, options);
  if (failed(objects))
    return failure();
  llvm::Expected<target::ObjectBytes> descriptor = target::compileDescriptor(model);
  if (!descriptor)
    return module.emitError(llvm::toString(descriptor.takeError()));
  objects->push_back(std::move(*descriptor));
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

FailureOr<std::string> printKernels(ModuleOp module, const target::ModelDescription &model,
                                    const ProgramOptions &options) {
  std::string text;
  llvm::raw_string_ostream os(text);
  const target::CPULevel &level = model.levels.back();
  for (exec::KernelOp kernel : module.getOps<exec::KernelOp>()) {
    if (exec::isForDevice(module) && !kernel.getHost()) {
      FailureOr<gpu::CompiledKernel> code =
          gpu::compileKernel(kernel, makeTarget(options.gpus.back(), options), gpu::KernelStage::Loops);
      if (failed(code))
        return failure();
      os << "// " << kernel.getSymName() << " for sm_" << options.gpus.back() << "\n" << *code->device << "\n";
      continue;
    }
    OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, makeTarget(level, options), cpu::KernelStage::Vector);
    if (!code)
      return failure();
    os << "// " << kernel.getSymName() << " for " << level.name << "\n" << *code << "\n";
  }
  return text;
}

FailureOr<std::string> printImages(ModuleOp module, const ProgramOptions &options) {
  target::ModelDescription model;
  std::vector<target::ObjectBytes> objects;
  if (failed(KernelCompilation(module, model, options).run(objects)))
    return failure();
  std::string text;
  for (const target::CudaImageDescription &image : model.images) {
    llvm::Expected<std::string> whole = target::joinPtx(image.parts, makeTarget(image.sm, options));
    if (!whole)
      return module.emitError(llvm::toString(whole.takeError()));
    text += *whole + "\n";
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
      if (exec::isForDevice(module) && !kernel.getHost())
        continue;
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
