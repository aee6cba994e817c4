//===- CPULevel.h - what code may use, and what a CPU must have to run it -------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_CPULEVEL_H
#define NNCC_TARGET_CPULEVEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace nncc::target {

/// A set of CPU features that the runtime can test for (NNCCRT_CPU_* in nnccrt/abi.h), and a CPU to schedule
/// instructions for. Code for a level uses these features and no others, whatever else the named CPU has: so a level
/// that the runtime chose runs.
struct CPULevel {
  std::string name;     ///< "x86-64-v3", "znver4"; what "native" stands for here is resolved
  uint64_t required;    ///< NNCCRT_CPU_* bits
  std::string cpu;      ///< the psABI level below it, LLVM's "target-cpu"
  std::string features; ///< what it has beyond `cpu`: "+avx512vnni,+avx512bf16"
  std::string tune;     ///< LLVM's "tune-cpu"

  /// x86-64 without extensions: the schedule, and everything that runs while compiling.
  static CPULevel getBaseline();

  bool hasAVX2() const;
  bool hasAVX512() const;
  /// Bits of the widest vector register.
  unsigned getVectorBits() const { return hasAVX512() ? 512 : hasAVX2() ? 256 : 128; }
  /// What the names of its functions end in: ".v3", ".znver4".
  std::string getSuffix() const;
};

/// The level of a psABI name (x86-64, x86-64-v2, -v3, -v4), of a CPU that LLVM knows, or of "native", the CPU of this
/// machine. Only "native" looks at the machine.
llvm::Expected<CPULevel> resolveCPULevel(llvm::StringRef name);

/// The levels for one object, in the order of nnccrt_model.levels: a CPU runs the last one that it can. Repeated names
/// count once; two levels that need the same features are an error.
llvm::Expected<std::vector<CPULevel>> resolveCPULevels(llvm::ArrayRef<std::string> names);

/// Every name that resolveCPULevel takes.
llvm::SmallVector<llvm::StringRef> getKnownCPUNames();

} // namespace nncc::target

#endif // NNCC_TARGET_CPULEVEL_H
