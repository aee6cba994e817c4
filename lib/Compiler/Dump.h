//===- Dump.h - what --emit= wrote, read back -----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_DUMP_H
#define NNCC_LIB_COMPILER_DUMP_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "nncc/Support/Diagnostics.h"
#include "nncc/Support/SourceFiles.h"

namespace nncc {

/// How far an input already is: a model and a dump of `nn` are where everything starts.
enum class Stage { NN, Linalg, Exec };

struct Dump {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< null with an error
  Stage stage = Stage::NN;
};

/// Parses and verifies a dump. It may have been edited: what the stages behind rely on without asking is checked here.
Dump parseDump(mlir::MLIRContext &context, SourceFiles &files, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_DUMP_H
