//===- ImportRunner.h - models as text, imported from memory --------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_IMPORT_IMPORTRUNNER_H
#define NNCC_TEST_UNIT_IMPORT_IMPORTRUNNER_H

#include "mlir/IR/MLIRContext.h"
#include "nncc/Import/ONNX/Import.h"
#include "onnx/onnx_pb.h"
#include <string>

namespace nncc::import {

/// A model from ONNX's text form.
onnx::ModelProto parseModel(const std::string &text);

/// What became of a model.
struct Imported {
  Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string text() const; ///< the diagnostics as printed
};
Imported importBytes(mlir::MLIRContext &context, llvm::StringRef bytes, const ImportOptions &options = {});

} // namespace nncc::import

#endif // NNCC_TEST_UNIT_IMPORT_IMPORTRUNNER_H
