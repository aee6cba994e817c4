//===- DoubleTests.cpp - functions of f64 where there is no library -----------------------------------------------===//
//
// Against the C library's functions of long double, which has 11 more bits. No test can go through all numbers: those around every power of
// two, random bits, and ordinary numbers.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Jit.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace {

constexpr int64_t block = 1 << 16;

/// In units of the last place, as ulpError of floats.
double ulpError(double got, long double expected) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(expected))
    return std::isnan(got) && std::isnan(expected) ? 0 : wrong;
  if (std::signbit(got) != std::signbit(expected))
    return wrong;
  constexpr long double limit = 0x1p+1024L;
  long double a = std::min<long double>(std::fabs(got), limit), b = std::min(std::fabs(expected), limit);
  if (a == b)
    return 0;
  if (b == 0)
    return wrong;
  return double(std::fabs(a - b) / std::ldexp(1.0L, std::clamp(std::ilogb(b), -1022, 1023) - 52));
}

/// The widest machine that has what a GPU has: fused multiply-adds.
Machine withFma() {
  for (const Machine &machine : runnableMachines())
    if (!machine.sse2 && machine.width == 1)
      return machine;
  return {};
}

/// Numbers to try.
class Numbers {
public:
  double next() {
    uint64_t index = drawn++;
    if (index < 2048 * 8)
      return std::bit_cast<double>((index / 8 << 52) + index % 8 - 4) * (index & 1 ? 1 : -1);
    switch (index % 4) {
    case 0:
      return std::bit_cast<double>(random());
    case 1:
      return within(1);
    case 2:
      return within(30);
    default:
      return within(750);
    }
  }
  double within(double limit) { return std::uniform_real_distribution<double>(-limit, limit)(random); }

private:
  std::mt19937_64 random{1};
  uint64_t drawn = 0;
};

struct Worst {
  double error = 0, a = 0, b = 0, got = 0, expected = 0;

  void see(double a, double b, double got, long double expected) {
    if (double error = ulpError(got, expected); error > this->error)
      *this = {error, a, b, got, double(expected)};
  }
  void print(const char *name) const {
    printf("%-9s %.3f ULP at %a, %a: %a, not %a\n", name, error, a, b, got, expected);
  }
};

struct Function {
  const char *name, *body;
  long double (*truth)(long double, long double);
  double bound;
  /// The arguments; null: anything.
  double (*a)(Numbers &) = nullptr;
  double (*b)(Numbers &) = nullptr;
};

void PrintTo(const Function &function, std::ostream *out) { *out << function.name; }

template <long double (*function)(long double)> long double ofFirst(long double a, long double) { return function(a); }

const char sinOfBoth[] = R"(%r, %u = math.sincos %a : $f)", cosOfBoth[] = R"(%u, %r = math.sincos %a : $f)";
const char powiBody[] = R"(%n = arith.fptosi %b : $f to $i
      %r = math.fpowi %a, %n : $f, $i)";
double smallWhole(Numbers &numbers) { return std::trunc(numbers.within(40)); }
double mostlyWhole(Numbers &numbers) {
  double y = numbers.next();
  return std::isfinite(y) && std::fabs(y) < 100 ? std::trunc(y) : y;
}

const Function functions[] = {
    {"exp", "%r = math.exp %a : $f", ofFirst<std::exp>, 1.2},
    {"exp2", "%r = math.exp2 %a : $f", ofFirst<std::exp2>, 1.2},
    {"expm1", "%r = math.expm1 %a : $f", ofFirst<std::expm1>, 2.5},
    {"log", "%r = math.log %a : $f", ofFirst<std::log>, 0.6},
    {"log2", "%r = math.log2 %a : $f", ofFirst<std::log2>, 0.6},
    {"log10", "%r = math.log10 %a : $f", ofFirst<std::log10>, 0.6},
    {"log1p", "%r = math.log1p %a : $f", ofFirst<std::log1p>, 2.5},
    {"sin", "%r = math.sin %a : $f", ofFirst<std::sin>, 2.1},
    {"cos", "%r = math.cos %a : $f", ofFirst<std::cos>, 2.1},
    {"tan", "%r = math.tan %a : $f", ofFirst<std::tan>, 5},
    {"asin", "%r = math.asin %a : $f", ofFirst<std::asin>, 5},
    {"acos", "%r = math.acos %a : $f", ofFirst<std::acos>, 5},
    {"atan", "%r = math.atan %a : $f", ofFirst<std::atan>, 2},
    {"sinh", "%r = math.sinh %a : $f", ofFirst<std::sinh>, 5},
    {"cosh", "%r = math.cosh %a : $f", ofFirst<std::cosh>, 5},
    {"tanh", "%r = math.tanh %a : $f", ofFirst<std::tanh>, 5},
    {"asinh", "%r = math.asinh %a : $f", ofFirst<std::asinh>, 5},
    {"acosh", "%r = math.acosh %a : $f", ofFirst<std::acosh>, 5},
    {"atanh", "%r = math.atanh %a : $f", ofFirst<std::atanh>, 5},
    {"erf", "%r = math.erf %a : $f", ofFirst<std::erf>, 4},
    {"erfc", "%r = math.erfc %a : $f", ofFirst<std::erfc>, 5},
    {"cbrt", "%r = math.cbrt %a : $f", ofFirst<std::cbrt>, 0.6},
    {"sinOfBoth", sinOfBoth, ofFirst<std::sin>, 2.1},
    {"cosOfBoth", cosOfBoth, ofFirst<std::cos>, 2.1},
    {"atan2", "%r = math.atan2 %a, %b : $f", std::atan2, 2.5},
    {"powf", "%r = math.powf %a, %b : $f", std::pow, 1.5, nullptr, mostlyWhole},
    {"fpowi", powiBody, std::pow, 1.5, nullptr, smallWhole},
};

class Double : public testing::TestWithParam<Function> {};

TEST_P(Double, IsWithinItsBound) {
  const Function &function = GetParam();
  Machine machine = withFma();
  if (machine.cpu.empty())
    GTEST_SKIP() << "this machine has no fused multiply-add";
  Jit jit;
  Jit::DoubleFunction compiled = jit.compileDouble(function.body, machine);
  ASSERT_TRUE(compiled) << jit.error();
  std::vector<double> a(block), b(block), c(block), out(block);
  Numbers numbers;
  Worst worst;
  for (int round = 0; round < 4; ++round) {
    for (int64_t i = 0; i < block; ++i) {
      a[i] = function.a ? function.a(numbers) : numbers.next();
      b[i] = function.b ? function.b(numbers) : i % 16 == 0 ? a[i] : numbers.next();
    }
    compiled(a.data(), b.data(), c.data(), out.data(), block);
    for (int64_t i = 0; i < block; ++i)
      worst.see(a[i], b[i], out[i], function.truth(a[i], b[i]));
  }
  worst.print(function.name);
  EXPECT_LE(worst.error, function.bound);
}

INSTANTIATE_TEST_SUITE_P(Math, Double, testing::ValuesIn(functions),
                         [](const auto &info) { return std::string(info.param.name); });

/// The sign of a power is that of its exponent, also where no f64 is that.
TEST(Double, OddExponentsBeyond53Bits) {
  Machine machine = withFma();
  if (machine.cpu.empty())
    GTEST_SKIP() << "this machine has no fused multiply-add";
  Jit jit;
  Jit::DoubleFunction compiled = jit.compileDouble(R"(%n = arith.constant 9007199254740993 : $i
      %r = math.fpowi %a, %n : $f, $i)",
                                                   machine);
  ASSERT_TRUE(compiled) << jit.error();
  std::vector<double> a(64, -1.0), out(64);
  a[1] = -0.0, a[2] = -2, a[3] = 2;
  compiled(a.data(), a.data(), a.data(), out.data(), 64);
  EXPECT_EQ(out[0], -1);
  EXPECT_TRUE(out[1] == 0 && std::signbit(out[1]));
  EXPECT_EQ(out[2], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(out[3], std::numeric_limits<double>::infinity());
}

} // namespace
