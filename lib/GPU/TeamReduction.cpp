//===- TeamReduction.cpp - what the threads of a team have summed, joined -----------------------------------------===//
//
// Lanes of a warp exchange values by shuffles, halves with halves; warps leave theirs in shared memory, where every thread adds
// them up in the same order. Nothing depends on which thread is first.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "TeamReduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/Reduction.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static constexpr unsigned warp = 32;

void nncc::gpu::createBarrier(OpBuilder &b, Location loc) { NVVM::Barrier0Op::create(b, loc); }

int64_t nncc::gpu::getReductionBytes(const Team &team) {
  constexpr int64_t bytesOfValue = 8;
  if (team.members == 1 || (team.isAlongRow && team.members <= warp))
    return 0;
  return bytesOfValue * (team.isAlongRow ? team.getThreads() / warp : team.getThreads());
}

//===----------------------------------------------------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------------------------------------------------===//

/// The value of the lane whose number differs in the bits of `mask`.
static Value shuffleWord(OpBuilder &b, Location loc, Value word, int64_t mask) {
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, loc, value, 32); };
  return NVVM::ShflOp::create(b, loc, word.getType(), number(-1), word, number(mask), number(warp - 1),
                              NVVM::ShflKind::bfly, UnitAttr());
}

/// By words of 32 bits.
Value nncc::gpu::shuffleLanes(OpBuilder &b, Location loc, Value value, int64_t mask) {
  Type type = value.getType(), word = b.getI32Type(), twoWords = b.getI64Type();
  if (type.isInteger(32) || type.isF32())
    return shuffleWord(b, loc, value, mask);
  Type integer = b.getIntegerType(type.getIntOrFloatBitWidth());
  if (type != integer)
    return arith::BitcastOp::create(b, loc, type,
                                    shuffleLanes(b, loc, arith::BitcastOp::create(b, loc, integer, value), mask));
  if (integer.getIntOrFloatBitWidth() < 32) {
    Value wide = shuffleWord(b, loc, arith::ExtUIOp::create(b, loc, word, value), mask);
    return arith::TruncIOp::create(b, loc, type, wide);
  }
  Value bits = arith::ConstantIntOp::create(b, loc, 32, 64);
  auto half = [&](Value part) {
    Value moved = shuffleWord(b, loc, arith::TruncIOp::create(b, loc, word, part), mask);
    return arith::ExtUIOp::create(b, loc, twoWords, moved).getResult();
  };
  Value low = half(value), high = half(arith::ShRUIOp::create(b, loc, value, bits));
  return arith::OrIOp::create(b, loc, low, arith::ShLIOp::create(b, loc, high, bits));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Teams
//===----------------------------------------------------------------------------------------------------------------===//

/// Joins `count` values, which lie `stride` elements apart from `first` on.
static Value joinShared(IndexMath &m, Operation *combiner, Value memory, Value first, int64_t count, int64_t stride) {
  OpBuilder &b = m.builder();
  auto load = [&](int64_t number) -> Value {
    return memref::LoadOp::create(b, m.location(), memory, m.add(first, number * stride));
  };
  Value joined = load(0);
  for (int64_t number = 1; number < count; ++number)
    joined = combine(b, m.location(), combiner, joined, load(number));
  return joined;
}

Value nncc::gpu::joinTeam(OpBuilder &b, Location loc, Operation *combiner, Value value, const Team &team,
                          const TeamPlace &place, Value shared) {
  IndexMath m(b, loc);
  if (Type index = value.getType(); index.isIndex()) {
    Value word = arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
    return arith::IndexCastOp::create(b, loc, index, joinTeam(b, loc, combiner, word, team, place, shared));
  }
  unsigned lanes = team.isAlongRow ? std::min(team.members, warp) : 1;
  for (unsigned mask = lanes / 2; mask >= 1; mask /= 2)
    value = combine(b, loc, combiner, value, shuffleLanes(b, loc, value, mask));
  if (team.members == lanes)
    return value;

  // One value a warp of a team along a row, else one a thread, those of the points side by side.
  int64_t parts = team.members / lanes;
  auto space = cast<MemRefType>(shared.getType()).getMemorySpace();
  auto memref = MemRefType::get({int64_t(parts * team.points)}, value.getType(), AffineMap(), space);
  Value memory = memref::ViewOp::create(b, loc, memref, shared, m.constant(0), ValueRange());
  Value part = m.div(place.member, lanes);
  Value at = team.isAlongRow ? m.add(m.mul(place.point, parts), part) : m.add(m.mul(part, team.points), place.point);
  m.ifThen(m.equal(m.rem(place.member, lanes), m.constant(0)),
           [&] { memref::StoreOp::create(b, loc, value, memory, at); });
  createBarrier(b, loc);
  Value first = team.isAlongRow ? m.mul(place.point, parts) : place.point;
  Value joined = joinShared(m, combiner, memory, first, parts, team.isAlongRow ? 1 : team.points);
  createBarrier(b, loc); // before the memory is used again
  return joined;
}
