//===- WeightLayout.cpp - where each weight is in the blob ----------------------------------------------------------------===//

#include "nncc/Conversion/ExecToLLVM/WeightLayout.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

nncc::WeightLayout nncc::WeightLayout::of(TypeRange weights) {
  WeightLayout layout;
  for (Type type : weights) {
    auto shaped = cast<ShapedType>(type);
    layout.offsets.push_back(layout.bytes);
    int64_t bytes = shaped.getNumElements() * exec::getElementBytes(shaped.getElementType());
    layout.bytes = llvm::alignTo(layout.bytes + bytes, 64);
  }
  return layout;
}

void nncc::WeightLayout::setOn(ModuleOp module) const {
  module->setAttr("exec.weight_offsets", Builder(module.getContext()).getDenseI64ArrayAttr(offsets));
}
