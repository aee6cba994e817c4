//===- Cubins.h - machine code for GPUs -------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_CUBINS_H
#define NNCC_LIB_COMPILER_CUBINS_H

#include "nncc/Target/ModelDescription.h"
#include "llvm/Support/Error.h"

namespace nncc {

/// Puts a cubin before the PTX of each image for one of `families` (none: of each), made by the program `ptxas` (empty: that on PATH). What it
/// says against a text is the error.
llvm::Error addCubins(target::ModelDescription &model, llvm::ArrayRef<unsigned> families, llvm::StringRef ptxas);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_CUBINS_H
