//===- DimTest.cpp - arithmetic on symbolic sizes -----------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Broadcast.h"
#include <climits>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace nncc::nn {
namespace {

using Values = std::map<std::string, int64_t>;

int64_t floorOf(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

int64_t valueOf(const Dim &dim, const Values &values) {
  return dim.evaluate<int64_t>([](int64_t number) { return number; },
                               [&](llvm::StringRef name) { return values.at(name.str()); },
                               [](llvm::StringRef op, int64_t a, int64_t b) -> int64_t {
                                 if (op == "+")
                                   return a + b;
                                 if (op == "*")
                                   return a * b;
                                 if (op == "floordiv")
                                   return floorOf(a, b);
                                 if (op == "ceildiv")
                                   return -floorOf(-a, b);
                                 if (op == "mod")
                                   return a - floorOf(a, b) * b;
                                 return op == "min" ? std::min(a, b) : std::max(a, b);
                               });
}

const Dim n = Dim::symbol("n"), m = Dim::symbol("m");

TEST(Dim, EqualHoweverComputed) {
  EXPECT_EQ((n + 1) * (n - 1), n * n - 1);
  EXPECT_EQ(n + m, m + n);
  EXPECT_EQ(n * 2 + n, n * 3);
  EXPECT_EQ(n - n, Dim(0));
  EXPECT_NE(n, m);
  EXPECT_EQ((n * m).str(), (m * n).str());
}

TEST(Dim, UnknownAbsorbsAndEqualsNothing) {
  Dim unknown = Dim::unknown();
  EXPECT_TRUE((unknown + n).isUnknown());
  EXPECT_TRUE((unknown * 0).isUnknown());
  EXPECT_FALSE(unknown == unknown);
  EXPECT_EQ(unknown.str(), "");
  EXPECT_TRUE(Dim::parse("").isUnknown());
}

TEST(Dim, OverflowIsUnknown) {
  EXPECT_TRUE((Dim(INT64_MAX) + 1).isUnknown());
  EXPECT_TRUE((Dim(INT64_MAX) * n * 2).isUnknown());
  EXPECT_TRUE(Dim(INT64_MIN).floorDiv(-1).isUnknown());
  EXPECT_TRUE((Dim(0) - Dim(INT64_MIN)).isUnknown());
}

TEST(Dim, Divides) {
  EXPECT_EQ((n * 6).floorDiv(3), n * 2);
  EXPECT_EQ((n * m).floorDiv(m), n);
  EXPECT_EQ((n * 2 + 4).floorDiv(2), n + 2);
  EXPECT_TRUE(n.floorDiv(0).isUnknown());
  EXPECT_EQ(Dim(-7).floorDiv(2), Dim(-4));
  EXPECT_EQ(Dim(7).ceilDiv(2), Dim(4));
  EXPECT_EQ(Dim(-7).mod(3), Dim(2));
}

TEST(Dim, ReadsWhatExportersWrite) {
  EXPECT_EQ(Dim::parse("past + 1"), Dim::symbol("past") + 1);
  EXPECT_EQ(Dim::parse("2*N"), Dim::symbol("N") * 2);
  EXPECT_EQ(Dim::parse("batch_size"), Dim::symbol("batch_size"));
  EXPECT_EQ(Dim::parse("12"), Dim(12));
  // A text that is no expression names one symbol, whatever is in it.
  for (const char *name : {"serving_default:0", "a b", "unk__7", "1d", "+", "((", "floordiv(a"})
    EXPECT_EQ(Dim::parse(name), Dim::symbol(name)) << name;
}

TEST(Dim, KnowsLowerBounds) {
  EXPECT_TRUE((n * m + 3).isAtLeast(3));
  EXPECT_FALSE((n - 1).isAtLeast(0));
  EXPECT_TRUE(Dim(4).isAtLeast(4));
  // A call, from what its arguments are.
  EXPECT_TRUE(Dim::min(n, m).isAtLeast(0));
  EXPECT_FALSE(Dim::min(n, m - 1).isAtLeast(0));
  EXPECT_TRUE(Dim::max(n - m, 0).isAtLeast(0));
  EXPECT_TRUE((n + 1).ceilDiv(2).isAtLeast(0));
  EXPECT_FALSE((n - 1).floorDiv(2).isAtLeast(0));
  EXPECT_FALSE(n.mod(m).isAtLeast(0));
}

TEST(Dim, KnowsWhatIsCapped) {
  EXPECT_TRUE(isCapped(Dim::min(n, 512), n));
  EXPECT_TRUE(isCapped(Dim::min(n + m, 512), n + m));
  EXPECT_TRUE(isCapped(Dim::min(n, m + 1), n));
  EXPECT_FALSE(isCapped(Dim::min(n, m), n)); // m may be 0
  EXPECT_FALSE(isCapped(Dim::min(n, 512), m));
  EXPECT_FALSE(isCapped(Dim::min(n, 512) * 2, n));
  EXPECT_FALSE(isCapped(Dim::min(n, 512) + 1, n + 1));
  EXPECT_FALSE(isCapped(Dim::max(n, 512), n));
  EXPECT_FALSE(isCapped(n, n));
  EXPECT_FALSE(isCapped(Dim::unknown(), n));
}

/// Random expressions: the value is that of the operations, and the text is read back as an equal expression.
TEST(Dim, RandomExpressions) {
  std::mt19937 random(3);
  Values values = {{"n", 7}, {"m", 3}, {"batch", 12}};
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::pair<Dim, int64_t>> known;
    for (auto &[name, value] : values)
      known.push_back({Dim::symbol(name), value});
    for (int64_t number : {-3, 0, 1, 2, 5})
      known.push_back({Dim(number), number});
    for (int step = 0; step < 5; ++step) {
      auto [a, x] = known[random() % known.size()];
      auto [b, y] = known[random() % known.size()];
      std::pair<Dim, int64_t> next{Dim::unknown(), 0};
      switch (random() % 7) {
      case 0:
        next = {a + b, x + y};
        break;
      case 1:
        next = {a - b, x - y};
        break;
      case 2:
        next = {a * b, x * y};
        break;
      case 3:
        next = {Dim::min(a, b), std::min(x, y)};
        break;
      case 4:
        next = {Dim::max(a, b), std::max(x, y)};
        break;
      case 5:
        if (y > 0)
          next = {a.floorDiv(b), floorOf(x, y)};
        break;
      default:
        if (y > 0)
          next = {a.mod(b), x - floorOf(x, y) * y};
      }
      if (next.first.isUnknown() || std::abs(next.second) > 1000000)
        continue;
      ASSERT_EQ(valueOf(next.first, values), next.second) << next.first.str();
      ASSERT_EQ(Dim::parse(next.first.str()), next.first) << next.first.str();
      known.push_back(next);
    }
  }
}

} // namespace
} // namespace nncc::nn
