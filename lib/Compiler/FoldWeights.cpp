//===- FoldWeights.cpp - the weights of a model, computed while compiling -------------------------------------------------===//

#include "FoldWeights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Pipelines/Pipelines.h"
#include "nncc/Target/JIT.h"
#include "nnccrt/nnccrt.h"

using namespace mlir;

namespace nncc {
namespace {

/// The runtime's objects, given back at the end.
struct Run {
  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
  nnccrt_status status = {};

  ~Run() {
    nnccrt_destroy(context);
    nnccrt_unload(program);
  }
};

class Folding {
public:
  Folding(ModuleOp module, SourceFiles &files, const ProgramOptions &options, Diagnostics &diagnostics)
      : module(module), main(module.lookupSymbol<func::FuncOp>("main")), files(files), options(options),
        diagnostics(diagnostics) {
    this->options.optLevel = 0;
    this->options.sanitizer = target::Sanitizer::None;
    this->options.debugInfo = false;
  }

  FailureOr<target::WeightBlob> run() {
    if (failed(mapFiles()) || failed(compile()) || failed(bindFiles()) || failed(bindResults()))
      return failure();
    if (nnccrt_run(state.context, &state.status))
      return runtimeError();
    target::WeightBlob blob;
    for (std::vector<char> &result : results)
      blob.add(std::move(result));
    return blob;
  }

private:
  LogicalResult runtimeError() {
    std::string message = std::string("constants cannot be computed: ") + state.status.message;
    if (state.status.code != NNCCRT_BAD_DATA)
      return module.emitError(message);
    diagnostics.error(DiagnosticCode::InvalidNode, files.modelPath(), "", message);
    return failure();
  }

  LogicalResult mapFiles() {
    for (unsigned i = 0; i < main.getNumArguments(); ++i) {
      auto file = main.getArgAttrOfType<StringAttr>(i, "exec.file");
      auto offset = main.getArgAttrOfType<IntegerAttr>(i, "exec.offset"),
           length = main.getArgAttrOfType<IntegerAttr>(i, "exec.length");
      if (!file || !offset || !length)
        return main.emitError("argument ") << i << " names no file";
      FileError error;
      std::optional<StringRef> bytes = files.read(file, offset.getInt(), length.getInt(), error);
      if (!bytes) { // of a dump that was moved, or a file that went away meanwhile
        Diagnostic &added = diagnostics.error(error.code, files.modelPath(), "", error.message);
        for (const std::string &note : error.notes)
          added.note(note);
        return failure();
      }
      inputs.push_back(*bytes);
      types.push_back(cast<RankedTensorType>(main.getArgumentTypes()[i]));
    }
    for (Type type : main.getResultTypes())
      resultTypes.push_back(cast<RankedTensorType>(type));
    return success();
  }

  LogicalResult compile() {
    PassManager passes(module.getContext());
    passes.enableVerifier(options.verify);
    PipelineOptions pipeline{.optLevel = 0, .fuse = false};
    buildFormWeightKernels(passes);
    buildPlanMemory(passes, pipeline);
    if (failed(passes.run(module)))
      return failure();
    model.name = model.identifier = "weights";
    model.producer = "nncc";
    model.levels = {target::CPULevel::getBaseline()};
    if (failed(describeModel(module, model)))
      return failure();
    FailureOr<std::vector<target::ObjectBytes>> objects = compileProgram(module, model, options);
    if (failed(objects))
      return failure();
    llvm::Expected<std::unique_ptr<target::LoadedModel>> model =
        target::LoadedModel::load(*objects, this->model.getExportedSymbol());
    if (!model)
      return module.emitError(llvm::toString(model.takeError()));
    loaded = std::move(*model);
    if (nnccrt_load(&loaded->getDescriptor(), nullptr, &state.program, &state.status) ||
        nnccrt_create(state.program, nullptr, &state.context, &state.status))
      return runtimeError();
    return success();
  }

  nnccrt_tensor tensorFor(RankedTensorType type, uint32_t dtype, void *data, size_t bytes) {
    nnccrt_tensor tensor = {};
    tensor.size = sizeof(tensor);
    tensor.kind = NNCCRT_TENSOR;
    tensor.dtype = dtype;
    tensor.rank = type.getRank();
    tensor.dims = type.getShape().data();
    tensor.data = data;
    tensor.capacity = bytes;
    return tensor;
  }

  LogicalResult bindFiles() {
    for (auto [index, bytes] : llvm::enumerate(inputs)) {
      // A tensor may start anywhere in its file; the runtime wants it at a multiple of its element.
      char *data = const_cast<char *>(bytes.data());
      size_t alignment = std::max<size_t>(types[index].getElementTypeBitWidth() / 8, 1);
      if (reinterpret_cast<uintptr_t>(data) % alignment) {
        aligned.emplace_back(bytes.begin(), bytes.end());
        data = aligned.back().data();
      }
      nnccrt_tensor tensor = tensorFor(types[index], model.inputs[index].dtype, data, bytes.size());
      if (nnccrt_bind_input(state.context, index, &tensor, &state.status))
        return runtimeError();
    }
    if (!aligned.empty()) // else they would be in memory twice
      files.dropPages();
    return success();
  }

  LogicalResult bindResults() {
    results.resize(resultTypes.size());
    for (auto [index, type] : llvm::enumerate(resultTypes)) {
      results[index].resize(type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      nnccrt_tensor tensor = tensorFor(type, model.outputs[index].dtype, results[index].data(), results[index].size());
      if (nnccrt_bind_output(state.context, index, &tensor, &state.status))
        return runtimeError();
    }
    return success();
  }

  ModuleOp module;
  func::FuncOp main;
  SourceFiles &files;
  ProgramOptions options;
  Diagnostics &diagnostics;
  target::ModelDescription model;
  std::unique_ptr<target::LoadedModel> loaded;
  Run state; // before `loaded` goes
  std::vector<StringRef> inputs;
  std::vector<RankedTensorType> types, resultTypes;
  std::vector<std::vector<char>> aligned, results;
};

} // namespace

FailureOr<target::WeightBlob> foldWeights(ModuleOp weights, SourceFiles &files, const ProgramOptions &options,
                                          Diagnostics &diagnostics) {
  return Folding(weights, files, options, diagnostics).run();
}

} // namespace nncc
