//===- CheckTensors.cpp - whether the data of a tensor fits its type and shape --------------------------------------------===//

#include "Tensors.h"
#include "WireScan.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace nncc::import {

const ElementFormat *elementFormat(int dataType) {
  using F = ElementFormat;
  static constexpr ElementFormat kFormats[] = {
      {F::Floats, 0, 0, 0, nullptr}, // UNDEFINED
      {F::Floats, 32, 1, 1, "float"},        {F::Int32s, 8, 1, 1, "uint8"},
      {F::Int32s, 8, 1, 1, "int8"},          {F::Int32s, 16, 1, 1, "uint16"},
      {F::Int32s, 16, 1, 1, "int16"},        {F::Int32s, 32, 1, 1, "int32"},
      {F::Int64s, 64, 1, 1, "int64"},        {F::Strings, 0, 1, 1, "string"},
      {F::Int32s, 8, 1, 1, "bool"},          {F::Int32s, 16, 1, 1, "float16"},
      {F::Doubles, 64, 1, 1, "double"},      {F::UInt64s, 32, 1, 1, "uint32"},
      {F::UInt64s, 64, 1, 1, "uint64"},      {F::Floats, 64, 1, 2, "complex64"},
      {F::Doubles, 128, 1, 2, "complex128"}, {F::Int32s, 16, 1, 1, "bfloat16"},
      {F::Int32s, 8, 1, 1, "float8e4m3fn"},  {F::Int32s, 8, 1, 1, "float8e4m3fnuz"},
      {F::Int32s, 8, 1, 1, "float8e5m2"},    {F::Int32s, 8, 1, 1, "float8e5m2fnuz"},
      {F::Int32s, 4, 2, 1, "uint4"},         {F::Int32s, 4, 2, 1, "int4"},
      {F::Int32s, 4, 2, 1, "float4e2m1"},    {F::Int32s, 8, 1, 1, "float8e8m0"},
      {F::Int32s, 2, 4, 1, "uint2"},         {F::Int32s, 2, 4, 1, "int2"},
      {F::Int32s, 6, 1, 1, "float6e2m3"},    {F::Int32s, 6, 1, 1, "float6e3m2"},
  };
  static_assert(std::size(kFormats) == onnx::TensorProto::DataType_ARRAYSIZE);
  if (dataType <= 0 || dataType >= int(std::size(kFormats)))
    return nullptr;
  return &kFormats[dataType];
}

std::optional<int64_t> countElements(ArrayRef<int64_t> dims, unsigned bits) {
  if (dims.size() > kMaxRank)
    return std::nullopt;
  // MLIR multiplies sizes in order: [2^40, 2^40, 0] must not overflow on the way to 0 either.
  int64_t product = 1, scaled = 0;
  for (int64_t dim : dims)
    if (dim < 0 || (dim != 0 && MulOverflow(product, dim, product)))
      return std::nullopt;
  if (MulOverflow(product, int64_t(std::max(bits, 64u)), scaled))
    return std::nullopt;
  return llvm::is_contained(dims, 0) ? 0 : product;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
struct ExternalReference {
  std::string file;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};
} // namespace

/// Reads the entries of external_data. On a malformed one, `problem` says what is wrong.
static std::optional<ExternalReference> parseExternal(const onnx::TensorProto &tensor, std::string &problem) {
  ExternalReference reference;
  bool hasLocation = false;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    uint64_t number = 0;
    if (entry.key() == "location") {
      reference.file = entry.value();
      hasLocation = true;
    } else if (entry.key() == "offset" || entry.key() == "length") {
      if (StringRef(entry.value()).getAsInteger(10, number) || number > uint64_t(INT64_MAX)) {
        problem = entry.key() + " of external data is '" + entry.value() + "', not a number of bytes";
        return std::nullopt;
      }
      if (entry.key() == "offset")
        reference.offset = number;
      else
        reference.length = number;
    }
  }
  if (hasLocation)
    return reference;
  problem = "external data has no location";
  return std::nullopt;
}

static uint64_t rawBytes(int64_t elements, const ElementFormat &format) {
  return divideCeil(uint64_t(elements) * format.bits, 8);
}

static void checkExternal(const onnx::TensorProto &tensor, uint64_t needed, const Twine &place, SourceFiles &files,
                          Reporter &reporter) {
  std::string problem;
  std::optional<ExternalReference> reference = parseExternal(tensor, problem);
  if (!reference) {
    reporter.error(DiagnosticCode::BadExternalData, place, problem);
    return;
  }
  if (reference->length && *reference->length != needed) {
    reporter.error(DiagnosticCode::BadExternalData, place,
                   "external data has " + Twine(*reference->length) + " bytes, type and shape need " + Twine(needed));
    return;
  }
  FileError error;
  if (!files.read(reference->file, reference->offset, needed, error))
    reporter.fileError(error, place);
}

std::optional<TensorBytes> bytesInFile(const onnx::TensorProto &tensor, SourceFiles &files) {
  if (std::optional<LocatedData> located = locatedData(tensor))
    return TensorBytes{files.modelName().str(), located->offset, located->length};
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL)
    return std::nullopt;
  std::string problem;
  std::optional<ExternalReference> reference = parseExternal(tensor, problem);
  const ElementFormat *format = elementFormat(tensor.data_type());
  std::optional<int64_t> elements =
      format ? countElements({tensor.dims().data(), size_t(tensor.dims_size())}, format->bits) : std::nullopt;
  if (!reference || !elements)
    return std::nullopt;
  return TensorBytes{reference->file, reference->offset, rawBytes(*elements, *format)};
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Data in the model
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
/// How many entries each field has.
struct DataFields {
  explicit DataFields(const onnx::TensorProto &tensor)
      : counts{tensor.float_data_size(), tensor.int32_data_size(),  tensor.string_data_size(),
               tensor.int64_data_size(), tensor.double_data_size(), tensor.uint64_data_size()},
        raw(tensor.raw_data().size()), located(locatedData(tensor)) {
    if (located && located->field == LocatedData::Floats)
      counts[ElementFormat::Floats] += located->length / 4;
    else if (located && located->field == LocatedData::Doubles)
      counts[ElementFormat::Doubles] += located->length / 8;
    else if (located)
      raw += located->length;
  }
  size_t used() const {
    return llvm::count_if(counts, [](int64_t count) { return count != 0; }) + (raw != 0);
  }

  int64_t counts[6];
  uint64_t raw;
  std::optional<LocatedData> located;
};
} // namespace

static constexpr const char *kFieldNames[] = {"float_data", "int32_data",  "string_data",
                                              "int64_data", "double_data", "uint64_data"};

static void checkInline(const onnx::TensorProto &tensor, int64_t elements, const ElementFormat &format,
                        const Twine &place, Reporter &reporter) {
  DataFields fields(tensor);
  auto bad = [&](const Twine &message) { reporter.error(DiagnosticCode::BadTensor, place, message); };
  if (fields.used() > 1)
    return bad("the tensor has data in more than one field");
  if (fields.raw) {
    if (format.field == ElementFormat::Strings)
      return bad("text cannot be in raw_data");
    if (uint64_t needed = rawBytes(elements, format); fields.raw != needed)
      return bad("the tensor has " + Twine(fields.raw) + " bytes of data, type and shape need " + Twine(needed));
    return;
  }
  int64_t needed = divideCeil(uint64_t(elements), format.perEntry) * format.entries;
  for (int field = 0; field < 6; ++field)
    if (fields.counts[field] && field != format.field)
      return bad("elements of type " + Twine(format.name) + " are in " + kFieldNames[field] + " instead of " +
                 kFieldNames[format.field]);
  if (fields.counts[format.field] != needed)
    return bad("the tensor has " + Twine(fields.counts[format.field]) + " entries of " + kFieldNames[format.field] +
               ", type and shape need " + Twine(needed));
  if (fields.located && fields.located->length % (fields.located->field == LocatedData::Floats ? 4 : 8) != 0)
    bad("the tensor's data ends in the middle of an element");
}

void checkTensor(const onnx::TensorProto &tensor, const Twine &place, SourceFiles &files, Reporter &reporter) {
  const ElementFormat *format = elementFormat(tensor.data_type());
  if (!format) {
    reporter.error(DiagnosticCode::BadTensor, place,
                   "the tensor has the unknown element type " + Twine(tensor.data_type()));
    return;
  }
  if (tensor.has_segment()) {
    reporter.error(DiagnosticCode::UnsupportedType, place, "the tensor is stored in segments");
    return;
  }
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  if (const int64_t *negative = llvm::find_if(dims, [](int64_t dim) { return dim < 0; }); negative != dims.end()) {
    reporter.error(DiagnosticCode::BadTensor, place,
                   "dim " + Twine(negative - dims.begin()) + " has the size " + Twine(*negative));
    return;
  }
  std::optional<int64_t> elements = countElements(dims, format->bits);
  if (!elements) {
    reporter.error(DiagnosticCode::TensorTooLarge, place, "the tensor has too many elements or dims")
        .note("at most " + Twine(kMaxRank) + " dims and 2^57 elements are possible");
    return;
  }
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL)
    return checkInline(tensor, *elements, *format, place, reporter);
  if (DataFields(tensor).used())
    reporter.error(DiagnosticCode::BadTensor, place, "the tensor has data in the model besides external data");
  else if (format->field == ElementFormat::Strings)
    reporter.error(DiagnosticCode::BadTensor, place, "text cannot be external data");
  else
    checkExternal(tensor, rawBytes(*elements, *format), place, files, reporter);
}

} // namespace nncc::import
