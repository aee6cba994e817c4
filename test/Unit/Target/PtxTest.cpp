//===- PtxTest.cpp - how kernels become modules -----------------------------------------------------------------===//

#include "nncc/Target/Ptx.h"
#include "llvm/ADT/STLExtras.h"
#include <gmock/gmock.h>
#include <numeric>

using namespace nncc::target;
using testing::Each;
using testing::ElementsAre;

static std::vector<unsigned> divide(const std::vector<size_t> &sizes) {
  std::vector<std::string> texts;
  for (size_t size : sizes)
    texts.emplace_back(size, 'x');
  llvm::SmallVector<unsigned> modules = divideIntoModules(texts);
  return {modules.begin(), modules.end()};
}

TEST(Ptx, SmallImagesAreOneModule) {
  EXPECT_TRUE(divide({}).empty());
  EXPECT_THAT(divide({10}), ElementsAre(0u));
  EXPECT_THAT(divide(std::vector<size_t>(60, 1000)), Each(0u));
  // A kernel is not divided.
  EXPECT_THAT(divide({1 << 20}), ElementsAre(0u));
}

TEST(Ptx, ModulesAreOfAboutTheSameSize) {
  EXPECT_THAT(divide({20000, 30000, 50000}), ElementsAre(2u, 1u, 0u));
  EXPECT_THAT(divide({40000, 40000}), ElementsAre(0u, 1u));
  std::vector<size_t> sizes;
  for (size_t i = 0; i < 200; ++i)
    sizes.push_back(2000 + 997 * i % 30000);
  std::vector<unsigned> modules = divide(sizes);
  std::vector<size_t> filled(16);
  for (auto [size, module] : llvm::zip_equal(sizes, modules))
    filled.at(module) += size;
  size_t average = std::accumulate(sizes.begin(), sizes.end(), size_t(0)) / 16;
  for (size_t bytes : filled)
    EXPECT_NEAR(double(bytes), double(average), double(average) / 20);
  EXPECT_EQ(modules, divide(sizes));
}
