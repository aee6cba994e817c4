//===- Outputs.cpp - what a run gives, and how it ends ----------------------------------------------------------===//

#include "Run.h"
#include <cstdio>

namespace nncc::rt {

/// Output `index` will be written while inputs are still read, so it must lie apart from all of them.
static bool checkAliases(nnccrt_context &context, uint32_t index, uint64_t bytes, Report &report) {
  const char *name = context.model().outputs[index].name;
  Slot &slot = context.outputs[index];
  const char *data = static_cast<const char *>(slot.bound.data);
  Extent extent{0, static_cast<int64_t>(bytes)};
  if (slot.strided && measure(slot.bound, extent)) {
    data += extent.low;
    bytes = static_cast<uint64_t>(extent.high - extent.low);
  }
  for (uint32_t i = 0; i < context.inputs.size(); ++i)
    if (overlaps(context.inputs[i], data, bytes))
      return report.fail(NNCCRT_MISMATCH, "output '%.160s' overlaps input '%.160s' in memory", name,
                         context.model().inputs[i].name);
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    const Slot &other = context.outputs[i];
    if (i == index || !other.isBound || !other.ready)
      continue;
    if (overlaps(other, data, bytes))
      return report.fail(NNCCRT_MISMATCH, "output '%.160s' overlaps output '%.160s' in memory", name,
                         context.model().outputs[i].name);
  }
  return true;
}

/// Whether the true dims fit the caller's tensor.
static bool checkBoundOutput(nnccrt_context &context, uint32_t index, uint64_t bytes, Report &report) {
  const nnccrt_value &value = context.model().outputs[index];
  const Slot &slot = context.outputs[index];
  for (uint32_t i = 0; !slot.anyDims && i < value.rank; ++i)
    if (slot.boundDims[i] != slot.dims[i])
      return report.fail(
          NNCCRT_MISMATCH, "output '%.160s' dim %u: the caller's memory is bound with %lld, the model gives %lld",
          value.name, i, static_cast<long long>(slot.boundDims[i]), static_cast<long long>(slot.dims[i]));
  uint64_t capacity = slot.bound.capacity || slot.anyDims ? slot.bound.capacity : bytes;
  if (!slot.strided && capacity < bytes)
    return report.failNeeding(NNCCRT_TOO_SMALL, bytes, "output '%.160s' takes %llu bytes, its capacity is %llu",
                              value.name, static_cast<unsigned long long>(bytes),
                              static_cast<unsigned long long>(capacity));
  return checkAliases(context, index, bytes, report);
}

void *placeOutput(nnccrt_context &context, uint32_t index, const int64_t *dims, Report &report) {
  if (index >= context.outputs.size())
    return report.fail(NNCCRT_INTERNAL, "the schedule gives output %u of %zu", index, context.outputs.size()), nullptr;
  Slot &slot = context.outputs[index];
  const nnccrt_value &value = context.model().outputs[index];
  uint64_t bytes = 0;
  if (!countBytes(dims, value.rank, value.dtype, bytes)) {
    report.failNeeding(NNCCRT_NO_MEMORY, UINT64_MAX, "output '%.160s' takes more than 2^63 bytes", value.name);
    return nullptr;
  }
  for (uint32_t i = 0; i < value.rank; ++i) {
    slot.dims[i] = dims[i];
    if (slot.anyDims)
      slot.boundDims[i] = dims[i];
  }
  if (slot.isBound && !checkBoundOutput(context, index, bytes, report))
    return nullptr;
  if (slot.needsBuffer() && !context.memory.reserveLate(slot.buffer, bytes, report))
    return nullptr;
  slot.data = slot.needsBuffer() ? slot.buffer.data : slot.bound.data;
  slot.ready = true;
  // An empty output may be bound to no memory at all; the schedule takes null for an error.
  return slot.data ? slot.data : &slot;
}

bool checkEnd(nnccrt_context &context, int32_t result, Report &report) {
  if (!report.ok())
    return false;
  if (result)
    return report.fail(NNCCRT_INTERNAL, "the schedule of model '%.160s' ended with %d and no reason",
                       context.model().name, result);
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    const nnccrt_value &value = context.model().outputs[i];
    const Slot &slot = context.outputs[i];
    if (!slot.ready)
      return report.fail(NNCCRT_INTERNAL, "the schedule of model '%.160s' gave no output '%.160s'",
                         context.model().name, value.name);
  }
  return true;
}

bool failFault(const nnccrt_kernel_info &info, const nnccrt_fault &fault, Report &report) {
  char what[64], more[64] = "";
  std::snprintf(what, sizeof(what),
                fault.code == NNCCRT_FAULT_INDEX ? "index %lld is out of range" : "size %lld makes no sense",
                static_cast<long long>(fault.value));
  const char *nodes = info.nodes ? info.nodes : "";
  size_t first = std::strcspn(nodes, "\n"), others = 0;
  for (const char *line = std::strchr(nodes, '\n'); line && line[1]; line = std::strchr(line + 1, '\n'))
    ++others;
  if (others)
    std::snprintf(more, sizeof(more), " or %zu fused with it", others);
  return report.fail(NNCCRT_BAD_DATA, "%s: in node '%.*s'%s (kernel %s)", what,
                     static_cast<int>(first < 256 ? first : 256), nodes, more, info.name);
}

} // namespace nncc::rt
