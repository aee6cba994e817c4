//===- Import.cpp - from an ONNX model to nn ------------------------------------------------------------------------------===//

#include "nncc/Import/ONNX/Import.h"
#include "CheckModel.h"
#include "GraphImporter.h"
#include "ReadModel.h"
#include "mlir/IR/Verifier.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Support/MLIRDiagnostics.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

/// What MLIR reports while ops are created is about the model's node: "'nn.add' op sizes 2 and 3 do not broadcast".
static LogicalResult report(mlir::Diagnostic &diagnostic, DiagnosticCode code, Reporter &reporter) {
  if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
    return success();
  std::string text = diagnostic.str();
  StringRef message = text;
  if (message.consume_front("'nn.") && message.contains("' op "))
    message = message.split("' op ").second;
  nncc::Diagnostic &added = reporter.error(code, nodeName(diagnostic.getLocation()), message);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    added.note(note.str());
  return success();
}

static OwningOpRef<ModuleOp> importInto(MLIRContext &context, SourceFiles &files, const ImportOptions &options,
                                        Reporter &reporter) {
  onnx::ModelProto model;
  if (!readModel(files, model, reporter))
    return nullptr;
  LocalFunctions functions(model);
  if (!checkModel(model, functions, files, reporter))
    return nullptr;
  reporter.forgetUnsupported(); // the import counts again, in function bodies too

  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  DiagnosticCode code = DiagnosticCode::InvalidNode;
  ScopedDiagnosticHandler handler(&context,
                                  [&](mlir::Diagnostic &diagnostic) { return report(diagnostic, code, reporter); });
  OwningOpRef<ModuleOp> module = GraphImporter(&context, model, functions, files, options, reporter).run();
  if (reporter.failed() || reporter.anyUnsupported())
    return nullptr;
  code = DiagnosticCode::Internal; // each op was verified when it was created
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> importONNX(MLIRContext &context, SourceFiles &files, const ImportOptions &options,
                                 nncc::Diagnostics &diagnostics) {
  Reporter reporter(diagnostics, files.modelPath(), options.maxErrors);
  OwningOpRef<ModuleOp> module;
  // Protobuf and ONNX throw; nothing may pass this line.
  reporter.guarded(DiagnosticCode::Internal, "", [&] { module = importInto(context, files, options, reporter); });
  reporter.finish();
  return reporter.failed() ? OwningOpRef<ModuleOp>() : std::move(module);
}

} // namespace nncc::import
