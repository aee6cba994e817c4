//===- Copies.cpp - tensors of the host, beside the kernels of a run --------------------------------------------===//

#include "Session.h"

namespace nncc::rt::cuda {

static DevicePtr addressOf(const void *data) { return reinterpret_cast<DevicePtr>(data); }

static uint64_t bytesOf(const Slot &slot, const nnccrt_value &value) {
  uint64_t bytes = 0;
  return countBytes(slot.dims, value.rank, value.dtype, bytes) ? bytes : 0;
}

/// Whether one of these numbers is an address in a tensor.
static bool isAmong(const Slot &slot, const nnccrt_value &value, const uint64_t *addresses, uint32_t count) {
  uint64_t bytes = bytesOf(slot, value);
  for (uint32_t i = 0; i < count; ++i)
    if (addresses[i] - addressOf(slot.data) < bytes)
      return true;
  return false;
}

bool Copies::fail(Result result, Report &report) const {
  return session.device.fail(result, report, "ordering the copies of model '%.128s' on %s", session.model().name,
                             session.device.text);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Life
//===----------------------------------------------------------------------------------------------------------------------===//

bool Copies::initialize(Report &report) {
  size_t inputs = session.context.inputs.size(), outputs = session.context.outputs.size();
  if (!states.resize(inputs) || !isFirst.resize(inputs) || !lastSteps.resize(outputs) || !isFetched.resize(outputs) ||
      !inGraph.resize(inputs + outputs))
    return report.failNoMemory(inputs + outputs);
  Result result = kSuccess;
  for (StreamHandle *stream : {&uploads, &downloads})
    result = result ? result : session.driver.createStream(stream, kNonBlocking);
  for (EventHandle *event : {&begun, &arrived, &produced, &gone, &sent})
    result = result ? result : session.driver.createEvent(event, kPlainEvent);
  return !result || session.device.fail(result, report, "creating a stream on %s", session.device.text);
}

void Copies::clear() {
  for (EventHandle event : {begun, arrived, produced, gone, sent})
    if (event)
      session.driver.destroyEvent(event);
  for (StreamHandle stream : {uploads, downloads})
    if (stream)
      session.driver.destroyStream(stream);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// A run
//===----------------------------------------------------------------------------------------------------------------------===//

bool Copies::reserve(uint32_t input, Report &report) {
  Slot &slot = session.context.inputs[input];
  return !slot.isBound ||
         session.context.staging.reserve(slot.staging, bytesOf(slot, session.model().inputs[input]), report);
}

bool Copies::begin(Report &report) {
  nnccrt_context &context = session.context;
  numInputs = numAwaited = numOutputs = 0;
  usesUploads = usesDownloads = usesRun = false;
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    lastSteps[i] = isFetched[i] = 0;
    numOutputs += context.outputs[i].staged;
  }
  for (uint32_t i = 0; i < context.inputs.size(); ++i) {
    const Slot &slot = context.inputs[i];
    bool isCopied = slot.needsBuffer() && bytesOf(slot, session.model().inputs[i]);
    states[i] = isCopied ? State::OnHost : State::OnDevice;
    numInputs += isCopied;
    if (isCopied && !reserve(i, report))
      return false;
  }
  numAwaited = numInputs;
  // What an earlier run gave is read before a copy of this one is written there.
  for (uint32_t i = 0; numOutputs && i < context.inputs.size(); ++i)
    for (const Slot &output : context.outputs)
      if (states[i] == State::OnHost && output.staged &&
          overlaps(context.inputs[i], output.staging.data, output.staging.capacity) && !stage(i, report))
        return false;
  return true;
}

void Copies::settle() {
  if (usesRun)
    session.driver.waitForStream(session.current);
  if (usesUploads)
    session.driver.waitForStream(uploads);
  if (usesDownloads)
    session.driver.waitForStream(downloads);
  usesUploads = usesDownloads = usesRun = false;
}

bool Copies::waitForInputs(Report &report) {
  Result result = usesRun ? session.driver.waitForEvent(sent) : kSuccess;
  if (!result && usesUploads)
    result = session.driver.waitForStream(uploads);
  return !result || session.device.fail(result, report, "copying inputs of model '%.128s' to %s", session.model().name,
                                        session.device.text);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------------------------------------------------------===//

bool Copies::stage(uint32_t input, Report &report) {
  Slot &slot = session.context.inputs[input];
  const nnccrt_value &value = session.model().inputs[input];
  if (states[input] != State::OnHost)
    return true;
  states[input] = State::Staged;
  if (!slot.isBound)
    return true;
  if (slot.strided)
    copyElements(slot.dims, value.rank, value.dtype, slot.bound.data, slot.boundStrides, slot.staging.data, nullptr);
  else
    std::memcpy(slot.staging.data, slot.bound.data, bytesOf(slot, value));
  return report.ok();
}

bool Copies::copyUp(uint32_t input, uint64_t offset, uint64_t bytes, StreamHandle stream, Report &report) {
  const Slot &slot = session.context.inputs[input];
  Result result = session.driver.copyToDevice(addressOf(slot.data) + offset, slot.staging.data + offset, bytes, stream);
  return !result || session.device.fail(result, report, "copying input '%.128s' to %s",
                                        session.model().inputs[input].name, session.device.text);
}

/// Piece by piece, so that one is copied to the device while the next is copied to page-locked memory.
bool Copies::send(uint32_t input, StreamHandle stream, Report &report) {
  constexpr uint64_t piece = 4 << 20;
  const Slot &slot = session.context.inputs[input];
  uint64_t bytes = bytesOf(slot, session.model().inputs[input]);
  if (states[input] != State::OnHost || !slot.isBound || slot.strided)
    return stage(input, report) && copyUp(input, 0, bytes, stream, report);
  states[input] = State::Staged;
  for (uint64_t offset = 0; offset < bytes; offset += piece) {
    uint64_t size = bytes - offset < piece ? bytes - offset : piece;
    std::memcpy(slot.staging.data + offset, static_cast<const char *>(slot.bound.data) + offset, size);
    if (!copyUp(input, offset, size, stream, report))
      return false;
  }
  return true;
}

/// Enqueues the copy of an input, and lets the current stream wait for it.
bool Copies::bring(uint32_t input, Report &report) {
  const Driver &driver = session.driver;
  --numAwaited;
  if (!step) {
    usesRun = true;
    inGraph[input] = kOutside;
    if (!send(input, session.current, report))
      return false;
    states[input] = State::Enqueued;
    Result result = session.isWaited ? kSuccess : driver.recordEvent(sent, session.current);
    return !result || fail(result, report);
  }
  inGraph[input] = kInside;
  Result result = usesUploads ? kSuccess : driver.streamWaits(uploads, begun, 0);
  usesUploads = true;
  if (result)
    return fail(result, report);
  // A graph copies what is there when it is launched.
  if ((session.isCapturing && !stage(input, report)) || !send(input, uploads, report))
    return false;
  states[input] = State::Enqueued;
  result = driver.recordEvent(arrived, uploads);
  result = result ? result : driver.streamWaits(session.current, arrived, 0);
  return !result || fail(result, report);
}

bool Copies::bringAll(Report &report) {
  step = 0;
  for (uint32_t i = 0; i < states.size(); ++i)
    if (isAwaited(i) && !bring(i, report))
      return false;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------------------------------------------------------===//

bool Copies::fetch(uint32_t output, Report &report) {
  const Driver &driver = session.driver;
  Result result = driver.recordEvent(produced, session.current);
  result = result ? result : driver.streamWaits(downloads, produced, 0);
  usesDownloads = true;
  if (result)
    return fail(result, report);
  isFetched[output] = 1;
  inGraph[states.size() + output] = kInside;
  return session.fetchOutput(output, downloads, report);
}

bool Copies::fetchAll(Report &report) {
  for (uint32_t i = 0; i < isFetched.size(); ++i)
    if (session.context.outputs[i].staged && !isFetched[i] && !session.fetchOutput(i, session.current, report))
      return false;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------------------------------------------------------===//

void Copies::beginSchedule() {
  step = 0;
  if (session.mode != Mode::Dry)
    return;
  for (uint32_t &last : lastSteps)
    last = 0;
  for (uint8_t &first : isFirst)
    first = 0;
}

/// Behind a dry run: what it found out, unless a run may do something else.
bool Copies::endSchedule(Report &report) {
  if (session.mode == Mode::Dry) {
    for (uint32_t i = 0; numOutputs && i < lastSteps.size(); ++i) {
      if (!session.isRepeatable || lastSteps[i] == step)
        lastSteps[i] = 0;
      if (lastSteps[i] && !session.reserveForOutput(i, report))
        return false;
    }
    return true;
  }
  if (!usesDownloads)
    return true;
  Result result = session.driver.recordEvent(gone, downloads);
  result = result ? result : session.driver.streamWaits(session.current, gone, 0);
  return !result || fail(result, report);
}

void Copies::noteUses(const uint64_t *addresses, uint32_t count) {
  for (uint32_t i = 0; !step && numInputs && i < isFirst.size(); ++i)
    isFirst[i] =
        states[i] != State::OnDevice && isAmong(session.context.inputs[i], session.model().inputs[i], addresses, count);
  for (uint32_t i = 0; numOutputs && i < lastSteps.size(); ++i) {
    const Slot &slot = session.context.outputs[i];
    if (slot.staged && slot.ready && isAmong(slot, session.model().outputs[i], addresses, count))
      lastSteps[i] = step + 1;
  }
}

bool Copies::beforeStep(const uint64_t *addresses, uint32_t count, Report &report) {
  if (session.mode == Mode::Dry) {
    noteUses(addresses, count);
    return true;
  }
  for (uint32_t i = 0; numAwaited && i < states.size(); ++i)
    if (isAwaited(i) && isAmong(session.context.inputs[i], session.model().inputs[i], addresses, count) &&
        !bring(i, report))
      return false;
  if (step || !numAwaited)
    return true;
  Result result = session.driver.recordEvent(begun, session.current);
  return !result || fail(result, report);
}

bool Copies::afterStep(Report &report) {
  ++step;
  for (uint32_t i = 0; session.mode == Mode::Enqueue && numOutputs && i < lastSteps.size(); ++i)
    if (lastSteps[i] == step && !isFetched[i] && !fetch(i, report))
      return false;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------------------------------------------------------===//

bool Copies::beginCapture(Report &report) {
  step = 0;
  for (uint8_t &where : inGraph)
    where = kNowhere;
  for (uint32_t i = 0; i < states.size(); ++i)
    if (isFirst[i] && isAwaited(i) && !bring(i, report))
      return false;
  return true;
}

/// Without a graph the run has still to copy what would have been in it.
void Copies::endCapture(bool isCaptured) {
  usesUploads = usesDownloads = false;
  for (uint32_t i = 0; !isCaptured && i < states.size(); ++i)
    if (inGraph[i] == kInside) {
      states[i] = State::Staged;
      ++numAwaited;
    }
  for (uint8_t &fetched : isFetched)
    fetched = fetched && isCaptured;
}

bool Copies::beginReplay(const Array<uint8_t> &copiedInGraph, Report &report) {
  step = 0;
  for (uint32_t i = 0; i < states.size(); ++i)
    if (isAwaited(i) && copiedInGraph[i] == kOutside && !bring(i, report))
      return false;
  for (uint32_t i = 0; i < states.size(); ++i)
    if (copiedInGraph[i] == kInside && !stage(i, report))
      return false;
  for (uint32_t i = 0; i < isFetched.size(); ++i)
    isFetched[i] = copiedInGraph[states.size() + i] == kInside;
  return true;
}

} // namespace nncc::rt::cuda
