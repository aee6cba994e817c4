//===- ImportNodes.cpp - a node becomes nn ops, by the table or by its function body --------------------------------------===//

#include "GraphImporter.h"
#include "Tensors.h"
#include "nncc/Import/ONNX/NodeImporter.h"
#include "onnx/defs/function.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

/// The nodes of the frame's graph from `next` on.
void GraphImporter::importNodes() {
  while (frame->next < frame->graph->node_size()) {
    int index = frame->next++;
    importNode(frame->graph->node(index), index);
  }
}

void GraphImporter::importNode(const onnx::NodeProto &node, int index) {
  // A subgraph may be imported more than once (Loop), and in every call of a function.
  if (++nodesImported > kMaxNodes) {
    reporter.error(DiagnosticCode::TooManyNodes, "", "the model has too many nodes once its functions are expanded");
    return leaveHoles(node);
  }
  if (!frame->location)
    place = placeOf(node, index, frame->prefix, frame->inFunction);
  StringRef domain = normalizeDomain(node.domain());
  auto opset = frame->opsets->find(domain);
  int version = opset == frame->opsets->end() ? 0 : opset->second;
  const onnx::OpSchema *schema = version ? findSchema(domain, node.op_type(), version) : nullptr;
  Arrival arrival = arrivalOf(node, *frame->opsets, functions);
  if (hasHole(node)) {
    countUnsupported(node);
    return leaveHoles(node);
  }
  if (arrival == Arrival::None) {
    countUnsupported(node);
    return guessTypes(node);
  }
  // What goes wrong behind a guess may be right without it.
  bool wasMuted = reporter.isMuted();
  bool wasGuessing = std::exchange(guessing, guessing || hasGuess(node));
  reporter.mute(wasMuted || guessing);
  size_t before = reporter.problemCount();
  std::string here = place; // bodies have places of their own
  LogicalResult result = schema && arrival != Arrival::LocalFunction ? checkNode(node, *schema) : success();
  if (succeeded(result))
    result = importKnownNode(node, arrival, schema, version);
  place = here;
  if (failed(result) && reporter.problemCount() == before) // a silent failure would end as an empty module
    reporter.error(DiagnosticCode::Internal, place, "the import of " + node.op_type() + " failed without saying why");
  if (failed(result))
    guessTypes(node);
  reporter.mute(wasMuted);
  guessing = wasGuessing;
}

/// The last look before the import: attributes may have come from a call, and input types are known now.
LogicalResult GraphImporter::checkNode(const onnx::NodeProto &node, const onnx::OpSchema &schema) {
  if (!reporter.guarded(DiagnosticCode::InvalidNode, place, [&] { schema.Verify(node); }))
    return failure();
  return checkTypes(node, schema);
}

LogicalResult GraphImporter::importKnownNode(const onnx::NodeProto &node, Arrival arrival, const onnx::OpSchema *schema,
                                             int opset) {
  switch (arrival) {
  case Arrival::Table: {
    Location loc = frame->location ? *frame->location : Location(NameLoc::get(b.getStringAttr(place)));
    NodeImporter importer(*this, node, schema, opset, loc);
    if (failed(ImportTable::get().lookup(normalizeDomain(node.domain()), node.op_type(), opset)->import(importer)))
      return failure();
    for (const std::string &output : node.output())
      if (!output.empty() && !lookup(output))
        return error(DiagnosticCode::UnsupportedNode,
                     "output '" + output + "' of " + node.op_type() + " cannot be compiled");
    return success();
  }
  case Arrival::LocalFunction:
    return expandLocal(node, *functions.lookup(node));
  case Arrival::SchemaFunction:
    return expandSchema(node, *schema, opset, /*needsTypes=*/false);
  case Arrival::ContextFunction:
    return expandSchema(node, *schema, opset, /*needsTypes=*/true);
  case Arrival::None:
    break;
  }
  return failure();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Holes
//===----------------------------------------------------------------------------------------------------------------------===//

bool GraphImporter::isHole(StringRef name) {
  if (name.empty())
    return false;
  lookup(name); // an initializer may turn out unreadable
  Entry *found = find(name);
  return !found || found->kind == Entry::Hole;
}

/// Whether a subgraph needs a hole of the graphs around it. `inside` are the values of the graphs between the two.
bool GraphImporter::capturesHole(const onnx::GraphProto &graph, llvm::StringSet<> &inside) {
  llvm::StringSet<> own = inside;
  for (const onnx::ValueInfoProto &input : graph.input())
    own.insert(input.name());
  for (const onnx::TensorProto &tensor : graph.initializer())
    own.insert(tensor.name());
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    own.insert(tensor.values().name());
  auto isOuterHole = [&](const std::string &name) { return !own.contains(name) && isHole(name); };
  for (const onnx::NodeProto &node : graph.node()) {
    if (llvm::any_of(node.input(), isOuterHole))
      return true;
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g() && capturesHole(attribute.g(), own))
        return true;
    for (const std::string &output : node.output())
      own.insert(output);
  }
  return llvm::any_of(graph.output(), [&](const onnx::ValueInfoProto &output) { return isOuterHole(output.name()); });
}

bool GraphImporter::hasHole(const onnx::NodeProto &node) {
  llvm::StringSet<> inside;
  return llvm::any_of(node.input(), [&](const std::string &name) { return isHole(name); }) ||
         llvm::any_of(node.attribute(), [&](const onnx::AttributeProto &attribute) {
           return attribute.has_g() && capturesHole(attribute.g(), inside);
         });
}

bool GraphImporter::hasGuess(const onnx::NodeProto &node) {
  return llvm::any_of(node.input(), [&](const std::string &name) {
    Entry *found = find(name);
    return found && found->isGuess;
  });
}

void GraphImporter::leaveHoles(const onnx::NodeProto &node) {
  for (const std::string &output : node.output())
    define(output, nullptr);
}

/// Counts the operators of a node and its subgraphs that certainly do not arrive.
void GraphImporter::countUnsupported(const onnx::NodeProto &node) {
  if (arrivalOf(node, *frame->opsets, functions) == Arrival::None) {
    auto opset = frame->opsets->find(normalizeDomain(node.domain()));
    std::string why = whyUnknown(node.domain(), node.op_type(), opset == frame->opsets->end() ? 0 : opset->second);
    unsupportedNode(node, why.empty() && !frame->body.empty() ? "in the function body of " + frame->body : why);
  }
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.has_g()) {
      std::string outer = place, prefix = outer + "." + attribute.name() + "/";
      for (int i = 0; i < attribute.g().node_size(); ++i) {
        place = placeOf(attribute.g().node(i), i, prefix, frame->inFunction);
        countUnsupported(attribute.g().node(i));
      }
      place = outer;
    }
}

/// Gives the outputs of a node that cannot be compiled the types that the graph declares: what follows can still be judged. (ONNX's
/// own inference would know more, but crashes on shapes and attributes that contradict each other.)
void GraphImporter::guessTypes(const onnx::NodeProto &node) {
  leaveHoles(node);
  if (!frame->graph)
    return;
  auto [entry, isNew] = declaredTypes.try_emplace(frame->graph);
  if (isNew)
    for (const auto *infos : {&frame->graph->value_info(), &frame->graph->output()})
      for (const onnx::ValueInfoProto &info : *infos)
        entry->second.try_emplace(info.name(), &info.type());
  bool wasGuessing = std::exchange(guessing, true);
  for (const std::string &output : node.output())
    if (const onnx::TypeProto *declared = entry->second.lookup(output))
      if (Type type = declaredType(*declared))
        define(output, UnrealizedConversionCastOp::create(b, b.getUnknownLoc(), type, ValueRange{}).getResult(0));
  guessing = wasGuessing;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Types of inputs
//===----------------------------------------------------------------------------------------------------------------------===//

/// Whether an operator takes elements of a type at an input. Exporters go beyond the lists of the standard, and mean the obvious:
/// what a newer version takes, and other widths of what this version takes, are right too.
static bool accepts(const onnx::OpSchema &schema, size_t input, StringRef domain, Type type, onnx::DataType name) {
  auto formal = [&](const onnx::OpSchema &version) -> const onnx::OpSchema::FormalParameter & {
    return version.inputs()[std::min(input, version.inputs().size() - 1)];
  };
  auto isOfClass = [&](Type other) {
    return (isa<FloatType>(type) && isa<FloatType>(other)) ||
           (type.isIntOrIndex() && other.isIntOrIndex() && !type.isInteger(1) && !other.isInteger(1));
  };
  if (formal(schema).GetTypes().count(name))
    return true;
  for (int dataType = 1; dataType < onnx::TensorProto::DataType_ARRAYSIZE; ++dataType) {
    std::string other = (Twine("tensor(") + elementFormat(dataType)->name + ")").str();
    if (isOfClass(elementType(type.getContext(), dataType)) &&
        formal(schema).GetTypes().count(onnx::Utils::DataTypeUtils::ToType(other)))
      return true;
  }
  const onnx::OpSchema *newest = findSchema(domain, schema.Name(), INT_MAX);
  return newest && input < newest->inputs().size() && formal(*newest).GetTypes().count(name);
}

LogicalResult GraphImporter::checkTypes(const onnx::NodeProto &node, const onnx::OpSchema &schema) {
  llvm::StringMap<onnx::DataType> variables; // T of the schema
  for (int i = 0; i < node.input_size(); ++i) {
    Value value = lookup(node.input(i));
    auto tensor = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
    if (schema.inputs().empty())
      continue;
    const auto &formal = schema.inputs()[std::min<size_t>(i, schema.inputs().size() - 1)];
    if (!value && formal.GetOption() != onnx::OpSchema::Optional) // the function's caller left it out
      return error(DiagnosticCode::WrongArity,
                   "input " + Twine(i) + " ('" + formal.GetName() + "') of " + node.op_type() + " is missing");
    const ElementFormat *format = tensor ? elementFormat(dataTypeOf(tensor.getElementType())) : nullptr;
    if (!format)
      continue;
    std::string name = (Twine("tensor(") + format->name + ")").str();
    std::string what =
        ("input " + Twine(i) + " ('" + formal.GetName() + "') of " + node.op_type() + " is a " + name).str();
    onnx::DataType type = nullptr;
    bool isAccepted = false;
    if (!reporter.guarded(DiagnosticCode::Internal, place, [&] {
          type = onnx::Utils::DataTypeUtils::ToType(name);
          isAccepted = accepts(schema, i, node.domain(), tensor.getElementType(), type);
        }))
      return failure();
    if (!isAccepted) {
      auto allowed = llvm::map_to_vector(formal.GetTypes(), [](onnx::DataType allowedType) { return *allowedType; });
      llvm::sort(allowed);
      reporter.error(DiagnosticCode::WrongType, place, what)
          .note("version " + Twine(schema.SinceVersion()) + " of the operator takes " + llvm::join(allowed, ", "));
      return failure();
    }
    onnx::DataType &bound = variables[formal.GetTypeStr()];
    if (formal.GetIsHomogeneous() && bound && bound != type)
      return error(DiagnosticCode::WrongType, what + ", but must be of the same type as an input before it, " + *bound);
    bound = type;
  }
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------------------------------------------------------===//

static std::string nestedIn(const std::string &op, const std::string &outer) {
  return outer.empty() ? op : op + ", in that of " + outer;
}

LogicalResult GraphImporter::expandLocal(const onnx::NodeProto &node, const onnx::FunctionProto &function) {
  SmallVector<const onnx::AttributeProto *> defaults;
  for (const onnx::AttributeProto &attribute : function.attribute_proto())
    defaults.push_back(&attribute);
  Frame body = *frame;
  body.opsets = &functionImports.find(&function)->second;
  body.prefix = place + "/";
  body.inFunction = true;
  body.body = nestedIn(operatorName(function.domain(), function.name()), frame->body);
  return expand(node, function, defaults, body);
}

LogicalResult GraphImporter::expandSchema(const onnx::NodeProto &node, const onnx::OpSchema &schema, int opset,
                                          bool needsTypes) {
  onnx::FunctionProto built;
  const onnx::FunctionProto *function = needsTypes ? nullptr : schema.GetFunction(opset);
  if (needsTypes) {
    std::vector<onnx::TypeProto> inputTypes;
    for (const std::string &name : node.input()) {
      Value value = lookup(name);
      inputTypes.push_back(value ? toProto(value.getType()) : onnx::TypeProto());
    }
    bool isBuilt = false;
    bool ran = reporter.guarded(DiagnosticCode::InvalidNode, place, [&] {
      onnx::FunctionBodyBuildContextImpl context(node, inputTypes);
      isBuilt = schema.BuildContextDependentFunction(context, built, opset);
    });
    if (ran && !isBuilt)
      unsupportedNode(node, "ONNX has no function body for it with these types");
    if (!isBuilt)
      return failure();
    function = &built;
  }
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &import : function->opset_import())
    opsets[normalizeDomain(import.domain())] = int(import.version());
  // Bodies of other domains do not say which ai.onnx they are written in: it is that of the library that has them.
  opsets.try_emplace("", newestOpset(""));
  SmallVector<const onnx::AttributeProto *> defaults;
  for (const auto &[name, attribute] : schema.attributes())
    if (attribute.default_value.type() != onnx::AttributeProto::UNDEFINED)
      defaults.push_back(&attribute.default_value);
  Frame body = *frame;
  body.opsets = &opsets;
  body.body = nestedIn(operatorName(node.domain(), node.op_type()), frame->body);
  body.location = frame->location ? *frame->location : Location(NameLoc::get(b.getStringAttr(place)));
  return expand(node, *function, defaults, body);
}

/// The value of an attribute of the call that a body refers to: what the call gives, else the default, else null.
static const onnx::AttributeProto *actualAttribute(StringRef name, const onnx::NodeProto &call,
                                                   ArrayRef<const onnx::AttributeProto *> defaults) {
  for (const onnx::AttributeProto &attribute : call.attribute())
    if (attribute.name() == name)
      return &attribute;
  for (const onnx::AttributeProto *attribute : defaults)
    if (attribute->name() == name)
      return attribute;
  return nullptr;
}

static bool hasReferences(const onnx::NodeProto &node) {
  return llvm::any_of(node.attribute(), [](const onnx::AttributeProto &attribute) {
    return !attribute.ref_attr_name().empty() || llvm::any_of(attribute.g().node(), hasReferences);
  });
}

/// Replaces references to attributes of the call; those without a value disappear. In subgraphs too.
static void resolveReferences(onnx::NodeProto &node, const onnx::NodeProto &call,
                              ArrayRef<const onnx::AttributeProto *> defaults) {
  google::protobuf::RepeatedPtrField<onnx::AttributeProto> attributes;
  attributes.Swap(node.mutable_attribute());
  for (onnx::AttributeProto &attribute : attributes) {
    if (!attribute.ref_attr_name().empty()) {
      if (const onnx::AttributeProto *actual = actualAttribute(attribute.ref_attr_name(), call, defaults)) {
        onnx::AttributeProto *copy = node.add_attribute();
        *copy = *actual;
        copy->set_name(attribute.name());
      }
      continue;
    }
    if (attribute.has_g())
      for (onnx::NodeProto &nested : *attribute.mutable_g()->mutable_node())
        resolveReferences(nested, call, defaults);
    node.add_attribute()->Swap(&attribute);
  }
}

LogicalResult GraphImporter::expand(const onnx::NodeProto &node, const onnx::FunctionProto &function,
                                    ArrayRef<const onnx::AttributeProto *> defaults, Frame body) {
  if (++body.functionDepth > kMaxFunctionDepth)
    return error(DiagnosticCode::TooDeep, "functions call each other too deeply");
  Scope scope;
  scope.depth = frame->scope->depth;
  body.graph = nullptr;
  for (int i = 0; i < function.input_size(); ++i) {
    Value value = i < node.input_size() ? lookup(node.input(i)) : Value();
    scope.entries[function.input(i)] = {value ? Entry::Value : Entry::Absent, value};
  }
  body.scope = &scope;
  Frame *outer = std::exchange(frame, &body);
  std::deque<onnx::NodeProto> resolved; // the names of their outputs are keys of the scope
  for (int i = 0; i < function.node_size(); ++i) {
    const onnx::NodeProto *inner = &function.node(i);
    if (hasReferences(*inner)) {
      resolved.push_back(*inner);
      resolveReferences(resolved.back(), node, defaults);
      inner = &resolved.back();
    }
    importNode(*inner, i);
  }
  SmallVector<Value> results;
  for (int i = 0; i < node.output_size(); ++i)
    results.push_back(i < function.output_size() ? lookup(function.output(i)) : Value());
  frame = outer;
  bool complete = true;
  for (int i = 0; i < node.output_size(); ++i) {
    define(node.output(i), results[i]);
    complete &= node.output(i).empty() || results[i];
  }
  return success(complete);
}

} // namespace nncc::import
