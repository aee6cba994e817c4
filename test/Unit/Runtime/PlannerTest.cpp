//===- PlannerTest.cpp - packing of buffers by lifetime ---------------------------------------------------------===//

#include "Planner.h"
#include "gmock/gmock.h"
#include <random>
#include <vector>

using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

struct Packed {
  Packing result;
  std::vector<int64_t> offsets;
  int64_t total = 0;
};

Packed packSlots(const std::vector<nnccrt_slot> &slots, const std::vector<int64_t> &bytes) {
  Packed packed;
  Array<int64_t> offsets;
  packed.result = pack(slots.data(), bytes.data(), slots.size(), offsets, packed.total);
  packed.offsets.assign(offsets.begin(), offsets.end());
  return packed;
}

TEST(Planner, Nothing) {
  Packed packed = packSlots({}, {});
  EXPECT_EQ(packed.result, Packing::Done);
  EXPECT_EQ(packed.total, 0);
}

TEST(Planner, ApartInTimeShareTheirPlace) {
  Packed packed = packSlots({{-1, 0, 1}, {-1, 2, 3}, {-1, 4, 4}}, {100, 64, 10});
  EXPECT_THAT(packed.offsets, ElementsAre(0, 0, 0));
  EXPECT_EQ(packed.total, 128);
}

TEST(Planner, ALaunchReadsAndWritesAtOnce) {
  Packed packed = packSlots({{-1, 0, 1}, {-1, 1, 2}}, {64, 64});
  EXPECT_NE(packed.offsets[0], packed.offsets[1]);
  EXPECT_EQ(packed.total, 128);
}

TEST(Planner, BestFitTakesTheSmallestGap) {
  // Two gaps are left at launch 1, of 128 and of 64 bytes: 64 bytes go into the second, so that 128 still fit into the first.
  std::vector<nnccrt_slot> slots = {{-1, 0, 0}, {-1, 0, 1}, {-1, 0, 0}, {-1, 0, 1}, {-1, 1, 1}, {-1, 1, 1}};
  Packed packed = packSlots(slots, {128, 512, 64, 256, 64, 128});
  EXPECT_EQ(packed.total, 128 + 512 + 64 + 256);
}

TEST(Planner, TooMuchIsAnOverflow) {
  EXPECT_EQ(packSlots({{-1, 0, 0}}, {INT64_MAX}).result, Packing::Overflow);
  EXPECT_EQ(packSlots({{-1, 0, 0}, {-1, 0, 0}}, {INT64_MAX / 2, INT64_MAX / 2 + 1024}).result, Packing::Overflow);
  EXPECT_EQ(packSlots({{-1, 0, 0}}, {-1}).result, Packing::Overflow);
}

TEST(Planner, RandomPlansHold) {
  std::mt19937 random(1);
  double worst = 1;
  for (int round = 0; round < 300; ++round) {
    uint32_t launches = 1 + random() % 60, count = 1 + random() % 80;
    std::vector<nnccrt_slot> slots;
    std::vector<int64_t> bytes;
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t first = random() % launches, length = random() % 4 ? random() % 4 : random() % launches;
      slots.push_back({-1, first, std::min(first + length, launches - 1)});
      bytes.push_back(random() % 3 ? random() % 5000 : random() % 500000);
    }
    Packed packed = packSlots(slots, bytes);
    ASSERT_EQ(packed.result, Packing::Done);
    for (uint32_t a = 0; a < count; ++a) {
      ASSERT_EQ(packed.offsets[a] % 64, 0);
      ASSERT_GE(packed.offsets[a], 0);
      ASSERT_LE(packed.offsets[a] + bytes[a], packed.total);
      for (uint32_t b = 0; b < a; ++b)
        ASSERT_TRUE(slots[a].last < slots[b].first || slots[b].last < slots[a].first ||
                    packed.offsets[a] + bytes[a] <= packed.offsets[b] ||
                    packed.offsets[b] + bytes[b] <= packed.offsets[a]);
    }
    int64_t bound = liveBytes(slots.data(), bytes.data(), count);
    ASSERT_GE(packed.total, bound);
    worst = std::max(worst, static_cast<double>(packed.total) / static_cast<double>(std::max<int64_t>(bound, 1)));
  }
  EXPECT_LT(worst, 1.25); // random lifetimes are harder than those of a model
}

} // namespace
} // namespace nncc::rt::test
