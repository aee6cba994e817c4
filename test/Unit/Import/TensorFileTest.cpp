//===- TensorFileTest.cpp - files of test data, good and damaged ----------------------------------------------------------===//

#include "nncc/Import/ONNX/TensorFile.h"
#include "onnx/onnx_pb.h"
#include "gmock/gmock.h"
#include <cstdio>
#include <fstream>

using onnx::TensorProto;
using testing::ElementsAre;
using testing::HasSubstr;

namespace nncc::import {
namespace {

class TensorFile : public testing::Test {
protected:
  ~TensorFile() override { std::remove(path.c_str()); }

  llvm::Expected<TensorData> readBytes(const std::string &bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return readTensorFile(path);
  }
  llvm::Expected<TensorData> read(const TensorProto &proto) { return readBytes(proto.SerializeAsString()); }

  /// Why it cannot be read; empty when it can.
  std::string problem(const TensorProto &proto) {
    llvm::Expected<TensorData> tensor = read(proto);
    return tensor ? "" : llvm::toString(tensor.takeError());
  }

  static TensorProto tensor(int dtype, std::initializer_list<int64_t> dims) {
    TensorProto proto;
    proto.set_data_type(dtype);
    for (int64_t dim : dims)
      proto.add_dims(dim);
    return proto;
  }

  std::string path = testing::TempDir() + "nncc-tensor-file.pb";
};

TEST_F(TensorFile, EachTypeFromItsField) {
  TensorProto complex = tensor(TensorProto::COMPLEX128, {1}), small = tensor(TensorProto::INT4, {3});
  complex.add_double_data(1);
  complex.add_double_data(2);
  small.add_int32_data(0x21);
  small.add_int32_data(3);
  llvm::Expected<TensorData> numbers = read(complex);
  ASSERT_TRUE(bool(numbers));
  EXPECT_EQ(numbers->bytes.size(), 16u);
  llvm::Expected<TensorData> packed = read(small);
  ASSERT_TRUE(bool(packed));
  EXPECT_THAT(packed->bytes, ElementsAre(0x21, 3));
}

TEST_F(TensorFile, FieldsOfOtherTypesCountForNothing) {
  for (int dtype : {TensorProto::INT64, TensorProto::COMPLEX128, TensorProto::DOUBLE}) {
    TensorProto proto = tensor(dtype, {2});
    for (int i = 0; i < 8; ++i) {
      proto.add_int32_data(i);
      proto.add_uint64_data(i);
    }
    EXPECT_THAT(problem(proto), HasSubstr("the tensor has 0 bytes of data, its shape needs ")) << dtype;
  }
}

TEST_F(TensorFile, DataThatDoesNotFit) {
  TensorProto proto = tensor(TensorProto::FLOAT, {2});
  proto.set_raw_data("1234567");
  EXPECT_THAT(problem(proto), HasSubstr("the tensor has 7 bytes of data, its shape needs 8"));
  proto.set_dims(0, -1);
  EXPECT_THAT(problem(proto), HasSubstr("the tensor has impossible dims"));
  proto = tensor(TensorProto::FLOAT, {INT64_MAX / 2, 1});
  EXPECT_THAT(problem(proto), HasSubstr("bytes of data, its shape needs"));
  EXPECT_THAT(problem(tensor(TensorProto::STRING, {1})), HasSubstr("the element type 8 is not supported"));
  EXPECT_THAT(problem(tensor(99, {1})), HasSubstr("not a tensor of numbers"));
  proto = tensor(TensorProto::FLOAT, {1});
  proto.set_data_location(TensorProto::EXTERNAL);
  EXPECT_THAT(problem(proto), HasSubstr("external data is not supported here"));
}

TEST_F(TensorFile, CutOffAtEveryOffset) {
  TensorProto proto = tensor(TensorProto::FLOAT, {3, 4});
  proto.set_raw_data(std::string(48, '\1'));
  std::string bytes = proto.SerializeAsString();
  for (size_t length = 0; length < bytes.size(); ++length) {
    llvm::Expected<TensorData> cut = readBytes(bytes.substr(0, length));
    EXPECT_FALSE(bool(cut)) << length;
    llvm::consumeError(cut.takeError());
  }
}

} // namespace
} // namespace nncc::import
