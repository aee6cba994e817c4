//===- Staging.cpp - inputs, outputs and faults of a run, between host and device -------------------------------===//

#include "Session.h"

namespace nncc::rt::cuda {

bool Session::giveHostOutputs(Report &report) {
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    Slot &slot = context.outputs[i];
    const nnccrt_value &value = model().outputs[i];
    if (!slot.staged || slot.onHost)
      continue;
    uint64_t bytes = 0;
    countBytes(slot.dims, value.rank, value.dtype, bytes);
    if (bytes && slot.strided)
      copyElements(slot.dims, value.rank, value.dtype, slot.staging.data, nullptr, slot.bound.data, slot.boundStrides);
    else if (bytes)
      std::memcpy(slot.bound.data, slot.staging.data, bytes);
    slot.onHost = true;
  }
  return report.ok();
}

bool Session::reserveForOutput(uint32_t index, Report &report) {
  Slot &slot = context.outputs[index];
  const nnccrt_value &value = model().outputs[index];
  uint64_t bytes = 0;
  countBytes(slot.dims, value.rank, value.dtype, bytes);
  const char *before = slot.staging.data;
  bool isReserved = context.staging.reserve(slot.staging, bytes, report);
  if (slot.staging.data != before)
    graphs.forgetCaptures(driver);
  return isReserved;
}

bool Session::fetchOutput(uint32_t index, StreamHandle stream, Report &report) {
  Slot &slot = context.outputs[index];
  const nnccrt_value &value = model().outputs[index];
  uint64_t bytes = 0;
  countBytes(slot.dims, value.rank, value.dtype, bytes);
  if (!reserveForOutput(index, report))
    return false;
  DevicePtr data = reinterpret_cast<DevicePtr>(slot.data);
  Result result = bytes ? driver.copyToHost(slot.staging.data, data, bytes, stream) : kSuccess;
  return !result || device.fail(result, report, "copying output '%.128s' from %s", value.name, device.text);
}

/// Looks at what kernels reported since the last time. The stream is done.
bool Session::checkFaults(Report &report) {
  isPending = false;
  uint64_t bytes = model().num_kernels * sizeof(nnccrt_fault);
  if (!bytes)
    return true;
  if (Result result = driver.copyToHost(hostFaults, faults, bytes, current))
    return device.fail(result, report, "reading the faults of kernels");
  if (!wait(report, "reading the faults of kernels"))
    return false;
  for (uint32_t i = 0; i < model().num_kernels; ++i)
    if (hostFaults[i].code) {
      driver.fill(faults, 0, bytes, current);
      return failFault(model().kernel_infos[i], hostFaults[i], report);
    }
  return true;
}

bool Session::readOutput(uint32_t index, Report &report) {
  Slot &slot = context.outputs[index];
  if (slot.onHost)
    return true;
  if (!synchronize(report)) {
    slot.ready = false;
    return false;
  }
  Current onDevice(device);
  if (!fetchOutput(index, current, report) || !wait(report, "copying an output"))
    return false;
  slot.onHost = true;
  return true;
}

void *Session::takeOutput(uint32_t index, bool &isCopied, Report &report) {
  Slot &slot = context.outputs[index];
  const nnccrt_value &value = model().outputs[index];
  if (!synchronize(report))
    return nullptr;
  if (slot.needsBuffer() && !context.memory.isBorrowed())
    return context.memory.detach(slot.buffer);
  uint64_t bytes = 0;
  countBytes(slot.dims, value.rank, value.dtype, bytes);
  Current onDevice(device);
  DevicePtr data = allocate(bytes);
  if (!data) {
    device.failAllocation(bytes, report);
    return nullptr;
  }
  isCopied = true;
  Result result = bytes ? driver.copyOnDevice(data, reinterpret_cast<DevicePtr>(slot.data), bytes, own) : kSuccess;
  if (result ? device.fail(result, report, "copying output '%.128s'", value.name) : wait(report, "copying an output"))
    return reinterpret_cast<void *>(data); // NOLINT(performance-no-int-to-ptr): the address is the device's
  free(data);
  return nullptr;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Where tensors are
//===----------------------------------------------------------------------------------------------------------------------===//

static bool isDeviceMemory(const Driver &driver, DevicePtr address) {
  unsigned kind = 0;
  return !driver.pointerAttribute(&kind, kMemoryType, address) && kind == kMemoryOfDevice;
}

/// What keeps the program from using an address; null: nothing. Memory of a pool belongs to no context.
static const char *findObstacle(Session &session, const void *data) {
  Current onDevice(session.device);
  const Driver &driver = session.driver;
  DevicePtr address = reinterpret_cast<DevicePtr>(data);
  int ordinal = -1;
  if (!isDeviceMemory(driver, address) || driver.pointerAttribute(&ordinal, kDeviceOrdinal, address) ||
      ordinal != session.device.index)
    return "is not in the memory of";
  ContextHandle owner = nullptr;
  bool isOurs = driver.pointerAttribute(static_cast<void *>(&owner), kOwningContext, address) || !owner ||
                owner == session.device.context;
  return isOurs ? nullptr : "belongs to another CUDA context than the primary one of";
}

/// What a host may copy from or to: not what only a GPU sees.
static bool isHostAddress(Session &session, const void *data) {
  Current onDevice(session.device);
  DevicePtr address = reinterpret_cast<DevicePtr>(data);
  unsigned isManaged = 0;
  return !isDeviceMemory(session.driver, address) ||
         (!session.driver.pointerAttribute(&isManaged, kIsManaged, address) && isManaged);
}

bool checkAddress(nnccrt_context &context, const nnccrt_tensor &tensor, const ValueName &name, Report &report) {
  Session &session = *context.session;
  if (!tensor.data)
    return true;
  if (tensor.device_kind != NNCCRT_CUDA)
    return isHostAddress(session, tensor.data) ||
           report.fail(NNCCRT_MISMATCH,
                       "%s '%.160s': address %p is in the memory of a GPU, nnccrt_tensor.device_kind says the CPU's",
                       name.what, name.value.name, tensor.data);
  const char *obstacle = findObstacle(session, tensor.data);
  return !obstacle || report.fail(NNCCRT_MISMATCH, "%s '%.160s': address %p %s %s", name.what, name.value.name,
                                  tensor.data, obstacle, session.device.text);
}

bool checkWorkspace(nnccrt_context &context, const void *data, Report &report) {
  const char *obstacle = findObstacle(*context.session, data);
  return !obstacle ||
         report.fail(NNCCRT_MISMATCH, "the workspace at %p %s %s", data, obstacle, context.session->device.text);
}

} // namespace nncc::rt::cuda
