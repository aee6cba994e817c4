//===- Graphs.h - runs that were captured -------------------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CUDA_GRAPHS_H
#define NNCCRT_CUDA_GRAPHS_H

#include "Driver.h"
#include "Heap.h"

namespace nncc::rt::cuda {

struct Session;

/// Runs with one set of symbols and addresses.
struct Graph {
  GraphExecHandle exec;
  bool isRepeatable; ///< a graph may stand for it
  bool hasRun;       ///< once, to its end
  uint64_t lastUse;
};

/// The last few, and what they are the runs of.
class GraphCache {
public:
  /// The entry for a run as the context is prepared now, which may be new (no runs). Null: no memory.
  Graph *find(Session &session);
  /// Captures the schedule. Nothing captured, without a report: the driver could not.
  bool capture(Session &session, Graph &graph, Report &report);
  /// What the schedule would tell of the outputs.
  void keepOutputs(Session &session, const Graph &graph);
  /// What comes before a graph is launched again.
  bool beginReplay(Session &session, const Graph &graph, Report &report);
  /// The entries stay, and are captured again.
  void forgetCaptures(const Driver &driver);
  void clear(const Driver &driver);

private:
  static constexpr uint32_t kEntries = 8;
  bool writeKey(Session &session);
  bool giveOutputs(Session &session, const Graph &graph, Report &report);
  size_t numberOf(const Graph &graph) const { return static_cast<size_t>(&graph - entries); }

  Graph entries[kEntries] = {};
  Array<uint64_t> keys[kEntries], key;
  Array<int64_t> outputs[kEntries]; // the dims of all
  Array<uint8_t> copies[kEntries];  // Copies::captured
  uint64_t clock = 0;
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_GRAPHS_H
