//===- Types.h - types of a model's inputs and outputs, with symbolic sizes -------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_TYPES_H
#define NNCC_LIB_IMPORT_ONNX_TYPES_H

#include "Reporter.h"
#include "mlir/IR/BuiltinTypes.h"
#include "nncc/Dialect/NN/IR/Dim.h"
#include "nncc/Import/ONNX/Import.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::import {

/// The types of the inputs of a model, after the options that fix sizes.
class InputTypes {
public:
  /// `inputs` are those that are not constants.
  InputTypes(mlir::MLIRContext *context, llvm::ArrayRef<const onnx::ValueInfoProto *> inputs,
             const ImportOptions &options, Reporter &reporter);

  /// The type of an input; null after an error.
  mlir::Type lookup(llvm::StringRef input) const { return types.lookup(input); }
  /// The bounds that options give for symbols: {symbol = [min, max]}; null without any.
  mlir::DictionaryAttr ranges() const;
  /// The type that a subgraph declares: sizes that are symbols of the model keep their name. Null without a rank or
  /// element type.
  mlir::Type declared(const onnx::TypeProto &type) const;

private:
  using Dims = llvm::SmallVector<nn::Dim>;

  void readDims(const onnx::ValueInfoProto &input);
  void applyShape(const ShapeOverride &shape);
  void applyDim(const DimOverride &dim);
  void fix(llvm::StringRef symbol, int64_t value, llvm::StringRef option);
  nn::Dim substitute(const nn::Dim &dim) const;
  void makeType(const onnx::ValueInfoProto &input);
  std::string listInputs() const;

  mlir::MLIRContext *context;
  Reporter &reporter;
  llvm::ArrayRef<const onnx::ValueInfoProto *> inputs;
  llvm::StringMap<std::optional<Dims>> dims; // nothing: the rank is unknown
  llvm::StringMap<bool> symbols;             // in some input
  llvm::StringMap<int64_t> fixed;
  llvm::StringMap<std::pair<int64_t, int64_t>> bounds;
  llvm::StringMap<mlir::Type> types;
};

/// The proto of a tensor type, for the ONNX library.
onnx::TypeProto toProto(mlir::Type type);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_TYPES_H
