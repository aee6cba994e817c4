//===- Reduce.cpp - models with parts left out ----------------------------------------------------------------------------===//

#include "nncc/Import/ONNX/Reduce.h"
#include "onnx/defs/parser.h"
#include "onnx/onnx_pb.h"
#include "onnx/shape_inference/implementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"

using llvm::StringRef;

namespace nncc::import {

struct ReducibleModel::Contents {
  onnx::ModelProto model;
  llvm::StringMap<onnx::TypeProto> types; ///< of values, as far as they are known
};

ReducibleModel::ReducibleModel(std::unique_ptr<Contents> contents) : contents(std::move(contents)) {}
ReducibleModel::~ReducibleModel() = default;

/// What shape inference cannot tell stays unknown.
static void inferTypes(const onnx::ModelProto &model, llvm::StringMap<onnx::TypeProto> &types) {
  onnx::ModelProto inferred = model;
  try {
    onnx::shape_inference::InferShapes(inferred);
  } catch (const std::exception &) {
    inferred = model;
  }
  for (const auto *values : {&inferred.graph().value_info(), &inferred.graph().output(), &inferred.graph().input()})
    for (const onnx::ValueInfoProto &value : *values)
      types[value.name()] = value.type();
  for (const onnx::TensorProto &tensor : inferred.graph().initializer()) {
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(tensor.data_type());
    type.mutable_tensor_type()->mutable_shape();
    for (int64_t dim : tensor.dims())
      type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
    types[tensor.name()] = type;
  }
}

llvm::Expected<std::unique_ptr<ReducibleModel>> ReducibleModel::read(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  std::string bytes = (*buffer)->getBuffer().str();
  auto contents = std::make_unique<Contents>();
  bool isRead = path.ends_with(".onnxtxt") ? onnx::OnnxParser::Parse(contents->model, bytes).IsOK()
                                           : contents->model.ParseFromString(bytes);
  if (!isRead || !contents->model.has_graph())
    return llvm::createStringError(path + ": not an ONNX model, or one of more than 2 GiB");
  inferTypes(contents->model, contents->types);
  return std::unique_ptr<ReducibleModel>(new ReducibleModel(std::move(contents)));
}

ModelParts ReducibleModel::parts() const {
  const onnx::GraphProto &graph = contents->model.graph();
  return {llvm::BitVector(graph.node_size(), true), llvm::BitVector(graph.initializer_size(), true)};
}

bool ReducibleModel::hasExternalData() const {
  return llvm::any_of(contents->model.graph().initializer(), [](const onnx::TensorProto &tensor) {
    return tensor.data_location() == onnx::TensorProto::EXTERNAL;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Parts of a model
//===----------------------------------------------------------------------------------------------------------------------===//

/// Calls `use` with the name of each value that a node reads, also from inside its graphs (where some are their own).
template <typename Use> static void forEachUse(const onnx::NodeProto &node, const Use &use) {
  for (const std::string &name : node.input())
    if (!name.empty())
      use(name);
  auto inGraph = [&](const onnx::GraphProto &graph) {
    for (const onnx::NodeProto &inner : graph.node())
      forEachUse(inner, use);
    for (const onnx::ValueInfoProto &output : graph.output())
      use(output.name());
  };
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      inGraph(attribute.g());
    for (const onnx::GraphProto &graph : attribute.graphs())
      inGraph(graph);
  }
}

namespace {

/// Makes one model of parts of another.
class Cutter {
public:
  Cutter(const onnx::ModelProto &whole, const llvm::StringMap<onnx::TypeProto> &types, const ModelParts &parts)
      : whole(whole.graph()), types(types), parts(parts), model(whole) {
    graph = model.mutable_graph();
    graph->Clear();
    graph->set_name("reduced");
    model.clear_doc_string();
    model.clear_metadata_props();
  }

  onnx::ModelProto run() {
    keepNodes();
    keepInputs();
    keepOutputs();
    return model;
  }

private:
  void keepNodes() {
    for (auto [index, node] : llvm::enumerate(whole.node())) {
      for (const std::string &name : node.output())
        (parts.nodes[index] ? kept : removed).insert(name);
      auto &uses = parts.nodes[index] ? used : usedByRemoved;
      forEachUse(node, [&](const std::string &name) { uses.insert(name); });
      if (!parts.nodes[index])
        continue;
      *graph->add_node() = node;
      graph->mutable_node(graph->node_size() - 1)->clear_doc_string();
    }
  }

  void keepInputs() {
    llvm::StringSet<> constants;
    for (auto [index, tensor] : llvm::enumerate(whole.initializer())) {
      if (!used.contains(tensor.name()))
        continue;
      if (parts.weights[index])
        *graph->add_initializer() = tensor;
      constants.insert(tensor.name());
      if (!parts.weights[index])
        add(graph->add_input(), tensor.name());
    }
    for (const onnx::SparseTensorProto &tensor : whole.sparse_initializer())
      if (used.contains(tensor.values().name()))
        *graph->add_sparse_initializer() = tensor;
    for (const onnx::ValueInfoProto &input : whole.input())
      if (used.contains(input.name()) && !constants.contains(input.name()))
        *graph->add_input() = input;
    for (const onnx::NodeProto &node : whole.node()) // in their order, so that the same parts give the same bytes
      for (const std::string &name : node.output())
        if (removed.contains(name) && used.contains(name))
          add(graph->add_input(), name);
  }

  void keepOutputs() {
    llvm::StringSet<> declared;
    for (const onnx::ValueInfoProto &output : whole.output())
      if (kept.contains(output.name()) && declared.insert(output.name()).second)
        *graph->add_output() = output;
    for (const onnx::NodeProto &node : graph->node())
      for (const std::string &name : node.output())
        if (!used.contains(name) && usedByRemoved.contains(name) && declared.insert(name).second)
          add(graph->add_output(), name);
  }

  void add(onnx::ValueInfoProto *value, const std::string &name) {
    value->set_name(name);
    if (auto found = types.find(name); found != types.end())
      *value->mutable_type() = found->second;
  }

  const onnx::GraphProto &whole;
  const llvm::StringMap<onnx::TypeProto> &types;
  const ModelParts &parts;
  onnx::ModelProto model;
  onnx::GraphProto *graph;
  llvm::StringSet<> kept, removed, used, usedByRemoved; ///< values that nodes compute, and that they read
};

} // namespace

std::string ReducibleModel::write(const ModelParts &parts) const {
  std::string bytes;
  // Fails beyond 2 GiB only, and no part is larger than the whole.
  (void)Cutter(contents->model, contents->types, parts).run().SerializeToString(&bytes);
  return bytes;
}

} // namespace nncc::import
