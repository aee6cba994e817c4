//===- AttentionTest.cpp - attention on cards, against plain loops ------------------------------------------------===//

#include "../CPU/AttentionCase.h"
#include "../CPU/KernelText.h"
#include "DeviceKernel.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace nncc::gpu {
namespace {

using cpu::Attention;
using cpu::Numbers;

constexpr float infinity = std::numeric_limits<float>::infinity();
/// The largest number that f32 has, negative: how exporters hide a key.
constexpr float hidden = std::numeric_limits<float>::lowest();

//===----------------------------------------------------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------------------------------------------------===//

template <typename T> void append(std::vector<char> &bytes, T value) {
  bytes.insert(bytes.end(), sizeof(T), 0);
  std::memcpy(bytes.data() + bytes.size() - sizeof(T), &value, sizeof(T));
}

template <typename T> T read(const std::vector<char> &bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

std::vector<char> encode(const Numbers &numbers, const std::string &element) {
  std::vector<char> bytes;
  for (float number : numbers) {
    if (element == "f32") {
      append(bytes, number);
    } else if (element == "f64") {
      append(bytes, double(number));
    } else if (element == "f16") {
      append(bytes, _Float16(number));
    } else {
      uint32_t bits;
      std::memcpy(&bits, &number, sizeof(bits));
      append(bytes, uint16_t(bits >> 16));
    }
  }
  return bytes;
}

Numbers decode(const std::vector<char> &bytes, const std::string &element, size_t count) {
  Numbers numbers;
  for (size_t i = 0; i < count; ++i) {
    uint32_t high = element == "bf16" ? uint32_t(read<uint16_t>(bytes, i)) << 16 : 0;
    float wide;
    std::memcpy(&wide, &high, sizeof(wide));
    numbers.push_back(element == "f32"   ? read<float>(bytes, i)
                      : element == "f64" ? float(read<double>(bytes, i))
                      : element == "f16" ? float(read<_Float16>(bytes, i))
                                         : wide);
  }
  return numbers;
}

/// What half of a last place is, of results and of weights.
double getRounding(const std::string &element) { return element == "f16" ? 0x1p-11 : element == "bf16" ? 0x1p-8 : 0; }

//===----------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------===//

std::vector<char> run(const Attention &test, const std::vector<Numbers> &operands, DeviceKernel &kernel,
                      bool isDynamic) {
  std::vector<uint64_t> slots, addresses;
  auto add = [&](uint64_t address, std::initializer_list<int64_t> sizes) {
    addresses.push_back(address);
    slots.push_back(address);
    if (isDynamic)
      slots.insert(slots.end(), sizes.begin(), sizes.end());
  };
  size_t firstMask = test.isJoint ? 1 : 3;
  for (size_t i = 0; i < operands.size(); ++i) {
    uint64_t address = kernel.upload(encode(operands[i], test.element));
    if (test.hasRowMask && i + 1 == operands.size())
      add(address, {test.rows, test.keys});
    else
      add(address, {i == 0 && i < firstMask ? test.rows : test.keys});
  }
  slots.push_back(test.rows);
  slots.push_back(test.keys);
  uint64_t bytes = test.batch * test.rows * test.heads * test.columns * encode({0}, test.element).size();
  add(kernel.allocate(bytes), {test.rows});
  EXPECT_EQ(kernel.run(slots), "");
  std::vector<char> result = kernel.download(addresses.back(), bytes);
  for (uint64_t address : addresses)
    kernel.release(address);
  return result;
}

/// Whether cards, with static and dynamic sizes, are near the reference, without a trap, and give the same bits again.
void check(const Attention &test, std::vector<Numbers> operands, const std::vector<unsigned> &families) {
  for (Numbers &operand : operands)
    operand = decode(encode(operand, test.element), test.element, operand.size());
  Numbers reference = computeReference(test, operands);
  for (unsigned sm : families)
    for (bool isDynamic : {false, true}) {
      SCOPED_TRACE("sm_" + std::to_string(sm) + (isDynamic ? " dynamic " : " static ") + test.element);
      GPUTarget target;
      target.sm = sm;
      std::set<char> dynamic = isDynamic ? std::set<char>{'M', 'N'} : std::set<char>();
      std::string error, text = cpu::instantiate(test.text(), {{'M', test.rows}, {'N', test.keys}}, dynamic);
      auto kernel = DeviceKernel::compile(text, target, error);
      ASSERT_TRUE(kernel) << error << text;
      std::vector<char> bytes = run(test, operands, *kernel, isDynamic);
      EXPECT_EQ(bytes, run(test, operands, *kernel, isDynamic));
      Numbers result = decode(bytes, test.element, reference.size());
      // Values are up to 2 in magnitude.
      double bound = 4e-6 + 4 * getRounding(test.element);
      for (size_t i = 0; i < reference.size(); ++i)
        if (std::isnan(reference[i]))
          ASSERT_TRUE(std::isnan(result[i])) << i;
        else
          ASSERT_NEAR(result[i], reference[i], bound) << i;
    }
}

void check(const Attention &test, const std::vector<unsigned> &families = {50, 80}) {
  check(test, makeOperands(test), families);
}

//===----------------------------------------------------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------------------------------------------------===//

TEST(Attention, OfAwkwardSizes) {
  check({.rows = 8, .keys = 1, .depth = 1, .columns = 1});
  check({.rows = 9, .keys = 5, .depth = 3, .columns = 7});
  check({.rows = 64, .keys = 33, .depth = 64, .columns = 16, .heads = 2});
  check({.rows = 97, .keys = 130, .depth = 20, .columns = 33, .heads = 3});
  check({.rows = 65, .keys = 64, .depth = 36, .columns = 132});
}

/// More of the depth than shared memory holds, more columns than a block has.
TEST(Attention, OfLargeHeads) {
  check({.rows = 33, .keys = 70, .depth = 128, .columns = 128, .heads = 2});
  check({.rows = 17, .keys = 40, .depth = 75, .columns = 200});
}

/// Without tiles; with more keys than a block takes, in parts.
TEST(Attention, OfFewRows) {
  check({.rows = 1, .keys = 1, .depth = 64, .columns = 64, .heads = 3, .isHeadMajor = true}, {80});
  check({.rows = 1, .keys = 700, .depth = 64, .columns = 64, .heads = 3, .isHeadMajor = true});
  check({.rows = 7, .keys = 37, .depth = 5, .columns = 9, .heads = 2, .hasKeyMask = true, .hasRowMask = true}, {80});
  check({.rows = 2, .keys = 600, .depth = 76, .columns = 140, .hasKeyMask = true, .hasRowMask = true}, {80});
}

TEST(Attention, OfNoKeys) {
  Attention test{.rows = 9, .keys = 0, .depth = 8, .columns = 8};
  check(test);
  test.rows = 1;
  check(test);
}

TEST(Attention, OfManyKeys) {
  check({.rows = 17, .keys = 600, .depth = 8, .columns = 8});
  check({.rows = 16, .keys = 1021, .depth = 4, .columns = 5, .hasKeyMask = true, .hasRowMask = true});
}

TEST(Attention, WithHeadsAnywhere) {
  for (bool isHeadMajor : {false, true})
    check({.rows = 24,
           .keys = 10,
           .depth = 8,
           .columns = 12,
           .batch = 2,
           .heads = 6,
           .shared = 3,
           .isHeadMajor = isHeadMajor});
  check({.rows = 21, .keys = 21, .depth = 8, .columns = 8, .batch = 2, .heads = 3, .isJoint = true});
}

TEST(Attention, WithMasks) {
  check({.rows = 31, .keys = 40, .depth = 8, .columns = 8, .batch = 2, .heads = 2, .hasKeyMask = true});
  check({.rows = 31, .keys = 31, .depth = 8, .columns = 8, .heads = 2, .hasRowMask = true});
  check({.rows = 70, .keys = 79, .depth = 8, .columns = 8, .batch = 2, .hasKeyMask = true, .hasRowMask = true});
}

TEST(Attention, OfOtherFloats) {
  for (std::string element : {"f16", "bf16", "f64"}) {
    auto families = element == "f64" ? std::vector<unsigned>{80} : std::vector<unsigned>{70, 75, 80};
    auto checkSizes = [&](int64_t rows, int64_t keys, int64_t depth, int64_t columns, bool hasMasks) {
      Attention test{.rows = rows, .keys = keys, .depth = depth, .columns = columns, .heads = 2};
      test.element = element;
      test.hasKeyMask = test.hasRowMask = hasMasks;
      check(test, families);
    };
    checkSizes(9, 5, 3, 7, false);
    checkSizes(70, 130, 64, 64, true);
    checkSizes(33, 90, 40, 72, false);
    checkSizes(3, 277, 64, 24, true);
    families = {80};
    checkSizes(130, 64, 128, 128, false);
  }
}

/// Text that goes on: what comes later is -inf, and for some rows everything is.
TEST(Attention, WithRowsThatSeeNothing) {
  for (bool nanAsZero : {false, true})
    for (int64_t rows : {3, 20})
      for (std::string element : {"f32", "f16"}) {
        Attention test{.rows = rows, .keys = 300, .depth = 8, .columns = 8, .hasRowMask = true, .nanAsZero = nanAsZero};
        test.element = element;
        std::vector<Numbers> operands = makeOperands(test);
        for (int64_t m = 0; m < test.rows; ++m)
          for (int64_t n = 0; n < test.keys; ++n)
            if (n * test.rows > m * test.keys || m == 3 || m == 1 || (m > 4 && n < 200))
              operands.back()[m * test.keys + n] = -infinity;
        check(test, operands, {80});
      }
}

/// Text that goes on, after a past: what comes later is hidden.
void hideLaterKeys(const Attention &test, Numbers &mask, float number) {
  for (int64_t m = 0; m < test.rows; ++m)
    for (int64_t n = m + test.keys - test.rows + 1; n < test.keys; ++n)
      mask[m * test.keys + n] = number;
}

TEST(Attention, OfCausalRows) {
  for (std::string element : {"f32", "f16", "bf16"}) {
    Attention test{.rows = 150, .keys = 170, .depth = 8, .columns = 16, .hasKeyMask = true, .hasRowMask = true};
    test.element = element;
    std::vector<Numbers> operands = makeOperands(test);
    hideLaterKeys(test, operands.back(), element == "f32" ? hidden : -infinity);
    check(test, operands, {element == "f32" ? 50u : 75u, 80});
  }
}

/// A row from which all keys are hidden by a number weighs all of them alike, also those that no other row sees.
TEST(Attention, OfRowsThatSeeOnlyHiddenKeys) {
  for (std::string element : {"f32", "bf16"}) {
    Attention test{.rows = 70, .keys = 230, .depth = 8, .columns = 8, .hasRowMask = true};
    test.element = element;
    std::vector<Numbers> operands = makeOperands(test);
    // Beside such a number nothing is left of what is added to it.
    std::fill_n(operands[0].begin() + 3 * test.depth, test.depth, 0.0f);
    float number = element == "f32" ? hidden : -3e38f;
    for (int64_t m = 0; m < test.rows; ++m)
      for (int64_t n = 0; n < test.keys; ++n)
        if (n > m || m == 3)
          operands.back()[m * test.keys + n] = number;
    check(test, operands, {80});
  }
}

/// Of four blocks of 64 rows the first computes a quarter of the keys, the last one all of them: 10 of 16.
TEST(Attention, LeavesHiddenKeysOut) {
  for (auto [element, depth, products] :
       {std::tuple("f32", 64, emu::Class::Float), std::tuple("f16", 128, emu::Class::Matrix)}) {
    Attention test{.rows = 256, .keys = 256, .depth = depth, .columns = depth, .hasRowMask = true};
    test.element = element;
    std::vector<Numbers> operands = makeOperands(test);
    std::string error, text = cpu::instantiate(test.text(), {{'M', test.rows}, {'N', test.keys}}, {});
    GPUTarget target;
    target.sm = 80;
    auto kernel = DeviceKernel::compile(text, target, error);
    ASSERT_TRUE(kernel) << error << text;
    auto count = [&] {
      kernel->getCounters() = {};
      run(test, operands, *kernel, /*isDynamic=*/false);
      return kernel->getCounters();
    };
    emu::Counters all = count();
    hideLaterKeys(test, operands.back(), -infinity);
    emu::Counters causal = count();
    RecordProperty(element, std::to_string(double(causal.total()) / double(all.total())));
    EXPECT_NEAR(double(causal[products]) / double(all[products]), 0.625, 0.01) << element;
    EXPECT_LT(causal.total(), 0.75 * all.total()) << element;
    EXPECT_LT(causal.globalSectors, all.globalSectors) << element;
  }
}

/// One score that is NaN, or infinite, spoils its row and no other.
TEST(Attention, WithScoresThatAreNoNumbers) {
  for (float number : {std::numeric_limits<float>::quiet_NaN(), infinity})
    for (int64_t rows : {6, 16}) {
      Attention test{.rows = rows, .keys = 300, .depth = 4, .columns = 4, .hasRowMask = true};
      std::vector<Numbers> operands = makeOperands(test);
      operands.back()[5 * test.keys + 7] = number;
      check(test, operands, {80});
    }
}

} // namespace
} // namespace nncc::gpu
