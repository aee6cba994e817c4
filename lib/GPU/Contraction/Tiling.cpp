//===- Tiling.cpp - how a matrix product is cut into blocks and registers -------------------------------------------===//

#include "Tiling.h"
#include "MmaProduct.h"
#include "SimtProduct.h"
#include "mlir/IR/BuiltinTypes.h"
#include "nncc/GPU/Tiles.h"
#include "llvm/Support/MathExtras.h"
#include <array>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Rows, columns, or products of a batch that a dynamic size stands for.
static constexpr int64_t guessedSize = 512;
namespace {

/// Processors of cards of one family, from a small one to a large one, for which one choice is made.
struct Family {
  unsigned sm;
  std::array<int64_t, 3> processors;

  int64_t getMiddling() const { return processors[1]; }
  static Family of(const GPUTarget &target);
};

} // namespace

Family Family::of(const GPUTarget &target) {
  static constexpr Family families[] = {
      {120, {36, 70, 170}},   // RTX 5060 Ti, 5080, 5090
      {100, {148, 148, 148}}, // B200
      {90, {114, 132, 132}},  // H100 PCIe, H100, H200
      {86, {46, 72, 128}},    // RTX 3070, A10, RTX 4090
      {80, {108, 108, 108}},  // A100
      {75, {34, 40, 72}},     // RTX 2060 SUPER, T4, TITAN RTX
      {70, {80, 80, 80}},     // V100
      {0, {13, 24, 56}},      // K80's one, GTX 980 Ti, P100: of all others
  };
  return *llvm::find_if(families, [&](const Family &family) { return target.sm >= family.sm; });
}

namespace {

/// A row of a table, and how much of the peak its inner loop reaches: the share of multiply-adds among its instructions, less for small tiles,
/// which read more of the second-level cache.
template <typename Tile> struct Candidate {
  Tile tile;
  double efficiency;
};

} // namespace

/// For sums of 32 bits, then of 64 bits, of which registers hold half as many.
static constexpr Candidate<SimtTile> simtTiles32[] = {
    {{.rowQuads = 2, .columnQuads = 2, .warpRows = 4, .warpColumns = 2, .depth = 8}, 0.91},  // 128 x 128, 256 threads
    {{.rowQuads = 2, .columnQuads = 2, .warpRows = 4, .warpColumns = 1, .depth = 8}, 0.86},  // 128 x 64, 128 threads
    {{.rowQuads = 2, .columnQuads = 2, .warpRows = 2, .warpColumns = 2, .depth = 8}, 0.86},  // 64 x 128, 128 threads
    {{.rowQuads = 2, .columnQuads = 2, .warpRows = 2, .warpColumns = 1, .depth = 8}, 0.80},  // 64 x 64, 64 threads
    {{.rowQuads = 2, .columnQuads = 1, .warpRows = 4, .warpColumns = 1, .depth = 16}, 0.76}, // 128 x 32, 128 threads
    {{.rowQuads = 1, .columnQuads = 1, .warpRows = 4, .warpColumns = 1, .depth = 16}, 0.66}, // 64 x 32, 128 threads
    {{.rowQuads = 1, .columnQuads = 1, .warpRows = 2, .warpColumns = 2, .depth = 16}, 0.66}, // 32 x 64, 128 threads
    {{.rowQuads = 1, .columnQuads = 1, .warpRows = 2, .warpColumns = 1, .depth = 8}, 0.58},  // 32 x 32, 64 threads
};
static constexpr Candidate<SimtTile> simtTiles64[] = {
    {{.rowQuads = 1, .columnQuads = 1, .warpRows = 4, .warpColumns = 2, .depth = 16}, 0.75}, // 64 x 64, 256 threads
    {{.rowQuads = 1, .columnQuads = 1, .warpRows = 2, .warpColumns = 1, .depth = 8}, 0.70},  // 32 x 32, 64 threads
};
static constexpr Candidate<MmaTile> mmaTiles[] = {
    {{.rowTiles = 4, .columnTiles = 8, .warpRows = 2, .warpColumns = 2, .depth = 32}, 0.95}, // 128 x 128
    {{.rowTiles = 4, .columnTiles = 4, .warpRows = 2, .warpColumns = 2, .depth = 32}, 0.80}, // 128 x 64
    {{.rowTiles = 2, .columnTiles = 8, .warpRows = 2, .warpColumns = 2, .depth = 32}, 0.80}, // 64 x 128
    {{.rowTiles = 2, .columnTiles = 4, .warpRows = 2, .warpColumns = 2, .depth = 32}, 0.65}, // 64 x 64
};

static int64_t orGuess(int64_t size) { return ShapedType::isDynamic(size) ? guessedSize : size; }

template <typename Tile> static double countBlocks(const Tile &tile, const ProductShape &shape) {
  return double(llvm::divideCeil(orGuess(shape.rows), tile.getRows())) *
         double(llvm::divideCeil(orGuess(shape.columns), tile.getColumns())) * double(orGuess(shape.batch));
}

/// Enough for a block a processor, but not so many that a part has hardly begun when it ends.
template <typename Tile> static int64_t chooseParts(const Tile &tile, const ProductShape &shape, const Family &family) {
  constexpr int64_t leastDepth = 128, mostParts = 16;
  double blocks = countBlocks(tile, shape);
  if (ShapedType::isDynamic(shape.depth) || blocks == 0)
    return 1;
  int64_t wanted = int64_t(std::min(double(family.getMiddling()) / blocks, double(mostParts)));
  return std::max<int64_t>(1, std::min(wanted, shape.depth / std::max(leastDepth, 2 * tile.depth)));
}

/// Sums that the busiest processor computes one after the other, weighed by how fast it does; added up over the cards. A processor that has fewer than `wantedWarps`
/// warps cannot hide its latencies.
template <typename Tile>
static double getCost(const Candidate<Tile> &candidate, int64_t parts, const ProductShape &shape, double wantedWarps,
                      const Family &family) {
  // To add the parts takes a launch: about 2 us, in which a processor does so many multiply-adds.
  constexpr double launchWork = 200e3;
  const Tile &tile = candidate.tile;
  double perBlock = double(tile.getRows() * tile.getColumns()) / double(parts) / candidate.efficiency;
  double cost = parts == 1 ? 0 : launchWork / double(shape.depth) * double(family.processors.size());
  for (int64_t processors : family.processors) {
    double share = countBlocks(tile, shape) * double(parts) / double(processors), most = std::ceil(share);
    // Several blocks are on a processor at once: the last round is not as bad as a count of whole rounds says.
    double perProcessor = std::max(1.0, (share + most) / 2);
    double warps = most * double(tile.getThreads()) / Tile::warpSize;
    double hidden = std::min(1.0, (warps + wantedWarps / 2) / (wantedWarps * 1.5));
    cost += perProcessor * perBlock / hidden;
  }
  return cost;
}

template <typename Tile>
static Cut<Tile> choose(ArrayRef<Candidate<Tile>> candidates, const ProductShape &shape, double wantedWarps,
                        const GPUTarget &target) {
  Family family = Family::of(target);
  Cut<Tile> best = {candidates.front().tile, 1};
  double least = std::numeric_limits<double>::infinity();
  for (const Candidate<Tile> &candidate : candidates)
    for (int64_t parts : {int64_t(1), chooseParts(candidate.tile, shape, family)})
      if (double cost = getCost(candidate, parts, shape, wantedWarps, family); cost < least) {
        best = {candidate.tile, parts};
        least = cost;
      }
  return best;
}

Cut<SimtTile> gpu::chooseSimtTile(const ProductShape &shape, const ElementKind &kind, const GPUTarget &target) {
  bool isWide = kind.getSumBytes() == 8;
  return choose(isWide ? ArrayRef(simtTiles64) : ArrayRef(simtTiles32), shape, /*wantedWarps=*/8, target);
}

Cut<MmaTile> gpu::chooseMmaTile(const ProductShape &shape, const ElementKind &kind, const GPUTarget &target) {
  Cut<MmaTile> cut = choose(ArrayRef(mmaTiles), shape, /*wantedWarps=*/4, target);
  // The table's depths are of f16. Of f32 as much is half as deep, of bytes twice, unless the sums leave no registers for what is under way.
  bool isFull = cut.tile.rowTiles * cut.tile.columnTiles == mmaTiles[0].tile.rowTiles * mmaTiles[0].tile.columnTiles;
  if (kind.isBytes() && (target.hasAsyncCopy() || !isFull))
    cut.tile.depth *= 2;
  if (kind.left.isF32())
    cut.tile.depth /= 2;
  // Deeper parts have fewer barriers, where two blocks still fit a processor.
  int64_t stageBytes = 2 * cut.tile.depth * (cut.tile.getRows() + cut.tile.getColumns()) * 2;
  if (kind.left.getIntOrFloatBitWidth() == 16 && target.hasAsyncCopy() &&
      2 * MmaProduct::asyncStages * stageBytes <= target.getMaxSharedBytes())
    cut.tile.depth *= 2;
  return cut;
}

BlockTile gpu::getLargestTile(Type element, const GPUTarget &target) {
  constexpr int64_t size = 4096;
  MLIRContext *context = element.getContext();
  ElementKind kind;
  kind.left = kind.right = element;
  kind.sum = element.isInteger() ? Type(IntegerType::get(context, 32)) : Type(Float32Type::get(context));
  ProductShape shape = {1, size, size, size};
  if (MmaProduct::canMultiply(kind, target)) {
    MmaTile tile = chooseMmaTile(shape, kind, target).tile;
    return {tile.getRows(), tile.getColumns(), tile.depth, true};
  }
  SimtTile tile = chooseSimtTile(shape, kind, target).tile;
  return {tile.getRows(), tile.getColumns(), SimtProduct(tile, kind, /*isRightAlongDepth=*/true, target).getDepth(),
          false};
}
