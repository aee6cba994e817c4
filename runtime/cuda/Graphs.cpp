//===- Graphs.cpp - runs that were captured ---------------------------------------------------------------------===//

#include "Session.h"

namespace nncc::rt::cuda {

/// Symbols and every address that a launch may get.
bool GraphCache::writeKey(Session &session) {
  nnccrt_context &context = session.context;
  size_t count = 1 + context.model().num_symbols + context.inputs.size() + context.outputs.size();
  if (!key.resize(count))
    return false;
  size_t next = 0;
  auto address = [](const void *data) { return reinterpret_cast<uint64_t>(data); };
  key[next++] = address(context.arena.data);
  for (uint32_t i = 0; i < context.model().num_symbols; ++i)
    key[next++] = static_cast<uint64_t>(context.symbols[i]);
  for (const Slot &slot : context.inputs)
    key[next++] = address(slot.data);
  for (const Slot &slot : context.outputs)
    key[next++] = address(slot.needsBuffer() ? slot.buffer.data : slot.bound.data);
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

bool GraphCache::capture(Session &session, Graph &graph, Report &report) {
  const Driver &driver = session.driver;
  StreamHandle stream = nullptr, before = session.current;
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
  // A driver that cannot make a graph of it still runs it.
  if (result || !graph.exec) {
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
