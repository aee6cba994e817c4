//===- PackingTest.cpp - where buffers lie in the arena -------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/Packing.h"
#include "gtest/gtest.h"
#include <random>

using namespace nncc::exec;

namespace {

void expectValid(llvm::ArrayRef<Lifetime> buffers, const Packing &packing) {
  ASSERT_EQ(packing.offsets.size(), buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(packing.offsets[i] % bufferAlignment, 0);
    EXPECT_LE(packing.offsets[i] + buffers[i].bytes, packing.bytes);
    for (size_t j = 0; j < i; ++j) {
      bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
      bool overlap = packing.offsets[i] < packing.offsets[j] + buffers[j].bytes &&
                     packing.offsets[j] < packing.offsets[i] + buffers[i].bytes;
      EXPECT_FALSE(together && overlap) << "buffers " << j << " and " << i;
    }
  }
}

TEST(PackingTest, NothingNeedsNothing) {
  EXPECT_EQ(packBuffers({}).bytes, 0);
  EXPECT_EQ(getLowerBound({}), 0);
  EXPECT_EQ(packBuffers({{0, 0, 5}, {0, 2, 3}}).bytes, 0);
}

TEST(PackingTest, ReusesWhatIsDead) {
  // A chain: each buffer is alive with the next one alone.
  llvm::SmallVector<Lifetime> chain;
  for (unsigned i = 0; i < 100; ++i)
    chain.push_back({1000, i, i + 1});
  Packing packing = packBuffers(chain);
  expectValid(chain, packing);
  EXPECT_EQ(packing.bytes, 2 * 1024);
}

TEST(PackingTest, RoundsUpToTheAlignment) {
  llvm::SmallVector<Lifetime> buffers = {{1, 0, 1}, {65, 0, 1}, {64, 0, 1}};
  EXPECT_EQ(getLowerBound(buffers), 64 + 128 + 64);
  EXPECT_EQ(packBuffers(buffers).bytes, 64 + 128 + 64);
}

/// Lifetimes as networks have them: most buffers die soon, a few are residuals that live long.
llvm::SmallVector<Lifetime> makeNetwork(std::mt19937 &random, unsigned size) {
  auto draw = [&](unsigned limit) { return unsigned(random() % limit); };
  llvm::SmallVector<Lifetime> buffers;
  for (unsigned position = 0; position < size; ++position) {
    unsigned length = draw(8) == 0 ? draw(20) : 1 + draw(2);
    buffers.push_back({int64_t(64) << draw(12), position, position + length});
    if (draw(4) == 0)
      buffers.back().bytes += draw(5000);
  }
  return buffers;
}

TEST(PackingTest, StaysCloseToTheBound) {
  double sum = 0;
  constexpr unsigned rounds = 200;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    std::mt19937 random(seed);
    llvm::SmallVector<Lifetime> buffers = makeNetwork(random, 10 + seed);
    Packing packing = packBuffers(buffers);
    expectValid(buffers, packing);
    double ratio = double(packing.bytes) / double(getLowerBound(buffers));
    EXPECT_GE(ratio, 1.0);
    EXPECT_LE(ratio, 1.25) << "seed " << seed;
    sum += ratio;
  }
  EXPECT_LE(sum / rounds, 1.03);
}

TEST(PackingTest, IsDeterministic) {
  std::mt19937 random(7);
  llvm::SmallVector<Lifetime> buffers = makeNetwork(random, 300);
  EXPECT_EQ(packBuffers(buffers).offsets, packBuffers(buffers).offsets);
}

} // namespace
