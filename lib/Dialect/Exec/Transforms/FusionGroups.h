//===- FusionGroups.h - groups the computations of a block into kernels -----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONGROUPS_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONGROUPS_H

#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::exec {

/// Each computation starts as a group of its own. In block order, each joins the groups that compute its operands, where the rules allow
/// it and no group would then wait for itself. Nothing is ever computed twice.
class FusionGroups {
public:
  explicit FusionGroups(mlir::Block &block);

  void fuse();
  /// The groups, each in block order, by their last operations.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> getGroups() const;
  /// A remark for each computation and one whose result it reads: that they are one kernel, or why they are not.
  void explain() const;

private:
  struct Edge {
    unsigned producer, consumer;
    const char *obstacle; // null when there was none
  };

  void addUses(unsigned number);
  llvm::SmallVector<unsigned> findProducers(unsigned consumer) const;
  const char *tryMerge(unsigned a, unsigned b);
  bool wouldWaitForItself(llvm::ArrayRef<unsigned> members, unsigned a, unsigned b);

  llvm::SmallVector<mlir::Operation *> ops; // of the block, but for views: these are where their source is
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  llvm::SmallVector<llvm::SmallVector<unsigned>> users;
  llvm::SmallVector<unsigned> groupOf;
  llvm::SmallVector<llvm::SmallVector<unsigned>> groups;
  llvm::SmallVector<Edge> edges;
  unsigned search = 0;                    // how often groups were searched
  llvm::SmallVector<unsigned> lastSearch; // that came to each group
};

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_FUSIONGROUPS_H
