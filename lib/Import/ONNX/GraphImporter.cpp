//===- GraphImporter.cpp - graphs and functions become nn ops -------------------------------------------------------------===//

#include "GraphImporter.h"
#include "CheckModel.h"
#include "Tensors.h"
#include "WireScan.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/NodeImporter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

GraphImporter::GraphImporter(MLIRContext *context, const onnx::ModelProto &model, const LocalFunctions &functions,
                             SourceFiles &files, const ImportOptions &options, Reporter &reporter)
    : b(context), model(model), functions(functions), files(files), options(options), reporter(reporter) {
  llvm::StringSet<> initializers;
  for (const onnx::TensorProto &tensor : model.graph().initializer())
    initializers.insert(tensor.name());
  for (const onnx::SparseTensorProto &tensor : model.graph().sparse_initializer())
    initializers.insert(tensor.values().name());
  for (const onnx::ValueInfoProto &input : model.graph().input())
    if (!initializers.contains(input.name()) || llvm::is_contained(options.keepInputs, input.name()))
      inputs.push_back(&input);
  types.emplace(context, inputs, options, reporter);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------------------------------------------------------===//

OwningOpRef<ModuleOp> GraphImporter::run() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getUnknownLoc());
  setModuleAttributes(*module);
  b.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(b, b.getUnknownLoc(), "main", b.getFunctionType({}, {}));
  entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);

  Opsets opsets = modelOpsets(model, reporter);
  for (const onnx::FunctionProto &local : model.functions())
    functionImports[&local] = functionOpsets(local, opsets, reporter);
  declareInitializers(model.graph(), mainScope);
  importInputs(function);
  Frame main = {};
  main.scope = &mainScope;
  main.graph = &model.graph();
  main.opsets = &opsets;
  frame = &main;
  importNodes();
  importOutputs(function);
  frame = nullptr;
  return module;
}

void GraphImporter::setModuleAttributes(ModuleOp module) {
  module->setAttr("nn.name", b.getStringAttr(model.graph().name()));
  StringRef doc = model.doc_string().empty() ? model.graph().doc_string() : model.doc_string();
  if (!doc.empty())
    module->setAttr("nn.doc", b.getStringAttr(doc));
  SmallVector<NamedAttribute> metadata;
  llvm::StringSet<> keys;
  for (const onnx::StringStringEntryProto &property : model.metadata_props())
    if (!property.key().empty() && keys.insert(property.key()).second)
      metadata.push_back(b.getNamedAttr(property.key(), b.getStringAttr(property.value())));
  if (!metadata.empty())
    module->setAttr("nn.metadata", b.getDictionaryAttr(metadata));
  if (DictionaryAttr ranges = types->ranges())
    module->setAttr("nn.dim_ranges", ranges);
}

void GraphImporter::importInputs(func::FuncOp function) {
  for (const std::string &kept : options.keepInputs)
    if (llvm::none_of(inputs, [&](const onnx::ValueInfoProto *input) { return input->name() == kept; }))
      reporter.error(DiagnosticCode::UnknownInput, "",
                     "--keep-input=" + kept + ": the model has no input '" + kept + "'");
  SmallVector<Attribute> attributes;
  for (const onnx::ValueInfoProto *input : inputs) {
    Type type = types->lookup(input->name());
    Entry &value = mainScope.entries[input->name()];
    value = Entry{};
    if (!type) // reported
      continue;
    StringAttr name = b.getStringAttr(input->name());
    value = {Entry::Value, entry->addArgument(type, NameLoc::get(name))};
    attributes.push_back(b.getDictionaryAttr(b.getNamedAttr("nn.name", name)));
  }
  function.setFunctionType(b.getFunctionType(entry->getArgumentTypes(), {}));
  function.setAllArgAttrs(attributes);
}

void GraphImporter::importOutputs(func::FuncOp function) {
  SmallVector<Value> results;
  for (const onnx::ValueInfoProto &output : model.graph().output()) {
    Value value = lookup(output.name());
    if (!value)
      continue; // a hole: reported
    results.push_back(value);
    Type declared = declaredType(output.type()), actual = value.getType();
    auto declaredTensor = dyn_cast_or_null<RankedTensorType>(declared), tensor = dyn_cast<RankedTensorType>(actual);
    if (declaredTensor && tensor && !reporter.failed() && !reporter.anyUnsupported() &&
        declaredTensor.getElementType() != tensor.getElementType())
      reporter.warning(DiagnosticCode::OutputTypeDiffers, output.name(),
                       "the model declares elements of type tensor(" +
                           Twine(elementFormat(output.type().tensor_type().elem_type())->name) +
                           "), its nodes compute tensor(" + elementFormat(dataTypeOf(tensor.getElementType()))->name +
                           ")");
  }
  func::ReturnOp::create(b, b.getUnknownLoc(), results);
  function.setFunctionType(b.getFunctionType(function.getFunctionType().getInputs(), ValueRange(results).getTypes()));
  if (results.size() == size_t(model.graph().output_size()))
    for (auto [i, output] : llvm::enumerate(model.graph().output()))
      function.setResultAttr(i, "nn.name", b.getStringAttr(output.name()));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------------------------------------------------------===//

void GraphImporter::declareInitializers(const onnx::GraphProto &graph, Scope &scope) {
  for (const onnx::TensorProto &tensor : graph.initializer())
    scope.entries[tensor.name()] = {Entry::Dense, {}, &tensor};
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    scope.entries[tensor.values().name()] = {Entry::Sparse, {}, &tensor};
}

GraphImporter::Entry *GraphImporter::find(StringRef name) {
  for (Scope *scope = frame->scope; scope && !name.empty(); scope = scope->outer)
    if (auto found = scope->entries.find(name); found != scope->entries.end())
      return &found->second;
  return nullptr;
}

Value GraphImporter::lookup(StringRef name) {
  Entry *found = find(name);
  if (!found || (found->kind != Entry::Dense && found->kind != Entry::Sparse))
    return found ? found->value : Value();
  // The first use of an initializer. Its op goes to the start of the function, where every region sees it.
  OpBuilder::InsertionGuard guard(b);
  if (lastConstant)
    b.setInsertionPointAfter(lastConstant);
  else
    b.setInsertionPointToStart(entry);
  Location loc = NameLoc::get(b.getStringAttr(name));
  FailureOr<Value> value = found->kind == Entry::Dense
                               ? materialize(*static_cast<const onnx::TensorProto *>(found->tensor), loc)
                               : materialize(*static_cast<const onnx::SparseTensorProto *>(found->tensor), loc);
  *found = succeeded(value) ? Entry{Entry::Value, *value} : Entry{};
  if (succeeded(value))
    lastConstant = value->getDefiningOp();
  return found->value;
}

void GraphImporter::define(StringRef name, Value value) {
  if (!name.empty())
    frame->scope->entries[name] = value ? Entry{Entry::Value, value, nullptr, guessing} : Entry{};
}

DenseElementsAttr GraphImporter::read(const onnx::TensorProto &tensor) {
  DenseElementsAttr elements = readTensor(b.getContext(), tensor, files);
  if (!elements)
    reporter.error(DiagnosticCode::CannotReadExternal, place, "the file of the tensor changed while it was read");
  return elements;
}

/// True when the bytes in a file are what nn.weight stands for.
static bool canStayInFile(const onnx::TensorProto &tensor, const TensorBytes &bytes, SourceFiles &files) {
  if (bytes.length <= kMaxInlineBytes || tensor.data_type() == onnx::TensorProto::COMPLEX64 ||
      tensor.data_type() == onnx::TensorProto::COMPLEX128)
    return false;
  if (tensor.data_type() != onnx::TensorProto::BOOL)
    return true;
  FileError error; // any byte but 0 is true in ONNX; a weight has 0 and 1
  std::optional<StringRef> content = files.read(bytes.file, bytes.offset, bytes.length, error);
  return content && llvm::all_of(*content, [](char byte) { return byte == 0 || byte == 1; });
}

FailureOr<Value> GraphImporter::materialize(const onnx::TensorProto &tensor, Location loc) {
  std::optional<TensorBytes> bytes = bytesInFile(tensor, files);
  if (bytes && canStayInFile(tensor, *bytes, files)) {
    auto type = RankedTensorType::get({tensor.dims().data(), size_t(tensor.dims_size())},
                                      elementType(b.getContext(), tensor.data_type()));
    return nn::WeightOp::create(b, loc, type, bytes->file, bytes->offset, bytes->length).getResult();
  }
  DenseElementsAttr elements = read(tensor);
  if (!elements)
    return failure();
  return nn::ConstantOp::create(b, loc, elements.getType(), elements).getResult();
}

FailureOr<Value> GraphImporter::materialize(const onnx::SparseTensorProto &tensor, Location loc) {
  DenseElementsAttr elements = readSparseTensor(b.getContext(), tensor, files);
  if (!elements)
    return error(DiagnosticCode::CannotReadExternal, "the file of the tensor changed while it was read");
  return nn::ConstantOp::create(b, loc, elements.getType(), elements).getResult();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Subgraphs
//===----------------------------------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> GraphImporter::importSubgraph(const onnx::GraphProto &graph, Region &into,
                                                            TypeRange argumentTypes, StringRef attribute) {
  if (graph.input_size() != int(argumentTypes.size()))
    return error(DiagnosticCode::InvalidNode,
                 "the subgraph has " + Twine(graph.input_size()) + " inputs, expected " + Twine(argumentTypes.size()));
  Scope scope;
  scope.outer = frame->scope;
  scope.depth = frame->scope->depth + 1;
  if (scope.depth > kMaxGraphDepth)
    return error(DiagnosticCode::TooDeep, "graphs are nested too deeply once functions are expanded");
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&into);
  declareInitializers(graph, scope);
  for (auto [input, type] : llvm::zip_equal(graph.input(), argumentTypes))
    scope.entries[input.name()] = {Entry::Value, block->addArgument(type, NameLoc::get(b.getStringAttr(input.name()))),
                                   nullptr};

  Frame inner = *frame;
  inner.scope = &scope;
  inner.graph = &graph;
  inner.next = 0;
  inner.prefix = place + "." + attribute.str() + "/";
  Frame *outerFrame = std::exchange(frame, &inner);
  std::string outerPlace = place;
  importNodes();
  SmallVector<Value> results;
  bool complete = true;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    results.push_back(lookup(output.name()));
    complete &= bool(results.back());
  }
  frame = outerFrame;
  place = outerPlace;
  if (!complete)
    return failure();
  return results;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------------------------------------------------------===//

LogicalResult GraphImporter::error(DiagnosticCode code, const Twine &message) {
  reporter.error(code, place, message);
  return failure();
}

LogicalResult GraphImporter::attempt(llvm::function_ref<LogicalResult()> run) {
  bool wasMuted = reporter.isMuted();
  Reporter::UnsupportedOps known = reporter.getUnsupported();
  size_t before = reporter.problemCount();
  reporter.mute(true);
  LogicalResult result = run();
  if (reporter.problemCount() != before) // values behind a problem have types that are guesses
    result = failure();
  reporter.mute(wasMuted);
  if (failed(result))
    reporter.setUnsupported(std::move(known));
  return result;
}

void GraphImporter::unsupportedNode(const onnx::NodeProto &node, const Twine &why) {
  reporter.unsupported(operatorName(node.domain(), node.op_type()), place, why);
}

} // namespace nncc::import
