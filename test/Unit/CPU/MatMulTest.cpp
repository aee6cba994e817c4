//===- MatMulTest.cpp - matrix products against scalar loops ------------------------------------------------------===//

#include "KernelCase.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

using llvm::formatv;

namespace nncc::cpu {
namespace {

/// A product of these element types; the right operand is K x N or transposed.
std::string product(const std::string &left, const std::string &right, const std::string &result,
                    bool isTransposed = false, const std::string &attributes = "") {
  std::string x = formatv("tensor<MxKx{0}>", left), r = formatv("tensor<MxNx{0}>", result);
  std::string w = formatv(isTransposed ? "tensor<NxKx{0}>" : "tensor<KxNx{0}>", right);
  std::string all = isTransposed ? (attributes.empty() ? "transpose_rhs" : "transpose_rhs, " + attributes) : attributes;
  return formatv(R"(
exec.kernel @k(%x: {0}, %w: {1}, %K: index, %M: index, %N: index) -> {2} {{
  %e = empty<MxNx{3}>
  %0 = exec.matmul %x, %w outs(%e) {{{4}} : {0}, {1}, {2} -> {2}
  exec.yield %0 : {2}
})",
                 x, w, r, result, all);
}

/// A product whose error is judged by the magnitudes of its terms, each of which is rounded at most K times.
KernelCase judged(const std::string &text, const SizeMap &sizes, const std::string &element,
                  const std::vector<std::string> &arguments, const std::vector<std::string> &results) {
  KernelCase test{text, sizes, element, arguments, results};
  test.magnitudes = text;
  test.roundings = sizes.at('K');
  test.onSSE2 = true;
  return test;
}

SizeMap sizes(int64_t m, int64_t k, int64_t n) { return {{'M', m}, {'K', k}, {'N', n}}; }

const int64_t kAwkward[][3] = {{1, 1, 1},    {1, 64, 100},  {3, 5, 7},      {14, 64, 32}, {29, 33, 65},
                               {64, 17, 48}, {97, 100, 77}, {30, 3000, 40}, {5, 0, 9},    {0, 4, 4}};

TEST(MatMul, OfFloats) {
  for (auto [m, k, n] : kAwkward)
    for (bool isTransposed : {false, true})
      check(judged(product("f32", "f32", "f32", isTransposed), sizes(m, k, n), "f32",
                   {"MK", isTransposed ? "NK" : "KN"}, {"MN"}));
}

TEST(MatMul, OfOtherFloats) {
  for (auto [m, k, n] : {std::array<int64_t, 3>{17, 37, 41}, {1, 64, 33}})
    for (bool isTransposed : {false, true}) {
      std::string w = isTransposed ? "NK" : "KN";
      check({product("f64", "f64", "f64", isTransposed),
             sizes(m, k, n),
             "f64",
             {"MK", w},
             {"MN"},
             1e-13,
             {},
             false,
             false,
             true});
      for (std::string small : {"f16", "bf16"}) {
        check(judged(product(small, small, "f32", isTransposed), sizes(m, k, n), small, {"MK", w}, {"MN:f32"}));
        check({product(small, small, small, isTransposed),
               sizes(m, k, n),
               small,
               {"MK", w},
               {"MN"},
               1e-2,
               {},
               false,
               false,
               true});
      }
    }
}

TEST(MatMul, OfIntegersIsExact) {
  for (auto [m, k, n] : {std::array<int64_t, 3>{19, 37, 41}, {1, 64, 33}})
    for (bool isTransposed : {false, true}) {
      std::string w = isTransposed ? "NK" : "KN";
      auto checkInteger = [&](const std::string &left, const std::string &right, const std::string &result,
                              const std::string &attributes) {
        check({product(left, right, result, isTransposed, attributes),
               sizes(m, k, n),
               left,
               {"MK", w + ":" + right},
               {"MN:" + result},
               0,
               {},
               false,
               /*onVNNI=*/true});
      };
      for (const char *attributes : {"", "lhs_unsigned", "rhs_unsigned", "lhs_unsigned, rhs_unsigned"})
        checkInteger("i8", "i8", "i32", attributes);
      checkInteger("i16", "i16", "i32", "");
      checkInteger("i16", "i16", "i32", "lhs_unsigned");
      checkInteger("i8", "i16", "i32", "lhs_unsigned");
      checkInteger("i32", "i32", "i32", "");
      checkInteger("i64", "i64", "i64", "");
    }
}

TEST(MatMul, OfBatches) {
  const char *text = R"(
exec.kernel @k(%x: tensor<AxBxMxKxE>, %w: tensor<AxBxKxNxE>, %A: index, %B: index, %K: index, %M: index, %N: index)
    -> tensor<AxBxMxNxE> {
  %e = empty<AxBxMxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<AxBxMxKxE>, tensor<AxBxKxNxE>, tensor<AxBxMxNxE> -> tensor<AxBxMxNxE>
  exec.yield %0 : tensor<AxBxMxNxE>
})";
  check({text, {{'A', 2}, {'B', 3}, {'M', 9}, {'K', 16}, {'N', 21}}, "f32", {"ABMK", "ABKN"}, {"ABMN"}, 1e-5});
  // One matrix for all of B, another for all of A; then one for everything.
  const char *broadcast = R"(
exec.kernel @k(%x: tensor<Ax1xMxKxE>, %w: tensor<1xBxKxNxE>, %A: index, %B: index, %K: index, %M: index, %N: index)
    -> tensor<AxBxMxNxE> {
  %e = empty<AxBxMxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<Ax1xMxKxE>, tensor<1xBxKxNxE>, tensor<AxBxMxNxE> -> tensor<AxBxMxNxE>
  exec.yield %0 : tensor<AxBxMxNxE>
})";
  check({broadcast,
         {{'A', 2}, {'B', 3}, {'M', 5}, {'K', 7}, {'N', 33}},
         "f32",
         {"AMK", "BKN"},
         {"ABMN"},
         1e-5,
         {},
         true});
  const char *plain = R"(
exec.kernel @k(%x: tensor<AxMxKxE>, %w: tensor<KxNxE>, %A: index, %K: index, %M: index, %N: index) -> tensor<AxMxNxE> {
  %e = empty<AxMxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<AxMxKxE>, tensor<KxNxE>, tensor<AxMxNxE> -> tensor<AxMxNxE>
  exec.yield %0 : tensor<AxMxNxE>
})";
  check({plain, {{'A', 3}, {'M', 13}, {'K', 20}, {'N', 50}}, "f32", {"AMK", "KN"}, {"AMN"}, 1e-5});
}

/// Bias, residual (also in place), an activation, and the sum before it as a second result.
const char *const kEpilogue = R"(
exec.kernel @k(%x: tensor<MxKxE>, %w: tensor<KxNxE>, %bias: tensor<NxE>, %rest: tensor<MxNxE>, %scale: tensor<MxE>,
               %K: index, %M: index, %N: index) -> (tensor<MxNxE>, tensor<MxNxE>) attributes {may_alias = array<i64: -1, 3>} {
  %e = empty<MxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<MxKxE>, tensor<KxNxE>, tensor<MxNxE> -> tensor<MxNxE>
  %1 = linalg.generic {indexing_maps = [#nc, #c, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<MxNxE>, tensor<NxE>) outs(%e : tensor<MxNxE>) {
  ^bb0(%a: E, %b: E, %c: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<MxNxE>
  %2 = linalg.generic {indexing_maps = [#nc, #nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%1, %rest, %scale : tensor<MxNxE>, tensor<MxNxE>, tensor<MxE>) outs(%e : tensor<MxNxE>) {
  ^bb0(%a: E, %b: E, %f: E, %c: E):
    %s = arith.addf %a, %b : E
    %t = arith.mulf %s, %f : E
    ACTIVATION
    linalg.yield %r : E
  } -> tensor<MxNxE>
  exec.yield %1, %2 : tensor<MxNxE>, tensor<MxNxE>
})";

/// Each term is rounded K times in the sum, then with the bias, with the residual, and by the scale. Both activations have slopes of at most
/// 1; tanh is itself within 4 units in the last place of results below 1.
TEST(MatMul, WithEpilogue) {
  auto withActivation = [](const std::string &activation) {
    std::string text = kEpilogue;
    return text.replace(text.find("ACTIVATION"), 10, activation);
  };
  std::string relu = "%zero = arith.constant 0.0 : E\n%r = arith.maximumf %t, %zero : E";
  for (bool isRelu : {true, false})
    for (auto [m, k, n] : {std::array<int64_t, 3>{1, 40, 7}, {35, 16, 50}, {20, 2000, 64}}) {
      KernelCase test{withActivation(isRelu ? relu : "%r = math.tanh %t : E"),
                      sizes(m, k, n),
                      "f32",
                      {"MK", "KN", "N", "MN", "M"},
                      {"MN", "MN"}};
      test.inPlace = {-1, 3};
      test.magnitudes = withActivation(relu);
      test.roundings = k + 3;
      test.ownError = isRelu ? 0 : 4 * 0x1p-24;
      check(test);
    }
}

} // namespace
} // namespace nncc::cpu
