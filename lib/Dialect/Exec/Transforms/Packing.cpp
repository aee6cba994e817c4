//===- Packing.cpp - where buffers lie in the arena -----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/Packing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <map>
#include <optional>

using namespace nncc::exec;
using llvm::ArrayRef;
using llvm::SmallVector;

static int64_t alignedBytes(const Lifetime &buffer) { return llvm::alignTo(buffer.bytes, bufferAlignment); }

int64_t nncc::exec::getLowerBound(ArrayRef<Lifetime> buffers) {
  std::map<unsigned, int64_t> changes; // position -> bytes that begin minus bytes that end
  for (const Lifetime &buffer : buffers) {
    changes[buffer.first] += alignedBytes(buffer);
    changes[buffer.last + 1] -= alignedBytes(buffer);
  }
  int64_t alive = 0, most = 0;
  for (auto [position, change] : changes)
    most = std::max(most, alive += change);
  return most;
}

/// Places the buffers in this order, each in the smallest gap between those placed before that are alive with it.
static Packing place(ArrayRef<Lifetime> buffers, ArrayRef<unsigned> order) {
  Packing packing;
  packing.offsets.resize(buffers.size());
  SmallVector<unsigned> placed; // by offset
  for (unsigned index : order) {
    const Lifetime &buffer = buffers[index];
    int64_t bytes = alignedBytes(buffer), end = 0, best = -1, smallestGap = std::numeric_limits<int64_t>::max();
    for (unsigned other : placed) {
      const Lifetime &neighbour = buffers[other];
      if (neighbour.first > buffer.last || buffer.first > neighbour.last)
        continue;
      int64_t gap = packing.offsets[other] - end;
      if (gap >= bytes && gap < smallestGap) {
        best = end;
        smallestGap = gap;
      }
      end = std::max(end, packing.offsets[other] + alignedBytes(neighbour));
    }
    packing.offsets[index] = best >= 0 ? best : end;
    packing.bytes = std::max(packing.bytes, packing.offsets[index] + bytes);
    auto where = llvm::upper_bound(placed, index,
                                   [&](unsigned a, unsigned b) { return packing.offsets[a] < packing.offsets[b]; });
    placed.insert(where, index);
  }
  return packing;
}

Packing nncc::exec::packBuffers(ArrayRef<Lifetime> buffers) {
  // Big ones first leaves small ones to fill gaps; long ones first keeps what never dies at the bottom. Neither always wins.
  using Key = double (*)(const Lifetime &);
  constexpr Key keys[] = {
      [](const Lifetime &buffer) { return -double(buffer.bytes); },
      [](const Lifetime &buffer) { return -double(buffer.bytes) * (buffer.last - buffer.first + 1); },
      [](const Lifetime &buffer) { return -double(buffer.last - buffer.first); },
      [](const Lifetime &buffer) { return double(buffer.first); },
  };
  int64_t bound = getLowerBound(buffers);
  std::optional<Packing> best;
  for (Key key : keys) {
    SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, buffers.size()));
    llvm::sort(order,
               [&](unsigned a, unsigned b) { return std::pair(key(buffers[a]), a) < std::pair(key(buffers[b]), b); });
    Packing packing = place(buffers, order);
    if (!best || packing.bytes < best->bytes)
      best = packing;
    if (best->bytes == bound)
      break;
  }
  return *best;
}
