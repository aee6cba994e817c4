//===- AttentionTest.cpp - attention against plain loops ----------------------------------------------------------===//

#include "KernelRunner.h"
#include "KernelText.h"
#include "nnccrt/abi.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using llvm::formatv;

namespace nncc::cpu {
namespace {

using Numbers = std::vector<float>;

struct Attention {
  int64_t rows, keys, depth, columns;
  int64_t batch = 1, heads = 1;
  /// Heads that share keys and values.
  int64_t shared = 1;
  /// Heads stand before the rows, not behind them.
  bool isHeadMajor = false;
  /// Masks: of each key of the batch, of each row and key.
  bool hasKeyMask = false, hasRowMask = false;
  bool nanAsZero = false;
  /// Queries, keys and values are thirds of one tensor.
  bool isJoint = false;
  double scale = 0.125;

  int64_t sources() const { return heads / shared; }
  std::string text() const;
  /// The elements of query, key, value and the masks.
  std::vector<int64_t> counts() const {
    std::vector<int64_t> counts{batch * rows * heads * depth, batch * keys * sources() * depth,
                                batch * keys * sources() * columns};
    if (isJoint)
      counts = {batch * rows * 3 * heads * depth};
    if (hasKeyMask)
      counts.push_back(batch * keys);
    if (hasRowMask)
      counts.push_back(rows * keys);
    return counts;
  }
  /// Where the elements of a row (of a key) and a head begin in a tensor whose rows are `length`; `part` of a joint one.
  int64_t at(int64_t image, int64_t row, int64_t head, int64_t length, int64_t numRows, int64_t numHeads,
             int64_t part) const {
    if (isJoint)
      return (((image * numRows + row) * 3 + part) * numHeads + head) * length;
    return (isHeadMajor ? (image * numHeads + head) * numRows + row : (image * numRows + row) * numHeads + head) *
           length;
  }
};

std::string Attention::text() const {
  auto tensor = [&](const std::string &row, int64_t count, int64_t length) {
    std::string heads = std::to_string(count);
    return formatv("{0}x{1}x{2}x{3}xf32", batch, isHeadMajor ? heads : row, isHeadMajor ? row : heads, length).str();
  };
  std::string order = isHeadMajor ? "(b, {1}, {0}, {2})" : "(b, {0}, {1}, {2})", dims = "(b, h, m, n, d, e) -> ";
  auto map = [&](const std::string &row, const std::string &head, const std::string &last) {
    return "affine_map<" + dims + formatv(order.c_str(), row, head, last).str() + ">";
  };
  std::string head = shared == 1 ? "h" : formatv("h floordiv {0}", shared).str();
  std::string maps = map("m", "h", "d") + ", " + map("n", head, "d") + ", " + map("n", head, "e");
  std::string query = tensor("M", heads, depth), key = tensor("N", sources(), depth),
              value = tensor("N", sources(), columns), result = tensor("M", heads, columns);
  std::string arguments = formatv("%q: tensor<{0}>, %k: tensor<{1}>, %v: tensor<{2}>", query, key, value);
  std::string names = "%q, %k, %v", masks, types;
  if (isJoint) {
    query = key = value = formatv("{0}xMx3x{1}x{2}xf32", batch, heads, depth);
    arguments = formatv("%q: tensor<{0}>", query);
    names = "%q, %q, %q";
    auto part = [&](char row, char last, int number) {
      return formatv("affine_map<{0}(b, {1}, {2}, h, {3})>", dims, row, number, last).str();
    };
    maps = part('m', 'd', 0) + ", " + part('n', 'd', 1) + ", " + part('n', 'e', 2);
  }
  auto addMask = [&](const std::string &name, const std::string &type, const std::string &indices) {
    masks += (masks.empty() ? "" : ", ") + name;
    types += (types.empty() ? "tensor<" : ", tensor<") + type + ">";
    arguments += ", " + name + ": tensor<" + type + ">";
    maps += ", affine_map<" + dims + indices + ">";
  };
  if (hasKeyMask)
    addMask("%s", formatv("{0}x1x1xNxf32", batch), "(b, 0, 0, n)");
  if (hasRowMask)
    addMask("%t", "MxNxf32", "(m, n)");
  if (!masks.empty())
    masks = " masks(" + masks + " : " + types + ")";
  return formatv(R"(
exec.kernel @k({0}, %M: index, %N: index) -> tensor<{1}> {{
  %e = empty<{1}>
  %0 = exec.attention {2}{3} outs(%e) {{indexing_maps = [{4}, {5}], scale = {6:F6} : f64{7}}
    : tensor<{8}>, tensor<{9}>, tensor<{10}>, tensor<{1}> -> tensor<{1}>
  exec.yield %0 : tensor<{1}>
})",
                 arguments, result, names, masks, maps, map("m", "h", "e"), scale, nanAsZero ? ", nan_as_zero" : "",
                 query, key, value);
}

/// What it means, in f64.
Numbers computeReference(const Attention &test, const std::vector<Numbers> &operands) {
  Numbers result(test.batch * test.rows * test.heads * test.columns);
  const Numbers &query = operands[0], &key = operands[test.isJoint ? 0 : 1], &value = operands[test.isJoint ? 0 : 2];
  size_t firstMask = test.isJoint ? 1 : 3;
  for (int64_t b = 0; b < test.batch; ++b)
    for (int64_t h = 0; h < test.heads; ++h)
      for (int64_t m = 0; m < test.rows; ++m) {
        int64_t source = h / test.shared;
        auto rowOf = [&](int64_t n, int64_t length, int64_t part) {
          return test.at(b, n, source, length, test.keys, test.sources(), part);
        };
        std::vector<double> scores(test.keys);
        double most = -std::numeric_limits<double>::infinity(), total = 0;
        for (int64_t n = 0; n < test.keys; ++n) {
          for (int64_t d = 0; d < test.depth; ++d)
            scores[n] += double(query[test.at(b, m, h, test.depth, test.rows, test.heads, 0) + d]) *
                         double(key[rowOf(n, test.depth, 1) + d]);
          scores[n] *= test.scale;
          if (test.hasKeyMask)
            scores[n] += operands[firstMask][b * test.keys + n];
          if (test.hasRowMask)
            scores[n] += operands[firstMask + test.hasKeyMask][m * test.keys + n];
          most = std::max(most, scores[n]);
        }
        for (double &score : scores)
          total += score = std::exp(score - most);
        for (int64_t e = 0; e < test.columns; ++e) {
          double sum = 0;
          for (int64_t n = 0; n < test.keys; ++n) {
            double weight = scores[n] / total;
            sum += (std::isnan(weight) && test.nanAsZero ? 0 : weight) * double(value[rowOf(n, test.columns, 2) + e]);
          }
          // The result has no parts.
          int64_t row = test.isHeadMajor ? (b * test.heads + h) * test.rows + m : (b * test.rows + m) * test.heads + h;
          result[row * test.columns + e] = float(sum);
        }
      }
  return result;
}

std::vector<Numbers> makeOperands(const Attention &test) {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> numbers(-2, 2);
  std::vector<Numbers> operands;
  for (int64_t count : test.counts()) {
    operands.emplace_back(count);
    for (float &number : operands.back())
      number = numbers(random);
  }
  return operands;
}

Numbers run(const Attention &test, const std::vector<Numbers> &operands, const RunnableKernel &kernel, bool isDynamic,
            bool backwards) {
  std::vector<Buffer> buffers;
  std::vector<uint64_t> slots;
  auto add = [&](int64_t count, const std::vector<int64_t> &sizes) {
    buffers.emplace_back(count * sizeof(float));
    slots.push_back(buffers.back().address());
    if (isDynamic)
      slots.insert(slots.end(), sizes.begin(), sizes.end());
    return buffers.back().as<float>();
  };
  size_t firstMask = test.isJoint ? 1 : 3;
  for (size_t i = 0; i < operands.size(); ++i) {
    bool isRowMask = test.hasRowMask && i + 1 == operands.size();
    float *memory = isRowMask ? add(operands[i].size(), {test.rows, test.keys})
                              : add(operands[i].size(), {i == 0 && i < firstMask ? test.rows : test.keys});
    std::copy(operands[i].begin(), operands[i].end(), memory);
  }
  slots.push_back(test.rows);
  slots.push_back(test.keys);
  int64_t count = test.batch * test.rows * test.heads * test.columns;
  add(count, {test.rows});
  nnccrt_fault fault = {};
  std::vector<uint64_t> all{reinterpret_cast<uint64_t>(&fault)};
  all.insert(all.end(), slots.begin(), slots.end());
  Buffer scratch(kernel.getScratchBytes());
  std::fill_n(scratch.as<char>(), scratch.size(), char(0xff)); // NaN where nothing was written
  int64_t tiles = kernel.countTiles(slots);
  for (int64_t i = 0; i < tiles; ++i)
    kernel.runTile(all.data(), backwards ? tiles - 1 - i : i, scratch.as<void>());
  EXPECT_TRUE(scratch.isIntact());
  for (const Buffer &buffer : buffers)
    EXPECT_TRUE(buffer.isIntact());
  const float *result = buffers.back().as<float>();
  return {result, result + count};
}

bool isSame(const Numbers &x, const Numbers &y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); });
}

/// All levels and orders of tiles agree with the reference; those with multiply-add in every bit.
void check(const Attention &test, const std::vector<Numbers> &operands) {
  Numbers reference = computeReference(test, operands);
  for (bool isDynamic : {false, true}) {
    Numbers first;
    for (const std::string &level : getRunnableLevels()) {
      std::set<char> dynamic = isDynamic ? std::set<char>{'M', 'N'} : std::set<char>();
      std::string error, text = instantiate(test.text(), {{'M', test.rows}, {'N', test.keys}}, dynamic);
      std::unique_ptr<RunnableKernel> kernel = RunnableKernel::compile(text, level, 3, error);
      ASSERT_TRUE(kernel) << error << text;
      Numbers result = run(test, operands, *kernel, isDynamic, false);
      EXPECT_TRUE(isSame(result, run(test, operands, *kernel, isDynamic, true)));
      for (size_t i = 0; i < result.size(); ++i) {
        if (std::isnan(reference[i]))
          ASSERT_TRUE(std::isnan(result[i])) << level << " " << i;
        else
          ASSERT_NEAR(result[i], reference[i], 4e-6) << level << (isDynamic ? " dynamic " : " ") << i;
      }
      if (level == "x86-64")
        continue;
      if (!first.empty())
        EXPECT_TRUE(isSame(first, result)) << level;
      first = result;
    }
  }
}

void check(const Attention &test) { check(test, makeOperands(test)); }

TEST(Attention, OfAwkwardSizes) {
  check({.rows = 8, .keys = 1, .depth = 1, .columns = 1});
  check({.rows = 9, .keys = 5, .depth = 3, .columns = 7});
  check({.rows = 64, .keys = 33, .depth = 64, .columns = 16, .heads = 2});
  check({.rows = 197, .keys = 197, .depth = 20, .columns = 33, .heads = 3});
}

TEST(Attention, OfManyKeys) {
  check({.rows = 17, .keys = 600, .depth = 8, .columns = 8});
  check({.rows = 16, .keys = 1021, .depth = 4, .columns = 5, .hasKeyMask = true, .hasRowMask = true});
}

TEST(Attention, WithHeadsAnywhere) {
  for (bool isHeadMajor : {false, true})
    check({.rows = 24,
           .keys = 10,
           .depth = 6,
           .columns = 5,
           .batch = 2,
           .heads = 6,
           .shared = 3,
           .isHeadMajor = isHeadMajor});
  check({.rows = 21, .keys = 21, .depth = 8, .columns = 8, .batch = 2, .heads = 3, .isJoint = true});
}

TEST(Attention, WithMasks) {
  check({.rows = 31, .keys = 40, .depth = 8, .columns = 8, .batch = 2, .heads = 2, .hasKeyMask = true});
  check({.rows = 31, .keys = 31, .depth = 8, .columns = 8, .heads = 2, .hasRowMask = true});
  check({.rows = 50, .keys = 19, .depth = 8, .columns = 8, .batch = 2, .hasKeyMask = true, .hasRowMask = true});
}

/// Text that goes on: what comes later is -inf, and for some rows everything is.
TEST(Attention, WithRowsThatSeeNothing) {
  for (bool nanAsZero : {false, true})
    for (int64_t keys : {20, 700}) {
      Attention test{.rows = 20, .keys = keys, .depth = 4, .columns = 4, .hasRowMask = true, .nanAsZero = nanAsZero};
      std::vector<Numbers> operands = makeOperands(test);
      for (int64_t m = 0; m < test.rows; ++m)
        for (int64_t n = 0; n < keys; ++n)
          if (n * test.rows > m * keys || m == 3 || (keys == 700 && m > 4 && n < 600))
            operands.back()[m * keys + n] = -std::numeric_limits<float>::infinity();
      check(test, operands);
    }
}

/// One score that is NaN, or infinite, spoils its row and no other.
TEST(Attention, WithScoresThatAreNoNumbers) {
  for (float number : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (int64_t keys : {20, 700}) {
      Attention test{.rows = 16, .keys = keys, .depth = 4, .columns = 4, .hasRowMask = true};
      std::vector<Numbers> operands = makeOperands(test);
      operands.back()[5 * keys + 7] = number;
      check(test, operands);
    }
}

} // namespace
} // namespace nncc::cpu
