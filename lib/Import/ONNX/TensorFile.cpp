//===- TensorFile.cpp - tensors in ONNX's files ---------------------------------------------------------------------------===//

#include "nncc/Import/ONNX/TensorFile.h"
#include "nncc/Support/OutputFile.h"
#include "onnx/onnx-data.pb.h"
#include "onnx/onnx_pb.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using onnx::TensorProto;

namespace nncc::import {

static unsigned bitsOf(int dtype) {
  switch (dtype) {
  case TensorProto::UINT2:
  case TensorProto::INT2:
    return 2;
  case TensorProto::UINT4:
  case TensorProto::INT4:
  case TensorProto::FLOAT4E2M1:
    return 4;
  case TensorProto::UINT8:
  case TensorProto::INT8:
  case TensorProto::BOOL:
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
  case TensorProto::FLOAT8E8M0:
    return 8;
  case TensorProto::UINT16:
  case TensorProto::INT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 16;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 32;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
  case TensorProto::UINT64:
  case TensorProto::COMPLEX64:
    return 64;
  case TensorProto::COMPLEX128:
    return 128;
  default:
    return 0;
  }
}

int64_t TensorData::count() const {
  int64_t product = 1;
  for (int64_t dim : dims)
    product *= dim;
  return product;
}

/// Copies the typed fields, each element cut to `width` bytes.
template <typename Field> static void appendElements(const Field &field, size_t width, std::vector<char> &bytes) {
  for (auto element : field) {
    const char *data = reinterpret_cast<const char *>(&element);
    bytes.insert(bytes.end(), data, data + width);
  }
}

static void readTypedData(const TensorProto &proto, std::vector<char> &bytes) {
  unsigned width = bitsOf(proto.data_type()) < 8 ? 1 : bitsOf(proto.data_type()) / 8;
  appendElements(proto.float_data(), 4, bytes); // also of complex64, as pairs
  appendElements(proto.double_data(), 8, bytes);
  appendElements(proto.int64_data(), 8, bytes);
  appendElements(proto.uint64_data(), width, bytes);
  appendElements(proto.int32_data(), width, bytes);
}

static llvm::Expected<TensorData> decode(const TensorProto &proto, llvm::StringRef path) {
  TensorData tensor;
  tensor.name = proto.name();
  tensor.dtype = proto.data_type();
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  unsigned bits = bitsOf(proto.data_type());
  if (!bits)
    return llvm::createStringError(path + ": the element type " + llvm::Twine(proto.data_type()) + " is not supported");
  int64_t elements = 1;
  for (int64_t dim : tensor.dims)
    if (dim < 0 || llvm::MulOverflow(elements, dim, elements))
      return llvm::createStringError(path + ": the tensor has impossible dims");
  if (proto.data_location() == TensorProto::EXTERNAL)
    return llvm::createStringError(path + ": external data is not supported here");
  if (proto.has_raw_data())
    tensor.bytes.assign(proto.raw_data().begin(), proto.raw_data().end());
  else
    readTypedData(proto, tensor.bytes);
  int64_t needed = 0;
  if (llvm::MulOverflow(elements, int64_t(bits), needed) ||
      tensor.bytes.size() != llvm::divideCeil(uint64_t(needed), 8))
    return llvm::createStringError(path + ": the tensor has " + llvm::Twine(tensor.bytes.size()) +
                                   " bytes of data, its shape needs " +
                                   llvm::Twine(llvm::divideCeil(uint64_t(needed), 8)));
  return tensor;
}

llvm::Expected<TensorData> readTensorFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  TensorProto proto;
  if (bytes.size() <= INT32_MAX && proto.ParseFromArray(bytes.data(), bytes.size()) &&
      proto.data_type() != TensorProto::UNDEFINED && bitsOf(proto.data_type()))
    return decode(proto, path);
  onnx::OptionalProto optional;
  if (bytes.size() <= INT32_MAX && optional.ParseFromArray(bytes.data(), bytes.size()) && optional.has_tensor_value())
    return decode(optional.tensor_value(), path);
  return llvm::createStringError(path + ": not a tensor of numbers");
}

llvm::Error writeTensorFile(llvm::StringRef path, const TensorData &tensor) {
  TensorProto proto;
  proto.set_name(tensor.name);
  proto.set_data_type(tensor.dtype);
  for (int64_t dim : tensor.dims)
    proto.add_dims(dim);
  proto.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  std::string bytes;
  if (!proto.SerializeToString(&bytes))
    return llvm::createStringError(path + ": a tensor of more than 2 GiB fits no TensorProto");
  return writeOutputFile(path, [&](llvm::raw_pwrite_stream &os) {
    os << bytes;
    return llvm::Error::success();
  });
}

} // namespace nncc::import
