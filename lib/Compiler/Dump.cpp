//===- Dump.cpp - what --emit= wrote, read back ---------------------------------------------------------------------------===//

#include "Dump.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "nncc/Support/BracketDepth.h"
#include "nncc/Support/MLIRDiagnostics.h"

using namespace mlir;

namespace nncc {

static constexpr unsigned kMaxDepth = 400; // MLIR's parser recurses

/// The folders of tensor.dim and memref.dim take for granted that there is such a size.
template <typename DimOp> static bool asksBeyondRank(Operation *op) {
  auto dim = dyn_cast<DimOp>(op);
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  auto type = dim ? dyn_cast<ShapedType>(dim.getSource().getType()) : ShapedType();
  return index && type.hasRank() && (*index < 0 || *index >= type.getRank());
}

/// What is wrong with the modules and functions of a dump; empty when nothing is.
static std::string problemOf(ModuleOp module) {
  if (!module.lookupSymbol<func::FuncOp>("main"))
    return "the module has no function @main";
  std::string problem;
  module.walk([&](func::FuncOp function) {
    if (function.isExternal())
      problem = ("function @" + function.getSymName() + " has no body").str();
    else if (!function.getBody().hasOneBlock())
      problem = ("function @" + function.getSymName() + " has several blocks").str();
  });
  module.walk([&](Operation *op) {
    if (asksBeyondRank<tensor::DimOp>(op) || asksBeyondRank<memref::DimOp>(op))
      problem = (op->getName().getStringRef() + " asks for a size that its operand does not have").str();
  });
  for (auto inner : module.getOps<ModuleOp>())
    if (!inner.lookupSymbol<func::FuncOp>("main"))
      problem = ("the module @" + inner.getName().value_or("") + " has no function @main").str();
  return problem;
}

Dump parseDump(MLIRContext &context, SourceFiles &files, Diagnostics &diagnostics) {
  FileError fileError;
  std::optional<StringRef> text = files.model(fileError);
  if (!text) {
    diagnostics.error(fileError.code, files.modelPath(), "", fileError.message);
    return {};
  }
  if (bracketDepth(*text, "//") > kMaxDepth) {
    diagnostics.error(DiagnosticCode::TooDeep, files.modelPath(), "", "the text is nested too deeply");
    return {};
  }
  MLIRDiagnosticsScope scope(&context, diagnostics, files.modelPath(), DiagnosticCode::NotAModel);
  Dump dump;
  dump.module = parseSourceString<ModuleOp>(*text, ParserConfig(&context), files.modelPath());
  if (!dump.module || diagnostics.hasErrors())
    return {};
  if (std::string problem = problemOf(*dump.module); !problem.empty()) {
    diagnostics.error(DiagnosticCode::NotAModel, files.modelPath(), "", problem);
    return {};
  }
  if ((*dump.module)->hasAttr("exec.plan"))
    dump.stage = Stage::Exec;
  else if ((*dump.module)->hasAttr("exec.inputs"))
    dump.stage = Stage::Linalg;
  return dump;
}

} // namespace nncc
