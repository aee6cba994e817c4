//===- KernelGraph.h - what the linalg ops of a kernel share --------------------------------------------*- C++ -*-===//
//
// Row-wise kernels (softmax, layer norm) are several linalg.generics over the same rows. Loops of different ops that run
// over the same dim of the same tensor form a class; the classes that are parallel in all ops are shared: outer loops
// over them, cut into tiles, enclose everything, so that what one op computes the next finds in registers or in L1.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_KERNEL_KERNELGRAPH_H
#define NNCC_KERNEL_KERNELGRAPH_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/SmallBitVector.h"

namespace nncc::kernel {

/// Loops that run together. A set of classes is a bit vector over KernelGraph::classes.
struct LoopClass {
  /// ShapedType::kDynamic when unknown.
  int64_t size = mlir::ShapedType::kDynamic;
  /// Parallel in all ops.
  bool isShared = false;
  /// Part of another class, by collapse().
  bool isGone = false;
  /// Its size is the product of those of these loops.
  llvm::SmallVector<std::pair<mlir::linalg::GenericOp, unsigned>> origins;
};

/// How an op reaches an operand.
struct Access {
  /// What is reached: the operand, or what a reshape that only adds or drops unit dims made it from.
  mlir::Value tensor;
  /// One affine expression over the classes for each group of adjacent dims of the tensor.
  llvm::SmallVector<mlir::AffineExpr> indices;
  llvm::SmallVector<mlir::ReassociationIndices> groups;
  /// The body uses the element.
  bool isRead = true;

  mlir::AffineMap getMap(unsigned numClasses) const;
  /// The classes that occur in the indices.
  llvm::SmallBitVector getClasses(unsigned numClasses) const;
  /// The class whose loop steps through adjacent elements, or -1.
  int getContiguousClass() const;
  /// Adjacent along one class, and different elements along the other.
  bool isTransposed(unsigned contiguous, unsigned other) const;
};

/// The loop nest of one op.
struct Nest {
  mutable mlir::linalg::GenericOp op; // a handle, none of whose methods is const
  /// The class of each loop; -1 for a loop of size 1.
  llvm::SmallVector<int> loops;
  llvm::SmallBitVector classes, reduced;
  /// One an operand, the initial values of the results last. The access of an initial value is also that of the result.
  llvm::SmallVector<Access> operands;
  /// Roughly the instructions of the body for one element.
  int64_t cost = 0;

  llvm::ArrayRef<Access> getResults() const { return llvm::ArrayRef(operands).take_back(op.getNumDpsInits()); }
  /// Where a value in `results` of the op is written.
  Access getResultAccess(unsigned number) const;
  /// The class whose loop steps through adjacent elements of what the body extracts, or -1.
  int getContiguousClass(mlir::tensor::ExtractOp extract) const;
};

class KernelGraph {
public:
  /// The graph of linalg.generics in block order. Fails silently when their loops do not fit together: then each has to
  /// be written for itself.
  static mlir::FailureOr<KernelGraph> build(llvm::ArrayRef<mlir::linalg::GenericOp> ops);

  /// Makes one class of two whose loops run, in all ops, over adjacent dims of everything: an addition of images becomes
  /// one loop.
  void collapse();

  llvm::SmallVector<LoopClass> classes;
  llvm::SmallVector<Nest> nests;

  /// The nest and the number of the result that `tensor` is; null when it comes from elsewhere.
  std::pair<const Nest *, unsigned> getProducer(mlir::Value tensor) const;
  llvm::SmallBitVector getShared() const;
  /// The class along which most elements are adjacent that are in memory, -1: none.
  int findVectorClass(llvm::function_ref<bool(mlir::Value)> isInMemory) const;
  /// A shared class along which operands are adjacent that are not so along `vectorClass`, -1: none.
  int findTransposedClass(int vectorClass) const;

private:
  friend class GraphBuilder;
  bool canCollapse(unsigned outer, unsigned inner) const;
  void collapse(unsigned outer, unsigned inner);

  llvm::DenseMap<mlir::Operation *, unsigned> nestOf;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_KERNELGRAPH_H
