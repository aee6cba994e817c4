//===- ConvTest.cpp - convolutions on cards ------------------------------------------------------------------------===//

#include "DeviceCase.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

using llvm::formatv;

namespace nncc::gpu {
namespace {

using Dims = std::vector<int64_t>;

struct ConvCase {
  int64_t batch;
  Dims input;
  int64_t channels, outputs, groups;
  Dims kernel, strides, dilations, pads; // pads: begins, ends
};

/// The letters of the spatial dims of the input, of the filter and of the result.
constexpr llvm::StringLiteral inputLetters = "DHW", filterLetters = "RST", outputLetters = "XYZ";

/// i8 of these signs instead of f32.
struct Way {
  bool isInteger = false, inputUnsigned = false, filterUnsigned = false;
};

std::string joinLetters(const std::string &letters) {
  return llvm::join(llvm::map_range(letters, [](char letter) { return std::string(1, letter); }), "x");
}

DeviceCase getCase(const ConvCase &c, const Way &way) {
  size_t rank = c.input.size();
  std::string in = inputLetters.substr(0, rank).str(), taps = filterLetters.substr(0, rank).str(),
              out = outputLetters.substr(0, rank).str();
  DeviceCase test;
  test.sizes = {{'N', c.batch},
                {'C', c.channels},
                {'O', c.outputs},
                {'G', c.groups},
                {'I', c.channels / c.groups},
                {'J', c.outputs / c.groups}};
  for (size_t i = 0; i < rank; ++i) {
    test.sizes[in[i]] = c.input[i];
    test.sizes[taps[i]] = c.kernel[i];
    test.sizes[out[i]] =
        (c.input[i] + c.pads[i] + c.pads[i + rank] - c.dilations[i] * (c.kernel[i] - 1) - 1) / c.strides[i] + 1;
  }
  std::string sum = way.isInteger ? "i32" : "f32", indices;
  test.element = way.isInteger ? "i8" : "f32";
  test.largest = way.isInteger ? 128 : 4;
  test.arguments = {"N" + in + "C", "G" + taps + "IJ", "O:" + sum};
  test.results = {"N" + out + "O:" + sum};
  test.fixed = "COGIJ" + taps;
  for (auto [letter, size] : test.sizes)
    indices += formatv(", %{0}: index", letter);
  auto list = [](const Dims &values) {
    return llvm::join(llvm::map_range(values, [](int64_t v) { return std::to_string(v); }), ", ");
  };
  std::string more =
      std::string(way.inputUnsigned ? ", input_unsigned" : "") + (way.filterUnsigned ? ", filter_unsigned" : "");
  test.text = formatv(
      R"(exec.kernel @k(%x: {0}, %w: {1}, %b: tensor<Ox{2}>{3}) -> {4} {{
  %e = empty<{5}>
  {6}
  %0 = exec.conv %x, %w bias(%b : tensor<Ox{2}>) {7} outs(%e) {{strides = array<i64: {8}>,
      dilations = array<i64: {9}>, pads = array<i64: {10}>, groups = {11} : i64{12}} : {0}, {1}, {4} -> {4}
  exec.yield %0 : {4}
})",
      "tensor<" + joinLetters("N" + in + "CE") + ">", "tensor<" + joinLetters("G" + taps + "IJE") + ">", sum, indices,
      "tensor<" + joinLetters("N" + out + "O") + "x" + sum + ">", joinLetters("N" + out + "O") + "x" + sum,
      way.isInteger ? "%outside = arith.constant -7 : i8" : "", way.isInteger ? "outside(%outside : i8)" : "",
      list(c.strides), list(c.dilations), list(c.pads), c.groups, more);
  return test;
}

llvm::ArrayRef<ConvCase> getCases() {
  static const ConvCase cases[] = {
      {1, {9, 11}, 5, 17, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {2, {14, 14}, 16, 32, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
      {1, {7, 7}, 33, 40, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {1, {30, 29}, 3, 16, 1, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
      {2, {10, 10}, 8, 24, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {1, {13, 10}, 8, 24, 1, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
      {1, {20, 21}, 4, 8, 1, {3, 3}, {1, 1}, {2, 3}, {2, 3, 1, 0}},
      {1, {12, 16}, 12, 40, 2, {3, 2}, {1, 1}, {1, 1}, {0, 1, 1, 0}},
      {1, {40}, 6, 10, 1, {5}, {1}, {1}, {2, 2}},
      {2, {33}, 6, 10, 1, {4}, {3}, {2}, {0, 0}},
      {1, {4, 9, 8}, 3, 5, 1, {2, 3, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 1, 1, 1, 1}},
      {1, {6, 5}, 8, 12, 1, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {1, {6, 7}, 48, 32, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {1, {6, 6}, 0, 4, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {0, {6, 6}, 4, 4, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {1, {6, 6}, 4, 4, 1, {1, 1}, {1, 1}, {1, 1}, {2, 1, 0, 1}},
  };
  return cases;
}

/// Groups that are narrower than tiles, among them depthwise ones.
llvm::ArrayRef<ConvCase> getNarrowCases() {
  static const ConvCase narrow[] = {
      {1, {16, 18}, 24, 24, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {1, {17, 15}, 40, 40, 40, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}},
      {1, {9, 9}, 8, 32, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {2, {6, 20}, 26, 26, 13, {3, 3}, {2, 1}, {1, 2}, {0, 1, 2, 3}},
      {1, {50}, 19, 19, 19, {7}, {1}, {1}, {6, 0}},
      {1, {60}, 8, 8, 8, {9}, {1}, {1}, {4, 4}},
      {1, {5, 6, 7}, 4, 4, 4, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}},
      {1, {6, 7}, 8, 8, 8, {3, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {1, {2, 2}, 8, 8, 8, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
      {1, {9, 9}, 32, 32, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
  };
  return narrow;
}

TEST(Conv, IsExactOnSmallIntegers) {
  for (const ConvCase &c : getCases())
    check(getCase(c, {}));
}

/// A pointwise convolution of a few pixels reads its filter once, as a product of a few rows does.
TEST(Conv, OfFewPixels) {
  for (const ConvCase &c : {ConvCase{1, {1, 1}, 96, 40, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
                            {2, {2, 2}, 33, 10, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
                            {3, {2}, 300, 64, 1, {1}, {1}, {1}, {0, 0}}})
    for (bool isInteger : {false, true}) {
      DeviceCase test = getCase(c, {isInteger});
      test.isStatic = true;
      check(test);
    }
}

/// f32 by tensor cores.
TEST(Conv, ByTF32) {
  for (const ConvCase &c : getCases()) {
    DeviceCase test = getCase(c, {});
    test.families = {80};
    test.tf32 = c.channels > 0 && c.batch > 0; // else there is nothing to multiply
    if (test.tf32)
      check(test);
  }
}

TEST(Conv, HasNoBankConflicts) {
  for (auto [isInteger, tf32] : {std::pair(false, false), {true, false}, {false, true}}) {
    DeviceCase test = getCase({1, {28, 28}, 32, 64, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, {isInteger});
    test.families = {61, 75, 80};
    test.isStatic = test.hasNoConflicts = true;
    test.tf32 = tf32;
    check(test);
  }
}

TEST(Conv, OfNarrowGroups) {
  for (const ConvCase &c : getNarrowCases())
    check(getCase(c, {}));
}

TEST(Conv, OfIntegersIsExact) {
  int number = 0;
  for (llvm::ArrayRef<ConvCase> some : {getCases(), getNarrowCases()})
    for (const ConvCase &c : some) { // each time with other signs
      DeviceCase test = getCase(c, {true, number % 2 == 0, number / 2 % 2 == 0});
      test.families = {number % 4 == 1 ? 50u : number % 2 == 1 ? 61u : 75u, 80};
      check(test);
      ++number;
    }
}

} // namespace
} // namespace nncc::gpu
