//===- WeightBlob.h - the weights of a model, as pieces -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_WEIGHTBLOB_H
#define NNCC_TARGET_WEIGHTBLOB_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace nncc {
class OutputFiles;
}

namespace nncc::target {

/// What will lie behind nnccrt_frame.weights: pieces in ascending order, zeros between them. Pieces are not copied:
/// they are owned by the blob, or point into memory (a mapped file) that `owner` keeps alive.
class WeightBlob {
public:
  static constexpr uint64_t kAlignment = 64;

  /// Appends a piece at the next multiple of 64; returns its offset.
  uint64_t add(llvm::ArrayRef<char> bytes, std::shared_ptr<const void> owner);
  uint64_t add(std::vector<char> bytes);

  /// Appends what is not there already; returns where each piece of `other` lies now.
  std::vector<int64_t> merge(const WeightBlob &other);

  uint64_t size() const { return end; }
  bool empty() const { return end == 0; }
  /// SHA-256 of all bytes.
  std::array<uint8_t, 32> hash() const;
  /// Streams all bytes.
  void write(llvm::raw_ostream &out) const;
  /// One copy in memory. `target` holds size() bytes.
  void copyTo(char *target) const;

private:
  struct Piece {
    uint64_t offset;
    llvm::ArrayRef<char> bytes;
    std::shared_ptr<const void> owner;
  };
  /// Calls `use` with all bytes in order, gaps included.
  template <typename Use> void forEachRun(Use use) const;

  std::vector<Piece> pieces;
  uint64_t end = 0;
};

/// Writes the weights to a file of their own, whole or not at all. `hash`, theirs, follows them: the runtime compares it
/// with the descriptor's, so that the file of another model is refused without reading it all. As one of `together`, if given.
llvm::Error writeWeightsFile(llvm::StringRef path, const WeightBlob &weights, llvm::ArrayRef<uint8_t> hash,
                             OutputFiles *together = nullptr);

} // namespace nncc::target

#endif // NNCC_TARGET_WEIGHTBLOB_H
