//===- ModelTest.cpp - the C++ classes, as generated headers use them -------------------------------------------===//

#include "nnccrt/Model.h"
#include "FakeModel.h"
#include <cmath>
#include <limits>
#include <numeric>

using testing::ElementsAre;
using testing::StrEq;

namespace nncc::rt::test {
namespace {

/// What nncc writes for makeDynamicAddOne.
namespace addone {
class Context : public nncc::Context {
public:
  struct Dims {
    int64_t N;
  };
  nncc::Status resize(const Dims &dims) {
    const int64_t values[] = {dims.N};
    return resize_to({values, 1});
  }
  nncc::Result<uint64_t> workspace_bytes(const Dims &dims) {
    const int64_t values[] = {dims.N};
    return workspace_bytes_for({values, 1});
  }
  nncc::View<float> x() { return input_at<float>(0); }
  nncc::Status bind_x(nncc::View<const float> view) { return bind_input_at(0, view); }
  nncc::View<const float> y() { return output_at<float>(0); }
  nncc::Status bind_y(nncc::View<float> view) { return bind_output_at(0, view); }
};

class Model : public nncc::Model {
public:
  static nncc::Result<Model> load(const nnccrt_model &model, const nncc::LoadOptions &options = {}) {
    return load_as<Model>(model, options);
  }
  nncc::Result<Context> context(const nncc::ContextOptions &options = {}) const { return context_as<Context>(options); }
};
} // namespace addone

class TypedModel : public testing::Test {
protected:
  TypedModel() : model(addone::Model::load(*fake.get())), context(model->context()) {}

  FakeModel fake = makeDynamicAddOne();
  nncc::Result<addone::Model> model;
  nncc::Result<addone::Context> context;
};

TEST_F(TypedModel, FillRunUse) {
  ASSERT_TRUE(context->resize({2}));
  nncc::View<float> x = context->x();
  EXPECT_THAT(x.dims(), ElementsAre(2, 3));
  std::iota(x.begin(), x.end(), 0.0f);
  ASSERT_TRUE(context->run());
  nncc::View<const float> y = context->y();
  EXPECT_THAT(y, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(y(1, 2), 6);
}

TEST_F(TypedModel, FlatViewTakesTheDimsOfResize) {
  std::vector<float> x = {1, 2, 3, 4, 5, 6}, y(6);
  ASSERT_TRUE(context->resize({2}));
  ASSERT_TRUE(context->bind_x(nncc::view(x)));
  ASSERT_TRUE(context->bind_y(nncc::view(y)));
  ASSERT_TRUE(context->run());
  EXPECT_THAT(y, ElementsAre(2, 3, 4, 5, 6, 7));
  ASSERT_TRUE(context->resize({3}));
  EXPECT_THAT(context->run().message(), StrEq("input 'x': its dims take 36 bytes, got 24"));
}

TEST_F(TypedModel, ViewWithDimsAndStrides) {
  // The transposed matrix, and a window of it.
  std::vector<float> x = {0, 3, 1, 4, 2, 5};
  ASSERT_TRUE(context->bind_x(nncc::view(x.data(), {2, 3}, {1, 2})));
  ASSERT_TRUE(context->run());
  EXPECT_THAT(context->y(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(TypedModel, FailuresAreStatuses) {
  EXPECT_TRUE(context->x().empty());
  EXPECT_THAT(context->status().message(), testing::StartsWith("input 'x' dim 0 (N) has no size yet"));
  EXPECT_FALSE(context->y());
  std::vector<double> wrong(6);
  nncc::View<double> view = nncc::view(wrong.data(), {2, 3});
  EXPECT_THAT(context->bind_input_at(0, view).message(), StrEq("input 'x' dtype: expected f32, got f64"));
  EXPECT_THAT(context->bind_input_at(7, view).message(), StrEq("there is no input 7: model 'fake' has 1 inputs"));
  ASSERT_TRUE(context->resize({1}));
  EXPECT_TRUE(context->input_at<double>(0).empty());
  EXPECT_THAT(context->status().message(), StrEq("input 0 is f32 of rank 2, which View<f64> does not hold"));
}

TEST_F(TypedModel, LoadFailures) {
  nncc::LoadOptions options;
  options.device = "cuda:0";
  nncc::Result<nncc::Model> none = nncc::Model::load(*fake.get(), options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.status().code(), NNCCRT_UNSUPPORTED);
  EXPECT_THAT(none.status().message(),
              StrEq("device 'cuda:0': model 'fake' was compiled for the CPU (nncc -target=cuda)"));
}

TEST_F(TypedModel, ContextOutlivesModel) {
  nncc::Result<addone::Context> survivor = [&] {
    nncc::Result<addone::Model> local = addone::Model::load(*fake.get());
    return local->context();
  }();
  std::vector<float> x = {1, 2, 3};
  ASSERT_TRUE(survivor->bind_x(nncc::view(x.data(), {1, 3})));
  ASSERT_TRUE(survivor->run());
  EXPECT_THAT(survivor->y(), ElementsAre(2, 3, 4));
}

TEST(View, HalfIsExactBothWays) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    nncc::half half{static_cast<uint16_t>(bits)};
    float value = half;
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(float(nncc::half::from(value))));
      continue;
    }
    int exponent = bits >> 10 & 31;
    float magnitude = exponent == 31
                          ? std::numeric_limits<float>::infinity()
                          : std::ldexp(float((bits & 1023) + (exponent ? 1024 : 0)), (exponent ? exponent : 1) - 25);
    ASSERT_EQ(value, bits & 0x8000 ? -magnitude : magnitude);
    ASSERT_EQ(nncc::half::from(value).bits, bits);
  }
}

TEST(View, HalfRoundsToEven) {
  // Between two neighbours lies a tie; a hair beside it decides.
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    float low = nncc::half{static_cast<uint16_t>(bits)}, high = nncc::half{static_cast<uint16_t>(bits + 1)};
    float tie = low + (high - low) / 2;
    ASSERT_EQ(nncc::half::from(tie).bits, bits + (bits & 1));
    ASSERT_EQ(nncc::half::from(std::nextafter(tie, low)).bits, bits);
    ASSERT_EQ(nncc::half::from(std::nextafter(tie, high)).bits, bits + 1);
  }
  EXPECT_EQ(nncc::half::from(65519.0f).bits, 0x7bff);
  EXPECT_EQ(nncc::half::from(65520.0f).bits, 0x7c00);
}

TEST(View, Bfloat16) {
  EXPECT_EQ(float(nncc::bfloat16::from(1.0f)), 1.0f);
  EXPECT_EQ(nncc::bfloat16::from(1.00390625f).bits, 0x3f80); // a tie, to even
  EXPECT_EQ(nncc::bfloat16::from(1.01171875f).bits, 0x3f82);
  EXPECT_TRUE(std::isnan(float(nncc::bfloat16::from(std::numeric_limits<float>::quiet_NaN()))));
}

} // namespace
} // namespace nncc::rt::test
