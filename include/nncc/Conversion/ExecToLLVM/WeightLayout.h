//===- WeightLayout.h - where each weight is in the blob --------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_CONVERSION_EXECTOLLVM_WEIGHTLAYOUT_H
#define NNCC_CONVERSION_EXECTOLLVM_WEIGHTLAYOUT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace nncc {

/// The results of @weights one behind the other, each at a multiple of 64 bytes.
struct WeightLayout {
  llvm::SmallVector<int64_t> offsets;
  int64_t bytes = 0;

  /// `weights` are tensors or memrefs of static shape: the result types of @weights.
  static WeightLayout of(mlir::TypeRange weights);
  /// Leaves the offsets where ExecToLLVM finds them: the attribute `exec.weight_offsets`.
  void setOn(mlir::ModuleOp module) const;
};

} // namespace nncc

#endif // NNCC_CONVERSION_EXECTOLLVM_WEIGHTLAYOUT_H
