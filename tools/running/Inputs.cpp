//===- Inputs.cpp - tensors for a model's inputs --------------------------------------------------------------------------===//

#include "Inputs.h"
#include "nncc/Support/OutputFile.h"
#include "nnccrt/nnccrt.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <random>
#include <unistd.h>

using llvm::StringRef;

namespace nncc {

using Symbols = llvm::StringMap<int64_t>;

/// The sizes of an input when symbols have these values (1 where there is none).
static std::vector<int64_t> inputDims(const nnccrt_model &model, const nnccrt_value &value, const Symbols &symbols) {
  std::vector<int64_t> dims;
  for (uint32_t i = 0; i < value.rank; ++i) {
    const nnccrt_dim &dim = value.dims[i];
    int64_t size = dim.size;
    if (dim.symbol >= 0) {
      auto found = symbols.find(model.symbols[dim.symbol]);
      size = found == symbols.end() ? 1 : found->second;
    }
    dims.push_back(size < 0 ? 1 : size);
  }
  return dims;
}

/// Bytes of so many elements; nothing on overflow or for text.
static std::optional<int64_t> bytesFor(uint32_t dtype, llvm::ArrayRef<int64_t> dims) {
  int64_t bits = nnccrt_dtype_bits(dtype);
  for (int64_t dim : dims)
    if (dim < 0 || llvm::MulOverflow(bits, dim, bits))
      return std::nullopt;
  return bits           ? std::optional<int64_t>(llvm::divideCeil(bits, 8))
         : dims.empty() ? std::nullopt
                        : std::optional<int64_t>(0);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// NumPy
//===----------------------------------------------------------------------------------------------------------------------===//

static constexpr std::pair<StringRef, uint32_t> kNumpyTypes[] = {
    {"<f4", NNCCRT_F32}, {"<f8", NNCCRT_F64},  {"<f2", NNCCRT_F16}, {"|i1", NNCCRT_I8},   {"<i2", NNCCRT_I16},
    {"<i4", NNCCRT_I32}, {"<i8", NNCCRT_I64},  {"|u1", NNCCRT_U8},  {"<u2", NNCCRT_U16},  {"<u4", NNCCRT_U32},
    {"<u8", NNCCRT_U64}, {"|b1", NNCCRT_BOOL}, {"<c8", NNCCRT_C64}, {"<c16", NNCCRT_C128}};

/// The text behind `key` in the header, a Python dict.
static StringRef headerField(StringRef header, StringRef key) {
  StringRef rest = header.split(key).second;
  return rest.split(':').second.ltrim();
}

static llvm::Expected<import::TensorData> parseNpy(StringRef bytes, StringRef path) {
  auto bad = [&](const llvm::Twine &why) { return llvm::createStringError(path + ": " + why); };
  if (bytes.size() < 12 || !bytes.starts_with("\x93NUMPY"))
    return bad("not a .npy file");
  unsigned version = static_cast<unsigned char>(bytes[6]);
  size_t lengthBytes = version == 1 ? 2 : 4;
  size_t length = version == 1 ? llvm::support::endian::read16le(bytes.data() + 8)
                               : llvm::support::endian::read32le(bytes.data() + 8);
  if (bytes.size() < 8 + lengthBytes + length)
    return bad("truncated");
  StringRef header = bytes.substr(8 + lengthBytes, length), data = bytes.drop_front(8 + lengthBytes + length);
  StringRef type = headerField(header, "'descr'");
  type = type.starts_with("'") ? type.drop_front().split('\'').first : "";
  import::TensorData tensor;
  for (auto [name, dtype] : kNumpyTypes)
    if (name == type)
      tensor.dtype = dtype;
  if (!tensor.dtype)
    return bad("the type '" + type + "' is not supported");
  if (headerField(header, "'fortran_order'").starts_with("True"))
    return bad("column-major arrays are not supported; save numpy.ascontiguousarray of it");
  llvm::SmallVector<StringRef> sizes;
  headerField(header, "'shape'").drop_front().split(')').first.split(sizes, ',', -1, /*KeepEmpty=*/false);
  for (StringRef size : sizes) {
    int64_t value = 0;
    if (size.trim().empty())
      continue;
    if (size.trim().getAsInteger(10, value))
      return bad("malformed shape");
    tensor.dims.push_back(value);
  }
  std::optional<int64_t> needed = bytesFor(tensor.dtype, tensor.dims);
  if (!needed || int64_t(data.size()) != *needed)
    return bad("the data does not fit the shape");
  tensor.bytes.assign(data.begin(), data.end());
  return tensor;
}

llvm::Error writeNpy(StringRef path, const import::TensorData &tensor) {
  StringRef type;
  for (auto [name, dtype] : kNumpyTypes)
    if (dtype == tensor.dtype)
      type = name;
  if (type.empty())
    return llvm::createStringError(path + ": NumPy has no type " + nnccrt_dtype_name(tensor.dtype) +
                                   "; use --output-format=pb");
  std::string shape;
  for (int64_t dim : tensor.dims)
    shape += std::to_string(dim) + ", ";
  std::string header = "{'descr': '" + type.str() + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  return writeOutputFile(path, [&](llvm::raw_pwrite_stream &os) {
    os << StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 0xff) << char(header.size() >> 8) << header
       << StringRef(tensor.bytes.data(), tensor.bytes.size());
    return llvm::Error::success();
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Any file, or none
//===----------------------------------------------------------------------------------------------------------------------===//

static llvm::Expected<import::TensorData> readInput(StringRef path, const nnccrt_model &model,
                                                    const nnccrt_value &value, const Symbols &symbols) {
  if (path.ends_with(".pb"))
    return import::readTensorFile(path);
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  if (path.ends_with(".npy"))
    return parseNpy(bytes, path);
  import::TensorData tensor;
  tensor.dtype = value.dtype;
  tensor.dims = inputDims(model, value, symbols);
  std::optional<int64_t> needed = bytesFor(tensor.dtype, tensor.dims);
  if (!needed || int64_t(bytes.size()) != *needed)
    return llvm::createStringError(path + ": has " + llvm::Twine(bytes.size()) + " bytes, input '" + value.name +
                                   "' takes " + llvm::Twine(needed.value_or(0)) + " (set symbolic sizes by --dim)");
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

/// Whether the machine has so many bytes: a vector of more ends the process.
static bool fitsMemory(int64_t bytes) { return bytes / sysconf(_SC_PAGESIZE) < sysconf(_SC_PHYS_PAGES); }

static llvm::Expected<import::TensorData> makeInput(const nnccrt_model &model, const nnccrt_value &value,
                                                    const Symbols &symbols, uint64_t seed) {
  import::TensorData tensor;
  tensor.dtype = value.dtype;
  tensor.dims = inputDims(model, value, symbols);
  std::optional<int64_t> bytes = bytesFor(tensor.dtype, tensor.dims);
  if (!bytes || !fitsMemory(*bytes))
    return llvm::createStringError("input '" + printable(value.name) + "' (" + describeTensor(tensor) +
                                   ") does not fit into memory (symbolic sizes are set by --dim)");
  tensor.bytes.resize(*bytes);
  std::mt19937_64 random(seed);
  auto fill = [&](auto sample) {
    using T = decltype(sample());
    for (size_t i = 0; i + sizeof(T) <= tensor.bytes.size(); i += sizeof(T)) {
      T element = sample();
      std::memcpy(tensor.bytes.data() + i, &element, sizeof(T));
    }
  };
  // 53 random bits, not std::uniform_real_distribution: the same on every library.
  auto unit = [&] { return double(random() >> 11) * 0x1p-53; };
  switch (value.dtype) {
  case NNCCRT_F32:
  case NNCCRT_C64:
    fill([&] { return float(unit()); });
    break;
  case NNCCRT_F64:
  case NNCCRT_C128:
    fill([&] { return unit(); });
    break;
  case NNCCRT_F16:
    fill([&] { return uint16_t(0x3800 + (random() & 0x3ff)); }); // [0.5, 1)
    break;
  case NNCCRT_BF16:
    fill([&] { return uint16_t(0x3f00 + (random() & 0x7f)); }); // [0.5, 1)
    break;
  case NNCCRT_BOOL:
    fill([&] { return uint8_t(random() & 1); });
    break;
  case NNCCRT_I16:
  case NNCCRT_U16:
    fill([&] { return uint16_t(random() & 7); });
    break;
  case NNCCRT_I32:
  case NNCCRT_U32:
    fill([&] { return uint32_t(random() & 7); });
    break;
  case NNCCRT_I64:
  case NNCCRT_U64:
    fill([&] { return uint64_t(random() & 7); });
    break;
  default:
    fill([&] { return uint8_t(random() & 7); });
  }
  return tensor;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// All inputs of a model
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {

class InputMaker {
public:
  InputMaker(const nnccrt_model &model, StringRef file, Diagnostics &diagnostics)
      : model(model), file(file), diagnostics(diagnostics), tensors(model.num_inputs) {}

  bool readDims(llvm::ArrayRef<std::string> dims) {
    for (StringRef text : dims) {
      auto [name, value] = text.rsplit('=');
      int64_t size = 0;
      if (value.getAsInteger(10, size) || size < 0)
        return error(DiagnosticCode::BadOption, "--dim=" + text + " is not of the form name=8");
      symbols[name] = size;
      if (!llvm::is_contained(llvm::ArrayRef(model.symbols, model.num_symbols), name))
        return error(DiagnosticCode::UnknownSymbol,
                     "--dim=" + text + ": the model's symbolic sizes are " +
                         list(model.num_symbols, [&](uint32_t i) { return model.symbols[i]; }));
    }
    return true;
  }

  bool readTestData(StringRef directory) {
    std::vector<std::string> sets = findDataSets(directory.str());
    if (sets.empty())
      return error(DiagnosticCode::CannotRead, directory + " has no test data");
    for (uint32_t i = 0; i < model.num_inputs; ++i)
      if (!take(i, import::readTensorFile(sets[0] + "/input_" + std::to_string(i) + ".pb")))
        return false;
    return true;
  }

  bool readFiles(llvm::ArrayRef<std::string> inputs) {
    for (StringRef text : inputs) {
      size_t at = text.rfind("=@");
      int64_t index = at == StringRef::npos ? -1 : find(text.take_front(at));
      if (index < 0)
        return error(DiagnosticCode::UnknownInput,
                     "--input=" + text + ": the model's inputs are " +
                         list(model.num_inputs, [&](uint32_t i) { return model.inputs[i].name; }));
      if (!take(index, readInput(text.drop_front(at + 2), model, model.inputs[index], symbols)))
        return false;
    }
    return true;
  }

  std::optional<std::vector<import::TensorData>> complete(llvm::raw_ostream &out) {
    std::vector<import::TensorData> result;
    for (uint32_t i = 0; i < model.num_inputs; ++i) {
      if (!tensors[i]) {
        if (!take(i, makeInput(model, model.inputs[i], symbols, i + 1), DiagnosticCode::RunFailed))
          return std::nullopt;
        out << "input '" << printable(model.inputs[i].name) << "': " << describeTensor(*tensors[i])
            << ", values from a seed\n";
      }
      result.push_back(std::move(*tensors[i]));
    }
    return result;
  }

private:
  bool error(DiagnosticCode code, const llvm::Twine &message) {
    diagnostics.error(code, file, "", message);
    return false;
  }

  bool take(uint32_t index, llvm::Expected<import::TensorData> tensor,
            DiagnosticCode code = DiagnosticCode::CannotRead) {
    if (!tensor)
      return error(code, llvm::toString(tensor.takeError()));
    tensors[index] = std::move(*tensor);
    return true;
  }

  int64_t find(StringRef name) {
    for (uint32_t i = 0; i < model.num_inputs; ++i)
      if (name == model.inputs[i].name || name == model.inputs[i].identifier)
        return i;
    return -1;
  }

  static std::string list(uint32_t count, llvm::function_ref<const char *(uint32_t)> name) {
    std::string names;
    for (uint32_t i = 0; i < count; ++i)
      names += (i ? ", '" : "'") + printable(name(i)) + "'";
    return count ? names : "none";
  }

  const nnccrt_model &model;
  StringRef file;
  Diagnostics &diagnostics;
  Symbols symbols;
  std::vector<std::optional<import::TensorData>> tensors;
};

} // namespace

std::optional<std::vector<import::TensorData>> makeInputs(const nnccrt_model &model, StringRef file,
                                                          const InputOptions &options, llvm::raw_ostream &out,
                                                          Diagnostics &diagnostics) {
  InputMaker maker(model, file, diagnostics);
  if (!maker.readDims(options.dims) ||
      !(options.testData.empty() ? maker.readFiles(options.inputs) : maker.readTestData(options.testData)))
    return std::nullopt;
  return maker.complete(out);
}

std::vector<std::string> findDataSets(const std::string &directory) {
  std::vector<std::string> sets;
  if (llvm::sys::fs::exists(directory + "/input_0.pb") || llvm::sys::fs::exists(directory + "/output_0.pb"))
    return {directory};
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (llvm::sys::path::filename(it->path()).starts_with("test_data_set"))
      sets.push_back(it->path());
  llvm::sort(sets);
  return sets;
}

std::string describeTensor(const import::TensorData &tensor) {
  std::string text = nnccrt_dtype_name(tensor.dtype);
  return text + "[" + llvm::join(llvm::map_range(tensor.dims, [](int64_t dim) { return std::to_string(dim); }), "x") +
         "]";
}

} // namespace nncc
