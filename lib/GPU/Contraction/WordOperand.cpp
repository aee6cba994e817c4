//===- WordOperand.cpp - an operand in shared memory, lines side by side ---------------------------------------------===//

#include "WordOperand.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

OperandTile::Place WordOperand::getPlaceAlong(IndexMath &m, Value thread) const {
  // So many threads a line that a warp writes to 32 banks; they go on along the depth once all lines have been visited.
  constexpr int64_t words = 8;
  int64_t adjacent = words * perWord / chunk, linesAtOnce = threads / adjacent;
  Value number = m.div(thread, adjacent);
  Place place;
  place.line = m.rem(number, lines);
  place.k = m.add(m.mul(m.rem(thread, adjacent), chunk), m.mul(m.div(number, lines), adjacent * chunk));
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    int64_t first = pass * linesAtOnce;
    place.lineOffsets.push_back(first % lines);
    place.depthOffsets.push_back(first / lines * adjacent * chunk);
  }
  return place;
}

OperandTile::Place WordOperand::getPlace(IndexMath &m, Value thread) const {
  if (isAlongDepth)
    return getPlaceAlong(m, thread);
  int64_t perWordOfK = lines / chunk; // threads
  assert(threads % perWordOfK == 0 && "a thread stays in its lines");
  Place place;
  place.line = m.mul(m.rem(thread, perWordOfK), chunk);
  place.k = m.mul(m.div(thread, perWordOfK), perWord);
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    place.lineOffsets.push_back(0);
    place.depthOffsets.push_back(pass / perWord * (threads / perWordOfK) * perWord + pass % perWord);
  }
  return place;
}

SmallVector<Value> nncc::gpu::turnBytes(IndexMath &m, ValueRange rows, int64_t number) {
  OpBuilder &b = m.builder();
  SmallVector<Value> own = llvm::map_to_vector(rows, [&](Value row) { return asWords(m, row)[number]; });
  auto permute = [&](Value low, Value high, int64_t selector) -> Value {
    return NVVM::PermuteOp::create(b, m.location(), b.getI32Type(), low, high, m.constant(selector, b.getI32Type()),
                                   NVVM::PermuteModeAttr::get(b.getContext(), NVVM::PermuteMode::DEFAULT));
  };
  // Columns 0 and 1, then 2 and 3, of two elements of K each.
  constexpr int64_t firstTwo = 0x5140, lastTwo = 0x7362, lowHalves = 0x5410, highHalves = 0x7632;
  SmallVector<Value> words;
  for (int64_t selector : {firstTwo, lastTwo}) {
    Value before = permute(own[0], own[1], selector), after = permute(own[2], own[3], selector);
    words.push_back(permute(before, after, lowHalves));
    words.push_back(permute(before, after, highHalves));
  }
  return words;
}

SmallVector<Value> nncc::gpu::asWords(IndexMath &m, Value chunk) {
  OpBuilder &b = m.builder();
  int64_t count = cast<VectorType>(chunk.getType()).getNumElements() / WordOperand::packed;
  Type type = count == 1 ? b.getI32Type() : Type(VectorType::get(count, b.getI32Type()));
  return splitVector(m, LLVM::BitcastOp::create(b, m.location(), type, chunk));
}

void WordOperand::storeAcross(IndexMath &m, ValueRange chunks, const Place &place, Value first) const {
  for (int64_t pass = 0; pass < int64_t(chunks.size()); pass += perWord) {
    Value words = perWord == 1 ? chunks[pass] : joinVector(m, turnBytes(m, chunks.slice(pass, perWord), /*number=*/0));
    storeElements(m, words, moveBytes(m, first, getDistance(place, pass)));
  }
}

void WordOperand::store(IndexMath &m, ValueRange chunks, const Place &place, Value shared) const {
  Type word = perWord == 1 ? getElementTypeOrSelf(chunks.front()) : m.builder().getI32Type();
  Value first = movePointer(m, shared, m.add(m.mul(m.div(place.k, perWord), getPitch()), place.line), word);
  if (!isAlongDepth)
    return storeAcross(m, chunks, place, first);
  for (auto [pass, elements] : llvm::enumerate(chunks)) {
    Value target = moveBytes(m, first, getDistance(place, pass));
    for (auto [i, value] : llvm::enumerate(perWord == 1 ? splitVector(m, elements) : asWords(m, elements)))
      storeElements(m, value, moveBytes(m, target, i * getPitch() * wordBytes));
  }
}
