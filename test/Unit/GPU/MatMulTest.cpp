//===- MatMulTest.cpp - matrix products on cards --------------------------------------------------------------------===//

#include "DeviceCase.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

using llvm::formatv;

namespace nncc::gpu {
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

SizeMap sizes(int64_t m, int64_t k, int64_t n) { return {{'M', m}, {'K', k}, {'N', n}}; }

/// The sizes around tiles, and those that are no multiple of anything.
const int64_t awkward[][3] = {{1, 1, 1},     {14, 64, 32}, {29, 33, 65},  {64, 16, 48}, {97, 100, 77},
                              {130, 8, 132}, {33, 9, 31},  {16, 300, 40}, {20, 0, 9},   {0, 4, 4}};

TEST(MatMul, OfFloats) {
  for (auto [m, k, n] : awkward)
    for (bool isTransposed : {false, true})
      check({product("f32", "f32", "f32", isTransposed),
             sizes(m, k, n),
             "f32",
             {"MK", isTransposed ? "NK" : "KN"},
             {"MN"}});
}

/// So many blocks that the largest tiles are chosen.
TEST(MatMul, OfManyBlocks) {
  DeviceCase test{product("f32", "f32", "f32"), sizes(1200, 20, 1024), "f32", {"MK", "KN"}, {"MN"}};
  test.families = {80};
  test.isStatic = true;
  check(test);
}

/// So few tiles and so deep that K is cut: its parts are added by the last block of a tile or, where the number of tiles is dynamic, by another launch.
TEST(MatMul, OfDeepSums) {
  for (auto [k, n] : {std::pair<int64_t, int64_t>{1030, 37}, {2048, 64}})
    for (const char *element : {"f32", "f16"}) {
      DeviceCase test{product(element, element, "f32"), sizes(33, k, n), element, {"MK", "KN"}, {"MN:f32"}};
      test.families = {70, 80};
      check(test);
    }
}

TEST(MatMul, OfFewRows) {
  for (int64_t m : {1, 3, 8})
    for (auto [k, n] : {std::pair<int64_t, int64_t>{64, 100}, {333, 37}, {1100, 64}, {2, 5}})
      for (bool isTransposed : {false, true})
        check({product("f32", "f32", "f32", isTransposed),
               sizes(m, k, n),
               "f32",
               {"MK", isTransposed ? "NK" : "KN"},
               {"MN"}});
}

TEST(MatMul, OfOtherFloats) {
  for (auto [m, k, n] : {std::array<int64_t, 3>{17, 37, 41}, {1, 64, 33}, {40, 48, 72}})
    for (bool isTransposed : {false, true}) {
      std::string w = isTransposed ? "NK" : "KN";
      check({product("f64", "f64", "f64", isTransposed), sizes(m, k, n), "f64", {"MK", w}, {"MN"}});
      for (std::string small : {"f16", "bf16"}) {
        check({product(small, small, "f32", isTransposed), sizes(m, k, n), small, {"MK", w}, {"MN:f32"}});
        check({product(small, small, small, isTransposed), sizes(m, k, n), small, {"MK", w}, {"MN"}});
      }
    }
}

/// Sizes whose rows are aligned, so that from sm_80 on parts of K are copied ahead: fewer than stages, as many, more.
TEST(MatMul, ByTensorCores) {
  for (std::string element : {"f16", "bf16"})
    for (auto [m, k, n] : {std::array<int64_t, 3>{40, 8, 72}, {130, 40, 136}, {16, 64, 64}, {70, 200, 24}})
      for (bool isTransposed : {false, true}) {
        std::string w = isTransposed ? "NK" : "KN";
        DeviceCase test{product(element, element, element, isTransposed), sizes(m, k, n), element, {"MK", w}, {"MN"}};
        test.families = {75, 80, 90};
        test.largest = 2; // sums are whole numbers in bf16 too
        check(test);
      }
}

/// f32 by tensor cores: chunks that are aligned and such that are not, K fewer than stages, as many, more, and in parts; and a card that cannot.
TEST(MatMul, ByTF32) {
  auto checkOne = [](int64_t m, int64_t k, int64_t n, const std::vector<unsigned> &families) {
    for (bool isTransposed : {false, true}) {
      DeviceCase test{product("f32", "f32", "f32", isTransposed),
                      sizes(m, k, n),
                      "f32",
                      {"MK", isTransposed ? "NK" : "KN"},
                      {"MN"}};
      test.families = families;
      test.tf32 = true;
      check(test);
    }
  };
  for (auto [m, k, n] : awkward)
    if (m > 8) // fewer rows are no work for tensor cores
      checkOne(m, k, n, {75, 80});
  for (auto [m, k, n] :
       {std::array<int64_t, 3>{40, 8, 72}, {130, 40, 136}, {16, 32, 64}, {33, 1030, 37}, {33, 2048, 64}})
    checkOne(m, k, n, {80, 90});
}

TEST(MatMul, OfIntegersIsExact) {
  for (auto [m, k, n] : {std::array<int64_t, 3>{19, 37, 41}, {1, 64, 33}, {36, 64, 64}})
    for (bool isTransposed : {false, true}) {
      std::string w = isTransposed ? "NK" : "KN";
      auto checkInteger = [&](const std::string &left, const std::string &right, const std::string &result,
                              const std::string &attributes, int64_t largest) {
        DeviceCase test{product(left, right, result, isTransposed, attributes),
                        sizes(m, k, n),
                        left,
                        {"MK", (llvm::Twine(w) + ":" + right).str()},
                        {"MN:" + result}};
        test.largest = largest;
        if (left == "i8" && right == "i8")
          test.families = {50, 61, 80};
        check(test);
      };
      for (const char *attributes : {"", "lhs_unsigned", "rhs_unsigned", "lhs_unsigned, rhs_unsigned"})
        checkInteger("i8", "i8", "i32", attributes, 128);
      checkInteger("i16", "i16", "i32", "lhs_unsigned", 1 << 15);
      checkInteger("i8", "i16", "i32", "lhs_unsigned", 1 << 15);
      checkInteger("i32", "i32", "i32", "", 1 << 20);
      checkInteger("i64", "i64", "i64", "", int64_t(1) << 40);
    }
}

/// Bytes by tensor cores, or 4 at once: operands in chunks of 16, 8 and 4 bytes, a byte at once; parts of K fewer than stages, as many, more; K in parts of its own.
TEST(MatMul, OfBytes) {
  int number = 0;
  for (auto [m, k, n] : {std::array<int64_t, 3>{40, 16, 80},
                         {130, 80, 136},
                         {16, 128, 68},
                         {70, 400, 48},
                         {33, 200, 70},
                         {20, 1040, 64},
                         {17, 66, 16}})
    for (bool isTransposed : {false, true}) {
      const char *attributes[] = {"lhs_unsigned", "", "lhs_unsigned, rhs_unsigned", "rhs_unsigned"};
      DeviceCase test{product("i8", "i8", "i32", isTransposed, attributes[number++ % 4]),
                      sizes(m, k, n),
                      "i8",
                      {"MK", isTransposed ? "NK" : "KN"},
                      {"MN:i32"}};
      test.families = {61, 75, 80, 90};
      test.largest = 128;
      test.isStatic = true; // what is not known while compiling is above
      check(test);
    }
}

/// Tiles of all kinds, by many blocks and by few.
TEST(MatMul, HasNoBankConflicts) {
  const std::tuple<std::string, std::string, std::vector<unsigned>, bool> ways[] = {{"f32", "f32", {50}, false},
                                                                                    {"f32", "f32", {80}, true},
                                                                                    {"f16", "f32", {75, 80}, false},
                                                                                    {"i8", "i32", {61, 75, 80}, false}};
  for (const auto &[element, sum, families, tf32] : ways)
    for (auto [m, k, n] : {std::array<int64_t, 3>{1280, 64, 1024}, {200, 96, 192}})
      for (bool isTransposed : {false, true}) {
        DeviceCase test{product(element, element, sum, isTransposed),
                        sizes(m, k, n),
                        element,
                        {"MK", isTransposed ? "NK" : "KN"},
                        {"MN:" + sum}};
        test.families = families;
        test.isStatic = test.hasNoConflicts = true;
        test.tf32 = tf32;
        check(test);
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
  for (int64_t rows : {5, 19})
    check({text, {{'A', 2}, {'B', 3}, {'M', rows}, {'K', 16}, {'N', 21}}, "f32", {"ABMK", "ABKN"}, {"ABMN"}});
  // One matrix for all of B, another for all of A; then one for everything.
  const char *broadcast = R"(
exec.kernel @k(%x: tensor<Ax1xMxKxE>, %w: tensor<1xBxKxNxE>, %A: index, %B: index, %K: index, %M: index, %N: index)
    -> tensor<AxBxMxNxE> {
  %e = empty<AxBxMxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<Ax1xMxKxE>, tensor<1xBxKxNxE>, tensor<AxBxMxNxE> -> tensor<AxBxMxNxE>
  exec.yield %0 : tensor<AxBxMxNxE>
})";
  for (int64_t rows : {5, 19}) {
    DeviceCase test{broadcast, {{'A', 2}, {'B', 3}, {'M', rows}, {'K', 7}, {'N', 33}}, "f32", {"AMK", "BKN"}, {"ABMN"}};
    test.isStatic = true;
    check(test);
  }
  const char *plain = R"(
exec.kernel @k(%x: tensor<AxMxKxE>, %w: tensor<KxNxE>, %A: index, %K: index, %M: index, %N: index) -> tensor<AxMxNxE> {
  %e = empty<AxMxNxE>
  %0 = exec.matmul %x, %w outs(%e) : tensor<AxMxKxE>, tensor<KxNxE>, tensor<AxMxNxE> -> tensor<AxMxNxE>
  exec.yield %0 : tensor<AxMxNxE>
})";
  DeviceCase test{plain, {{'A', 3}, {'M', 13}, {'K', 20}, {'N', 50}}, "f32", {"AMK", "KN"}, {"AMN"}};
  check(test);
  test.families = {80};
  test.tf32 = true;
  check(test);
}

/// Bias, residual (also in place), an activation, and the sum before it as a second result.
const char *const epilogue = R"(
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

TEST(MatMul, WithEpilogue) {
  // The second one is so long that it is written once, in a loop.
  std::string relu = "%zero = arith.constant 0.0 : E\n%r = arith.maximumf %t, %zero : E", heavy = relu, last = "%r";
  for (int64_t i = 0; i < 14; ++i) {
    std::string next = "%h" + std::to_string(i);
    heavy.append("\n").append(next).append(" = arith.subf ").append(last).append(", %b : E");
    last = next;
  }
  heavy.replace(heavy.rfind("%h13 ="), 6, "%r0 =");
  std::string renamed = heavy;
  for (size_t at; (at = renamed.find("%r =")) != std::string::npos;)
    renamed.replace(at, 4, "%q =");
  for (size_t at; (at = renamed.find("subf %r,")) != std::string::npos;)
    renamed.replace(at, 8, "subf %q,");
  renamed.replace(renamed.find("%r0 ="), 5, "%r =");
  for (const std::string &activation : {relu, renamed})
    for (auto [m, k, n] : {std::array<int64_t, 3>{1, 40, 7}, {4, 64, 64}, {35, 16, 50}, {70, 24, 64}}) {
      std::string text = epilogue;
      text.replace(text.find("ACTIVATION"), 10, activation);
      DeviceCase test{text, sizes(m, k, n), "f32", {"MK", "KN", "N", "MN", "M"}, {"MN", "MN"}};
      test.inPlace = {-1, 3};
      check(test);
      test.families = {80};
      test.tf32 = m > 8;
      if (test.tf32)
        check(test);
    }
}

} // namespace
} // namespace nncc::gpu
