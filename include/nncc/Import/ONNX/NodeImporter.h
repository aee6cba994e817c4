//===- NodeImporter.h - one ONNX node that becomes nn ops -------------------------------------------------------*- C++ -*-===//
///
/// \file
/// What an import function sees: the node's inputs as values, its attributes by type, and a way to create nn ops that
/// reports a mistake of the model instead of aborting. No protobuf here: an operator family needs none.
///
/// Before an import function runs, the node is known to have an operator that exists in its opset, a legal number of
/// inputs and outputs, attributes of the types that the schema asks for, the required ones present, and inputs of the
/// element types that the schema allows. What it has to check is what its nn ops do not check themselves.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_IMPORT_ONNX_NODEIMPORTER_H
#define NNCC_IMPORT_ONNX_NODEIMPORTER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/Twine.h"
#include <optional>
#include <string>

namespace onnx {
class AttributeProto;
class NodeProto;
class OpSchema;
} // namespace onnx

namespace nncc::import {

class GraphImporter;

class NodeImporter {
public:
  NodeImporter(GraphImporter &graph, const onnx::NodeProto &node, const onnx::OpSchema *schema, int opset,
               mlir::Location loc);
  NodeImporter(const NodeImporter &) = delete;
  NodeImporter &operator=(const NodeImporter &) = delete;

  llvm::StringRef opType() const;
  /// The version of the operator's domain that the model (or the function body) imports.
  int opset() const { return opsetVersion; }
  mlir::OpBuilder &builder();
  mlir::Location loc() const { return location; }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Inputs and outputs
  //===--------------------------------------------------------------------------------------------------------------------===//

  unsigned numInputs() const;
  unsigned numOutputs() const;
  /// Null when the node has no such input, or its name is empty.
  mlir::Value input(unsigned index) const;
  bool hasInput(unsigned index) const { return bool(input(index)); }
  /// All inputs, for variadic operators. None is null: an omitted one in the middle is reported before the import.
  llvm::SmallVector<mlir::Value> inputs() const;
  /// The type of an input that is there. Sequences and optionals have none.
  mlir::RankedTensorType inputType(unsigned index) const;
  /// The elements of a small integer input, when they are known while compiling.
  std::optional<llvm::SmallVector<int64_t>> constantInput(unsigned index) const;
  /// False for outputs that the node does not name.
  bool wantsOutput(unsigned index) const;
  void setOutput(unsigned index, mlir::Value value);

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Attributes: the node's, else the schema's default, else `fallback`
  //===--------------------------------------------------------------------------------------------------------------------===//

  /// True when the node states the attribute itself.
  bool hasAttr(llvm::StringRef name) const;
  int64_t intAttr(llvm::StringRef name, int64_t fallback = 0) const;
  float floatAttr(llvm::StringRef name, float fallback = 0) const;
  std::string stringAttr(llvm::StringRef name, llvm::StringRef fallback = "") const;
  std::optional<llvm::SmallVector<int64_t>> intsAttr(llvm::StringRef name) const;
  std::optional<llvm::SmallVector<float>> floatsAttr(llvm::StringRef name) const;
  std::optional<llvm::SmallVector<std::string>> stringsAttr(llvm::StringRef name) const;
  /// The elements of a tensor attribute; null when absent. `tensorValue` is better where it may be large.
  mlir::DenseElementsAttr tensorAttr(llvm::StringRef name);
  /// A tensor (also a sparse one) as nn.constant or nn.weight.
  mlir::FailureOr<mlir::Value> tensorValue(llvm::StringRef name);
  /// An attribute that names an ONNX element type, as a number or (Cast-1) as text.
  mlir::FailureOr<mlir::Type> elementTypeAttr(llvm::StringRef name);

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Creating ops
  //===--------------------------------------------------------------------------------------------------------------------===//

  /// Creates an op with inferred result types from what OpTy::create takes after builder and location. A failed
  /// inference or verification is this node's diagnostic; never aborts.
  template <typename OpTy, typename... Args> mlir::FailureOr<OpTy> create(Args &&...args) {
    mlir::OperationState state(location, OpTy::getOperationName());
    // The builders without result types abort when inference fails: build with placeholders, infer afterwards.
    llvm::SmallVector<mlir::Type> placeholders(resultCount<OpTy>(), builder().getNoneType());
    OpTy::build(builder(), state, mlir::TypeRange(placeholders), std::forward<Args>(args)...);
    mlir::Operation *op = finishInferred(state);
    if (!op)
      return mlir::failure();
    return llvm::cast<OpTy>(op);
  }
  /// As create, for ops whose result types are stated.
  template <typename OpTy, typename... Args> mlir::FailureOr<OpTy> createTyped(mlir::TypeRange types, Args &&...args) {
    mlir::OperationState state(location, OpTy::getOperationName());
    OpTy::build(builder(), state, types, std::forward<Args>(args)...);
    mlir::Operation *op = finish(state);
    if (!op)
      return mlir::failure();
    return llvm::cast<OpTy>(op);
  }
  /// Creates an op whose results are the node's outputs, in order.
  template <typename OpTy, typename... Args> mlir::LogicalResult becomes(Args &&...args) {
    mlir::FailureOr<OpTy> op = create<OpTy>(std::forward<Args>(args)...);
    if (mlir::failed(op))
      return mlir::failure();
    setOutputs((*op)->getResults());
    return mlir::success();
  }
  void setOutputs(mlir::ValueRange values);
  /// Creates an op with regions and stated types.
  mlir::Operation *createWithRegions(mlir::OperationState &state) { return finish(state); }

  mlir::Value constant(mlir::DenseElementsAttr elements);
  /// A 1-D i64 tensor.
  mlir::Value constantInts(llvm::ArrayRef<int64_t> values);
  /// A tensor of rank 0; `value` is rounded to the element type.
  mlir::Value constantScalar(mlir::Type elementType, double value);
  mlir::Value constantInt(mlir::Type elementType, int64_t value);

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Subgraphs of If, Loop, Scan, SequenceMap
  //===--------------------------------------------------------------------------------------------------------------------===//

  unsigned numGraphInputs(llvm::StringRef attribute) const;
  unsigned numGraphOutputs(llvm::StringRef attribute) const;
  /// The type that a subgraph declares for one of its inputs; null when it says none, or not the rank.
  mlir::Type graphInputType(llvm::StringRef attribute, unsigned index) const;
  /// The same for its outputs.
  mlir::Type graphOutputType(llvm::StringRef attribute, unsigned index) const;
  /// Imports the graph as the only block of `into`, whose arguments get `argumentTypes`, and returns the values of its
  /// outputs. The caller adds the terminator. Values of the outer graphs are visible inside. May be called again with
  /// other types (Loop).
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> importGraph(llvm::StringRef attribute, mlir::Region &into,
                                                              mlir::TypeRange argumentTypes);

  /// Which branch of an If the rest of the graph can be imported behind, where that is one alone.
  std::optional<bool> chooseBranch(llvm::StringRef yes, llvm::StringRef no);
  /// Runs a part of the import whose failure is no problem of the model: nothing is reported.
  mlir::LogicalResult attempt(llvm::function_ref<mlir::LogicalResult()> run);

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Diagnostics
  //===--------------------------------------------------------------------------------------------------------------------===//

  /// The node is wrong (exit code 4).
  mlir::LogicalResult error(const llvm::Twine &message);
  /// The node is right, but nncc cannot compile it (exit code 5).
  mlir::LogicalResult unsupported(const llvm::Twine &message);

private:
  template <typename OpTy> static constexpr size_t resultCount() {
    if constexpr (OpTy::template hasTrait<mlir::OpTrait::OneResult>())
      return 1;
    else if constexpr (OpTy::template hasTrait<mlir::OpTrait::NResults<2>::Impl>())
      return 2;
    else if constexpr (OpTy::template hasTrait<mlir::OpTrait::NResults<3>::Impl>())
      return 3;
    else if constexpr (OpTy::template hasTrait<mlir::OpTrait::NResults<4>::Impl>())
      return 4;
    else if constexpr (OpTy::template hasTrait<mlir::OpTrait::AtLeastNResults<1>::Impl>())
      return 1;
    else if constexpr (OpTy::template hasTrait<mlir::OpTrait::AtLeastNResults<2>::Impl>())
      return 2;
    else
      return 0;
  }

  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  mlir::Operation *finishInferred(mlir::OperationState &state);
  mlir::Operation *finish(mlir::OperationState &state);

  GraphImporter &graph;
  const onnx::NodeProto &node;
  const onnx::OpSchema *schema;
  int opsetVersion;
  mlir::Location location;
  unsigned created = 0; // ops; see kMaxOps
};

} // namespace nncc::import

#endif // NNCC_IMPORT_ONNX_NODEIMPORTER_H
