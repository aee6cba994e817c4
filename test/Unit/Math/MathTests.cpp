//===- MathTests.cpp - elementary functions against the truth, over every float -------------------------------------------===//
//
// MathTests [--stride=N] [--cpu=NAME] [--speed] [googletest's flags]
//
// Every machine that can run here must give the same bits; those are compared with the C library's double functions.
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Jit.h"
#include "Ulp.h"
#include "gtest/gtest.h"
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

namespace {

/// Every strideth bit pattern is tested: a prime, so that all exponents see all low bits in time.
uint64_t stride = 2011;
bool measureSpeed = false;
/// Empty for all.
std::string onlyCpu;
constexpr int64_t block = 4096;
constexpr uint64_t patterns = uint64_t(1) << 32;

bool sameBits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// One function, compiled for every machine.
class Compiled {
public:
  void compile(const std::string &name, const std::string &body) {
    for (const Machine &machine : runnableMachines()) {
      if (!onlyCpu.empty() && machine.cpu != onlyCpu)
        continue;
      Jit::Function function = jit.compile(body, machine);
      ASSERT_TRUE(function) << jit.error();
      machines.push_back({machine, function});
      if (measureSpeed)
        printf("%-9s %-9s %2d lanes %6.2f ns\n", name.c_str(), machine.cpu.c_str(), machine.width, speed(function));
    }
    ASSERT_FALSE(machines.empty()) << "this machine runs no code for " << onlyCpu;
  }

  /// Computes `out` from the inputs on every machine.
  void run() {
    machines[0].function(a.data(), b.data(), c.data(), out.data(), block);
    for (size_t m = 1; m < machines.size(); ++m) {
      machines[m].function(a.data(), b.data(), c.data(), other.data(), block);
      for (int64_t i = 0; i < block; ++i)
        ASSERT_TRUE(sameBits(out[i], other[i]))
            << a[i] << ", " << b[i] << ", " << c[i] << ": " << out[i] << " on " << machines[0].machine.cpu << ", "
            << other[i] << " on " << machines[m].machine.cpu << " in " << machines[m].machine.width << " lanes";
    }
  }

  std::vector<float> a = std::vector<float>(block), b = a, c = a, out = a;

private:
  struct Entry {
    Machine machine;
    Jit::Function function;
  };

  /// Nanoseconds an element, the least of several runs over ordinary numbers in the first-level cache.
  double speed(Jit::Function function) {
    for (int64_t i = 0; i < block; ++i)
      a[i] = b[i] = c[i] = 0.001f + 0.9f * float(i) / block;
    double best = std::numeric_limits<double>::infinity();
    for (int run = 0; run < 100; ++run) {
      auto start = std::chrono::steady_clock::now();
      function(a.data(), b.data(), c.data(), out.data(), block);
      std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count() / block);
    }
    return best;
  }

  Jit jit;
  std::vector<Entry> machines;
  std::vector<float> other = std::vector<float>(block);
};

/// The largest error so far, and where.
struct Worst {
  double error = 0, expected = 0;
  float a = 0, b = 0, got = 0;

  void see(float a, float b, float got, double expected) {
    double error = ulpError(got, expected);
    if (error > this->error)
      *this = {error, expected, a, b, got};
  }
  void print(const char *name) const {
    printf("%-9s %.3f ULP at %a, %a: %a, not %a\n", name, error, a, b, got, expected);
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Functions of one argument
//===----------------------------------------------------------------------------------------------------------------------===//

struct UnaryFunction {
  const char *name;
  double (*truth)(double);
  /// What docs/Math.md promises.
  double bound;
};

void PrintTo(const UnaryFunction &function, std::ostream *out) { *out << function.name; }

double rsqrt(double x) { return 1 / std::sqrt(x); }

const UnaryFunction unaryFunctions[] = {
    {"exp", std::exp, 1.1},     {"exp2", std::exp2, 1},
    {"expm1", std::expm1, 1.5}, {"log", std::log, 1},
    {"log2", std::log2, 1.1},   {"log10", std::log10, 1.1},
    {"log1p", std::log1p, 1.5}, {"sin", std::sin, 1.6},
    {"cos", std::cos, 1.6},     {"tan", std::tan, 3.1},
    {"asin", std::asin, 2},     {"acos", std::acos, 1.2},
    {"atan", std::atan, 1.4},   {"sinh", std::sinh, 1.7},
    {"cosh", std::cosh, 1.5},   {"tanh", std::tanh, 1.5},
    {"asinh", std::asinh, 1.9}, {"acosh", std::acosh, 2.5},
    {"atanh", std::atanh, 2.2}, {"erf", std::erf, 1.1},
    {"erfc", std::erfc, 2.4},   {"cbrt", std::cbrt, 0.51},
    {"rsqrt", rsqrt, 1.5},      {"floor", std::floor, 0},
    {"ceil", std::ceil, 0},     {"trunc", std::trunc, 0},
    {"round", std::round, 0},   {"roundeven", std::nearbyint, 0},
};

class Unary : public testing::TestWithParam<UnaryFunction> {};

TEST_P(Unary, IsWithinItsBound) {
  const UnaryFunction &function = GetParam();
  Compiled compiled;
  ASSERT_NO_FATAL_FAILURE(compiled.compile(function.name, std::string("%r = math.") + function.name + " %a : $f"));
  Worst worst;
  auto check = [&](auto &&bitsOf) {
    for (int64_t i = 0; i < block; ++i)
      compiled.a[i] = std::bit_cast<float>(uint32_t(bitsOf(i)));
    compiled.run();
    for (int64_t i = 0; i < block; ++i)
      worst.see(compiled.a[i], 0, compiled.out[i], function.truth(compiled.a[i]));
  };
  // Around every power of two, zero, and infinity.
  ASSERT_NO_FATAL_FAILURE(check([](int64_t i) { return (i / 8 << 23) + i % 8 - 4; }));
  for (uint64_t first = 0; first < patterns; first += block * stride)
    ASSERT_NO_FATAL_FAILURE(check([&](int64_t i) { return first + i * stride; }));
  worst.print(function.name);
  EXPECT_LE(worst.error, function.bound);
}

INSTANTIATE_TEST_SUITE_P(Math, Unary, testing::ValuesIn(unaryFunctions),
                         [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------------------------------------------------------===//
// Functions of two
//===----------------------------------------------------------------------------------------------------------------------===//

struct BinaryFunction {
  const char *name;
  const char *body;
  double (*truth)(double, double);
  double bound;
};

void PrintTo(const BinaryFunction &function, std::ostream *out) { *out << function.name; }

/// The exponent as `powiBody` makes it: within i32, and a number.
double powi(double x, double y) { return std::pow(x, std::trunc(std::fmin(std::fmax(y, -0x1p+31), 0x1.fffffep+30))); }

const char powiBody[] = R"(%low = arith.constant $c<-2147483648.0> : $f
      %high = arith.constant $c<2147483520.0> : $f
      %above = arith.maxnumf %b, %low : $f
      %within = arith.minnumf %above, %high : $f
      %n = arith.fptosi %within : $f to $i
      %r = math.fpowi %a, %n : $f, $i)";

const BinaryFunction binaryFunctions[] = {
    {"atan2", "%r = math.atan2 %a, %b : $f", std::atan2, 2},
    {"fpowi", powiBody, powi, 0.6},
    {"powf", "%r = math.powf %a, %b : $f", std::pow, 0.6},
};

/// Pairs that matter, then pairs of random bits, of moderate numbers, and of numbers near 1 with anything.
class Pairs {
public:
  std::pair<float, float> next() {
    constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    static const float special[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    0.5f,
                                    1.5f,
                                    2.5f,
                                    1e-45f,
                                    1e-38f,
                                    1.17549435e-38f,
                                    1e-30f,
                                    0.99999994f,
                                    1.0000001f,
                                    8388607.5f,
                                    8388609,
                                    16777215,
                                    16777216,
                                    16777218,
                                    1e10f,
                                    1e30f,
                                    3.40282347e38f,
                                    infinity,
                                    nan};
    constexpr uint64_t count = std::size(special), signs = 4;
    uint64_t index = drawn++;
    if (index < count * count * signs) {
      float a = special[index / signs % count], b = special[index / signs / count];
      return {index & 1 ? -a : a, index & 2 ? -b : b};
    }
    switch (index % 4) {
    case 0:
      return {bits(), bits()};
    case 1:
      return {moderate(100), moderate(40)};
    case 2:
      return {1 + moderate(0x1p-10f), bits()};
    default:
      return {moderate(4), std::floor(moderate(100))};
    }
  }

private:
  float bits() { return std::bit_cast<float>(uint32_t(random())); }
  float moderate(float limit) { return std::uniform_real_distribution<float>(-limit, limit)(random); }

  std::mt19937_64 random{1};
  uint64_t drawn = 0;
};

class Binary : public testing::TestWithParam<BinaryFunction> {};

TEST_P(Binary, IsWithinItsBound) {
  const BinaryFunction &function = GetParam();
  Compiled compiled;
  ASSERT_NO_FATAL_FAILURE(compiled.compile(function.name, function.body));
  Worst worst;
  Pairs pairs;
  for (uint64_t done = 0; done < patterns / stride; done += block) {
    for (int64_t i = 0; i < block; ++i)
      std::tie(compiled.a[i], compiled.b[i]) = pairs.next();
    ASSERT_NO_FATAL_FAILURE(compiled.run());
    for (int64_t i = 0; i < block; ++i)
      worst.see(compiled.a[i], compiled.b[i], compiled.out[i], function.truth(compiled.a[i], compiled.b[i]));
  }
  worst.print(function.name);
  EXPECT_LE(worst.error, function.bound);
}

INSTANTIATE_TEST_SUITE_P(Math, Binary, testing::ValuesIn(binaryFunctions),
                         [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------------------------------------------------------===//
// fma, where the machine has none
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Fma, IsRoundedOnce) {
  Compiled compiled;
  ASSERT_NO_FATAL_FAILURE(compiled.compile("fma", "%r = math.fma %a, %b, %c : $f"));
  std::mt19937_64 random(1);
  for (uint64_t done = 0; done < patterns / stride; done += block) {
    for (int64_t i = 0; i < block; ++i) {
      float a = std::bit_cast<float>(uint32_t(random())), b = std::bit_cast<float>(uint32_t(random()));
      if (i % 2 && std::isnormal(a) && std::isnormal(b)) // products in the range of floats
        b = std::ldexp(b, int(random() % 40) - 20 - std::ilogb(a) - std::ilogb(b));
      float product = a * b;
      // Addends that cancel the product, that lie near half of its last place, and that are anything.
      const float addends[] = {-product, product * std::ldexp(1.0f, 24 + int(random() % 4)),
                               product * std::ldexp(-1.0f, -24 - int(random() % 30)),
                               std::bit_cast<float>(uint32_t(random()))};
      compiled.a[i] = a, compiled.b[i] = b, compiled.c[i] = addends[i / 2 % 4];
    }
    ASSERT_NO_FATAL_FAILURE(compiled.run());
    for (int64_t i = 0; i < block; ++i) {
      float expected = std::fma(compiled.a[i], compiled.b[i], compiled.c[i]);
      ASSERT_TRUE(sameBits(compiled.out[i], expected))
          << compiled.a[i] << " * " << compiled.b[i] << " + " << compiled.c[i];
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--stride=", 9) == 0)
      stride = std::strtoull(argv[i] + 9, nullptr, 10);
    else if (std::strncmp(argv[i], "--cpu=", 6) == 0)
      onlyCpu = argv[i] + 6;
    else if (std::strcmp(argv[i], "--speed") == 0)
      measureSpeed = true;
    else
      return fprintf(stderr, "unknown argument %s\n", argv[i]), 2;
  }
  if (stride == 0)
    return fprintf(stderr, "--stride must be positive\n"), 2;
  return RUN_ALL_TESTS();
}
