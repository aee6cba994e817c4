//===- Graphs.h - graphs, what is captured into them, and what can be launched ------------------------------------===//

#ifndef NNCCEMU_DRIVER_GRAPHS_H
#define NNCCEMU_DRIVER_GRAPHS_H

#include "Driver.h"

namespace nncc::emu::driver {

struct Node {
  Work work;
  CUgraphNodeType type = NODE_EMPTY;
  std::vector<CUgraphNode> behind; ///< what it comes behind
  std::vector<void *> params;      ///< what cuGraphKernelNodeGetParams gives: into `work`
};

struct Graph {
  CUgraph handle = nullptr;
  std::map<CUgraphNode, Node> nodes; ///< in the order in which they were made
};

struct GraphExec {
  CUgraphExec handle = nullptr;
  std::shared_ptr<Plan> plan;
};

/// A capture in progress.
struct Capture {
  uint64_t id = 0;
  Graph *graph = nullptr;
  Stream *origin = nullptr;
  int mode = CAPTURE_GLOBAL;
  std::thread::id thread;
  bool invalid = false;
};

CUgraphNodeType typeOf(const Work &work);
CUgraphNode addNode(Driver &d, Graph &graph, Work work, std::vector<CUgraphNode> behind);
void destroyGraph(Driver &d, Graph &graph);
/// Nothing where the nodes depend on each other in a circle. Of nodes that may run, the one made last comes first: who forgot a dependency shall see it.
std::shared_ptr<Plan> planOf(const Graph &graph);

/// Adds work to the graph that the stream is being captured into.
CUresult captureWork(Driver &d, Stream &stream, Work work);
/// An event that was recorded in a capture draws the stream that waits for it into the capture.
CUresult captureWait(Driver &d, Stream &stream, Event &event);
/// The capture of that number, if it still goes on.
Capture *captureOf(Driver &d, uint64_t id);
/// The whole capture is lost.
CUresult invalidate(Capture &capture, CUresult why);

} // namespace nncc::emu::driver

#endif
