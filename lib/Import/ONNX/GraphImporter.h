//===- GraphImporter.h - graphs and functions become nn ops -----------------------------------------------------*- C++ -*-===//
///
/// \file
/// Walks a checked model once. What cannot be imported is reported and leaves holes: values that later nodes see as missing, without
/// being reported again, so that one run finds every problem. Where the graph declares the type of a hole, the walk goes on behind it.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define NNCC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "Schemas.h"
#include "Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "nncc/Import/ONNX/Import.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Support/SourceFiles.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::import {

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext *context, const onnx::ModelProto &model, const LocalFunctions &functions,
                SourceFiles &files, const ImportOptions &options, Reporter &reporter);

  /// The module; incomplete when there were problems.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  //===--------------------------------------------------------------------------------------------------------------------===//
  // For NodeImporter
  //===--------------------------------------------------------------------------------------------------------------------===//

  mlir::OpBuilder &builder() { return b; }
  /// The value of a name; null when there is none or it is a hole.
  mlir::Value lookup(llvm::StringRef name);
  void define(llvm::StringRef name, mlir::Value value);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> importSubgraph(const onnx::GraphProto &graph, mlir::Region &into,
                                                                 mlir::TypeRange argumentTypes,
                                                                 llvm::StringRef attribute);
  mlir::FailureOr<mlir::Value> materialize(const onnx::TensorProto &tensor, mlir::Location loc);
  mlir::FailureOr<mlir::Value> materialize(const onnx::SparseTensorProto &tensor, mlir::Location loc);
  mlir::DenseElementsAttr read(const onnx::TensorProto &tensor);
  mlir::Type declaredType(const onnx::TypeProto &type) const { return types->declared(type); }
  mlir::LogicalResult error(DiagnosticCode code, const llvm::Twine &message);
  void unsupportedNode(const onnx::NodeProto &node, const llvm::Twine &why);
  std::optional<bool> chooseBranch(const onnx::NodeProto &node, const onnx::GraphProto &yes,
                                   const onnx::GraphProto &no);
  mlir::LogicalResult attempt(llvm::function_ref<mlir::LogicalResult()> run);

private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  /// What a name stands for.
  struct Entry {
    enum Kind { Value, Hole, Absent, Dense, Sparse } kind = Hole;
    mlir::Value value = {};
    const void *tensor = nullptr; // an initializer that nothing has used yet
    bool isGuess = false;         // behind a node that cannot be compiled: the type is what the graph declares
  };
  struct Scope {
    llvm::DenseMap<llvm::StringRef, Entry> entries;
    Scope *outer = nullptr;
    unsigned depth = 1;
  };
  /// The graph or function body that is being imported.
  struct Frame {
    Scope *scope = nullptr;
    const onnx::GraphProto *graph = nullptr; // none in function bodies
    int next = 0;                            // node of the graph
    const Opsets *opsets = nullptr;
    std::string prefix;                     // of the names of its nodes
    bool inFunction = false;                // of the model
    std::optional<mlir::Location> location; // of all its ops: bodies of schemas are one node to the user
    std::string body;                       // the operator whose body it is, for messages
    unsigned functionDepth = 0;
  };

  void importInputs(mlir::func::FuncOp function);
  void importOutputs(mlir::func::FuncOp function);
  void declareInitializers(const onnx::GraphProto &graph, Scope &scope);
  void setModuleAttributes(mlir::ModuleOp module);

  Entry *find(llvm::StringRef name);
  void importNodes();
  std::optional<bool> tryBranch(const onnx::NodeProto &node, const onnx::GraphProto &branch);
  void importNode(const onnx::NodeProto &node, int index);
  mlir::LogicalResult importKnownNode(const onnx::NodeProto &node, Arrival arrival, const onnx::OpSchema *schema,
                                      int opset);
  bool hasHole(const onnx::NodeProto &node);
  bool isHole(llvm::StringRef name);
  bool capturesHole(const onnx::GraphProto &graph, llvm::StringSet<> &inside);
  bool hasGuess(const onnx::NodeProto &node);
  void leaveHoles(const onnx::NodeProto &node);
  void countUnsupported(const onnx::NodeProto &node);
  void guessTypes(const onnx::NodeProto &node);
  mlir::LogicalResult checkNode(const onnx::NodeProto &node, const onnx::OpSchema &schema);
  mlir::LogicalResult checkTypes(const onnx::NodeProto &node, const onnx::OpSchema &schema);

  mlir::LogicalResult expandLocal(const onnx::NodeProto &node, const onnx::FunctionProto &function);
  mlir::LogicalResult expandSchema(const onnx::NodeProto &node, const onnx::OpSchema &schema, int opset,
                                   bool needsTypes);
  mlir::LogicalResult expand(const onnx::NodeProto &node, const onnx::FunctionProto &function,
                             llvm::ArrayRef<const onnx::AttributeProto *> defaults, Frame body);

  mlir::OpBuilder b;
  const onnx::ModelProto &model;
  const LocalFunctions &functions;
  SourceFiles &files;
  const ImportOptions &options;
  Reporter &reporter;
  llvm::SmallVector<const onnx::ValueInfoProto *> inputs; // those that are not constants
  std::optional<InputTypes> types;
  llvm::DenseMap<const onnx::FunctionProto *, Opsets> functionImports;
  llvm::DenseMap<const onnx::GraphProto *, llvm::DenseMap<llvm::StringRef, const onnx::TypeProto *>> declaredTypes;
  Scope mainScope;
  Frame *frame = nullptr;
  bool guessing = false;                   // whether that node has inputs of guessed types
  std::string place;                       // the node that is being imported
  mlir::Block *entry = nullptr;            // of the function
  mlir::Operation *lastConstant = nullptr; // initializers become ops at the start of the function
  uint64_t nodesImported = 0;
  unsigned choices = 0; // of branches, that are being made
};

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
