//===- DlpackTest.cpp - tensors in and out by the DLPack ABI ----------------------------------------------------===//

#include "DlpackStructs.h"
#include "FakeModel.h"
#include <numeric>

using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

class Dlpack : public testing::Test {
protected:
  Dlpack() {
    std::iota(static_cast<float *>(session.input(0).data), static_cast<float *>(session.input(0).data) + 6, 0.0f);
    result.size = sizeof(result);
    source.dl_tensor = {values, {1, 0}, 2, {2, 32, 1}, shape, strides, 4};
  }

  FakeModel model = makeAddOne();
  Session session{model};
  nnccrt_tensor result = {};
  float values[7] = {-1, 0, 3, 1, 4, 2, 5};
  int64_t shape[2] = {2, 3}, strides[2] = {1, 2};
  DLManagedTensor source = {};
};

TEST_F(Dlpack, In) {
  EXPECT_OK(nnccrt_from_dlpack(&source, &result, &status));
  EXPECT_EQ(result.dtype, NNCCRT_F32);
  EXPECT_EQ(result.data, values + 1);
  EXPECT_OK(nnccrt_bind_input(session, 0, &result, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.floats(0), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Dlpack, InVersioned) {
  DLManagedTensorVersioned versioned = {{1, 3}, nullptr, nullptr, 0, source.dl_tensor};
  EXPECT_OK(nnccrt_from_dlpack_versioned(&versioned, &result, &status));
  EXPECT_EQ(result.data, values + 1);
  versioned.version.major = 2;
  EXPECT_FAILS(nnccrt_from_dlpack_versioned(&versioned, &result, &status), NNCCRT_UNSUPPORTED,
               "the tensor is of DLPack 2.3, this runtime (0.1.0) knows 1.x");
}

TEST_F(Dlpack, WhatIsNoTensorOfOnnx) {
  source.dl_tensor.dtype.lanes = 4;
  EXPECT_FAILS(nnccrt_from_dlpack(&source, &result, &status), NNCCRT_UNSUPPORTED, "type code 2, 32 bits, 4 lanes");
  EXPECT_FAILS(nnccrt_from_dlpack(nullptr, &result, &status), NNCCRT_INVALID, "the DLPack tensor is a null pointer");
  source.dl_tensor.dtype.lanes = 1;
  source.dl_tensor.device.device_type = 2;
  EXPECT_OK(nnccrt_from_dlpack(&source, &result, &status));
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &result, &status), NNCCRT_UNSUPPORTED, "lies on a CUDA device");
}

TEST_F(Dlpack, OutGivesTheBufferAway) {
  EXPECT_EQ(session.run(), "");
  void *buffer = session.output(0).data;
  DLManagedTensor *out = nullptr;
  EXPECT_OK(nnccrt_output_to_dlpack(session, 0, &out, &status));
  EXPECT_EQ(out->dl_tensor.data, buffer);
  EXPECT_FAILS(nnccrt_output(session, 0, &result, &status), NNCCRT_INVALID, "output 'y' has no value");
  static_cast<float *>(session.input(0).data)[0] = 10;
  EXPECT_EQ(session.run(), "");
  EXPECT_NE(session.output(0).data, buffer);
  const float *values = static_cast<const float *>(out->dl_tensor.data);
  EXPECT_THAT(std::vector<float>(values, values + 6), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(out->dl_tensor.ndim, 2);
  EXPECT_THAT(std::vector<int64_t>(out->dl_tensor.shape, out->dl_tensor.shape + 2), ElementsAre(2, 3));
  EXPECT_THAT(std::vector<int64_t>(out->dl_tensor.strides, out->dl_tensor.strides + 2), ElementsAre(3, 1));
  EXPECT_EQ(out->dl_tensor.dtype.code, 2);
  EXPECT_EQ(out->dl_tensor.dtype.bits, 32);
  out->deleter(out);
}

TEST_F(Dlpack, OutOfTheCallersMemoryIsACopy) {
  float y[6];
  std::vector<int64_t> dims = {2, 3};
  nnccrt_tensor tensor = tensorOf(NNCCRT_F32, dims, y);
  EXPECT_OK(nnccrt_bind_output(session, 0, &tensor, &status));
  EXPECT_EQ(session.run(), "");
  DLManagedTensorVersioned *out = nullptr;
  EXPECT_OK(nnccrt_output_to_dlpack_versioned(session, 0, &out, &status));
  EXPECT_EQ(out->version.major, 1u);
  EXPECT_EQ(out->flags, 2u); // DLPACK_FLAG_BITMASK_IS_COPIED
  y[0] = 77;
  EXPECT_EQ(static_cast<const float *>(out->dl_tensor.data)[0], 1);
  out->deleter(out);
}

TEST_F(Dlpack, OutWithoutARun) {
  DLManagedTensor *out = nullptr;
  EXPECT_FAILS(nnccrt_output_to_dlpack(session, 0, &out, &status), NNCCRT_INVALID, "output 'y' has no value");
  EXPECT_FAILS(nnccrt_output_to_dlpack(session, 0, nullptr, &status), NNCCRT_INVALID, "the place for the tensor");
  EXPECT_FAILS(nnccrt_output_to_dlpack(nullptr, 0, &out, &status), NNCCRT_INVALID, "the context is a null pointer");
}

} // namespace
} // namespace nncc::rt::test
