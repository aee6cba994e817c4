//===- Remarks.h - what passes did and did not do ---------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_REMARKS_H
#define NNCC_LIB_COMPILER_REMARKS_H

#include "mlir/IR/MLIRContext.h"
#include "nncc/Compiler/Compiler.h"

namespace nncc {

/// A fusion that was made, or refused.
struct FusionRemark {
  bool isMade = false;
  std::string node, producer; ///< ONNX nodes
  std::string message;
};

/// From now on the passes of this context leave their remarks in `remarks`, which must outlive it.
void collectRemarks(mlir::MLIRContext &context, std::vector<FusionRemark> &remarks);

/// Those that the options ask for, as a compiler prints them.
std::vector<std::string> chooseRemarks(llvm::ArrayRef<FusionRemark> remarks, const CompileOptions &options);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_REMARKS_H
