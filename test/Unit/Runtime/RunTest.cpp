//===- RunTest.cpp - models that run ----------------------------------------------------------------------------===//

#include "FakeModel.h"
#include <cstdlib>
#include <numeric>

using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

void fill(const nnccrt_tensor &tensor, int64_t count) {
  std::iota(static_cast<float *>(tensor.data), static_cast<float *>(tensor.data) + count, 0.0f);
}

TEST(Run, StaticModel) {
  FakeModel model = makeAddOne();
  Session session(model);
  fill(session.input(0), 6);
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.dims(0), ElementsAre(2, 3));
  EXPECT_THAT(session.floats(0), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Run, BoundInputSetsSymbols) {
  FakeModel model = makeDynamicAddOne();
  Session session(model);
  for (int64_t n : {1, 3, 2, 0}) {
    std::vector<float> x(3 * n, 1);
    std::vector<int64_t> dims = {n, 3};
    nnccrt_tensor tensor = tensorOf(NNCCRT_F32, dims, x.data());
    EXPECT_OK(nnccrt_bind_input(session, 0, &tensor, &status));
    EXPECT_EQ(session.run(), "");
    EXPECT_THAT(session.dims(0), ElementsAre(n, 3));
    EXPECT_EQ(session.floats(0), std::vector<float>(3 * n, 2));
  }
}

TEST(Run, ResizeThenFill) {
  FakeModel model = makeDynamicAddOne();
  Session session(model);
  session.resize({2});
  fill(session.input(0), 6);
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.floats(0), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Applications, RunWithoutTheCxxLibrary) {
  EXPECT_EQ(std::system(PLAIN_APP), 0);  // NOLINT(bugprone-command-processor): paths of this build
  EXPECT_EQ(std::system(STRICT_APP), 0); // NOLINT(bugprone-command-processor)
}

} // namespace
} // namespace nncc::rt::test
