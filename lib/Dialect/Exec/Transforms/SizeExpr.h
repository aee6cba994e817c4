//===- SizeExpr.h - sizes in a schedule as expressions ----------------------------------------------------------*- C++ -*-===//
///
/// \file
/// What PlanMemory knows about a size: a polynomial of leaves, so that equal sizes compare equal however they were computed. A leaf is a
/// symbol of the model, or an operation on sizes that is no polynomial (a division, a minimum), or a value known only at run time.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIZEEXPR_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIZEEXPR_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <map>
#include <vector>

namespace nncc::exec {

class SizeExpr {
public:
  SizeExpr(int64_t constant = 0);
  static SizeExpr leaf(unsigned index);

  /// Nothing when a coefficient overflows.
  static std::optional<SizeExpr> add(const SizeExpr &a, const SizeExpr &b, int64_t factorOfB = 1);
  static std::optional<SizeExpr> multiply(const SizeExpr &a, const SizeExpr &b);

  std::optional<int64_t> getConstant() const;
  bool operator==(const SizeExpr &other) const { return terms == other.terms; }
  bool operator!=(const SizeExpr &other) const { return terms != other.terms; }

  using Monomial = std::vector<unsigned>;
  const std::map<Monomial, int64_t> &getTerms() const { return terms; }

private:
  std::map<Monomial, int64_t> terms; // sorted leaves -> coefficient, never 0; no leaves: the constant
};

/// The sizes of a schedule on tensors.
class SizeAnalysis {
public:
  explicit SizeAnalysis(mlir::func::FuncOp schedule);

  /// The value of an index or integer.
  SizeExpr getScalar(mlir::Value value);
  SizeExpr getDim(mlir::Value tensor, unsigned dim);
  llvm::SmallVector<SizeExpr> getDims(mlir::Value tensor);
  /// Elements times bytes of an element.
  SizeExpr getBytes(mlir::Value tensor);

  /// Whether a loop gives the tensor it carries as `argument` another size.
  bool isLoopVariant(mlir::BlockArgument argument) const;
  /// Whether the symbols alone give the size, before the run.
  bool isKnownBeforeRun(const SizeExpr &expr) const;
  /// Whether everything the size depends on is computed before `op`.
  bool isKnownBefore(const SizeExpr &expr, mlir::Operation *op) const;

  struct Leaf {
    mlir::StringAttr symbol;       // of the model
    mlir::Operation *op = nullptr; // a pure operation on `operands`
    llvm::SmallVector<SizeExpr> operands;
    mlir::Value value; // known at run time: a scalar, or size `dim` of a tensor
    unsigned dim = 0;
    llvm::SmallSetVector<mlir::Value, 4> runTimeValues; // all that it depends on, directly or not
  };
  const Leaf &getLeaf(unsigned index) const { return leaves[index]; }

private:
  /// The launch through which values inside a kernel are seen; none for values of the schedule.
  struct Scope;

  void findLoopVariantDims(mlir::func::FuncOp schedule);
  bool isInvariant(mlir::BlockArgument argument, mlir::Value init, mlir::Value yielded);
  SizeExpr scalar(mlir::Value value, Scope *scope);
  SizeExpr computeScalar(mlir::Value value, Scope *scope);
  SizeExpr dim(mlir::Value tensor, unsigned index, Scope *scope);
  SizeExpr computeDim(mlir::Value tensor, unsigned index, Scope *scope);
  SizeExpr dimOfArgument(mlir::BlockArgument argument, unsigned index, Scope *scope);
  SizeExpr dimOfControlFlow(mlir::OpResult result, unsigned index);
  SizeExpr runTimeLeaf(mlir::Value value, unsigned dim = 0);
  SizeExpr symbolLeaf(mlir::StringAttr name);
  SizeExpr opaqueLeaf(mlir::Operation *op, llvm::ArrayRef<SizeExpr> operands);
  bool allRunTimeValues(const SizeExpr &expr, llvm::function_ref<bool(mlir::Value)> holds) const;
  SizeExpr addLeaf(Leaf leaf);

  std::vector<Leaf> leaves;
  llvm::DenseMap<mlir::Value, SizeExpr> scalars;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, SizeExpr> dims;
  llvm::DenseSet<std::pair<mlir::Value, unsigned>> variant; // loop-carried dims that change
};

/// Emits arithmetic for a size. `runTime` gives the value of a leaf that is known at run time.
mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc, const SizeAnalysis &sizes, const SizeExpr &expr,
                        llvm::function_ref<mlir::Value(const SizeAnalysis::Leaf &)> runTime);

/// The same for sizes that the symbols alone give; -1 for all if the arithmetic of one overflows or gives a negative size.
llvm::SmallVector<mlir::Value> materializeChecked(mlir::OpBuilder &builder, mlir::Location loc,
                                                  const SizeAnalysis &sizes, llvm::ArrayRef<SizeExpr> exprs);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIZEEXPR_H
