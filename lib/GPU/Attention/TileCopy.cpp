//===- TileCopy.cpp - parts of matrices to shared memory ------------------------------------------------------------===//

#include "TileCopy.h"
#include "nncc/Kernel/ProductTypes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// A pass brings one chunk a thread; some passes are under way at once.
class TileCopier {
public:
  TileCopier(IndexMath &m, const SharedTile &tile, const AttentionMatrix &matrix, const Window &window, int64_t chunk,
             bool isAdjacent)
      : m(m), tile(tile), matrix(matrix), window(window), chunk(chunk), perLine(tile.length / chunk),
        isAdjacent(isAdjacent) {}

  void copy(Value thread, int64_t threads, Value shared);
  void copyAsync(Value thread, int64_t threads, Value shared);

private:
  struct Place {
    Value line, position; // i32
  };
  /// Where a chunk is in global memory, or one that exists in its stead; null condition: it is there.
  struct Source {
    Value address, exists;
  };
  Place getPlace(Value number) {
    if (isAdjacent)
      return {m.div(number, perLine), m.mul(m.rem(number, perLine), chunk)};
    return {m.rem(number, tile.lines), m.mul(m.div(number, tile.lines), chunk)};
  }
  Source getSource(const Place &place);
  Value load(const Place &place);
  Value getTarget(const Place &place, Value shared) {
    return movePointer(m, shared, m.add(m.mul(place.line, tile.pitch), place.position), tile.element);
  }

  IndexMath &m;
  const SharedTile &tile;
  const AttentionMatrix &matrix;
  const Window &window;
  int64_t chunk, perLine;
  /// Threads follow each other along positions, else along lines.
  bool isAdjacent;
};

} // namespace

/// What is outside is read from the edge, so that no thread has to branch.
TileCopier::Source TileCopier::getSource(const Place &place) {
  // Parts begin at multiples of their size.
  auto isWholeIn = [](int64_t count, Value size) {
    std::optional<int64_t> known = IndexMath::asConstant(size);
    return known && *known % count == 0;
  };
  Value line = m.add(window.line, toIndex(m, place.line)), atLine = line, exists;
  if (!isWholeIn(tile.lines, window.numLines)) {
    atLine = m.min(line, m.sub(window.numLines, 1));
    exists = m.less(line, window.numLines);
  }
  Value position = m.add(window.position, toIndex(m, place.position)), at = position;
  if (!isWholeIn(tile.length, window.numPositions)) {
    at = m.min(position, m.sub(window.numPositions, chunk));
    exists = both(m, exists, m.less(position, window.numPositions));
  }
  return {matrix.getAddress(m, atLine, at), exists};
}

Value TileCopier::load(const Place &place) {
  auto [address, exists] = getSource(place);
  Value elements = loadElements(m, address, matrix.element, chunk, ReadKind::Constant);
  elements = kernel::widenTo(m, elements, tile.element, /*isUnsigned=*/false);
  if (!exists)
    return elements;
  return arith::SelectOp::create(m.builder(), m.location(), exists, elements, getZero(m, elements.getType()));
}

void TileCopier::copy(Value thread, int64_t threads, Value shared) {
  constexpr int64_t mostAtOnce = 8;
  int64_t passes = tile.lines * perLine / threads, atOnce = mostAtOnce;
  assert(tile.lines * perLine % threads == 0 && "a pass is for all threads");
  while (passes % atOnce != 0)
    --atOnce;
  m.loop(m.constant(passes / atOnce), [&](Value group) {
    Value first = m.add(thread, m.mul(toI32(m, group), atOnce * threads));
    SmallVector<Place> places;
    SmallVector<Value> chunks;
    for (int64_t pass = 0; pass < atOnce; ++pass) {
      places.push_back(getPlace(m.add(first, pass * threads)));
      chunks.push_back(load(places.back()));
    }
    for (auto [place, elements] : llvm::zip_equal(places, chunks))
      storeElements(m, elements, getTarget(place, shared));
  });
}

void TileCopier::copyAsync(Value thread, int64_t threads, Value shared) {
  int64_t passes = tile.lines * perLine / threads;
  assert(tile.lines * perLine % threads == 0 && "a pass is for all threads");
  for (int64_t pass = 0; pass < passes; ++pass) {
    Place place = getPlace(m.add(thread, pass * threads));
    auto [address, exists] = getSource(place);
    gpu::copyAsync(m, getTarget(place, shared), address, exists);
  }
}

void nncc::gpu::copyTile(IndexMath &m, const SharedTile &tile, const AttentionMatrix &matrix, const Window &window,
                         int64_t chunk, bool isAdjacent, Value thread, int64_t threads, Value shared) {
  TileCopier(m, tile, matrix, window, chunk, isAdjacent).copy(thread, threads, shared);
}

void nncc::gpu::copyTileAsync(IndexMath &m, const SharedTile &tile, const AttentionMatrix &matrix, const Window &window,
                              Value thread, int64_t threads, Value shared) {
  int64_t chunk = 8 * asyncBytes / tile.element.getIntOrFloatBitWidth();
  TileCopier(m, tile, matrix, window, chunk, /*isAdjacent=*/true).copyAsync(thread, threads, shared);
}
