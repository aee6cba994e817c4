//===- CheckModel.cpp - whether a model is well formed --------------------------------------------------------------------===//

#include "CheckModel.h"
#include "CheckGraph.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace nncc::import {

//===----------------------------------------------------------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------------------------------------------------------===//

Opsets modelOpsets(const onnx::ModelProto &model, Reporter &reporter) {
  Opsets opsets = readOpsets(model.opset_import(), "", reporter);
  if (model.opset_import().empty() && model.ir_version() < 3) // models of 2017 had no opsets
    opsets[""] = 1;
  return opsets;
}

Opsets functionOpsets(const onnx::FunctionProto &function, const Opsets &modelOpsets, Reporter &reporter) {
  Opsets opsets = readOpsets(function.opset_import(), operatorName(function.domain(), function.name()), reporter);
  for (const auto &entry : modelOpsets)
    opsets.try_emplace(entry.getKey(), entry.getValue());
  return opsets;
}

static void checkVersions(const onnx::ModelProto &model, Reporter &reporter) {
  if (!model.has_ir_version() || model.ir_version() < 1)
    reporter.error(DiagnosticCode::NoVersion, "", "the model has no ir_version: it may not be an ONNX model");
  else if (model.ir_version() > onnx::IR_VERSION)
    reporter.error(DiagnosticCode::UnsupportedVersion, "", "ir_version " + Twine(model.ir_version()) + " is too new")
        .note("this nncc knows versions up to " + Twine(int(onnx::IR_VERSION)));
  if (model.opset_import().empty() && model.ir_version() >= 3)
    reporter.error(DiagnosticCode::NoVersion, "", "the model imports no opset");
  if (!model.has_graph())
    reporter.error(DiagnosticCode::BadGraph, "", "the model has no graph");
  if (!model.training_info().empty())
    reporter.warning(DiagnosticCode::IgnoredTraining, "", "the model's training information is ignored");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Functions that call functions
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
/// How many nodes a function has once all that it calls is expanded, and how deep calls go.
class Expansion {
public:
  Expansion(const LocalFunctions &functions, const DenseMap<const onnx::FunctionProto *, Opsets> &opsets,
            Reporter &reporter)
      : functions(functions), opsets(opsets), reporter(reporter) {}

  /// Saturates. Stops at the first problem: `failed`.
  uint64_t count(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes, const Opsets &imports,
                 unsigned depth) {
    uint64_t total = 0;
    for (const onnx::NodeProto &node : nodes) {
      if (failed)
        return total;
      total = SaturatingAdd(total, uint64_t(1));
      if (arrivalOf(node, imports, functions) == Arrival::LocalFunction)
        total = SaturatingAdd(total, countFunction(*functions.lookup(node), depth + 1));
      for (const onnx::AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          total = SaturatingAdd(total, count(attribute.g().node(), imports, depth));
        for (const onnx::GraphProto &graph : attribute.graphs())
          total = SaturatingAdd(total, count(graph.node(), imports, depth));
      }
    }
    return total;
  }

private:
  uint64_t countFunction(const onnx::FunctionProto &function, unsigned depth) {
    std::string name = operatorName(function.domain(), function.name());
    if (depth > kMaxFunctionDepth)
      return fail(DiagnosticCode::TooDeep, name, "functions call each other too deeply");
    auto [entry, isNew] = counts.try_emplace(&function, std::nullopt);
    if (!isNew && !entry->second)
      return fail(DiagnosticCode::RecursiveFunction, name, "the function calls itself");
    if (!isNew)
      return *entry->second;
    uint64_t total = count(function.node(), opsets.find(&function)->second, depth);
    return *(counts[&function] = total);
  }

  uint64_t fail(DiagnosticCode code, StringRef place, StringRef message) {
    reporter.error(code, place, message);
    failed = true;
    return 0;
  }

  const LocalFunctions &functions;
  const DenseMap<const onnx::FunctionProto *, Opsets> &opsets;
  Reporter &reporter;
  DenseMap<const onnx::FunctionProto *, std::optional<uint64_t>> counts; // nothing while being counted
  bool failed = false;
};
} // namespace

static void checkFunctionNames(const onnx::ModelProto &model, const LocalFunctions &functions, Reporter &reporter) {
  for (const onnx::FunctionProto *function : functions.duplicates())
    reporter.error(DiagnosticCode::DuplicateName, operatorName(function->domain(), function->name()),
                   "the model has two functions of this domain and name");
  for (const onnx::FunctionProto &function : model.functions())
    if (function.name().empty())
      reporter.error(DiagnosticCode::BadFunction, "", "a function has no name");
}

bool checkModel(const onnx::ModelProto &model, const LocalFunctions &functions, SourceFiles &files,
                Reporter &reporter) {
  checkVersions(model, reporter);
  Opsets opsets = modelOpsets(model, reporter);
  checkFunctionNames(model, functions, reporter);
  if (!model.has_graph())
    return false;

  GraphChecker graphs(functions, files, reporter);
  graphs.checkMainGraph(model.graph(), opsets);
  DenseMap<const onnx::FunctionProto *, Opsets> bodies;
  for (const onnx::FunctionProto &function : model.functions()) {
    Opsets &body = bodies[&function] = functionOpsets(function, opsets, reporter);
    graphs.checkFunction(function, body);
  }
  if (reporter.failed()) // nesting may be unlimited
    return false;
  uint64_t nodes = Expansion(functions, bodies, reporter).count(model.graph().node(), opsets, 0);
  if (nodes > kMaxNodes)
    reporter.error(DiagnosticCode::TooManyNodes, "", "the model has too many nodes once its functions are expanded")
        .note("at most " + Twine(kMaxNodes) + " nodes are possible");
  return !reporter.failed();
}

} // namespace nncc::import
