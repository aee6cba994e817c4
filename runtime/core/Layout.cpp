//===- Layout.cpp - a context's memory for given symbols --------------------------------------------------------===//
///
/// \file
/// On the heap each buffer stands for itself and only grows. A workspace of the caller is laid out anew by each plan: first the inputs
/// that the last resize gave room to (the caller may have filled them), then packed inputs, outputs, scratch and the arena; what is left
/// is for allocations of the run, from both ends.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Context.h"

using namespace nncc::rt;

//===----------------------------------------------------------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------------------------------------------------------===//

static bool computeSlot(const Symbols &symbols, const char *what, const nnccrt_value &value, Slot &slot,
                        Report &report) {
  if (!computeDims(symbols, what, value, slot.nextDims, report))
    return false;
  slot.nextBytes = Slot::kDynamic;
  for (uint32_t i = 0; i < value.rank; ++i)
    if (slot.nextDims[i] < 0)
      return true;
  return countBytes(slot.nextDims, value.rank, value.dtype, slot.nextBytes) ||
         report.failNeeding(NNCCRT_NO_MEMORY, UINT64_MAX, "%s '%.160s' takes more than 2^63 bytes for these sizes",
                            what, value.name);
}

/// nextDims and nextBytes of all inputs and outputs.
bool nnccrt_context::computeAllDims(const int64_t *values, Report &report) {
  Symbols known{&model(), const_cast<int64_t *>(values)};
  for (uint32_t i = 0; i < inputs.size(); ++i)
    if (!computeSlot(known, "input", model().inputs[i], inputs[i], report))
      return false;
  for (uint32_t i = 0; i < outputs.size(); ++i)
    if (!computeSlot(known, "output", model().outputs[i], outputs[i], report))
      return false;
  return true;
}

/// What the caller filled or bound before a resize must not change its dims behind his back; what he bound without dims must have the
/// right size.
bool nnccrt_context::checkFilled(Report &report) {
  for (uint32_t i = 0; i < inputs.size(); ++i) {
    const nnccrt_value &value = model().inputs[i];
    const Slot &slot = inputs[i];
    if (slot.anyDims && slot.bound.capacity != slot.nextBytes)
      return report.fail(NNCCRT_MISMATCH, "input '%.160s': its dims take %llu bytes, got %llu", value.name,
                         static_cast<unsigned long long>(slot.nextBytes),
                         static_cast<unsigned long long>(slot.bound.capacity));
    const int64_t *dims = slot.ready                                      ? slot.dims
                          : slot.isBound && slot.isStale && !slot.anyDims ? slot.boundDims
                                                                          : nullptr;
    for (uint32_t k = 0; dims && k < value.rank; ++k)
      if (dims[k] != slot.nextDims[k])
        return report.fail(
            NNCCRT_MISMATCH,
            "input '%.160s' dim %u (%.64s) is %lld, but the last resize or other inputs make it %lld: %s", value.name,
            k, value.dims[k].text, static_cast<long long>(dims[k]), static_cast<long long>(slot.nextDims[k]),
            slot.isBound ? "bind it again" : "resize and fill it again, or bind it");
  }
  return true;
}

/// Gives an input room in the context, to be filled.
bool nnccrt_context::placeInput(Slot &slot, const nnccrt_value &value, Report &report) {
  for (uint32_t i = 0; i < value.rank; ++i)
    if (!isResized && value.dims[i].size < 0)
      return report.fail(NNCCRT_INVALID, "input '%.160s' dim %u (%.128s) has no size yet: resize, or bind the input",
                         value.name, i, value.dims[i].text);
  if (!computeSlot({&model(), resized}, "input", value, slot, report))
    return false;
  if (memory.isBorrowed() && !slot.buffer.data) {
    // Its place is below what is planned.
    dropPlan();
    memory.rewind(inputsEnd);
  }
  if (!memory.reserve(slot.buffer, slot.nextBytes, report) ||
      (session && !staging.reserve(slot.staging, slot.nextBytes, report)))
    return false;
  if (memory.isBorrowed() && !plan)
    inputsEnd = memory.position();
  std::memcpy(slot.dims, slot.nextDims, value.rank * sizeof(int64_t));
  slot.data = slot.buffer.data;
  slot.ready = true;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------------------------------------------------------===//

bool nncc::rt::overlaps(const Slot &slot, const void *data, uint64_t bytes) {
  Extent extent;
  if (!slot.isBound || !slot.bound.data || !measure(slot.bound, extent))
    return false;
  const char *first = static_cast<const char *>(slot.bound.data), *other = static_cast<const char *>(data);
  return first + extent.low < other + bytes && other < first + extent.high;
}

/// A caller may bind what the last run gave as an input of the next (a state, a cache). Then the next run writes elsewhere.
bool nnccrt_context::keepOutputsThatAreInputs(Report &report) {
  auto inputIn = [&](const void *data, uint64_t bytes) -> const char * {
    for (uint32_t i = 0; i < inputs.size(); ++i)
      if (overlaps(inputs[i], data, bytes))
        return model().inputs[i].name;
    return nullptr;
  };
  if (memory.isBorrowed()) {
    const char *name = inputIn(memory.data(), memory.size());
    return !name ||
           report.fail(NNCCRT_MISMATCH, "input '%.160s' is bound to memory of the workspace: copy it first", name);
  }
  for (uint32_t i = 0; i < outputs.size(); ++i) {
    Slot &slot = outputs[i];
    if (!inputIn(slot.buffer.data, slot.buffer.capacity))
      continue;
    std::swap(slot.buffer, slot.spare);
    if (const char *name = inputIn(slot.buffer.data, slot.buffer.capacity))
      return report.fail(
          NNCCRT_MISMATCH,
          "output '%.160s' has no memory left: inputs are bound to its values of two runs, '%.160s' among them",
          model().outputs[i].name, name);
  }
  return true;
}

/// Calls function(buffer, bytes) for all that a run needs besides inputs to be filled.
template <typename Function> bool nnccrt_context::forEachBuffer(const Plan &used, const Function &function) {
  for (Slot &slot : inputs)
    if (slot.isBound && slot.needsBuffer() && !function(slot.buffer, slot.nextBytes))
      return false;
  for (Slot &slot : outputs)
    if (slot.needsBuffer() && slot.nextBytes != Slot::kDynamic && !function(slot.buffer, slot.nextBytes))
      return false;
  return (!scratchStride || function(scratch, scratchStride * threads)) &&
         function(arena, static_cast<uint64_t>(used.arenaBytes));
}

/// Forgets the old layout; fails when the new one does not fit, before any of it is made.
bool nnccrt_context::startWorkspace(const Plan &used, bool isResize, Report &report) {
  for (Slot &slot : inputs)
    if (isResize || !slot.ready)
      slot.buffer = {};
  for (Slot &slot : outputs)
    slot.buffer = {};
  arena = scratch = {};
  memory.forgetLate();
  inputsEnd = isResize ? 0 : inputsEnd;
  memory.rewind(inputsEnd);
  uint64_t needed = inputsEnd;
  for (Slot &slot : inputs)
    if (isResize && !slot.isBound)
      needed += roundUp(slot.nextBytes);
  forEachBuffer(used, [&](Buffer &, uint64_t bytes) {
    needed += roundUp(bytes);
    return true;
  });
  return needed <= memory.size() ||
         report.failNeeding(NNCCRT_TOO_SMALL, needed, "the workspace of %llu bytes is too small: the run takes %llu",
                            static_cast<unsigned long long>(memory.size()), static_cast<unsigned long long>(needed));
}

bool nnccrt_context::reserveAll(const Plan &used, bool isResize, Report &report) {
  if (memory.isBorrowed() && !startWorkspace(used, isResize, report))
    return false;
  for (Slot &slot : inputs)
    if (isResize && !slot.isBound && !memory.reserve(slot.buffer, slot.nextBytes, report))
      return false;
  inputsEnd = isResize ? memory.position() : inputsEnd;
  if (!forEachBuffer(used, [&](Buffer &buffer, uint64_t bytes) { return memory.reserve(buffer, bytes, report); }))
    return false;
  plannedEnd = memory.position();
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------------------------------------------------------===//

/// Makes `values` the symbols of the context.
bool nnccrt_context::useSymbols(const int64_t *values, bool isResize, Report &report) {
  dropPlan();
  if (!computeAllDims(values, report) || (!isResize && !checkFilled(report)))
    return false;
  const Plan *found = findPlan(values, report);
  if (!found || !keepOutputsThatAreInputs(report) || !reserveAll(*found, isResize, report))
    return false;
  for (uint32_t i = 0; i < inputs.size(); ++i) {
    size_t bytes = model().inputs[i].rank * sizeof(int64_t);
    std::memcpy(inputs[i].dims, inputs[i].nextDims, bytes);
    if (inputs[i].anyDims)
      std::memcpy(inputs[i].boundDims, inputs[i].nextDims, bytes);
  }
  std::memcpy(symbols, values, model().num_symbols * sizeof(int64_t));
  plan = found;
  return true;
}

bool nnccrt_context::resize(const int64_t *values, uint32_t count, Report &report) {
  if (!isIdle(report) || !checkSymbols(model(), values, count, report))
    return false;
  std::memcpy(solved, count ? values : solved, count * sizeof(int64_t));
  std::memcpy(resized, solved, count * sizeof(int64_t));
  isResized = true;
  bindingsChanged = true; // what is bound is compared with it when the run starts
  for (Slot &slot : inputs)
    slot.isStale = true;
  dropViews();
  return useSymbols(resized, /*isResize=*/true, report);
}

bool nnccrt_context::workspaceBytes(const int64_t *values, uint32_t count, uint64_t &bytes, Report &report) {
  if (!isIdle(report) || !checkSymbols(model(), values, count, report))
    return false;
  std::memcpy(solved, count ? values : solved, count * sizeof(int64_t));
  if (!computeAllDims(solved, report))
    return false;
  const Plan *found = findPlan(solved, report);
  if (!found)
    return false;
  bytes = 0;
  for (const Slot &slot : inputs)
    bytes += slot.isBound ? 0 : roundUp(slot.nextBytes);
  return forEachBuffer(*found, [&](Buffer &, uint64_t size) {
    bytes += roundUp(size);
    return true;
  });
}

/// What the caller bound must not outlive the context's own memory that it is.
void nnccrt_context::unbindOwnMemory() {
  for (Slot &input : inputs)
    for (Slot &slot : outputs)
      if (overlaps(input, slot.buffer.data, slot.buffer.capacity) ||
          overlaps(input, slot.spare.data, slot.spare.capacity) ||
          overlaps(input, slot.staging.data, slot.staging.capacity)) {
        input.isBound = input.strided = input.staged = input.anyDims = false;
        bindingsChanged = true;
      }
}

void nnccrt_context::releaseAll() {
  unbindOwnMemory();
  cuda::releaseSession(*this);
  for (Slot &slot : inputs) {
    memory.release(slot.buffer);
    staging.release(slot.staging);
  }
  for (Slot &slot : outputs) {
    memory.release(slot.buffer);
    memory.release(slot.spare);
    staging.release(slot.staging);
  }
  for (Buffer &buffer : carries)
    memory.release(buffer);
  memory.release(arena);
  memory.release(scratch);
  stack.clear();
  inputsEnd = plannedEnd = 0;
  dropViews();
}

/// The next run plans anew; outputs are no longer valid.
void nnccrt_context::dropPlan() {
  for (Slot &slot : outputs)
    slot.ready = false;
  plan = nullptr;
}

void nnccrt_context::dropViews() {
  for (Slot &slot : inputs)
    slot.ready = false;
  dropPlan();
}

void nnccrt_context::trim() {
  if (state.load(std::memory_order_relaxed) != RunState::Idle)
    return;
  releaseAll();
  for (Plan &one : plans) {
    one.offsets.clear();
    one.lastUse = 0;
  }
  cuda::trim(*this);
}

bool nnccrt_context::setWorkspace(void *data, uint64_t bytes, Report &report) {
  if (!isIdle(report))
    return false;
  uint64_t alignment = session ? kDeviceAlignment : kAlignment;
  if (reinterpret_cast<uintptr_t>(data) % alignment)
    return report.fail(NNCCRT_MISMATCH, "the workspace at %p is not aligned to %llu bytes", data,
                       static_cast<unsigned long long>(alignment));
  if (session && data && !cuda::checkWorkspace(*this, data, report))
    return false;
  releaseAll();
  memory.borrow(data, bytes);
  return !data || (!isResized && model().num_symbols) || useSymbols(resized, /*isResize=*/true, report);
}

bool nnccrt_context::checkInputsSet(Report &report) {
  for (uint32_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].isBound && !inputs[i].ready)
      return report.fail(NNCCRT_INVALID,
                         "input '%.160s' is not set: bind it, or fill the memory that nnccrt_input gives",
                         model().inputs[i].name);
  return true;
}

bool nnccrt_context::prepare(Report &report) {
  if (!plan || bindingsChanged) {
    for (uint32_t i = 0; i < inputs.size(); ++i)
      boundDims[i] = inputs[i].isBound && !inputs[i].anyDims && !inputs[i].isStale ? inputs[i].boundDims : nullptr;
    if (!checkInputsSet(report) ||
        !solveSymbols(model(), boundDims.data(), isResized ? resized : nullptr, solved, report) ||
        !useSymbols(solved, /*isResize=*/false, report))
      return false;
    bindingsChanged = false;
  }
  if (memory.isBorrowed()) {
    memory.rewind(plannedEnd);
    memory.forgetLate();
    for (Slot &slot : outputs)
      if (slot.buffer.late)
        slot.buffer = {};
    for (Buffer &buffer : carries)
      buffer = {};
  }
  for (uint32_t i = 0; i < inputs.size(); ++i) {
    Slot &slot = inputs[i];
    slot.data = slot.needsBuffer() ? slot.buffer.data : slot.bound.data;
    if (slot.strided && !session)
      copyElements(slot.dims, model().inputs[i].rank, model().inputs[i].dtype, slot.bound.data, slot.boundStrides,
                   slot.data, nullptr);
    inputPointers[i] = slot.data;
  }
  return true;
}
