//===- CheckGraph.cpp - whether the graphs of a model are well formed -----------------------------------------------------===//

#include "CheckGraph.h"
#include "Tensors.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace nncc::import {

//===----------------------------------------------------------------------------------------------------------------------===//
// Graphs and functions
//===----------------------------------------------------------------------------------------------------------------------===//

void GraphChecker::checkMainGraph(const onnx::GraphProto &graph, const Opsets &opsets) {
  if (graph.output().empty())
    reporter.error(DiagnosticCode::BadGraph, "", "the model has no outputs");
  checkGraph(graph, {&opsets, nullptr}, nullptr, "");
  if (!redefinedConstants.empty())
    reporter.warning(DiagnosticCode::RedefinedConstants, redefinedConstants.front(),
                     Twine(redefinedConstants.size()) + " constants are defined twice: the later definition counts");
}

void GraphChecker::checkFunction(const onnx::FunctionProto &function, const Opsets &opsets) {
  Scope scope;
  std::string place = operatorName(function.domain(), function.name());
  for (const std::string &input : function.input())
    define(scope, input, place);
  checkNodes(function.node(), {&opsets, &function}, scope, place + "/");
  for (const std::string &output : function.output())
    if (!scope.values.contains(output))
      reporter.error(DiagnosticCode::UndefinedValue, place,
                     "the function's output '" + Twine(output) + "' is not computed");
}

void GraphChecker::define(Scope &scope, StringRef name, StringRef place) {
  if (name.empty())
    reporter.error(DiagnosticCode::BadGraph, place, "a value has no name");
  else if (!scope.values.insert(name).second)
    reporter.error(DiagnosticCode::DuplicateName, place, "the graph has two values with the name '" + name + "'");
}

void GraphChecker::defineOutputs(const onnx::NodeProto &node, Scope &scope, StringRef place) {
  bool isConstant = node.op_type() == "Constant";
  for (StringRef output : node.output()) {
    if (output.empty())
      continue;
    // Tools that rewrite models leave constants that are computed again before anything uses them. The later one counts.
    auto earlier = scope.constants.find(output);
    if (isConstant && earlier != scope.constants.end() && !earlier->second)
      redefinedConstants.push_back(output.str());
    else
      define(scope, output, place);
    if (isConstant)
      scope.constants.try_emplace(output, false);
  }
}

void GraphChecker::checkGraph(const onnx::GraphProto &graph, const Body &body, const Scope *outer, StringRef prefix) {
  Scope scope;
  scope.outer = outer;
  scope.depth = outer ? outer->depth + 1 : 1;
  if (scope.depth > kMaxGraphDepth) {
    reporter.error(DiagnosticCode::TooDeep, prefix.drop_back(!prefix.empty()), "graphs are nested too deeply")
        .note("at most " + Twine(kMaxGraphDepth) + " graphs may be nested");
    return;
  }
  for (const onnx::ValueInfoProto &input : graph.input())
    define(scope, input.name(), prefix.str() + input.name());
  checkInitializers(graph, scope, prefix);
  checkNodes(graph.node(), body, scope, prefix);
  DenseSet<StringRef> outputs;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    std::string place = prefix.str() + output.name();
    // A subgraph may hand out a value of the graph around it.
    if (!(outer ? scope.has(output.name()) : scope.values.contains(output.name())))
      reporter.error(DiagnosticCode::UndefinedValue, place,
                     "the output '" + Twine(output.name()) + "' is not computed");
    else if (!outer && !outputs.insert(output.name()).second)
      reporter.error(DiagnosticCode::DuplicateName, place,
                     "the model has two outputs with the name '" + Twine(output.name()) + "'");
  }
}

void GraphChecker::checkInitializers(const onnx::GraphProto &graph, Scope &scope, StringRef prefix) {
  DenseSet<StringRef> names;
  auto declare = [&](StringRef name) {
    std::string place = (prefix + name).str();
    if (name.empty())
      reporter.error(DiagnosticCode::BadGraph, place, "an initializer has no name");
    else if (!names.insert(name).second)
      reporter.error(DiagnosticCode::DuplicateName, place, "two initializers have the name '" + name + "'");
    scope.values.insert(name); // an input may have the same name
    return place;
  };
  for (const onnx::TensorProto &tensor : graph.initializer())
    checkTensor(tensor, declare(tensor.name()), files, reporter);
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    checkSparseTensor(tensor, declare(tensor.values().name()), files, reporter);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------------------------------------------------------===//

void GraphChecker::checkNodes(const Nodes &nodes, const Body &body, Scope &scope, StringRef prefix) {
  scope.nodes = &nodes;
  for (int i = 0; i < nodes.size(); ++i) {
    const onnx::NodeProto &node = nodes[i];
    std::string place = placeOf(node, i, prefix, body.function);
    checkInputs(node, place, scope);
    checkOperator(node, place, body);
    DenseSet<StringRef> names;
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      if (!names.insert(attribute.name()).second)
        reporter.error(DiagnosticCode::BadAttribute, place,
                       "the attribute '" + Twine(attribute.name()) + "' appears twice");
      checkAttribute(attribute, place, body, scope);
    }
    defineOutputs(node, scope, place);
  }
}

void GraphChecker::checkInputs(const onnx::NodeProto &node, StringRef place, const Scope &scope) {
  for (auto [i, name] : llvm::enumerate(node.input())) {
    if (name.empty())
      continue;
    if (scope.has(name)) {
      for (const Scope *each = &scope; each; each = each->outer)
        if (auto constant = each->constants.find(name); constant != each->constants.end())
          constant->second = true;
      continue;
    }
    const onnx::NodeProto *producer = nullptr;
    if (producerSearches++ < kMaxProducerSearches) // each is linear
      for (const onnx::NodeProto &other : *scope.nodes)
        if (llvm::is_contained(other.output(), name))
          producer = &other;
    Diagnostic &error =
        reporter.error(DiagnosticCode::UndefinedValue, place,
                       "input " + Twine(i) + " is '" + name + "', which nothing before this node computes");
    if (producer == &node)
      error.note("the node computes it itself");
    else if (producer)
      error.note("the node " + (producer->name().empty() ? producer->op_type() : "'" + producer->name() + "'") +
                 " computes it later: nodes must be in the order of their dependences, without cycles");
  }
}

void GraphChecker::checkOperator(const onnx::NodeProto &node, StringRef place, const Body &body) {
  StringRef domain = normalizeDomain(node.domain());
  if (node.op_type().empty()) {
    reporter.error(DiagnosticCode::BadGraph, place, "the node has no operator");
    return;
  }
  Arrival arrival = arrivalOf(node, *body.opsets, functions);
  if (arrival == Arrival::LocalFunction)
    return checkCall(node, place, *functions.lookup(node));
  auto opset = body.opsets->find(domain);
  if (opset == body.opsets->end()) {
    if (body.opsets->empty()) // reported
      return;
    std::string scopeName = body.function ? operatorName(body.function->domain(), body.function->name()) : "";
    if (reportedDomains.insert(scopeName + "\n" + domain.str()).second)
      reporter
          .error(DiagnosticCode::BadOpsetImport, place,
                 "the operator " + operatorName(domain, node.op_type()) + " is of a domain that is not imported")
          .note("opset_import of the " + Twine(body.function ? "function" : "model") + " must name the domain '" +
                domain + "'");
    return;
  }
  std::string name = operatorName(domain, node.op_type()), missing;
  const onnx::OpSchema *schema = findSchema(domain, node.op_type(), opset->second);
  if (!schema || schema->Deprecated()) {
    if (arrival != Arrival::Table)
      reporter.unsupported(name, place, whyUnknown(domain, node.op_type(), opset->second));
    return;
  }
  if (arrival == Arrival::None)
    reporter.unsupported(name, place, "");
  else if (arrival == Arrival::SchemaFunction && !isBodySupported(*schema->GetFunction(opset->second), 0, missing))
    reporter.unsupported(name, place, "its function body needs " + missing);
  checkSignature(node, place, *schema);
  checkAttributes(node, place, *schema);
}

/// Whether every operator of a schema's function body arrives somehow.
bool GraphChecker::isBodySupported(const onnx::FunctionProto &function, unsigned depth, std::string &missing) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &import : function.opset_import())
    opsets[normalizeDomain(import.domain())] = int(import.version());
  for (const onnx::NodeProto &node : function.node()) {
    Arrival arrival = arrivalOf(node, opsets, functions);
    StringRef domain = normalizeDomain(node.domain());
    if (arrival == Arrival::SchemaFunction && depth < kMaxFunctionDepth) {
      int version = opsets.lookup(domain);
      if (!isBodySupported(*findSchema(domain, node.op_type(), version)->GetFunction(version), depth + 1, missing))
        return false;
    } else if (arrival == Arrival::None) {
      missing = operatorName(domain, node.op_type());
      return false;
    }
  }
  return true;
}

void GraphChecker::checkSignature(const onnx::NodeProto &node, StringRef place, const onnx::OpSchema &schema) {
  auto check = [&](const char *what, const auto &names, const auto &formals, int min, int max) {
    int count = names.size();
    if (count < min || count > max) {
      std::string expected = min == max       ? std::to_string(min)
                             : max == INT_MAX ? "at least " + std::to_string(min)
                                              : std::to_string(min) + " to " + std::to_string(max);
      reporter.error(DiagnosticCode::WrongArity, place,
                     node.op_type() + " has " + Twine(count) + " " + what + (count == 1 ? "" : "s") + ", expected " +
                         expected);
      return;
    }
    for (int i = 0; i < count; ++i) {
      const auto &formal = formals[std::min<size_t>(i, formals.size() - 1)];
      if (names[i].empty() && formal.GetOption() != onnx::OpSchema::Optional)
        reporter.error(DiagnosticCode::WrongArity, place,
                       what + Twine(" ") + Twine(i) + " ('" + formal.GetName() + "') of " + node.op_type() +
                           " has no name");
    }
  };
  check("input", node.input(), schema.inputs(), schema.min_input(), schema.max_input());
  check("output", node.output(), schema.outputs(), schema.min_output(), schema.max_output());
}

void GraphChecker::checkCall(const onnx::NodeProto &node, StringRef place, const onnx::FunctionProto &function) {
  std::string name = operatorName(function.domain(), function.name());
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size())
    reporter.error(DiagnosticCode::WrongArity, place,
                   "the call of " + name + " has " + Twine(node.input_size()) + " inputs and " +
                       Twine(node.output_size()) + " outputs, the function has " + Twine(function.input_size()) +
                       " and " + Twine(function.output_size()));
  for (const std::string &required : function.attribute())
    if (llvm::none_of(node.attribute(), [&](const onnx::AttributeProto &given) { return given.name() == required; }))
      reporter.error(DiagnosticCode::BadAttribute, place,
                     "the call of " + name + " lacks the attribute '" + required + "'");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------------------------------------------------------===//

static std::string typeName(onnx::AttributeProto::AttributeType type) {
  return StringRef(onnx::AttributeProto_AttributeType_Name(type)).lower();
}

void GraphChecker::checkAttributes(const onnx::NodeProto &node, StringRef place, const onnx::OpSchema &schema) {
  auto bad = [&](const Twine &message) -> Diagnostic & {
    return reporter.error(DiagnosticCode::BadAttribute, place, message);
  };
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    auto known = schema.attributes().find(attribute.name());
    if (known == schema.attributes().end()) {
      // Names with two underscores are for tools.
      if (!StringRef(attribute.name()).starts_with("__"))
        bad(node.op_type() + " has no attribute '" + attribute.name() + "' in opset version " +
            Twine(schema.SinceVersion()));
    } else if (attribute.type() != known->second.type) {
      bad("the attribute '" + attribute.name() + "' is of type " + typeName(attribute.type()) + ", expected " +
          typeName(known->second.type));
    }
  }
  for (const auto &[name, expected] : schema.attributes())
    if (expected.required && llvm::none_of(node.attribute(), [&, &wanted = name](const onnx::AttributeProto &given) {
          return given.name() == wanted;
        }))
      bad(node.op_type() + " lacks the attribute '" + name + "'");
}

/// The value fields that an attribute uses, as types.
static SmallVector<onnx::AttributeProto::AttributeType> usedFields(const onnx::AttributeProto &attribute) {
  using A = onnx::AttributeProto;
  const std::pair<bool, A::AttributeType> fields[] = {
      {attribute.has_f(), A::FLOAT},
      {attribute.has_i(), A::INT},
      {attribute.has_s(), A::STRING},
      {attribute.has_t(), A::TENSOR},
      {attribute.has_g(), A::GRAPH},
      {attribute.has_sparse_tensor(), A::SPARSE_TENSOR},
      {attribute.has_tp(), A::TYPE_PROTO},
      {attribute.floats_size() != 0, A::FLOATS},
      {attribute.ints_size() != 0, A::INTS},
      {attribute.strings_size() != 0, A::STRINGS},
      {attribute.tensors_size() != 0, A::TENSORS},
      {attribute.graphs_size() != 0, A::GRAPHS},
      {attribute.sparse_tensors_size() != 0, A::SPARSE_TENSORS},
      {attribute.type_protos_size() != 0, A::TYPE_PROTOS},
  };
  SmallVector<A::AttributeType> used;
  for (auto [isUsed, type] : fields)
    if (isUsed)
      used.push_back(type);
  return used;
}

void GraphChecker::checkAttribute(const onnx::AttributeProto &attribute, StringRef place, const Body &body,
                                  const Scope &scope) {
  auto bad = [&](const Twine &message) {
    reporter.error(DiagnosticCode::BadAttribute, place, "the attribute '" + Twine(attribute.name()) + "' " + message);
  };
  auto used = usedFields(attribute);
  if (!attribute.ref_attr_name().empty()) {
    auto isReferenced = [&](const auto &name) { return name == attribute.ref_attr_name(); };
    auto isDefault = [&](const onnx::AttributeProto &given) { return given.name() == attribute.ref_attr_name(); };
    if (!body.function)
      bad("refers to an attribute of a function, outside of functions");
    else if (llvm::none_of(body.function->attribute(), isReferenced) &&
             llvm::none_of(body.function->attribute_proto(), isDefault))
      bad("refers to '" + attribute.ref_attr_name() + "', which the function does not have");
    else if (!used.empty())
      bad("has a value besides a reference");
    return;
  }
  using A = onnx::AttributeProto;
  bool needsField = attribute.type() == A::TENSOR || attribute.type() == A::GRAPH ||
                    attribute.type() == A::SPARSE_TENSOR || attribute.type() == A::TYPE_PROTO;
  if (used.size() > 1)
    return bad("has more than one value");
  if (used.empty() ? needsField : used.front() != attribute.type())
    return bad("says that it is of type " + typeName(attribute.type()) + ", but has " +
               (used.empty() ? "no value" : "a value of type " + typeName(used.front())));

  std::string path = (place + "." + attribute.name()).str();
  if (attribute.has_t())
    checkTensor(attribute.t(), path, files, reporter);
  for (const onnx::TensorProto &tensor : attribute.tensors())
    checkTensor(tensor, path, files, reporter);
  if (attribute.has_sparse_tensor())
    checkSparseTensor(attribute.sparse_tensor(), path, files, reporter);
  for (const onnx::SparseTensorProto &tensor : attribute.sparse_tensors())
    checkSparseTensor(tensor, path, files, reporter);
  if (attribute.has_g())
    checkGraph(attribute.g(), body, &scope, path + "/");
  for (const onnx::GraphProto &graph : attribute.graphs())
    checkGraph(graph, body, &scope, path + "/");
}

} // namespace nncc::import
