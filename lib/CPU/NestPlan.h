//===- NestPlan.h - in which order nests run, and where their results are between -----------------------*- C++ -*-===//
//
// Inside of the shared loops, nests over the same other loops run as one nest, a group: exp and the sum of its results. A
// result that a later group needs is kept in memory, or computed again where that is cheap.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CPU_NESTPLAN_H
#define NNCC_LIB_CPU_NESTPLAN_H

#include "nncc/CPU/Target.h"
#include "nncc/Kernel/KernelGraph.h"

namespace nncc::cpu {

using namespace kernel;

struct NestGroup {
  struct Entry {
    unsigned nest;
    /// Computed here for others of the group, and before in its own group.
    bool isAgain = false;
  };
  llvm::SmallVector<Entry> entries;
  /// The loops that are not shared, outermost first.
  llvm::SmallVector<unsigned> loops;
  llvm::SmallBitVector loopSet;
  /// The vectorised one of `loops`, -1: none.
  int vectorClass = -1;
  /// Vectors that are worked on at once, to have that many independent sums.
  int64_t unroll = 1;
};

/// Where a result is between two groups.
struct Storage {
  /// The result of the kernel in whose memory it is, until that is written; null: scratch.
  mlir::Value host;
};

struct NestPlan {
  /// Nothing: the results cannot be kept anywhere.
  static std::optional<NestPlan> create(const KernelGraph &graph, exec::KernelOp kernel, const CPUTarget &target);

  /// The shared classes, the outermost loop first.
  llvm::SmallVector<unsigned> shared;
  /// The vectorised shared class, -1: none, then groups vectorise loops of their own.
  int vectorClass = -1;
  int64_t unroll = 1;
  /// The shared class along which operands are read, and transposed in registers, in squares of `lanes`; or -1.
  int transposedClass = -1;
  /// Of all vectors.
  int64_t lanes = 1;
  llvm::SmallVector<NestGroup> groups;
  llvm::DenseMap<mlir::Value, Storage> storage;

  /// For readers, one paragraph.
  void describe(llvm::raw_ostream &os, const KernelGraph &graph) const;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_NESTPLAN_H
