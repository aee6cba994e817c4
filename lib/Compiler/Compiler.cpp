//===- Compiler.cpp - from a model to files -------------------------------------------------------------------------------===//

#include "nncc/Compiler/Compiler.h"
#include "Cubins.h"
#include "Dump.h"
#include "FoldWeights.h"
#include "Names.h"
#include "Program.h"
#include "Report.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Conversion/ExecToLLVM/WeightLayout.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/GPU/Target.h"
#include "nncc/Pipelines/Pipelines.h"
#include "nncc/Support/MLIRDiagnostics.h"
#include "nncc/Support/OutputFile.h"
#include "nncc/Support/SourceFiles.h"
#include "nncc/Target/Descriptor.h"
#include "nncc/Target/GPUTable.h"
#include "nncc/Target/Header.h"
#include "nncc/Target/Identifiers.h"
#include "nncc/Target/Link.h"
#include "llvm/Support/Path.h"
#include <thread>

using namespace mlir;

namespace nncc {
namespace {

/// One compilation.
class Compilation {
public:
  Compilation(const CompileOptions &options, Diagnostics &diagnostics)
      : options(options), diagnostics(diagnostics), files(options.input, options.externalDataRoot),
        context(makeRegistry(), MLIRContext::Threading::DISABLED), progress(options.timing, options.progress),
        pipeline{.device = options.target == TargetKind::CPU ? Device::CPU : Device::CUDA,
                 .optLevel = options.optLevel,
                 .fuse = options.fuse,
                 .winograd = options.winograd,
                 .separateBuffers = options.sanitizer == target::Sanitizer::Address} {
    context.loadAllAvailableDialects();
    context.printOpOnDiagnostic(false);
    if (options.remarksMade || options.remarksMissed || !options.report.empty())
      collectRemarks(context, report.remarks);
  }

  /// Everything that can find something wrong with a model.
  void check() {
    if (import() && runPasses("optimise", buildOptimise, Stage::NN))
      runPasses("lower operators", buildLowerOperators, Stage::NN);
  }

  std::optional<ModelInfo> describe() {
    if (!resolveNames() || !resolveLevels() || !import())
      return std::nullopt;
    std::map<std::string, unsigned> operations = countOperations(*module);
    if (!runPasses("optimise", buildOptimise, Stage::NN) || !runPasses("form kernels", buildFormKernels, Stage::NN) ||
        !runPasses("plan memory", buildPlanMemory, Stage::Linalg))
      return std::nullopt;
    if (!describeModule())
      return std::nullopt;
    if (auto weights = module->lookupSymbol<ModuleOp>("weights"))
      model.weightsBytes = WeightLayout::of(weights.lookupSymbol<func::FuncOp>("main").getResultTypes()).bytes;
    return ModelInfo{model, std::move(operations)};
  }

  std::optional<CompileResult> run() {
    std::optional<CompileResult> done = compile();
    if (!done)
      return std::nullopt;
    if (llvm::Error problem = outputs.commit()) {
      error(DiagnosticCode::CannotWrite, "", std::move(problem));
      return std::nullopt;
    }
    if (!writeReport()) // of what was written
      return std::nullopt;
    done->remarks = chooseRemarks(report.remarks, options);
    return done;
  }

private:
  /// Each step is a stage of the design.
  std::optional<CompileResult> compile() {
    if (!resolveNames() || !resolveLevels() || !import() || !checkPaths())
      return std::nullopt;
    if (done(EmitStage::NN))
      return emitModule();
    if (!runPasses("optimise", buildOptimise, Stage::NN))
      return std::nullopt;
    if (done(EmitStage::NNOpt))
      return emitModule();
    if (!runPasses("form kernels", buildFormKernels, Stage::NN))
      return std::nullopt;
    if (done(EmitStage::Linalg))
      return emitModule();
    if (!runPasses("plan memory", buildPlanMemory, Stage::Linalg))
      return std::nullopt;
    if (done(EmitStage::Exec))
      return emitModule();
    return generate();
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerAllNNCCDialects(registry);
    return registry;
  }

  ProgramOptions programOptions() {
    ProgramOptions program;
    program.optLevel = options.optLevel;
    program.debugInfo = options.debugInfo;
    program.verify = options.verify;
    program.sanitizer = options.sanitizer;
    program.tf32 = options.tf32;
    program.gpus = families;
    program.jobs = options.jobs ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
    return program;
  }

  bool error(DiagnosticCode code, const Twine &place, const Twine &message) {
    diagnostics.error(code, options.input, place, message);
    return false;
  }
  bool error(DiagnosticCode code, const Twine &place, llvm::Error problem) {
    return error(code, place, llvm::toString(std::move(problem)));
  }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Names
  //===--------------------------------------------------------------------------------------------------------------------===//

  bool resolveNames() {
    model.name = options.name.empty() ? modelNameFor(options.input) : options.name;
    model.producer = "nncc 0.1.0 -O" + std::to_string(options.optLevel);
    if (options.tf32 && isForDevice())
      model.producer += " --tf32";
    result.output = options.output;
    if (result.output.empty())
      result.output = model.name + extensionOf(options.emit).str();
    return true;
  }

  bool writesCode() const { return done(EmitStage::Object) || done(EmitStage::SharedObject); }
  std::string headerPath() const {
    return options.header.empty() ? withExtension(result.output, ".h") : options.header;
  }
  std::string weightsPath() const { return withExtension(result.output, ".weights"); }
  /// Where the text goes that debuggers show: beside the output.
  std::string listingPath() const {
    return withExtension(options.output == "-" ? model.name : result.output, ".nodes");
  }

  /// Nothing that will be written may replace what is read.
  bool checkPaths() {
    std::vector<std::string> paths = {result.output, options.report};
    if (writesCode()) {
      paths.push_back(headerPath());
      if (options.weightsInFile)
        paths.push_back(weightsPath());
      if (options.debugInfo)
        paths.push_back(listingPath());
    }
    return checkOutputPaths(paths, files.filesRead(), diagnostics);
  }

  bool resolveLevels() {
    // Kernels of the host are small: one level does.
    std::vector<std::string> host = {"x86-64-v3"};
    llvm::Expected<std::vector<target::CPULevel>> levels =
        target::resolveCPULevels(isForDevice() ? host : options.cpus);
    if (!levels)
      return error(DiagnosticCode::UnknownCPU, "", levels.takeError());
    model.levels = std::move(*levels);
    return !isForDevice() || resolveFamilies();
  }

  bool isForDevice() const { return pipeline.device == Device::CUDA; }

  bool resolveFamilies() {
    for (auto [names, list] : {std::pair(&options.gpus, &families), {&options.cubinGPUs, &cubinFamilies}}) {
      llvm::Expected<std::vector<unsigned>> resolved = target::resolveGPUs(*names);
      if (!resolved)
        return error(DiagnosticCode::UnknownGPU, "", resolved.takeError());
      *list = std::move(*resolved);
    }
    if (options.cubinGPUs.empty())
      cubinFamilies.clear();
    for (unsigned sm : cubinFamilies)
      if (!llvm::is_contained(families, sm))
        return error(DiagnosticCode::BadOption, "",
                     "--cubin=sm_" + Twine(sm) + ": there is no image of it; add it to -gpu=");
    return !options.tf32 || checkTF32();
  }

  /// Whether any of the images has what --tf32 asks for.
  bool checkTF32() {
    if (llvm::any_of(families, [](unsigned sm) { return gpu::GPUTarget{.sm = sm}.hasAmpereMma(); }))
      return true;
    return error(DiagnosticCode::BadOption, "",
                 "--tf32: no image for " + llvm::join(options.gpus, ", ") +
                     " can have it: tf32 needs sm_80 (a100) or newer; add one to -gpu=");
  }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Import
  //===--------------------------------------------------------------------------------------------------------------------===//

  bool import() {
    Progress::Step step = progress.step("import");
    if (StringRef(options.input).ends_with(".mlir")) {
      Dump dump = parseDump(context, files, diagnostics);
      module = std::move(dump.module);
      stage = dump.stage;
      return module && checkDevice();
    }
    module = import::importONNX(context, files, options.import, diagnostics);
    if (!module || diagnostics.hasErrors())
      return false;
    if (!options.report.empty())
      report.operations = countOperations(*module);
    return true;
  }

  /// Whether the dump is not already planned for something else.
  bool checkDevice() {
    if (stage == Stage::NN || exec::isForDevice(*module) == isForDevice())
      return true;
    return error(DiagnosticCode::BadOption, "",
                 isForDevice() ? "the module is planned for the CPU: up to --emit=nn-opt a dump may go to a GPU"
                               : "the module is planned for a GPU: -target=cuda");
  }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Stages on the module
  //===--------------------------------------------------------------------------------------------------------------------===//

  /// Runs a pipeline, unless the input is a dump from behind it: `from` is the stage that it starts at.
  bool runPasses(StringRef name, void (*build)(OpPassManager &, const PipelineOptions &), Stage from) {
    if (stage > from)
      return true;
    Progress::Step step = progress.step(name);
    MLIRDiagnosticsScope scope(&context, diagnostics, options.input, DiagnosticCode::UnsupportedNode);
    PassManager passes(&context);
    passes.enableVerifier(options.verify);
    build(passes, pipeline);
    if (succeeded(passes.run(*module)) && !diagnostics.hasErrors())
      return true;
    return diagnostics.hasErrors() ||
               error(DiagnosticCode::Internal, "", "the stage '" + name + "' failed without a reason"),
           false;
  }

  bool done(EmitStage stage) const { return options.emit == stage; }

  /// Whether locations name the model's nodes. The object has their names: a dump without them would compile to other bytes.
  bool namesNodes() {
    auto walked = module->walk(
        [](Operation *op) { return nodeName(op->getLoc()).empty() ? WalkResult::advance() : WalkResult::interrupt(); });
    return walked.wasInterrupted();
  }

  std::optional<CompileResult> emitModule() {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, OpPrintingFlags().enableDebugInfo(options.debugInfo || namesNodes()));
    return emitText(text);
  }

  std::optional<CompileResult> emitText(StringRef text) {
    if (options.output == "-") {
      llvm::outs() << text;
      return result;
    }
    llvm::Error problem = outputs.write(result.output, [&](llvm::raw_pwrite_stream &os) {
      os << text;
      return llvm::Error::success();
    });
    if (problem) {
      error(DiagnosticCode::CannotWrite, "", std::move(problem));
      return std::nullopt;
    }
    return result;
  }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Code
  //===--------------------------------------------------------------------------------------------------------------------===//

  std::optional<CompileResult> generate() {
    if (!describeProgram())
      return std::nullopt;
    remarkOnPrecision(*module, families, options.tf32);
    MLIRDiagnosticsScope scope(&context, diagnostics, options.input, DiagnosticCode::Internal);
    ProgramOptions program = programOptions();
    if (!options.report.empty())
      report.readProgram(*module);
    if (options.debugInfo)
      program.nodes = &nodes.emplace(listingPath(), model.kernels);
    if (std::optional<FailureOr<std::string>> text = printStage(program))
      return emitOrFail(*text);

    target::WeightBlob weights;
    if (!foldModelWeights(weights, program))
      return std::nullopt;
    model.deviceWeightsBytes = isForDevice() ? weights.size() : 0;
    std::vector<target::ObjectBytes> objects;
    if (options.target == TargetKind::CUDAAndCPU && !compileFallback(objects, weights))
      return std::nullopt;
    if (!compileKernels(objects, program) || !compileDescriptor(objects))
      return std::nullopt;
    if (!write(objects, weights))
      return std::nullopt;
    return result;
  }

  /// Fills in `model`. What the module says of itself is nncc's only where a model or a dump of `nn` was read.
  bool describeModule() {
    bool isOurs = stage == Stage::NN;
    MLIRDiagnosticsScope scope(&context, diagnostics, options.input,
                               isOurs ? DiagnosticCode::Internal : DiagnosticCode::NotAModel);
    return succeeded(describeModel(*module, model)) && (isOurs || succeeded(checkSchedule(*module, model)));
  }

  bool describeProgram() {
    if (!describeModule())
      return false;
    target::assignIdentifiers(model);
    bool anyOnHost = llvm::any_of(model.kernels, [](const target::KernelDescription &kernel) { return kernel.onHost; });
    if (isForDevice() && !anyOnHost)
      model.levels = {target::CPULevel::getBaseline()};
    return true;
  }

  /// The text of a late stage, where one is wanted.
  std::optional<FailureOr<std::string>> printStage(const ProgramOptions &program) {
    switch (options.emit) {
    case EmitStage::Tiled:
      return FailureOr(printTiling(*module, model.levels.back(), program));
    case EmitStage::Vector:
      return printKernels(*module, model, program);
    case EmitStage::PTX:
      return printImages(*module, program);
    case EmitStage::Assembly:
      return printCode(*module, model, program, TextKind::Assembly);
    case EmitStage::LLVM:
      return printCode(*module, model, program, TextKind::LLVMIR);
    default:
      return std::nullopt;
    }
  }

  /// The program for CPUs beside that for GPUs. What weights they have in common is there once.
  bool compileFallback(std::vector<target::ObjectBytes> &objects, target::WeightBlob &weights) {
    CompileOptions forCPU = options;
    forCPU.target = TargetKind::CPU;
    forCPU.report.clear();
    Compilation other(forCPU, diagnostics);
    if (!other.resolveNames() || !other.resolveLevels() || !other.import() ||
        !other.runPasses("optimise for CPUs", buildOptimise, Stage::NN) ||
        !other.runPasses("form kernels for CPUs", buildFormKernels, Stage::NN) ||
        !other.runPasses("plan memory for CPUs", buildPlanMemory, Stage::Linalg))
      return false;
    other.model.variant = "cpu.";
    if (!other.describeProgram())
      return false;
    MLIRDiagnosticsScope scope(&other.context, diagnostics, options.input, DiagnosticCode::Internal);
    ProgramOptions program = other.programOptions();
    target::WeightBlob blob;
    if (!other.foldModelWeights(blob, program))
      return false;
    (*other.module)->setAttr("exec.weight_offsets", Builder(&other.context).getDenseI64ArrayAttr(weights.merge(blob)));
    if (!other.compileKernels(objects, program))
      return false;
    for (target::ModelDescription *one : {&model, &other.model}) {
      one->weightsBytes = weights.size();
      one->weightsHash = weights.hash();
      one->weightsFile = model.weightsFile;
    }
    model.fallback = std::make_shared<target::ModelDescription>(other.model);
    return true;
  }

  bool writeListing() {
    llvm::Error problem = outputs.write(listingPath(), [&](llvm::raw_pwrite_stream &os) {
      os << nodes->getText();
      return llvm::Error::success();
    });
    return !problem || error(DiagnosticCode::CannotWrite, "", std::move(problem));
  }

  std::optional<CompileResult> emitOrFail(FailureOr<std::string> text) {
    if (failed(text) || diagnostics.hasErrors())
      return std::nullopt;
    return emitText(*text);
  }

  bool foldModelWeights(target::WeightBlob &weights, const ProgramOptions &program) {
    auto inner = module->lookupSymbol<ModuleOp>("weights");
    if (!inner)
      return true;
    Progress::Step step = progress.step("fold weights");
    OwningOpRef<ModuleOp> copy = inner.clone(); // the schedule still asks the original for its results
    FailureOr<target::WeightBlob> blob = foldWeights(*copy, files, program, diagnostics);
    if (failed(blob) || diagnostics.hasErrors())
      return false;
    weights = std::move(*blob);
    model.weightsBytes = weights.size();
    model.weightsHash = weights.hash();
    if (options.weightsInFile) {
      result.weights = weightsPath();
      model.weightsFile = llvm::sys::path::filename(result.weights).str();
    }
    return true;
  }

  bool compileKernels(std::vector<target::ObjectBytes> &objects, ProgramOptions &program) {
    Progress::Step step = progress.step("kernels");
    auto show = [&](size_t done, size_t total) { progress.show(done, total); };
    program.progress = show;
    FailureOr<std::vector<target::ObjectBytes>> compiled = compileCode(*module, model, program);
    if (failed(compiled) || diagnostics.hasErrors())
      return false;
    for (target::ObjectBytes &object : *compiled) {
      report.codeBytes.push_back(object.size());
      objects.push_back(std::move(object));
    }
    if (!isForDevice() || !options.cubins)
      return true;
    llvm::Error problem = addCubins(model, cubinFamilies, options.ptxas);
    return !problem || error(DiagnosticCode::CannotRead, "", std::move(problem));
  }

  bool compileDescriptor(std::vector<target::ObjectBytes> &objects) {
    llvm::Expected<target::ObjectBytes> descriptor = target::compileDescriptor(model);
    if (!descriptor)
      return error(DiagnosticCode::Internal, "", descriptor.takeError());
    objects.push_back(std::move(*descriptor));
    return true;
  }

  /// The system's errors (no room for temporary files) are no mistakes of nncc.
  bool linkError(llvm::Error problem) {
    std::string message;
    std::error_code code = llvm::inconvertibleErrorCode();
    llvm::handleAllErrors(std::move(problem), [&](const llvm::ErrorInfoBase &info) {
      message = info.message();
      code = info.convertToErrorCode();
    });
    return error(code == llvm::inconvertibleErrorCode() ? DiagnosticCode::Internal : DiagnosticCode::CannotWrite, "",
                 message);
  }

  bool write(ArrayRef<target::ObjectBytes> objects, const target::WeightBlob &weights) {
    Progress::Step step = progress.step("link and write");
    llvm::Expected<target::ObjectBytes> joined =
        target::joinObjects(objects, model.getExportedSymbol(), options.sanitizer);
    if (!joined)
      return linkError(joined.takeError());
    if (options.weightsInFile && !weights.empty())
      if (llvm::Error problem = target::writeWeightsFile(result.weights, weights, model.weightsHash, &outputs))
        return error(DiagnosticCode::CannotWrite, "", std::move(problem));
    static const target::WeightBlob none;
    const target::WeightBlob &embedded = options.weightsInFile ? none : weights;
    auto writeCode = done(EmitStage::SharedObject) ? target::writeSharedObject : target::writeObjectFile;
    if (llvm::Error problem = writeCode(result.output, *joined, embedded, &outputs))
      return error(DiagnosticCode::CannotWrite, "", std::move(problem));
    if (nodes && !writeListing())
      return false;
    result.inputs = files.filesRead();
    return writeHeader();
  }

  bool writeHeader() {
    if (options.header == "-")
      return true;
    result.header = headerPath();
    llvm::Expected<std::string> text = target::generateHeader(model, options.cppNamespace);
    if (!text)
      return error(DiagnosticCode::BadOption, "", text.takeError());
    llvm::Error problem = outputs.write(result.header, [&](llvm::raw_pwrite_stream &os) {
      os << *text;
      return llvm::Error::success();
    });
    return !problem || error(DiagnosticCode::CannotWrite, "", std::move(problem));
  }

  bool writeReport() {
    if (options.report.empty())
      return true;
    report.stages = progress.getTimes();
    llvm::Error problem = writeOutputFile(options.report, [&](llvm::raw_pwrite_stream &os) {
      report.print(os);
      return llvm::Error::success();
    });
    return !problem || error(DiagnosticCode::CannotWrite, "", std::move(problem));
  }

  const CompileOptions &options;
  Diagnostics &diagnostics;
  SourceFiles files;
  OutputFiles outputs;                                               ///< together
  Report report{options, model, result, {}, {}, {}, {}, {}, {}, {}}; // the context writes remarks to it
  MLIRContext context;
  Progress progress;
  PipelineOptions pipeline;
  std::vector<unsigned> families, cubinFamilies; ///< of GPUs
  OwningOpRef<ModuleOp> module;
  Stage stage = Stage::NN;
  target::ModelDescription model;
  std::optional<target::NodeListing> nodes; ///< with -g
  CompileResult result;
};

} // namespace

/// What to send to those who can mend it: the model as imported, which names its weights and does not hold them.
static void tellHowToReport(const CompileOptions &options, Diagnostics &diagnostics) {
  std::string file = options.input;
  if (!StringRef(options.input).ends_with(".mlir")) {
    CompileOptions dump = options;
    dump.emit = EmitStage::NN;
    dump.output = file = modelNameFor(options.input) + ".reproducer.mlir";
    dump.report.clear();
    Diagnostics ignored;
    if (!Compilation(dump, ignored).run())
      file = options.input;
  }
  diagnostics.error(DiagnosticCode::Internal, options.input, "", "this is a mistake of nncc, not of the model")
      .note("please report it with these messages, the options, and " + file);
}

std::optional<CompileResult> compile(const CompileOptions &options, Diagnostics &diagnostics) {
  std::optional<CompileResult> result = Compilation(options, diagnostics).run();
  if (diagnostics.exitCode() == ExitCode::Internal)
    tellHowToReport(options, diagnostics);
  return result;
}

std::optional<ModelInfo> describe(const CompileOptions &options, Diagnostics &diagnostics) {
  return Compilation(options, diagnostics).describe();
}

void check(const CompileOptions &options, Diagnostics &diagnostics) { Compilation(options, diagnostics).check(); }

} // namespace nncc
