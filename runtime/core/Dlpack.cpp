//===- Dlpack.cpp - tensors in and out by the DLPack ABI --------------------------------------------------------===//
///
/// \file
/// The structs of DLPack 0.8 (unversioned) and 1.x, as https://dmlc.github.io/dlpack/latest/c_api.html lays them out, under names of our
/// own, so that an application may include <dlpack/dlpack.h> itself.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Context.h"

using namespace nncc::rt;

namespace nncc::rt {
namespace {
struct DlTensor {
  void *data;
  int32_t deviceType, deviceId;
  int32_t rank;
  uint8_t typeCode, typeBits;
  uint16_t typeLanes;
  int64_t *dims, *strides;
  uint64_t byteOffset;
};

struct Managed {
  DlTensor tensor;
  void *owner;
  void (*deleter)(DLManagedTensor *);
};

struct ManagedVersioned {
  uint32_t major, minor;
  void *owner;
  void (*deleter)(DLManagedTensorVersioned *);
  uint64_t flags;
  DlTensor tensor;
};

enum : uint32_t { kMajor = 1, kMinor = 1 };
constexpr uint64_t kIsCopied = 2;
enum : int32_t { kPageLocked = 3, kManaged = 13 }; // device types of CUDA beside NNCCRT_CUDA

/// What a tensor owns that a context gave away: memory of the host, or of the program's device.
struct Owner {
  void *data;
  nnccrt_program *program; ///< null: of the host
};

struct TypeCode {
  uint32_t dtype;
  uint8_t code, bits;
};
constexpr TypeCode typeCodes[] = {
    {NNCCRT_I8, 0, 8},          {NNCCRT_I16, 0, 16},    {NNCCRT_I32, 0, 32},        {NNCCRT_I64, 0, 64},
    {NNCCRT_U8, 1, 8},          {NNCCRT_U16, 1, 16},    {NNCCRT_U32, 1, 32},        {NNCCRT_U64, 1, 64},
    {NNCCRT_F16, 2, 16},        {NNCCRT_F32, 2, 32},    {NNCCRT_F64, 2, 64},        {NNCCRT_BF16, 4, 16},
    {NNCCRT_C64, 5, 64},        {NNCCRT_C128, 5, 128},  {NNCCRT_BOOL, 6, 8},        {NNCCRT_F8E4M3FN, 10, 8},
    {NNCCRT_F8E4M3FNUZ, 11, 8}, {NNCCRT_F8E5M2, 12, 8}, {NNCCRT_F8E5M2FNUZ, 13, 8}, {NNCCRT_F8E8M0, 14, 8},
};
} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// In
//===----------------------------------------------------------------------------------------------------------------------===//

static bool read(const DlTensor &source, nnccrt_tensor *tensor, Report &report) {
  if (!checkTensorSize(tensor, report))
    return false;
  uint32_t dtype = 0;
  for (const TypeCode &type : typeCodes)
    if (type.code == source.typeCode && type.bits == source.typeBits && source.typeLanes == 1)
      dtype = type.dtype;
  if (!dtype)
    return report.fail(NNCCRT_UNSUPPORTED, "DLPack type code %u, %u bits, %u lanes is no element type of ONNX",
                       source.typeCode, source.typeBits, source.typeLanes);
  if (source.rank < 0)
    return report.fail(NNCCRT_INVALID, "the DLPack tensor has %d dims", source.rank);
  *tensor = {};
  tensor->size = sizeof(*tensor);
  tensor->dtype = dtype;
  tensor->rank = static_cast<uint32_t>(source.rank);
  tensor->dims = source.dims;
  tensor->strides = source.strides;
  tensor->data = source.data ? static_cast<char *>(source.data) + source.byteOffset : nullptr;
  tensor->device_kind = source.deviceType == kPageLocked ? static_cast<uint32_t>(NNCCRT_CPU)
                        : source.deviceType == kManaged  ? static_cast<uint32_t>(NNCCRT_CUDA)
                                                         : static_cast<uint32_t>(source.deviceType);
  tensor->device_index = static_cast<uint32_t>(source.deviceId);
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Out
//===----------------------------------------------------------------------------------------------------------------------===//

/// Of the type that the caller knows.
template <typename M, typename Public> static void destroyManaged(Public *given) {
  M *managed = reinterpret_cast<M *>(given);
  Owner *owner = static_cast<Owner *>(managed->owner);
  if (owner->program) {
    cuda::release(owner->program->device, owner->data);
    nnccrt_unload(owner->program);
  } else {
    os::free(owner->data);
  }
  std::free(managed);
}

/// Takes the output's buffer from the context, or copies what is not the heap's.
static void *takeBuffer(nnccrt_context &context, uint32_t index, bool &isCopied, Report &report) {
  if (context.session)
    return cuda::takeOutput(context, index, isCopied, report);
  Slot &slot = context.outputs[index];
  const nnccrt_value &value = context.model().outputs[index];
  if (!slot.isBound && !context.memory.isBorrowed())
    return context.memory.detach(slot.buffer);
  uint64_t bytes = 0;
  countBytes(slot.dims, value.rank, value.dtype, bytes);
  char *copy = static_cast<char *>(os::allocate(bytes));
  if (!copy) {
    report.failNoMemory(bytes);
    return nullptr;
  }
  isCopied = true;
  if (bytes)
    std::memcpy(copy, slot.data, bytes);
  return copy;
}

/// `M` with the output in it; null: reported.
template <typename M> static M *write(nnccrt_context *context, uint32_t index, bool &isCopied, Report &report) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  if (!(context->session ? context->getDeviceOutput(index, &tensor, report)
                         : context->getOutput(index, &tensor, report)))
    return nullptr;
  TypeCode type = {};
  for (const TypeCode &candidate : typeCodes)
    if (candidate.dtype == tensor.dtype)
      type = candidate;
  if (!type.bits) {
    report.fail(NNCCRT_UNSUPPORTED, "DLPack has no element type for %s", nnccrt_dtype_name(tensor.dtype));
    return nullptr;
  }
  uint64_t bytes = sizeof(M) + sizeof(Owner) + 2 * tensor.rank * sizeof(int64_t);
  void *memory = std::malloc(bytes);
  void *data = memory ? takeBuffer(*context, index, isCopied, report) : nullptr;
  if (!data) {
    std::free(memory);
    if (!memory)
      report.failNoMemory(bytes);
    return nullptr;
  }
  M *managed = new (memory) M{};
  Owner *owner = new (managed + 1) Owner{data, context->session ? &context->program : nullptr};
  if (owner->program)
    owner->program->shares.fetch_add(1, std::memory_order_relaxed);
  int64_t *dims = reinterpret_cast<int64_t *>(owner + 1), *strides = dims + tensor.rank;
  int64_t stride = 1;
  for (uint32_t i = tensor.rank; i-- > 0;) {
    dims[i] = tensor.dims[i];
    strides[i] = stride;
    stride *= dims[i];
  }
  bool isOnDevice = tensor.device_kind == NNCCRT_CUDA;
  managed->tensor = {data,
                     isOnDevice ? NNCCRT_CUDA : NNCCRT_CPU,
                     static_cast<int32_t>(tensor.device_index),
                     static_cast<int32_t>(tensor.rank),
                     type.code,
                     type.bits,
                     1,
                     dims,
                     strides,
                     0};
  managed->owner = owner;
  managed->deleter = destroyManaged<M>;
  context->outputs[index].ready = false;
  return managed;
}

/// The checks around `write`.
template <typename M>
static M *give(nnccrt_context *context, uint32_t index, bool hasPlace, bool &isCopied, Report &report) {
  if (context && hasPlace)
    return write<M>(context, index, isCopied, report);
  report.fail(NNCCRT_INVALID, "%s is a null pointer", context ? "the place for the tensor" : "the context");
  return nullptr;
}

} // namespace nncc::rt

nnccrt_code nnccrt_from_dlpack(const DLManagedTensor *source, nnccrt_tensor *tensor, nnccrt_status *status) {
  Report report(status);
  if (!source)
    report.fail(NNCCRT_INVALID, "the DLPack tensor is a null pointer");
  else
    read(reinterpret_cast<const Managed *>(source)->tensor, tensor, report);
  return report.code();
}

nnccrt_code nnccrt_from_dlpack_versioned(const DLManagedTensorVersioned *source, nnccrt_tensor *tensor,
                                         nnccrt_status *status) {
  Report report(status);
  const auto *managed = reinterpret_cast<const ManagedVersioned *>(source);
  if (!source)
    report.fail(NNCCRT_INVALID, "the DLPack tensor is a null pointer");
  else if (managed->major != kMajor)
    report.fail(NNCCRT_UNSUPPORTED, "the tensor is of DLPack %u.%u, this runtime (" NNCCRT_VERSION ") knows %u.x",
                managed->major, managed->minor, static_cast<uint32_t>(kMajor));
  else
    read(managed->tensor, tensor, report);
  return report.code();
}

nnccrt_code nnccrt_output_to_dlpack(nnccrt_context *context, uint32_t index, DLManagedTensor **result,
                                    nnccrt_status *status) {
  Report report(status);
  bool isCopied = false;
  Managed *managed = give<Managed>(context, index, result != nullptr, isCopied, report);
  if (result)
    *result = reinterpret_cast<DLManagedTensor *>(managed);
  return report.code();
}

nnccrt_code nnccrt_output_to_dlpack_versioned(nnccrt_context *context, uint32_t index,
                                              DLManagedTensorVersioned **result, nnccrt_status *status) {
  Report report(status);
  bool isCopied = false;
  ManagedVersioned *managed = give<ManagedVersioned>(context, index, result != nullptr, isCopied, report);
  if (managed) {
    managed->major = kMajor;
    managed->minor = kMinor;
    managed->flags = isCopied ? kIsCopied : 0;
  }
  if (result)
    *result = reinterpret_cast<DLManagedTensorVersioned *>(managed);
  return report.code();
}
