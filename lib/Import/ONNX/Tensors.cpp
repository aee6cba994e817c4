//===- Tensors.cpp - the elements of a model's tensors --------------------------------------------------------------------===//

#include "Tensors.h"
#include "WireScan.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

//===----------------------------------------------------------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------------------------------------------------------===//

Type elementType(MLIRContext *context, int dataType) {
  auto integer = [&](unsigned width, bool isUnsigned = false) -> Type {
    return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  switch (dataType) {
  case onnx::TensorProto::FLOAT:
    return Float32Type::get(context);
  case onnx::TensorProto::UINT8:
    return integer(8, true);
  case onnx::TensorProto::INT8:
    return integer(8);
  case onnx::TensorProto::UINT16:
    return integer(16, true);
  case onnx::TensorProto::INT16:
    return integer(16);
  case onnx::TensorProto::INT32:
    return integer(32);
  case onnx::TensorProto::INT64:
    return integer(64);
  case onnx::TensorProto::STRING:
    return nn::StringType::get(context);
  case onnx::TensorProto::BOOL:
    return integer(1);
  case onnx::TensorProto::FLOAT16:
    return Float16Type::get(context);
  case onnx::TensorProto::DOUBLE:
    return Float64Type::get(context);
  case onnx::TensorProto::UINT32:
    return integer(32, true);
  case onnx::TensorProto::UINT64:
    return integer(64, true);
  case onnx::TensorProto::COMPLEX64:
    return ComplexType::get(Float32Type::get(context));
  case onnx::TensorProto::COMPLEX128:
    return ComplexType::get(Float64Type::get(context));
  case onnx::TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case onnx::TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case onnx::TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case onnx::TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case onnx::TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case onnx::TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case onnx::TensorProto::UINT4:
    return integer(4, true);
  case onnx::TensorProto::INT4:
    return integer(4);
  case onnx::TensorProto::UINT2:
    return integer(2, true);
  case onnx::TensorProto::INT2:
    return integer(2);
  case onnx::TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case onnx::TensorProto::FLOAT6E2M3:
    return Float6E2M3FNType::get(context);
  case onnx::TensorProto::FLOAT6E3M2:
    return Float6E3M2FNType::get(context);
  default:
    return nullptr;
  }
}

int dataTypeOf(Type type) {
  for (int dataType = 1; dataType < onnx::TensorProto::DataType_ARRAYSIZE; ++dataType)
    if (elementType(type.getContext(), dataType) == type)
      return dataType;
  return 0;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Elements as DenseElementsAttr stores them: sub-byte elements a byte each
//===----------------------------------------------------------------------------------------------------------------------===//

using Storage = std::vector<char>;

/// Takes packed sub-byte elements, the first in the low bits, apart.
static Storage unpack(StringRef packed, int64_t elements, unsigned bits) {
  Storage storage(elements);
  for (int64_t i = 0; i < elements; ++i) {
    uint64_t position = uint64_t(i) * bits;
    unsigned value = uint8_t(packed[position / 8]);
    if (position / 8 + 1 < packed.size())
      value |= unsigned(uint8_t(packed[position / 8 + 1])) << 8;
    storage[i] = char(value >> position % 8 & ((1u << bits) - 1));
  }
  return storage;
}

template <typename Values> static void appendEntries(const Values &values, unsigned bytes, Storage &storage) {
  for (auto value : values) {
    char entry[8];
    support::endian::write64le(entry, uint64_t(value));
    storage.insert(storage.end(), entry, entry + bytes);
  }
}

template <typename Values> static Storage copyOf(const Values &values) {
  const char *bytes = reinterpret_cast<const char *>(values.data());
  return Storage(bytes, bytes + values.size() * sizeof(*values.data()));
}

/// Elements that are in a typed field of the message.
static Storage readTyped(const onnx::TensorProto &tensor, const ElementFormat &format, int64_t elements) {
  Storage storage;
  switch (format.field) {
  case ElementFormat::Floats:
    return copyOf(tensor.float_data());
  case ElementFormat::Doubles:
    return copyOf(tensor.double_data());
  case ElementFormat::Int64s:
    return copyOf(tensor.int64_data());
  case ElementFormat::UInt64s:
    appendEntries(tensor.uint64_data(), format.bits / 8, storage);
    return storage;
  case ElementFormat::Int32s:
    appendEntries(tensor.int32_data(), std::max(format.bits / 8, 1u), storage);
    if (format.perEntry > 1)
      return unpack({storage.data(), storage.size()}, elements, format.bits);
    if (format.bits < 8)
      for (char &element : storage)
        element &= (1 << format.bits) - 1;
    return storage;
  case ElementFormat::Strings:
    return storage;
  }
  return storage;
}

/// The elements of a tensor of numbers; nothing when a file no longer has them.
static std::optional<Storage> readStorage(const onnx::TensorProto &tensor, const ElementFormat &format,
                                          int64_t elements, SourceFiles &files) {
  StringRef raw = tensor.raw_data();
  if (std::optional<TensorBytes> located = bytesInFile(tensor, files)) {
    FileError error;
    std::optional<StringRef> bytes = files.read(located->file, located->offset, located->length, error);
    if (!bytes)
      return std::nullopt;
    raw = *bytes;
  } else if (raw.empty()) {
    return readTyped(tensor, format, elements);
  }
  if (format.bits < 8)
    return unpack(raw, elements, format.bits);
  return Storage(raw.begin(), raw.end());
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------------------------------------------------------===//

static DenseElementsAttr toAttribute(RankedTensorType type, const Storage &storage) {
  if (type.getElementType().isInteger(1)) { // any byte that is not 0 is true; MLIR packs its bits
    auto bools = llvm::map_to_vector(storage, [](char byte) { return byte != 0; });
    return DenseElementsAttr::get(type, ArrayRef<bool>(bools));
  }
  return DenseElementsAttr::getFromRawBuffer(type, storage);
}

DenseElementsAttr readTensor(MLIRContext *context, const onnx::TensorProto &tensor, SourceFiles &files) {
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  auto type = RankedTensorType::get(dims, elementType(context, tensor.data_type()));
  const ElementFormat &format = *elementFormat(tensor.data_type());
  if (format.field == ElementFormat::Strings) {
    auto texts = llvm::map_to_vector(tensor.string_data(), [](const std::string &text) { return StringRef(text); });
    return DenseElementsAttr::get(type, ArrayRef<StringRef>(texts));
  }
  std::optional<Storage> storage = readStorage(tensor, format, type.getNumElements(), files);
  return storage ? toAttribute(type, *storage) : DenseElementsAttr();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sparse tensors
//===----------------------------------------------------------------------------------------------------------------------===//

/// The position in row-major order of each value: ascending, inside the tensor. `problem` says what is wrong.
static std::optional<std::vector<int64_t>> sparsePositions(const onnx::SparseTensorProto &tensor, int64_t elements,
                                                           SourceFiles &files, std::string &problem) {
  const onnx::TensorProto &indices = tensor.indices();
  int64_t count = tensor.values().dims(0), rank = tensor.dims_size();
  bool flat = indices.dims_size() == 1;
  if (indices.data_type() != onnx::TensorProto::INT64 ||
      !(flat || (indices.dims_size() == 2 && indices.dims(1) == rank)) || indices.dims(0) != count) {
    problem = "indices must be int64 of the shape [" + std::to_string(count) + "] or [" + std::to_string(count) + ", " +
              std::to_string(rank) + "]";
    return std::nullopt;
  }
  int64_t perValue = flat ? 1 : rank;
  std::optional<Storage> storage = readStorage(indices, *elementFormat(indices.data_type()), count * perValue, files);
  std::vector<int64_t> positions;
  int64_t previous = -1;
  for (int64_t i = 0; storage && i < count; ++i) {
    int64_t position = 0;
    for (int64_t j = 0; j < perValue; ++j) {
      auto index = int64_t(support::endian::read64le(storage->data() + (i * perValue + j) * 8));
      int64_t size = flat ? elements : tensor.dims(j);
      if (index < 0 || index >= size) {
        problem = "index " + std::to_string(index) + " of value " + std::to_string(i) + " is outside the tensor";
        return std::nullopt;
      }
      position = flat ? index : position * size + index;
    }
    if (position <= previous) {
      problem = "indices are not in ascending order at value " + std::to_string(i);
      return std::nullopt;
    }
    positions.push_back(previous = position);
  }
  return positions;
}

void checkSparseTensor(const onnx::SparseTensorProto &tensor, const Twine &place, SourceFiles &files,
                       Reporter &reporter) {
  size_t before = reporter.problemCount();
  checkTensor(tensor.values(), place, files, reporter);
  if (tensor.has_indices())
    checkTensor(tensor.indices(), place, files, reporter);
  if (reporter.problemCount() != before)
    return;
  auto bad = [&](const Twine &message) { reporter.error(DiagnosticCode::BadSparseTensor, place, message); };
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  const ElementFormat &format = *elementFormat(tensor.values().data_type());
  if (format.field == ElementFormat::Strings)
    return bad("sparse tensors hold numbers only");
  if (dims.empty() || llvm::any_of(dims, [](int64_t dim) { return dim <= 0; }))
    return bad("sparse tensors need at least one dim, and sizes above 0");
  std::optional<int64_t> elements = countElements(dims, format.bits);
  if (!elements || *elements * int64_t(std::max(format.bits / 8, 1u)) > kMaxSparseBytes) {
    reporter.error(DiagnosticCode::TensorTooLarge, place, "the sparse tensor is too large")
        .note("sparse tensors are stored densely, up to " + Twine(kMaxSparseBytes) + " bytes");
    return;
  }
  if (tensor.values().dims_size() != 1)
    return bad("the values of a sparse tensor must have one dim");
  if (!tensor.has_indices() && tensor.values().dims(0) != 0)
    return bad("the sparse tensor has values without indices");
  std::string problem;
  if (tensor.has_indices() && !sparsePositions(tensor, *elements, files, problem))
    bad(problem);
}

DenseElementsAttr readSparseTensor(MLIRContext *context, const onnx::SparseTensorProto &tensor, SourceFiles &files) {
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  const onnx::TensorProto &values = tensor.values();
  auto type = RankedTensorType::get(dims, elementType(context, values.data_type()));
  const ElementFormat &format = *elementFormat(values.data_type());
  std::optional<Storage> storage = readStorage(values, format, values.dims(0), files);
  std::string problem;
  auto positions =
      tensor.has_indices() ? sparsePositions(tensor, type.getNumElements(), files, problem) : std::vector<int64_t>{};
  unsigned bytes = std::max(format.bits / 8, 1u);
  if (!storage || !positions || storage->size() != positions->size() * bytes)
    return nullptr;
  Storage dense(type.getNumElements() * bytes, 0);
  for (auto [i, position] : llvm::enumerate(*positions))
    std::copy_n(storage->data() + i * bytes, bytes, dense.data() + position * bytes);
  return toAttribute(type, dense);
}

} // namespace nncc::import
