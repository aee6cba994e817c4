//===- Calls.h - tests of what the runtime asks of the driver ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CUDA_CALLS_H
#define NNCC_TEST_UNIT_CUDA_CALLS_H

#include "Fixture.h"
#include <algorithm>
#include <fstream>

namespace nncc::rt::test {

using Calls = std::vector<std::string>;

/// A call that the runtime makes only while it loads the driver: it stands between what a test tells apart.
inline const char *const kMark = "cuDriverGetVersion";

inline void mark(const Driver &driver) {
  int version = 0;
  driver.find<int(int *)>(kMark)(&version);
}

class CudaCalls : public testing::Test {
protected:
  /// Runs `work`, which is to return `expected`, and fills `calls` and `reported`.
  void run(Environment environment, const std::string &expected, const std::function<std::string()> &work) {
    std::string trace = fileNamed("trace"), report = fileNamed("report");
    environment.insert(
        environment.end(),
        {{"NNCC_EMU_TRACE", trace.c_str()}, {"NNCC_EMU_REPORT", report.c_str()}, {"NNCC_EMU_LEAKS", "1"}});
    EXPECT_EQ(onEmulator(environment, work), expected);
    calls.clear();
    std::ifstream in(trace);
    for (std::string line; std::getline(in, line);)
      calls.push_back(line);
    std::ifstream told(report);
    reported.assign(std::istreambuf_iterator<char>(told), std::istreambuf_iterator<char>());
    remove(trace.c_str());
    remove(report.c_str());
  }
  long count(const char *name) const { return std::count(calls.begin(), calls.end(), name); }
  /// The calls between the last mark but `back` and the next one.
  Calls between(int back) const {
    auto last = calls.end();
    for (; back > 0; --back)
      last = std::find(std::make_reverse_iterator(last), calls.rend(), kMark).base() - 1;
    auto first = std::find(std::make_reverse_iterator(last), calls.rend(), kMark).base();
    return {first, last};
  }

  Calls calls;
  std::string reported;

private:
  static std::string fileNamed(const char *what) {
    return testing::TempDir() + "nncc-cuda-" + what + "-" + std::to_string(getpid());
  }
};

} // namespace nncc::rt::test

#endif // NNCC_TEST_UNIT_CUDA_CALLS_H
