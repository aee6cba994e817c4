//===- Packing.h - where buffers lie in the arena ---------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_PACKING_H
#define NNCC_DIALECT_EXEC_TRANSFORMS_PACKING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace nncc::exec {

/// Buffers start at multiples of this: a cache line, and the widest vector.
constexpr int64_t bufferAlignment = 64;

/// A buffer that is alive from position `first` to position `last`, both included.
struct Lifetime {
  int64_t bytes;
  unsigned first, last;
};

struct Packing {
  llvm::SmallVector<int64_t> offsets; // of each buffer
  int64_t bytes = 0;                  // of the arena
};

/// Offsets such that no two buffers alive at once overlap. Deterministic. No arena is smaller than getLowerBound says, and 1.25 times
/// that is enough in practice.
Packing packBuffers(llvm::ArrayRef<Lifetime> buffers);

/// The most bytes alive at one position, each buffer rounded up to the alignment.
int64_t getLowerBound(llvm::ArrayRef<Lifetime> buffers);

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_PACKING_H
