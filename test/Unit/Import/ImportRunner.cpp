//===- ImportRunner.cpp - models as text, imported from memory ------------------------------------------------------------------===//

#include "ImportRunner.h"
#include "onnx/defs/parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

namespace nncc::import {

onnx::ModelProto parseModel(const std::string &text) {
  onnx::ModelProto model;
  onnx::Common::Status status = onnx::OnnxParser::Parse(model, text);
  EXPECT_TRUE(status.IsOK()) << status.ErrorMessage();
  return model;
}

std::string Imported::text() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  diagnostics.print(os);
  return text;
}

Imported importBytes(mlir::MLIRContext &context, llvm::StringRef bytes, const ImportOptions &options) {
  Imported result;
  SourceFiles files("model.onnx", bytes, "/nonexistent", "");
  result.module = importONNX(context, files, options, result.diagnostics);
  EXPECT_EQ(bool(result.module), !result.diagnostics.hasErrors());
  return result;
}

} // namespace nncc::import
