//===- AttentionTest.cpp - attention against plain loops ----------------------------------------------------------===//

#include "AttentionCase.h"
#include "KernelRunner.h"
#include "KernelText.h"
#include "nnccrt/abi.h"
#include <cmath>
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

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

/// The largest number that f32 has, negative: how exporters hide a key.
constexpr float hidden = std::numeric_limits<float>::lowest();

/// Text that goes on, after a past: what comes later is hidden.
TEST(Attention, OfCausalRows) {
  for (auto [keys, mask] : {std::pair(150, hidden), std::pair(700, -std::numeric_limits<float>::infinity())}) {
    Attention test{.rows = 150, .keys = keys, .depth = 4, .columns = 5, .heads = 2, .hasRowMask = true};
    std::vector<Numbers> operands = makeOperands(test);
    for (int64_t m = 0; m < test.rows; ++m)
      for (int64_t n = m + keys - test.rows + 1; n < keys; ++n)
        operands.back()[m * keys + n] = mask;
    check(test, operands);
  }
}

/// The last keys of the second image are hidden from all rows: values there that are no numbers do not show.
TEST(Attention, LeavesHiddenKeysOut) {
  Attention test{.rows = 9, .keys = 50, .depth = 4, .columns = 5, .batch = 2, .hasKeyMask = true, .hasRowMask = true};
  std::vector<Numbers> operands = makeOperands(test);
  std::fill_n(operands[3].end() - 21, 21, hidden);
  Numbers reference = computeReference(test, operands);
  std::fill_n(operands[2].end() - 2 * test.columns, 2 * test.columns, std::numeric_limits<float>::quiet_NaN());
  for (const std::string &level : getRunnableLevels()) {
    std::string error, text = instantiate(test.text(), {{'M', test.rows}, {'N', test.keys}}, {});
    std::unique_ptr<RunnableKernel> kernel = RunnableKernel::compile(text, level, 3, error);
    ASSERT_TRUE(kernel) << error << text;
    Numbers result = run(test, operands, *kernel, false, false);
    for (size_t i = 0; i < result.size(); ++i)
      ASSERT_NEAR(result[i], reference[i], 4e-6) << level << " " << i;
  }
}

/// A row from which all keys are hidden by a number weighs all of them alike, also those that no other row sees.
TEST(Attention, OfRowsThatSeeOnlyHiddenKeys) {
  for (int64_t keys : {70, 700}) {
    Attention test{.rows = 70, .keys = keys, .depth = 4, .columns = 4, .hasKeyMask = true, .hasRowMask = true};
    std::vector<Numbers> operands = makeOperands(test);
    // Beside such a number nothing is left of what is added to it.
    std::fill_n(operands[0].begin() + 3 * test.depth, test.depth, 0.0f);
    std::fill(operands[3].begin(), operands[3].end(), 0.0f);
    for (int64_t m = 0; m < test.rows; ++m)
      for (int64_t n = 0; n < keys; ++n)
        if (n > m || m == 3)
          operands.back()[m * keys + n] = hidden;
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
