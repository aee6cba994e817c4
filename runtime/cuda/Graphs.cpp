//===- Graphs.cpp - runs that were captured ---------------------------------------------------------------------===//

#include "Session.h"

namespace nncc::rt::cuda {

/// Symbols, every address that a launch may get or that is copied, and what is copied.
bool GraphCache::writeKey(Session &session) {
  nnccrt_context &context = session.context;
  size_t count = 2 + context.model().num_symbols + 2 * context.inputs.size() + 2 * context.outputs.size();
  if (!key.resize(count))
    return false;
  size_t next = 0;
  auto address = [](const void *data) { return reinterpret_cast<uint64_t>(data); };
  key[next++] = address(context.arena.data);
  for (uint32_t i = 0; i < context.model().num_symbols; ++i)
    key[next++] = static_cast<uint64_t>(context.symbols[i]);
  key[next++] = session.isWaited && session.copies.hasInputs();
  for (const Slot &slot : context.inputs) {
    key[next++] = address(slot.data);
    key[next++] = address(slot.needsBuffer() ? slot.staging.data : nullptr);
  }
  for (const Slot &slot : context.outputs) {
    key[next++] = address(slot.needsBuffer() ? slot.buffer.data : slot.bound.data);
    key[next++] = slot.staged;
  }
  return true;
}

Graph *GraphCache::find(Session &session) {
  if (!writeKey(session))
    return nullptr;
  uint32_t oldest = 0;
  for (uint32_t i = 0; i < kEntries; ++i) {
    bool isSame = entries[i].lastUse && keys[i].size() == key.size() &&
                  !std::memcmp(keys[i].data(), key.data(), key.size() * sizeof(uint64_t));
    if (isSame) {
      entries[i].lastUse = ++clock;
      return &entries[i];
    }
    if (entries[i].lastUse < entries[oldest].lastUse)
      oldest = i;
  }
  Graph &fresh = entries[oldest];
  if (fresh.exec)
    session.driver.destroyGraphExec(fresh.exec);
  fresh = {};
  if (!keys[oldest].resize(key.size()))
    return nullptr;
  std::memcpy(keys[oldest].data(), key.data(), key.size() * sizeof(uint64_t));
  fresh.lastUse = ++clock;
  return &fresh;
}

void GraphCache::keepOutputs(Session &session, const Graph &graph) {
  Array<int64_t> &kept = outputs[numberOf(graph)];
  kept.clear();
  bool isKept = true;
  for (uint32_t i = 0; i < session.context.outputs.size(); ++i) {
    const Slot &slot = session.context.outputs[i];
    for (uint32_t k = 0; k < session.model().outputs[i].rank; ++k)
      isKept &= kept.append(slot.dims[k]);
  }
  if (!isKept)
    entries[numberOf(graph)].isRepeatable = false;
}

bool GraphCache::giveOutputs(Session &session, const Graph &graph, Report &report) {
  const int64_t *kept = outputs[numberOf(graph)].data();
  for (uint32_t i = 0; i < session.context.outputs.size(); kept += session.model().outputs[i].rank, ++i)
    if (!placeOutput(session.context, i, kept, report)) // the address is in the key: it is the one that was captured
      return false;
  return true;
}

bool GraphCache::beginReplay(Session &session, const Graph &graph, Report &report) {
  return giveOutputs(session, graph, report) && session.copies.beginReplay(copies[numberOf(graph)], report);
}

bool GraphCache::capture(Session &session, Graph &graph, Report &report) {
  const Driver &driver = session.driver;
  StreamHandle stream = nullptr, before = session.current;
  if (!session.copies.beginCapture(report))
    return false;
  if (driver.createStream(&stream, kNonBlocking) || driver.beginCapture(stream, kRelaxedCapture)) {
    graph.isRepeatable = false;
    if (stream)
      driver.destroyStream(stream);
    return true;
  }
  session.current = stream;
  session.isCapturing = true;
  bool succeeded = session.runSchedule(Mode::Enqueue, report);
  session.isCapturing = false;
  session.current = before;
  GraphHandle captured = nullptr;
  Result result = driver.endCapture(stream, &captured);
  driver.destroyStream(stream);
  if (succeeded && !result && captured)
    result = driver.instantiate(&graph.exec, captured, 0);
  if (captured)
    driver.destroyGraph(captured);
  Array<uint8_t> &kept = copies[numberOf(graph)];
  const Array<uint8_t> &made = session.copies.captured();
  bool isKept = kept.resize(made.size());
  if (isKept && !made.empty())
    std::memcpy(kept.data(), made.data(), made.size());
  session.copies.endCapture(!result && graph.exec && isKept);
  // A driver that cannot make a graph of it still runs it.
  if (result || !graph.exec || !isKept) {
    if (graph.exec)
      driver.destroyGraphExec(graph.exec);
    graph.exec = nullptr;
    graph.isRepeatable = false;
  }
  return succeeded;
}

void GraphCache::forgetCaptures(const Driver &driver) {
  for (Graph &one : entries) {
    if (one.exec)
      driver.destroyGraphExec(one.exec);
    one.exec = nullptr;
  }
}

void GraphCache::clear(const Driver &driver) {
  forgetCaptures(driver);
  for (Graph &one : entries)
    one = {};
}

} // namespace nncc::rt::cuda
