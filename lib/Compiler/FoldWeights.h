//===- FoldWeights.h - the weights of a model, computed while compiling -----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_FOLDWEIGHTS_H
#define NNCC_LIB_COMPILER_FOLDWEIGHTS_H

#include "Program.h"
#include "nncc/Support/Diagnostics.h"
#include "nncc/Support/SourceFiles.h"
#include "nncc/Target/WeightBlob.h"

namespace nncc {

/// Compiles the module @weights (still on tensors) for plain x86-64 without fusion, runs it, and lays its results out in the order that
/// exec.weight numbers them. The same bytes on every machine. What the model's constants make impossible (an index out of range) is an
/// error of the model.
mlir::FailureOr<target::WeightBlob> foldWeights(mlir::ModuleOp weights, SourceFiles &files,
                                                const ProgramOptions &options, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_FOLDWEIGHTS_H
