//===- Import.h - from an ONNX model to nn ----------------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// The model becomes a module with one function, @main. Its arguments and results carry the attribute `nn.name`, the
/// name in the model; sizes that are not known are named in the types (`#nn.dims`). The module carries `nn.name` (the
/// graph's), and where the model has them `nn.doc` and `nn.metadata`. The location of every op is the name of the ONNX
/// node that it comes from.
///
/// Everything about the model is checked before MLIR sees it, and all problems are collected; no exception leaves this
/// room.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_IMPORT_ONNX_IMPORT_H
#define NNCC_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "nncc/Support/Diagnostics.h"
#include "nncc/Support/SourceFiles.h"
#include <optional>
#include <string>
#include <vector>

namespace nncc::import {

/// `--shape=input:1x3x224x224`: the sizes of one input; an empty entry leaves a dim as it is.
struct ShapeOverride {
  std::string input;
  std::vector<std::optional<int64_t>> sizes;
};

/// `--dim=batch=8` fixes a symbolic size, `--dim=seq=1..512` bounds it.
struct DimOverride {
  std::string symbol;
  int64_t min = 0;
  int64_t max = 0;
};

struct ImportOptions {
  /// Inputs that are also initializers, and stay inputs: without default.
  std::vector<std::string> keepInputs;
  std::vector<ShapeOverride> shapes;
  std::vector<DimOverride> dims;
  /// At most so many errors are listed.
  size_t maxErrors = 100;
};

/// Imports the model of `files`. A null module means that `diagnostics` has errors. `files` must outlive the use of the
/// module's weights.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(mlir::MLIRContext &context, SourceFiles &files,
                                             const ImportOptions &options, Diagnostics &diagnostics);

} // namespace nncc::import

#endif // NNCC_IMPORT_ONNX_IMPORT_H
