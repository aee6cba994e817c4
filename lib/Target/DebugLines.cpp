//===- DebugLines.cpp - locations that debug information can hold -------------------------------------------------===//

#include "DebugLines.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nncc::target {

/// The line of the first node that `loc` names; 0: none.
static unsigned findLine(Location loc, const NodeListing &nodes) {
  unsigned line = 0;
  loc->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part))
      line = nodes.getLine(name.getName());
    return line ? WalkResult::interrupt() : WalkResult::advance();
  });
  return line;
}

void useNodeLines(ModuleOp module, const NodeListing &nodes) {
  auto at = [&](unsigned line) { return FileLineColLoc::get(module.getContext(), nodes.getFileName(), line, 0); };
  module->setLoc(at(0));
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    unsigned functionLine = findLine(function.getLoc(), nodes);
    function->walk([&](Operation *op) {
      unsigned line = findLine(op->getLoc(), nodes);
      op->setLoc(at(line ? line : functionLine));
    });
  }
}

} // namespace nncc::target
