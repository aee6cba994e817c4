//===- NodeImporter.cpp - one ONNX node that becomes nn ops ---------------------------------------------------------------===//

#include "nncc/Import/ONNX/NodeImporter.h"
#include "GraphImporter.h"
#include "Tensors.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

NodeImporter::NodeImporter(GraphImporter &graph, const onnx::NodeProto &node, const onnx::OpSchema *schema, int opset,
                           Location loc)
    : graph(graph), node(node), schema(schema), opsetVersion(opset), location(loc) {}

StringRef NodeImporter::opType() const { return node.op_type(); }
OpBuilder &NodeImporter::builder() { return graph.builder(); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------------------------------------------------------===//

unsigned NodeImporter::numInputs() const { return node.input_size(); }
unsigned NodeImporter::numOutputs() const { return node.output_size(); }

Value NodeImporter::input(unsigned index) const {
  return index < numInputs() ? graph.lookup(node.input(index)) : Value();
}

SmallVector<Value> NodeImporter::inputs() const {
  return llvm::map_to_vector(llvm::seq<unsigned>(0, numInputs()), [&](unsigned i) { return input(i); });
}

RankedTensorType NodeImporter::inputType(unsigned index) const {
  Value value = input(index);
  return value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
}

std::optional<SmallVector<int64_t>> NodeImporter::constantInput(unsigned index) const {
  Value value = input(index);
  return value ? nn::getConstantInts(value) : std::nullopt;
}

bool NodeImporter::wantsOutput(unsigned index) const { return index < numOutputs() && !node.output(index).empty(); }

void NodeImporter::setOutput(unsigned index, Value value) {
  if (wantsOutput(index))
    graph.define(node.output(index), value);
}

void NodeImporter::setOutputs(ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values))
    setOutput(i, value);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------------------------------------------------------===//

static const onnx::AttributeProto *findAttribute(const onnx::NodeProto &node, StringRef name) {
  auto found =
      llvm::find_if(node.attribute(), [&](const onnx::AttributeProto &attribute) { return attribute.name() == name; });
  return found == node.attribute().end() ? nullptr : &*found;
}

const onnx::AttributeProto *NodeImporter::attribute(StringRef name) const {
  if (const onnx::AttributeProto *own = findAttribute(node, name))
    return own;
  if (!schema)
    return nullptr;
  auto known = schema->attributes().find(name.str());
  bool hasDefault =
      known != schema->attributes().end() && known->second.default_value.type() != onnx::AttributeProto::UNDEFINED;
  return hasDefault ? &known->second.default_value : nullptr;
}

bool NodeImporter::hasAttr(StringRef name) const { return findAttribute(node, name); }

int64_t NodeImporter::intAttr(StringRef name, int64_t fallback) const {
  const onnx::AttributeProto *found = attribute(name);
  return found && found->has_i() ? found->i() : found && found->type() == onnx::AttributeProto::INT ? 0 : fallback;
}

float NodeImporter::floatAttr(StringRef name, float fallback) const {
  const onnx::AttributeProto *found = attribute(name);
  return found && found->has_f() ? found->f() : found && found->type() == onnx::AttributeProto::FLOAT ? 0 : fallback;
}

std::string NodeImporter::stringAttr(StringRef name, StringRef fallback) const {
  const onnx::AttributeProto *found = attribute(name);
  return found && found->type() == onnx::AttributeProto::STRING ? found->s() : fallback.str();
}

std::optional<SmallVector<int64_t>> NodeImporter::intsAttr(StringRef name) const {
  const onnx::AttributeProto *found = attribute(name);
  if (!found || found->type() != onnx::AttributeProto::INTS)
    return std::nullopt;
  return SmallVector<int64_t>(found->ints().begin(), found->ints().end());
}

std::optional<SmallVector<float>> NodeImporter::floatsAttr(StringRef name) const {
  const onnx::AttributeProto *found = attribute(name);
  if (!found || found->type() != onnx::AttributeProto::FLOATS)
    return std::nullopt;
  return SmallVector<float>(found->floats().begin(), found->floats().end());
}

std::optional<SmallVector<std::string>> NodeImporter::stringsAttr(StringRef name) const {
  const onnx::AttributeProto *found = attribute(name);
  if (!found || found->type() != onnx::AttributeProto::STRINGS)
    return std::nullopt;
  return SmallVector<std::string>(found->strings().begin(), found->strings().end());
}

DenseElementsAttr NodeImporter::tensorAttr(StringRef name) {
  const onnx::AttributeProto *found = attribute(name);
  return found && found->has_t() ? graph.read(found->t()) : DenseElementsAttr();
}

FailureOr<Value> NodeImporter::tensorValue(StringRef name) {
  const onnx::AttributeProto *found = attribute(name);
  if (found && found->has_t())
    return graph.materialize(found->t(), location);
  if (found && found->has_sparse_tensor())
    return graph.materialize(found->sparse_tensor(), location);
  return error("has no tensor '" + name + "'");
}

FailureOr<Type> NodeImporter::elementTypeAttr(StringRef name) {
  const onnx::AttributeProto *found = attribute(name);
  onnx::TensorProto::DataType named = onnx::TensorProto::UNDEFINED;
  int64_t dataType = found ? found->i() : 0;
  if (found && found->type() == onnx::AttributeProto::STRING &&
      onnx::TensorProto::DataType_Parse(StringRef(found->s()).upper(), &named))
    dataType = named;
  Type type = dataType > 0 && dataType < INT_MAX ? elementType(builder().getContext(), int(dataType)) : Type();
  if (!type)
    return error("the attribute '" + name + "' does not name an element type");
  return type;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Creating ops
//===----------------------------------------------------------------------------------------------------------------------===//

Operation *NodeImporter::finishInferred(OperationState &state) {
  for (auto [i, operand] : llvm::enumerate(state.operands))
    if (!operand)
      return (void)error("an input is missing"), nullptr;
  auto *infer = state.name.getInterface<InferTypeOpInterface>();
  if (!infer) {
    (void)graph.error(DiagnosticCode::Internal, state.name.getStringRef() + " does not infer its types");
    return nullptr;
  }
  SmallVector<Type> types;
  if (failed(infer->inferReturnTypes(builder().getContext(), state.location, state.operands,
                                     state.attributes.getDictionary(builder().getContext()), state.getRawProperties(),
                                     state.regions, types)))
    return nullptr;
  state.types.assign(types.begin(), types.end());
  return finish(state);
}

Operation *NodeImporter::finish(OperationState &state) {
  for (Type type : state.types)
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      SmallVector<int64_t> sizes(tensor.getShape());
      for (int64_t &size : sizes)
        size = ShapedType::isDynamic(size) ? 1 : size;
      if (!countElements(sizes, 64)) {
        (void)graph.error(DiagnosticCode::TensorTooLarge, "a result has too many elements or dims");
        return nullptr;
      }
    }
  // Some operators become as many ops as an attribute says.
  constexpr unsigned kMaxOps = 10000;
  if (++created > kMaxOps) {
    (void)graph.error(DiagnosticCode::TooManyNodes,
                      node.op_type() + " would become more than " + Twine(kMaxOps) + " ops");
    return nullptr;
  }
  Operation *op = builder().create(state);
  if (succeeded(op->getName().verifyInvariants(op)))
    return op;
  op->erase();
  return nullptr;
}

Value NodeImporter::constant(DenseElementsAttr elements) {
  return nn::ConstantOp::create(builder(), location, elements.getType(), elements);
}

Value NodeImporter::constantInts(ArrayRef<int64_t> values) { return constant(builder().getI64TensorAttr(values)); }

Value NodeImporter::constantInt(Type elementType, int64_t value) {
  auto type = RankedTensorType::get({}, elementType);
  return constant(DenseElementsAttr::get(type, builder().getIntegerAttr(elementType, value)));
}

Value NodeImporter::constantScalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  if (isa<IntegerType>(elementType))
    return constantInt(elementType, int64_t(value));
  auto floatType = dyn_cast<FloatType>(elementType);
  if (!floatType)
    return nullptr;
  return constant(DenseElementsAttr::get(type, FloatAttr::get(floatType, value)));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Subgraphs
//===----------------------------------------------------------------------------------------------------------------------===//

unsigned NodeImporter::numGraphInputs(StringRef name) const {
  const onnx::AttributeProto *found = attribute(name);
  return found ? found->g().input_size() : 0;
}

unsigned NodeImporter::numGraphOutputs(StringRef name) const {
  const onnx::AttributeProto *found = attribute(name);
  return found ? found->g().output_size() : 0;
}

Type NodeImporter::graphInputType(StringRef name, unsigned index) const {
  return index < numGraphInputs(name) ? graph.declaredType(attribute(name)->g().input(index).type()) : Type();
}

Type NodeImporter::graphOutputType(StringRef name, unsigned index) const {
  return index < numGraphOutputs(name) ? graph.declaredType(attribute(name)->g().output(index).type()) : Type();
}

FailureOr<SmallVector<Value>> NodeImporter::importGraph(StringRef name, Region &into, TypeRange argumentTypes) {
  const onnx::AttributeProto *found = attribute(name);
  if (!found || !found->has_g())
    return error("has no graph '" + name + "'");
  return graph.importSubgraph(found->g(), into, argumentTypes, name);
}

std::optional<bool> NodeImporter::chooseBranch(StringRef yes, StringRef no) {
  return graph.chooseBranch(node, attribute(yes)->g(), attribute(no)->g());
}

LogicalResult NodeImporter::attempt(llvm::function_ref<LogicalResult()> run) { return graph.attempt(run); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------------------------------------------------------===//

LogicalResult NodeImporter::error(const Twine &message) {
  return graph.error(DiagnosticCode::InvalidNode, node.op_type() + ": " + message);
}

LogicalResult NodeImporter::unsupported(const Twine &message) {
  return graph.error(DiagnosticCode::UnsupportedNode, node.op_type() + ": " + message);
}

} // namespace nncc::import
