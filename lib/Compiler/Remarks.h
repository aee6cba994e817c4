//===- Remarks.h - what passes did and did not do ---------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_REMARKS_H
#define NNCC_LIB_COMPILER_REMARKS_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/Compiler/Compiler.h"

namespace nncc {

/// What a pass did, or did not do: a fusion, a placement.
struct PassRemark {
  bool isMade = false;
  std::string category;       ///< "fusion", "threads", "placement", "precision"
  std::string node, producer; ///< ONNX nodes
  std::string message;
};

/// From now on the passes of this context leave their remarks in `remarks`, which must outlive it.
void collectRemarks(mlir::MLIRContext &context, std::vector<PassRemark> &remarks);

/// Remarks on kernels whose element type (of f32: tf32, where that is asked for) some of these families of GPUs multiply without tensor cores only.
void remarkOnPrecision(mlir::ModuleOp module, llvm::ArrayRef<unsigned> families, bool tf32);

/// Those that the options ask for, as a compiler prints them.
std::vector<std::string> chooseRemarks(llvm::ArrayRef<PassRemark> remarks, const CompileOptions &options);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_REMARKS_H
