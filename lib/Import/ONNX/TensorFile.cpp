//===- TensorFile.cpp - tensors in ONNX's files ---------------------------------------------------------------------------===//

#include "nncc/Import/ONNX/TensorFile.h"
#include "Tensors.h"
#include "nncc/Support/OutputFile.h"
#include "onnx/onnx-data.pb.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using onnx::TensorProto;

namespace nncc::import {

int64_t TensorData::count() const {
  int64_t product = 1;
  for (int64_t dim : dims)
    product *= dim;
  return product;
}

template <typename Field> static void appendEntries(const Field &field, size_t width, std::vector<char> &bytes) {
  static_assert(llvm::endianness::native == llvm::endianness::little);
  for (auto entry : field) {
    const char *data = reinterpret_cast<const char *>(&entry);
    bytes.insert(bytes.end(), data, data + std::min(width, sizeof(entry)));
  }
}

/// Elements that are not in raw_data: only the field of their type counts, of which an entry may be wider than an element.
static void readTypedData(const TensorProto &proto, const ElementFormat &format, std::vector<char> &bytes) {
  switch (format.field) {
  case ElementFormat::Floats:
    return appendEntries(proto.float_data(), sizeof(float), bytes);
  case ElementFormat::Doubles:
    return appendEntries(proto.double_data(), sizeof(double), bytes);
  case ElementFormat::Int64s:
    return appendEntries(proto.int64_data(), sizeof(int64_t), bytes);
  case ElementFormat::UInt64s:
    return appendEntries(proto.uint64_data(), format.bits / 8, bytes);
  case ElementFormat::Int32s: // sub-byte elements are packed
    return appendEntries(proto.int32_data(), std::max(format.bits / 8, 1u), bytes);
  case ElementFormat::Strings:
    return;
  }
}

static llvm::Expected<TensorData> decode(const TensorProto &proto, llvm::StringRef path) {
  TensorData tensor;
  tensor.name = proto.name();
  tensor.dtype = proto.data_type();
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  const ElementFormat *format = elementFormat(proto.data_type());
  if (!format || !format->bits)
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
    readTypedData(proto, *format, tensor.bytes);
  int64_t needed = 0;
  if (llvm::MulOverflow(elements, int64_t(format->bits), needed) ||
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
  if (bytes.size() <= INT32_MAX && proto.ParseFromArray(bytes.data(), bytes.size()) && elementFormat(proto.data_type()))
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
