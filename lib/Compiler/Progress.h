//===- Progress.h - what a compilation is doing -----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_PROGRESS_H
#define NNCC_LIB_COMPILER_PROGRESS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <string>
#include <vector>

namespace nncc {

/// Times the stages (-v) and keeps a line on the terminal that says what goes on.
class Progress {
public:
  Progress(bool timing, bool line) : timing(timing), line(line) {}

  struct Time {
    std::string name;
    double ms;
  };
  /// The stages so far.
  llvm::ArrayRef<Time> getTimes() const { return times; }

  /// A stage, from here to the end of its scope.
  class Step {
  public:
    Step(Progress &progress, llvm::StringRef name);
    ~Step();
    Step(const Step &) = delete;
    Step &operator=(const Step &) = delete;

  private:
    Progress &progress;
    std::chrono::steady_clock::time_point start;
  };

  Step step(llvm::StringRef name) { return Step(*this, name); }
  /// How much of the stage is done. From one thread at a time.
  void show(size_t done, size_t total);

private:
  void clearLine();

  bool timing, line;
  std::string current;
  std::vector<Time> times;
};

} // namespace nncc

#endif // NNCC_LIB_COMPILER_PROGRESS_H
