//===- SeparateWeights.cpp - @weights becomes a model of its own ----------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"

#define DEBUG_TYPE "exec-separate-weights"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_SEPARATEWEIGHTS
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

struct SeparateWeightsPass : impl::SeparateWeightsBase<SeparateWeightsPass> {
  void runOnOperation() override {
    auto weights = getOperation().lookupSymbol<func::FuncOp>("weights");
    if (!weights)
      return;
    if (failed(filesToArguments(weights)))
      return signalPassFailure();
    OpBuilder b(weights);
    auto inner = ModuleOp::create(b, weights.getLoc(), StringRef("weights"));
    describe(inner, weights);
    weights->moveBefore(inner.getBody(), inner.getBody()->end());
    weights.setName("main");
    weights.setPublic();
  }

private:
  static LogicalResult filesToArguments(func::FuncOp weights) {
    Builder b(weights.getContext());
    SmallVector<FileOp> files(weights.getBody().getOps<FileOp>());
    for (FileOp file : files) {
      NamedAttrList attributes;
      attributes.append("exec.file", file.getFileAttr());
      attributes.append("exec.length", file.getLengthAttr());
      attributes.append("exec.offset", file.getOffsetAttr());
      if (failed(weights.insertArgument(weights.getNumArguments(), file.getType(),
                                        attributes.getDictionary(b.getContext()), file.getLoc())))
        return failure();
      file.replaceAllUsesWith(weights.getArguments().back());
      file.erase();
    }
    return success();
  }

  /// What a model tells the runtime of itself.
  static void describe(ModuleOp inner, func::FuncOp weights) {
    Builder b(inner.getContext());
    auto entries = [&](ArrayRef<Type> types, StringRef prefix) {
      SmallVector<Attribute> result;
      for (auto [index, type] : llvm::enumerate(types))
        result.push_back(b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(prefix + Twine(index))),
                                              b.getNamedAttr("type", TypeAttr::get(type))}));
      return b.getArrayAttr(result);
    };
    inner->setAttr("exec.symbols", b.getStrArrayAttr({}));
    inner->setAttr("exec.inputs", entries(weights.getArgumentTypes(), "file"));
    inner->setAttr("exec.outputs", entries(weights.getResultTypes(), "weight"));
  }
};

} // namespace
} // namespace nncc::exec
