//===- Reduce.h - models with parts left out --------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_IMPORT_ONNX_REDUCE_H
#define NNCC_IMPORT_ONNX_REDUCE_H

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace nncc::import {

/// What stays of a model.
struct ModelParts {
  llvm::BitVector nodes;   ///< of the main graph, in its order
  llvm::BitVector weights; ///< initializers that stay constants; the others become inputs
};

/// A model that smaller ones are made of, for finding what makes a tool fail.
class ReducibleModel {
public:
  /// Binary or ONNX's text; all of it must fit a protobuf message.
  static llvm::Expected<std::unique_ptr<ReducibleModel>> read(llvm::StringRef path);
  ~ReducibleModel();

  /// Everything.
  ModelParts parts() const;
  bool hasExternalData() const;

  /// The model of these parts as bytes: what the nodes that stay lack becomes an input, what they compute and no other uses an output, of
  /// the types that shape inference finds. What nothing uses is gone, and so is documentation.
  std::string write(const ModelParts &parts) const;

private:
  struct Contents;
  explicit ReducibleModel(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents;
};

} // namespace nncc::import

#endif // NNCC_IMPORT_ONNX_REDUCE_H
