//===- nncc-translate.cpp - ONNX to nn, for tests and for curiosity -------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "nncc/Import/ONNX/Import.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace nncc;

static cl::opt<std::string> input(cl::Positional, cl::desc("model"));
static cl::opt<bool>
    listOperators("operators", cl::desc("print the operators that the importer knows itself, and since which version"));
static cl::list<std::string> shapes("shape", cl::desc("sizes of an input, as name:1x3x224x224; ? keeps a dim"));
static cl::list<std::string> dims("dim", cl::desc("a symbolic size, as batch=8 or seq=1..512"));
static cl::list<std::string> keepInputs("keep-input", cl::desc("an input that is also an initializer stays an input"));
static cl::opt<std::string> externalDataRoot("external-data-root",
                                             cl::desc("external data may be anywhere below this directory"));
static cl::opt<bool> checkOnly("check", cl::desc("print diagnostics only"));
static cl::opt<bool> printLocations("locations", cl::desc("print the locations of ops"));
static cl::opt<std::string> format("diagnostics-format", cl::desc("text or json"), cl::init("text"));

/// `--shape=` splits at the last colon: names have colons.
static bool parseShape(StringRef text, import::ShapeOverride &shape) {
  auto [name, sizes] = text.rsplit(':');
  shape.input = name.str();
  SmallVector<StringRef> parts;
  sizes.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t size = 0;
    if (part == "?")
      shape.sizes.push_back(std::nullopt);
    else if (part.getAsInteger(10, size) || size < 0)
      return false;
    else
      shape.sizes.push_back(size);
  }
  return !name.empty();
}

static bool parseDim(StringRef text, import::DimOverride &dim) {
  auto [name, range] = text.rsplit('=');
  auto [min, max] = range.split("..");
  dim.symbol = name.str();
  return !name.empty() && !min.getAsInteger(10, dim.min) && !(max.empty() ? min : max).getAsInteger(10, dim.max);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "ONNX to nn\n");
  if (listOperators) {
    for (const import::TableEntry *entry : import::ImportTable::get().entries())
      outs() << entry->domain << "::" << entry->op << " " << entry->sinceVersion << "\n";
    return 0;
  }
  import::ImportOptions options;
  for (const std::string &text : shapes)
    if (!parseShape(text, options.shapes.emplace_back())) {
      errs() << "error: --shape=" << text << " is not name:1x2x3\n";
      return int(ExitCode::Usage);
    }
  for (const std::string &text : dims)
    if (!parseDim(text, options.dims.emplace_back())) {
      errs() << "error: --dim=" << text << " is not name=8 or name=1..8\n";
      return int(ExitCode::Usage);
    }
  options.keepInputs.assign(keepInputs.begin(), keepInputs.end());

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceFiles files(input, externalDataRoot);
  Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module = import::importONNX(context, files, options, diagnostics);
  if (format == "json")
    diagnostics.printJSON(errs());
  else
    diagnostics.print(errs());
  if (module && !checkOnly) {
    mlir::OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(64).enableDebugInfo(printLocations, /*prettyForm=*/true);
    module->print(outs(), flags);
    outs() << "\n";
  }
  return int(diagnostics.exitCode());
}
