//===- NestPlan.h - in which order nests run, and which threads run them --------------------------------*- C++ -*-===//
//
// A point of the shared loops (a row, of a softmax) belongs to a team of threads of one block. Nests over the same other
// loops run as one group; between two groups the team meets at a barrier. What a later group needs of an earlier one is in
// registers, is computed again, or is in memory.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_NESTPLAN_H
#define NNCC_LIB_GPU_NESTPLAN_H

#include "KernelWriter.h"
#include "nncc/Kernel/KernelGraph.h"

namespace nncc::gpu {

struct NestGroup {
  struct Entry {
    unsigned nest;
    /// Computed here for others of the group, and before in its own group.
    bool isAgain = false;
  };
  llvm::SmallVector<Entry> entries;
  /// The loops that are not shared: those that no nest sums over, and those that all nests that sum at all do. With both, a thread sums
  /// alone; with the latter only, the team sums together.
  llvm::SmallVector<unsigned> parallel, reduced;
  llvm::SmallBitVector loopSet, reducedSet;
};

/// The threads that share a point; `members` is a power of two.
struct Team {
  unsigned members = 1;
  /// Points of a block.
  unsigned points = 256;
  /// Whether neighbouring threads are members of one team; else they are of neighbouring points.
  bool isAlongRow = true;

  unsigned getThreads() const { return members * points; }
};

struct NestPlan {
  static NestPlan create(const KernelGraph &graph, exec::KernelOp kernel);

  /// The shared classes, the outermost loop first.
  llvm::SmallVector<unsigned> shared;
  llvm::SmallVector<NestGroup> groups;
  Team team;
  /// The class along which a thread has `lanes` neighbouring elements at a time, or -1: a shared one, or the only other one.
  int vectorClass = -1;
  int64_t lanes = 1;
  /// How often the team goes along its row, all of which then stays in registers; 0: it is too long, or its length is not known.
  int64_t steps = 0;
  /// The shared class along which operands are adjacent that are not so along the innermost one, or -1: a block then has a tile of both, and reads
  /// those operands through shared memory.
  int tileClass = -1;
  /// Results that are in the workspace between two groups.
  llvm::SmallVector<mlir::Value> kept;
  /// Whether a group reads memory that an earlier one wrote, or may overwrite what it read.
  bool needsBarriers = false;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_NESTPLAN_H
