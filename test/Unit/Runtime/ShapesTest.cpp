//===- ShapesTest.cpp - symbols, expressions and dims -----------------------------------------------------------===//

#include "Shapes.h"
#include "FakeModel.h"

using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------------------------------------------------------===//

class Expressions : public testing::Test {
protected:
  Expressions() { model.symbol("n").symbol("past").symbol("x:0 dim"); }

  Evaluation eval(const char *text) {
    Symbols symbols{model.get(), values.data()};
    return evaluate(text, symbols, value, unknown);
  }
  int64_t valueOf(const char *text) {
    EXPECT_EQ(eval(text), Evaluation::Done) << text;
    return value;
  }

  FakeModel model;
  std::vector<int64_t> values = {7, 3, 10};
  int64_t value = 0;
  int32_t unknown = -1;
};

TEST_F(Expressions, Values) {
  EXPECT_EQ(valueOf("12"), 12);
  EXPECT_EQ(valueOf("past + 1"), 4);
  EXPECT_EQ(valueOf("-n + 10"), 3);
  EXPECT_EQ(valueOf("2 * n * past - 2"), 40);
  EXPECT_EQ(valueOf("'x:0 dim' * 2"), 20);
  EXPECT_EQ(valueOf("(n + 1) * 2"), 16);
  EXPECT_EQ(valueOf("floordiv(n, 2)"), 3);
  EXPECT_EQ(valueOf("floordiv(-n, 2)"), -4);
  EXPECT_EQ(valueOf("ceildiv(n, 2)"), 4);
  EXPECT_EQ(valueOf("ceildiv(-n, 2)"), -3);
  EXPECT_EQ(valueOf("mod(n, 4)"), 3);
  EXPECT_EQ(valueOf("mod(-n, 4)"), 1);
  EXPECT_EQ(valueOf("min(n, max(past, 5))"), 5);
  EXPECT_EQ(valueOf("floordiv(n + 2 * past, ceildiv('x:0 dim', 3)) + 1"), 4);
}

TEST_F(Expressions, UnknownSymbol) {
  values[1] = -1;
  EXPECT_EQ(eval("n + past * 2"), Evaluation::Unknown);
  EXPECT_EQ(unknown, 1);
}

TEST_F(Expressions, BeyondWhatNumbersHold) {
  values[0] = INT64_MAX;
  EXPECT_EQ(eval("n + 1"), Evaluation::Overflow);
  EXPECT_EQ(eval("n * 2"), Evaluation::Overflow);
  EXPECT_EQ(eval("-n - 2"), Evaluation::Overflow);
  EXPECT_EQ(eval("99999999999999999999"), Evaluation::Overflow);
  values[1] = 0;
  EXPECT_EQ(eval("floordiv(n, past)"), Evaluation::Overflow);
  EXPECT_EQ(eval("mod(n, past)"), Evaluation::Overflow);
}

TEST_F(Expressions, Invalid) {
  for (const char *text : {"", "n +", "(n", "n)", "other", "min(n)", "min(n, 1", "'n", "n n", "n / 2", "*n"})
    EXPECT_EQ(eval(text), Evaluation::Invalid) << text;
  std::string deep(1000, '(');
  EXPECT_EQ(eval((deep + "n").c_str()), Evaluation::Invalid);
}

TEST_F(Expressions, SolvesWhatIsLinear) {
  Symbols symbols{model.get(), values.data()};
  values[0] = -1;
  EXPECT_TRUE(solve("2 * n + past", symbols, 11));
  EXPECT_EQ(values[0], 4);
  values[0] = -1;
  EXPECT_TRUE(solve("10 - n", symbols, 4));
  EXPECT_EQ(values[0], 6);
  values[0] = -1;
  EXPECT_FALSE(solve("2 * n", symbols, 5));          // no whole number
  EXPECT_FALSE(solve("n + 5", symbols, 3));          // negative
  EXPECT_FALSE(solve("floordiv(n, 2)", symbols, 3)); // several
  EXPECT_FALSE(solve("n * n", symbols, 9));
  values[1] = -1;
  EXPECT_FALSE(solve("n + past", symbols, 3)); // two unknown
  EXPECT_THAT(values, ElementsAre(-1, -1, 10));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Symbols from inputs
//===----------------------------------------------------------------------------------------------------------------------===//

class SymbolSolving : public testing::Test {
protected:
  SymbolSolving() {
    model.symbol("batch").symbol("past");
    model.input("ids", NNCCRT_I64, {"batch", 2}).input("mask", NNCCRT_I64, {"batch", "past + 1"});
    model.input("cache", NNCCRT_F32, {"batch", "past"});
  }

  /// The message, empty when it worked.
  std::string solveFor(std::vector<std::vector<int64_t>> dims, const int64_t *defaults = nullptr) {
    std::vector<const int64_t *> pointers;
    for (const std::vector<int64_t> &one : dims)
      pointers.push_back(one.empty() ? nullptr : one.data());
    nnccrt_status status;
    Report report(&status);
    bool solved = solveSymbols(*model.get(), pointers.data(), defaults, values.data(), report);
    EXPECT_EQ(solved, report.ok());
    return status.message;
  }

  FakeModel model;
  std::vector<int64_t> values = {0, 0};
};

TEST_F(SymbolSolving, FromDims) {
  EXPECT_EQ(solveFor({{4, 2}, {4, 6}, {4, 5}}), "");
  EXPECT_THAT(values, ElementsAre(4, 5));
}

TEST_F(SymbolSolving, FromAnExpression) {
  EXPECT_EQ(solveFor({{4, 2}, {4, 6}, {}}), "");
  EXPECT_THAT(values, ElementsAre(4, 5));
}

TEST_F(SymbolSolving, FromTheLastResize) {
  const int64_t resized[] = {9, 8};
  EXPECT_EQ(solveFor({{4, 2}, {}, {}}, resized), "");
  EXPECT_THAT(values, ElementsAre(4, 8));
}

TEST_F(SymbolSolving, Disagreement) {
  EXPECT_EQ(solveFor({{4, 2}, {3, 6}, {4, 5}}),
            "input 'mask' dim 0 (batch): expected 4, as input 'ids' dim 0 is, got 3");
  EXPECT_EQ(solveFor({{4, 2}, {4, 6}, {4, 4}}), "input 'mask' dim 1 (past + 1): expected 5, got 6");
  EXPECT_EQ(solveFor({{4, 2}, {4, 0}, {4, 0}}), "input 'mask' dim 1 (past + 1): expected 1, got 0");
}

TEST_F(SymbolSolving, NoValue) {
  EXPECT_EQ(solveFor({{4, 2}, {}, {}}), "symbol 'past' has no value: bind the inputs that have it, or resize");
}

} // namespace
} // namespace nncc::rt::test
