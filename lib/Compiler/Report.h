//===- Report.h - what a compilation did, as JSON -----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_REPORT_H
#define NNCC_LIB_COMPILER_REPORT_H

#include "Progress.h"
#include "Remarks.h"
#include "mlir/IR/BuiltinOps.h"
#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"

namespace nncc {

/// What the report is made of; what a compilation does not come to stays empty. docs/Report.md says what the JSON means.
struct Report {
  const CompileOptions &options;
  const target::ModelDescription &model;
  const CompileResult &files;
  llvm::ArrayRef<Progress::Time> stages;
  std::map<std::string, unsigned> operations; ///< of nn, as imported
  std::vector<PassRemark> remarks;
  std::optional<exec::MemoryPlan> plan;
  std::vector<std::vector<std::string>> bodies; ///< of each kernel: its operations
  std::vector<unsigned> launches;               ///< of each kernel, in the text of the schedule
  std::vector<size_t> codeBytes;                ///< for each level, of each kernel

  /// Reads what the schedule and the kernels say.
  void readProgram(mlir::ModuleOp module);
  void print(llvm::raw_ostream &out) const;
};

/// How often each operation of nn is there.
std::map<std::string, unsigned> countOperations(mlir::ModuleOp module);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_REPORT_H
