//===- Progress.cpp - what a compilation is doing -------------------------------------------------------------------------===//

#include "Progress.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc {

Progress::Step::Step(Progress &progress, llvm::StringRef name)
    : progress(progress), start(std::chrono::steady_clock::now()) {
  progress.current = name.str();
  if (progress.line) {
    progress.clearLine();
    llvm::errs() << "nncc: " << name;
  }
}

Progress::Step::~Step() {
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
  progress.times.push_back({progress.current, elapsed.count()});
  progress.clearLine();
  if (progress.timing)
    llvm::errs() << llvm::format("%10.1f ms  ", elapsed.count()) << progress.current << "\n";
}

void Progress::show(size_t done, size_t total) {
  if (!line)
    return;
  clearLine();
  llvm::errs() << "nncc: " << current << " " << done << "/" << total;
}

void Progress::clearLine() {
  if (line)
    llvm::errs() << "\r\033[K";
}

} // namespace nncc
