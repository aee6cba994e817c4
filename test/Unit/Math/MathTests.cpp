//===- MathTests.cpp - elementary functions against the truth, over every float -------------------------------------------===//
//
// MathTests [--stride=N] [--speed] [googletest's flags]
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Jit.h"
#include "Ulp.h"
#include "gtest/gtest.h"
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

/// Every strideth bit pattern is tested. It is odd, so that all exponents see all low bits in time.
uint64_t stride = 2011;
bool measureSpeed = false;
constexpr int64_t block = 4096;

struct Function {
  const char *name;
  double (*truth)(double);
  /// The bound that docs/Math.md promises.
  double bound;
};

void PrintTo(const Function &function, std::ostream *out) { *out << function.name; }

const Function functions[] = {
    {"exp", std::exp, 1.1},
    {"log", std::log, 1.1},
    {"tanh", std::tanh, 1.5},
    {"erf", std::erf, 1.5},
};

class Unary : public testing::TestWithParam<Function> {};

bool sameBits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// Nanoseconds an element, the least of several runs over a block in the first-level cache.
double speed(Jit::Function function, const Function &of) {
  std::vector<float> in(block), out(block);
  for (int64_t i = 0; i < block; ++i)
    in[i] = 0.001f + 0.9f * float(i) / block;
  (void)of;
  double best = 1e9;
  for (int run = 0; run < 50; ++run) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i)
      function(in.data(), in.data(), out.data(), block);
    std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count() / (10 * block));
  }
  return best;
}

TEST_P(Unary, IsWithinItsBoundAndHasTheSameBitsEverywhere) {
  const Function &function = GetParam();
  Jit jit;
  std::vector<Machine> machines = runnableMachines();
  std::vector<Jit::Function> compiled;
  for (const Machine &machine : machines) {
    compiled.push_back(jit.compile(function.name, 1, machine));
    ASSERT_TRUE(compiled.back()) << jit.error();
    if (measureSpeed)
      printf("%-8s %-10s %2d lanes %6.2f ns\n", function.name, machine.cpu.c_str(), machine.width, speed(compiled.back(), function));
  }

  std::vector<float> in(block), out(block), other(block);
  double worst = 0;
  float worstAt = 0, worstGot = 0;
  for (uint64_t first = 0; first < uint64_t(1) << 32; first += block * stride) {
    for (int64_t i = 0; i < block; ++i)
      in[i] = std::bit_cast<float>(uint32_t(first + i * stride));
    compiled[0](in.data(), in.data(), out.data(), block);
    for (size_t m = 1; m < machines.size(); ++m) {
      compiled[m](in.data(), in.data(), other.data(), block);
      for (int64_t i = 0; i < block; ++i)
        ASSERT_TRUE(sameBits(out[i], other[i])) << function.name << "(" << in[i] << ") is " << out[i] << " on " << machines[0].cpu
                                                << ", " << other[i] << " on " << machines[m].cpu << " x" << machines[m].width;
    }
    for (int64_t i = 0; i < block; ++i) {
      double error = ulpError(out[i], function.truth(in[i]));
      if (error > worst)
        worst = error, worstAt = in[i], worstGot = out[i];
    }
  }
  printf("%-8s %.3f ULP at %a: %a, not %a\n", function.name, worst, worstAt, worstGot, function.truth(worstAt));
  EXPECT_LE(worst, function.bound);
}

INSTANTIATE_TEST_SUITE_P(Math, Unary, testing::ValuesIn(functions), [](const auto &info) { return std::string(info.param.name); });

} // namespace

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--stride=", 9) == 0)
      stride = std::strtoull(argv[i] + 9, nullptr, 10);
    else if (std::strcmp(argv[i], "--speed") == 0)
      measureSpeed = true;
    else
      return fprintf(stderr, "unknown argument %s\n", argv[i]), 2;
  }
  if (stride == 0)
    return fprintf(stderr, "--stride must be positive\n"), 2;
  return RUN_ALL_TESTS();
}
