//===- KernelRunner.h - compiles one exec.kernel and runs it in this process ----------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CPU_KERNELRUNNER_H
#define NNCC_TEST_UNIT_CPU_KERNELRUNNER_H

#include "nncc/Target/CPULevel.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

/// Memory for a tensor, 64-byte aligned, between pages of guard bytes that must not change.
class Buffer {
public:
  explicit Buffer(size_t bytes);
  Buffer(Buffer &&) = default;
  ~Buffer();

  template <typename T> T *as() const { return reinterpret_cast<T *>(data); }
  uint64_t address() const { return reinterpret_cast<uint64_t>(data); }
  size_t size() const { return bytes; }
  bool isIntact() const;

private:
  size_t bytes;
  std::unique_ptr<char, decltype(&std::free)> memory;
  char *data;
};

/// A kernel as machine code.
class RunnableKernel {
public:
  /// `text` holds one exec.kernel. Null: `error` says why.
  static std::unique_ptr<RunnableKernel> compile(const std::string &text, const std::string &cpu, unsigned optLevel,
                                                 std::string &error);
  ~RunnableKernel();

  /// `slots` as exec.kernel documents them, without slot 0.
  int64_t countTiles(llvm::ArrayRef<uint64_t> slots) const;
  /// Runs all tiles, from the last one to the first when `backwards`.
  void run(llvm::ArrayRef<uint64_t> slots, bool backwards = false) const;
  /// Runs one tile; `slots` begin with the address of a fault word here.
  void runTile(const uint64_t *slots, int64_t tile, void *scratch) const;
  int64_t getScratchBytes() const;
  /// The machine code, as an object file.
  llvm::StringRef getObject() const;

private:
  RunnableKernel();
  struct State;
  std::unique_ptr<State> state;
};

/// The CPU levels that this machine can run, of x86-64, x86-64-v3, x86-64-v4.
std::vector<std::string> getRunnableLevels();

/// Whether this machine runs code for cascadelake, the first CPU with AVX512-VNNI.
bool hasVNNI();

#endif // NNCC_TEST_UNIT_CPU_KERNELRUNNER_H
