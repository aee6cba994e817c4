//===- Schemas.cpp - operators of a model: opsets, schemas, functions -----------------------------------------------------===//

#include "Schemas.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace llvm;

namespace nncc::import {

std::string operatorName(StringRef domain, StringRef op) {
  domain = normalizeDomain(domain);
  return ((domain.empty() ? "ai.onnx" : domain) + "::" + op).str();
}

static const std::pair<int, int> *standardVersions(StringRef domain) {
  const auto &known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  auto found = known.find(domain.str());
  return found == known.end() ? nullptr : &found->second;
}

int newestOpset(StringRef domain) {
  const std::pair<int, int> *versions = standardVersions(normalizeDomain(domain));
  return versions ? versions->second : 0;
}

bool isStandardDomain(StringRef domain) { return standardVersions(normalizeDomain(domain)); }

Opsets readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports, StringRef place,
                  Reporter &reporter) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &import : imports) {
    StringRef domain = normalizeDomain(import.domain());
    std::string shown = domain.empty() ? "ai.onnx" : domain.str();
    const std::pair<int, int> *versions = standardVersions(domain);
    if (import.version() < 1 || import.version() > INT_MAX) {
      reporter.error(DiagnosticCode::BadOpsetImport, place,
                     "opset " + Twine(import.version()) + " of " + shown + " does not exist");
      continue;
    }
    if (versions && import.version() > versions->second)
      reporter
          .error(DiagnosticCode::UnsupportedVersion, place,
                 "opset " + Twine(import.version()) + " of " + shown + " is too new")
          .note("this nncc knows opsets up to " + Twine(versions->second))
          .note("export the model with an older opset");
    auto [entry, isNew] = opsets.try_emplace(domain, int(import.version()));
    if (!isNew && entry->second != import.version())
      reporter.error(DiagnosticCode::BadOpsetImport, place,
                     "opsets " + Twine(entry->second) + " and " + Twine(import.version()) + " of " + shown +
                         " are both imported");
  }
  return opsets;
}

const onnx::OpSchema *findSchema(StringRef domain, StringRef op, int version) {
  return onnx::OpSchemaRegistry::Instance()->GetSchema(op.str(), version, normalizeDomain(domain).str());
}

std::string whyUnknown(StringRef domain, StringRef op, int version) {
  const std::pair<int, int> *versions = standardVersions(normalizeDomain(domain));
  if (!versions)
    return "";
  std::string opset = "opset " + std::to_string(version) + " has no such operator";
  const onnx::OpSchema *newest = findSchema(domain, op, versions->second);
  if (const onnx::OpSchema *schema = findSchema(domain, op, version))
    return schema->Deprecated() ? opset + ": it was removed in opset " + std::to_string(schema->SinceVersion()) : "";
  if (!newest)
    return opset;
  int first = newest->SinceVersion(); // of the newest version: how far back the operator goes takes a search
  while (const onnx::OpSchema *older = first > 1 ? findSchema(domain, op, first - 1) : nullptr)
    first = older->SinceVersion();
  return opset + ": it came with opset " + std::to_string(first);
}

static std::string functionKey(StringRef domain, StringRef name, StringRef overload) {
  // The three parts are bytes of the model: their lengths keep them apart.
  domain = normalizeDomain(domain);
  return (Twine(domain.size()) + ":" + Twine(name.size()) + ":" + domain + name + overload).str();
}

LocalFunctions::LocalFunctions(const onnx::ModelProto &model) {
  for (const onnx::FunctionProto &function : model.functions())
    if (!functions.try_emplace(functionKey(function.domain(), function.name(), function.overload()), &function).second)
      repeated.push_back(&function);
}

const onnx::FunctionProto *LocalFunctions::lookup(const onnx::NodeProto &node) const {
  return functions.empty() ? nullptr : functions.lookup(functionKey(node.domain(), node.op_type(), node.overload()));
}

Arrival arrivalOf(const onnx::NodeProto &node, const Opsets &opsets, const LocalFunctions &functions) {
  StringRef domain = normalizeDomain(node.domain());
  auto opset = opsets.find(domain);
  int version = opset == opsets.end() ? 0 : opset->second;
  if (version && ImportTable::get().lookup(domain, node.op_type(), version))
    return Arrival::Table;
  if (functions.lookup(node))
    return Arrival::LocalFunction;
  const onnx::OpSchema *schema = version ? findSchema(domain, node.op_type(), version) : nullptr;
  if (!schema)
    return Arrival::None;
  if (schema->GetFunction(version))
    return Arrival::SchemaFunction;
  bool hasBuilder =
      llvm::any_of(schema->context_dependent_function_opset_versions(), [&](int since) { return since <= version; });
  return hasBuilder ? Arrival::ContextFunction : Arrival::None;
}

std::string placeOf(const onnx::NodeProto &node, int index, StringRef prefix, bool inFunction) {
  if (node.name().empty())
    return (prefix + node.op_type() + "_" + Twine(index)).str();
  return inFunction ? (prefix + node.name()).str() : node.name();
}

} // namespace nncc::import
