//===- CheckGraph.h - whether the graphs of a model are well formed ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_CHECKGRAPH_H
#define NNCC_LIB_IMPORT_ONNX_CHECKGRAPH_H

#include "Schemas.h"
#include "nncc/Support/SourceFiles.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::import {

/// Walks graphs and function bodies against the schemas of their operators, and reports everything that is wrong:
/// names, order, arity, attributes, tensors, nesting.
class GraphChecker {
public:
  GraphChecker(const LocalFunctions &functions, SourceFiles &files, Reporter &reporter)
      : functions(functions), files(files), reporter(reporter) {}

  void checkMainGraph(const onnx::GraphProto &graph, const Opsets &opsets);
  void checkFunction(const onnx::FunctionProto &function, const Opsets &opsets);

private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  /// The values that one graph has computed so far, and the graph around it.
  struct Scope {
    llvm::DenseSet<llvm::StringRef> values;
    const Scope *outer = nullptr;
    unsigned depth = 1;
    const Nodes *nodes = nullptr;
    /// The results of Constant nodes, and whether anything has used them.
    mutable llvm::DenseMap<llvm::StringRef, bool> constants;
    bool has(llvm::StringRef name) const { return values.contains(name) || (outer && outer->has(name)); }
  };
  /// What the nodes of a graph or function have in common.
  struct Body {
    const Opsets *opsets;
    const onnx::FunctionProto *function; // null in a graph
  };

  void checkGraph(const onnx::GraphProto &graph, const Body &body, const Scope *outer, llvm::StringRef prefix);
  void checkInitializers(const onnx::GraphProto &graph, Scope &scope, llvm::StringRef prefix);
  void checkNodes(const Nodes &nodes, const Body &body, Scope &scope, llvm::StringRef prefix);
  void checkInputs(const onnx::NodeProto &node, llvm::StringRef place, const Scope &scope);
  void checkOperator(const onnx::NodeProto &node, llvm::StringRef place, const Body &body);
  void checkSignature(const onnx::NodeProto &node, llvm::StringRef place, const onnx::OpSchema &schema);
  void checkAttributes(const onnx::NodeProto &node, llvm::StringRef place, const onnx::OpSchema &schema);
  void checkCall(const onnx::NodeProto &node, llvm::StringRef place, const onnx::FunctionProto &function);
  void checkAttribute(const onnx::AttributeProto &attribute, llvm::StringRef place, const Body &body,
                      const Scope &scope);
  bool isBodySupported(const onnx::FunctionProto &function, unsigned depth, std::string &missing);
  void define(Scope &scope, llvm::StringRef name, llvm::StringRef place);
  void defineOutputs(const onnx::NodeProto &node, Scope &scope, llvm::StringRef place);

  const LocalFunctions &functions;
  SourceFiles &files;
  Reporter &reporter;
  llvm::StringSet<> reportedDomains;
  unsigned producerSearches = 0;
  std::vector<std::string> redefinedConstants;
  static constexpr unsigned kMaxProducerSearches = 100;
};

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_CHECKGRAPH_H
