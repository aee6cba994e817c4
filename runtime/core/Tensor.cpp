//===- Tensor.cpp - element types, sizes and strides ------------------------------------------------------------===//

#include "Tensor.h"
#include <cstring>

namespace nncc::rt {

namespace {
struct ElementType {
  const char *name;
  uint8_t bits, alignment;
};
constexpr ElementType elementTypes[] = {
    {"?", 0, 1},          {"f32", 32, 4},   {"u8", 8, 1},         {"i8", 8, 1},     {"u16", 16, 2},  {"i16", 16, 2},
    {"i32", 32, 4},       {"i64", 64, 8},   {"string", 0, 8},     {"bool", 8, 1},   {"f16", 16, 2},  {"f64", 64, 8},
    {"u32", 32, 4},       {"u64", 64, 8},   {"c64", 64, 4},       {"c128", 128, 8}, {"bf16", 16, 2}, {"f8e4m3fn", 8, 1},
    {"f8e4m3fnuz", 8, 1}, {"f8e5m2", 8, 1}, {"f8e5m2fnuz", 8, 1}, {"u4", 4, 1},     {"i4", 4, 1},    {"f4e2m1", 4, 1},
    {"f8e8m0", 8, 1},     {"u2", 2, 1},     {"i2", 2, 1},
};
constexpr uint32_t numElementTypes = sizeof(elementTypes) / sizeof(elementTypes[0]);
static_assert(numElementTypes == NNCCRT_I2 + 1);

const ElementType &elementType(uint32_t dtype) { return elementTypes[dtype < numElementTypes ? dtype : 0]; }

const char *deviceName(uint32_t kind) {
  return kind == NNCCRT_CPU ? "the CPU" : kind == NNCCRT_CUDA ? "a CUDA device" : "an unknown device";
}
} // namespace

uint32_t elementAlignment(uint32_t dtype) { return elementType(dtype).alignment; }

bool countBytes(const int64_t *dims, uint32_t rank, uint32_t dtype, uint64_t &bytes) {
  int64_t bits = elementType(dtype).bits;
  bool empty = false, overflow = false;
  for (uint32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    empty |= dims[i] == 0;
    overflow |= __builtin_mul_overflow(bits, dims[i], &bits);
  }
  bytes = empty || overflow ? 0 : static_cast<uint64_t>(bits) / 8 + (bits % 8 != 0);
  return empty || !overflow;
}

bool isContiguous(const int64_t *dims, const int64_t *strides, uint32_t rank) {
  if (!strides)
    return true;
  for (uint32_t i = 0; i < rank; ++i)
    if (dims[i] == 0)
      return true;
  int64_t expected = 1;
  for (uint32_t i = rank; i-- > 0;) {
    if (dims[i] != 1 && strides[i] != expected)
      return false;
    expected *= dims[i];
  }
  return true;
}

bool measure(const nnccrt_tensor &tensor, Extent &extent) {
  uint64_t bytes = 0;
  extent = {};
  if (!countBytes(tensor.dims, tensor.rank, tensor.dtype, bytes))
    return false;
  extent.high = static_cast<int64_t>(bytes);
  if (!tensor.strides || !bytes)
    return true;
  int64_t low = 0, high = 0, size = elementType(tensor.dtype).bits / 8;
  bool overflow = false;
  for (uint32_t i = 0; i < tensor.rank; ++i) {
    int64_t reach = 0;
    int64_t &end = tensor.strides[i] < 0 ? low : high;
    overflow |= __builtin_mul_overflow(tensor.dims[i] - 1, tensor.strides[i], &reach) ||
                __builtin_add_overflow(end, reach, &end);
  }
  overflow |= __builtin_mul_overflow(low, size, &extent.low) || __builtin_add_overflow(high, 1, &high) ||
              __builtin_mul_overflow(high, size, &extent.high);
  return !overflow;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Copying
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
constexpr uint32_t maxRank = 64;

/// A copy with its dims merged as far as both sides allow.
struct Copy {
  uint32_t rank = 0;
  int64_t dims[maxRank], source[maxRank], target[maxRank]; // strides in bytes

  void append(int64_t dim, int64_t sourceStride, int64_t targetStride) {
    if (dim == 1)
      return;
    if (rank && source[rank - 1] == sourceStride * dim && target[rank - 1] == targetStride * dim) {
      dims[rank - 1] *= dim;
      source[rank - 1] = sourceStride;
      target[rank - 1] = targetStride;
      return;
    }
    dims[rank] = dim;
    source[rank] = sourceStride;
    target[rank] = targetStride;
    ++rank;
  }

  void run(uint32_t level, const char *from, char *to, size_t size) const {
    if (level == rank) {
      std::memcpy(to, from, size);
      return;
    }
    if (level + 1 == rank && source[level] == static_cast<int64_t>(size) && target[level] == source[level]) {
      std::memcpy(to, from, size * static_cast<size_t>(dims[level]));
      return;
    }
    if (level + 1 == rank) {
      row(level, from, to, size);
      return;
    }
    for (int64_t i = 0; i < dims[level]; ++i)
      run(level + 1, from + i * source[level], to + i * target[level], size);
  }

  void row(uint32_t level, const char *from, char *to, size_t size) const {
    switch (size) { // a constant size makes each copy one move
    case 1:
      return elements<1>(level, from, to);
    case 2:
      return elements<2>(level, from, to);
    case 4:
      return elements<4>(level, from, to);
    case 8:
      return elements<8>(level, from, to);
    default:
      return elements<16>(level, from, to);
    }
  }

  template <size_t size> void elements(uint32_t level, const char *from, char *to) const {
    for (int64_t i = 0; i < dims[level]; ++i)
      std::memcpy(to + i * target[level], from + i * source[level], size);
  }
};
} // namespace

void copyElements(const int64_t *dims, uint32_t rank, uint32_t dtype, const void *source, const int64_t *sourceStrides,
                  void *target, const int64_t *targetStrides) {
  int64_t size = elementType(dtype).bits / 8;
  int64_t packed[maxRank], elements = 1;
  for (uint32_t i = rank; i-- > 0;) {
    if (dims[i] == 0)
      return;
    packed[i] = elements;
    elements *= dims[i];
  }
  Copy copy;
  for (uint32_t i = 0; i < rank; ++i)
    copy.append(dims[i], (sourceStrides ? sourceStrides : packed)[i] * size,
                (targetStrides ? targetStrides : packed)[i] * size);
  copy.run(0, static_cast<const char *>(source), static_cast<char *>(target), static_cast<size_t>(size));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------------------------------------------------------===//

bool checkTensorSize(const nnccrt_tensor *tensor, Report &report) {
  if (!tensor)
    return report.fail(NNCCRT_INVALID, "the tensor is a null pointer");
  if (tensor->size != sizeof(nnccrt_tensor))
    return report.fail(NNCCRT_INVALID, "nnccrt_tensor.size is %u: set it to sizeof(nnccrt_tensor), which is %zu here",
                       tensor->size, sizeof(nnccrt_tensor));
  return true;
}

static bool checkDims(const nnccrt_tensor &tensor, const ValueName &name, Report &report) {
  const nnccrt_value &value = name.value;
  if (tensor.rank != value.rank)
    return report.fail(NNCCRT_MISMATCH, "%s '%.160s' rank: expected %u, got %u", name.what, value.name, value.rank,
                       tensor.rank);
  if (tensor.rank && !tensor.dims)
    return report.fail(NNCCRT_INVALID, "%s '%.160s' has no dims: nnccrt_tensor.dims is a null pointer", name.what,
                       value.name);
  for (uint32_t i = 0; i < value.rank; ++i) {
    long long got = tensor.dims[i], expected = value.dims[i].size;
    if (got < 0)
      return report.fail(NNCCRT_MISMATCH, "%s '%.160s' dim %u: %lld is negative", name.what, value.name, i, got);
    if (expected >= 0 && got != expected)
      return report.fail(NNCCRT_MISMATCH, "%s '%.160s' dim %u: expected %lld, got %lld", name.what, value.name, i,
                         expected, got);
  }
  return true;
}

static bool checkMemory(const nnccrt_tensor &tensor, const ValueName &name, Report &report) {
  const char *what = name.what, *id = name.value.name;
  Extent extent;
  if (!measure(tensor, extent))
    return report.fail(NNCCRT_MISMATCH, "%s '%.160s': its dims and strides take more than 2^63 bytes", what, id);
  if (extent.high == extent.low)
    return true;
  if (!tensor.data)
    return report.fail(NNCCRT_INVALID, "%s '%.160s': nnccrt_tensor.data is a null pointer", what, id);
  uint32_t alignment = elementAlignment(tensor.dtype);
  if (reinterpret_cast<uintptr_t>(tensor.data) % alignment)
    return report.fail(NNCCRT_MISMATCH, "%s '%.160s': address %p is not aligned to %u bytes, its element type %s", what,
                       id, tensor.data, alignment, nnccrt_dtype_name(tensor.dtype));
  if (tensor.capacity && static_cast<uint64_t>(extent.high) > tensor.capacity)
    return report.failNeeding(NNCCRT_TOO_SMALL, static_cast<uint64_t>(extent.high),
                              "%s '%.160s': its dims take %lld bytes, its capacity is %llu", what, id,
                              static_cast<long long>(extent.high), static_cast<unsigned long long>(tensor.capacity));
  return true;
}

/// Whether the program can use what lies there.
static bool checkDevice(const nnccrt_tensor &tensor, const ValueName &name, int32_t device, Report &report) {
  uint32_t kind = tensor.device_kind ? tensor.device_kind : static_cast<uint32_t>(NNCCRT_CPU);
  if (kind == NNCCRT_CPU)
    return true;
  if (device < 0 || kind != NNCCRT_CUDA)
    return report.fail(NNCCRT_UNSUPPORTED, "%s '%.160s' lies on %s, the model runs on %s", name.what, name.value.name,
                       deviceName(kind), deviceName(device < 0 ? NNCCRT_CPU : NNCCRT_CUDA));
  if (tensor.device_index != static_cast<uint32_t>(device))
    return report.fail(NNCCRT_MISMATCH, "%s '%.160s' lies on CUDA device %u, the model runs on CUDA device %d",
                       name.what, name.value.name, tensor.device_index, device);
  return isContiguous(tensor.dims, tensor.strides, tensor.rank) ||
         report.fail(NNCCRT_UNSUPPORTED,
                     "%s '%.160s': strides of a tensor on a device: only those on the host may have "
                     "gaps",
                     name.what, name.value.name);
}

bool checkTensor(const nnccrt_tensor &tensor, const ValueName &name, bool anyDims, int32_t device, Report &report) {
  const nnccrt_value &value = name.value;
  if (!checkTensorSize(&tensor, report))
    return false;
  if (tensor.kind != NNCCRT_TENSOR)
    return report.fail(NNCCRT_UNSUPPORTED, "%s '%.160s': this runtime takes tensors only, not a value of kind %u",
                       name.what, value.name, tensor.kind);
  if (!checkDevice(tensor, name, device, report))
    return false;
  if (tensor.dtype != value.dtype)
    return report.fail(NNCCRT_MISMATCH, "%s '%.160s' dtype: expected %s, got %s", name.what, value.name,
                       nnccrt_dtype_name(value.dtype), nnccrt_dtype_name(tensor.dtype));
  if (anyDims) {
    uint32_t alignment = elementAlignment(tensor.dtype);
    if (tensor.capacity && !tensor.data)
      return report.fail(NNCCRT_INVALID, "%s '%.160s': nnccrt_tensor.data is a null pointer", name.what, value.name);
    if (reinterpret_cast<uintptr_t>(tensor.data) % alignment)
      return report.fail(NNCCRT_MISMATCH, "%s '%.160s': address %p is not aligned to %u bytes, its element type %s",
                         name.what, value.name, tensor.data, alignment, nnccrt_dtype_name(tensor.dtype));
    return true;
  }
  if (!checkDims(tensor, name, report))
    return false;
  if (!isContiguous(tensor.dims, tensor.strides, tensor.rank) && elementType(tensor.dtype).bits % 8)
    return report.fail(NNCCRT_UNSUPPORTED, "%s '%.160s': strides of packed %s elements", name.what, value.name,
                       nnccrt_dtype_name(tensor.dtype));
  return checkMemory(tensor, name, report);
}

} // namespace nncc::rt

uint32_t nnccrt_dtype_bits(uint32_t dtype) { return nncc::rt::elementType(dtype).bits; }

const char *nnccrt_dtype_name(uint32_t dtype) { return nncc::rt::elementType(dtype).name; }
