//===- FusionRules.h - which operations may be one kernel -------------------------------------------------------*- C++ -*-===//
///
/// \file
/// A kernel is one of these:
/// - a contraction (exec.matmul, exec.conv) and elementwise operations on its result, which are applied to each tile before it is
///   stored;
/// - operations of linalg that share their outer loops. What one computes the next finds in a register or in L1: elementwise chains, and
///   rows (softmax, normalisations), in which all loops that are not shared are reduced by some operation;
/// - an exec.grid, an exec.attention or an exec.recurrence alone.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONRULES_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONRULES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::exec {

/// Why `group`, in block order, cannot be one kernel, for a reader of remarks; null when it can.
const char *findObstacle(llvm::ArrayRef<mlir::Operation *> group);

/// Whether `op` only gives a tensor another type.
bool isView(mlir::Operation *op);
/// What `value` is a view of, through any number of views.
mlir::Value lookThroughViews(mlir::Value value);

/// The loops of the linalg operations of a kernel. Loops of different operations that run over the same dim of the same tensor form a
/// class. The classes that all operations have and none reduces are shared.
class LoopClasses {
public:
  /// How an operand or a result is reached: an expression of the classes (as dims) for each dim of `tensor`; loops of size 1 count as 0.
  struct Access {
    mlir::Value tensor;
    llvm::SmallVector<mlir::AffineExpr> indices;
  };
  struct Nest {
    mutable mlir::linalg::LinalgOp op;  // a handle, none of whose methods is const
    llvm::SmallVector<int> classes;     // of each loop; -1 for a loop of size 1
    llvm::SmallVector<Access> operands; // the initial values of the results last, as the results are written
  };

  /// Null, or why the loops do not fit together.
  const char *build(llvm::ArrayRef<mlir::Operation *> group);

  llvm::ArrayRef<Nest> getNests() const { return nests; }
  unsigned getNumClasses() const { return sizes.size(); }
  bool isShared(unsigned loopClass) const { return shared[loopClass]; }
  /// Whether some operation reduces over the class.
  bool isReduced(unsigned loopClass) const { return reduced[loopClass]; }
  /// The static size, or ShapedType::kDynamic.
  int64_t getSize(unsigned loopClass) const { return sizes[loopClass]; }
  /// How `result` of an operation of the group is written; null when it is none.
  const Access *findResult(mlir::Value result) const;

private:
  using Loop = std::pair<unsigned, unsigned>; // nest, loop
  const char *createNest(mlir::linalg::LinalgOp op);
  bool lookThroughUnitReshapes(Access &access) const;
  const char *numberClasses();
  void findShared();

  llvm::SmallVector<Nest> nests;
  llvm::DenseMap<mlir::Operation *, unsigned> nestOf;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<bool> shared, reduced;
};

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONRULES_H
