//===- WeightBlob.cpp - the weights of a model, as pieces ---------------------------------------------------------===//

#include "nncc/Target/WeightBlob.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SHA256.h"
#include <cstring>

using namespace llvm;

namespace nncc::target {

uint64_t WeightBlob::add(ArrayRef<char> bytes, std::shared_ptr<const void> owner) {
  uint64_t offset = alignTo(end, kAlignment);
  pieces.push_back({offset, bytes, std::move(owner)});
  end = offset + bytes.size();
  return offset;
}

uint64_t WeightBlob::add(std::vector<char> bytes) {
  auto owner = std::make_shared<const std::vector<char>>(std::move(bytes));
  return add(*owner, owner);
}

std::vector<int64_t> WeightBlob::merge(const WeightBlob &other) {
  StringMap<uint64_t> known; // by contents' hash
  auto hashOf = [](ArrayRef<char> bytes) {
    return toStringRef(SHA256::hash(ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()))).str();
  };
  for (const Piece &piece : pieces)
    known.try_emplace(hashOf(piece.bytes), piece.offset);
  std::vector<int64_t> offsets;
  for (const Piece &piece : other.pieces) {
    auto [found, isNew] = known.try_emplace(hashOf(piece.bytes), 0);
    if (isNew)
      found->second = add(piece.bytes, piece.owner);
    offsets.push_back(int64_t(found->second));
  }
  return offsets;
}

template <typename Use> void WeightBlob::forEachRun(Use use) const {
  static constexpr char kZeros[kAlignment] = {};
  uint64_t position = 0;
  for (const Piece &piece : pieces) {
    if (uint64_t gap = piece.offset - position) // less than the alignment
      use(ArrayRef(kZeros, gap));
    use(piece.bytes);
    position = piece.offset + piece.bytes.size();
  }
}

std::array<uint8_t, 32> WeightBlob::hash() const {
  SHA256 sha;
  forEachRun([&](ArrayRef<char> bytes) { sha.update(StringRef(bytes.data(), bytes.size())); });
  return sha.final();
}

void WeightBlob::write(raw_ostream &out) const {
  forEachRun([&](ArrayRef<char> bytes) { out.write(bytes.data(), bytes.size()); });
}

void WeightBlob::copyTo(char *target) const {
  forEachRun([&](ArrayRef<char> bytes) {
    if (!bytes.empty())
      std::memcpy(target, bytes.data(), bytes.size());
    target += bytes.size();
  });
}

Error writeWeightsFile(StringRef path, const WeightBlob &weights, ArrayRef<uint8_t> hash, OutputFiles *together) {
  auto write = [&](raw_pwrite_stream &out) {
    weights.write(out);
    out << toStringRef(hash);
    return Error::success();
  };
  return writeOutputFile(path, write, /*executable=*/false, together);
}

} // namespace nncc::target
