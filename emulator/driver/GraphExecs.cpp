//===- GraphExecs.cpp - graphs that can be launched --------------------------------------------------------------===//

#include "Api.h"
#include "Copies.h"
#include "Graphs.h"
#include "Launches.h"
#include "Streams.h"
#include <algorithm>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace nncc::emu::driver {

std::shared_ptr<Plan> planOf(const Graph &graph) {
  auto plan = std::make_shared<Plan>();
  std::map<CUgraphNode, size_t> open; // how many nodes each waits for
  std::map<CUgraphNode, std::vector<CUgraphNode>> next;
  std::map<CUgraphNode, size_t> position;
  std::vector<CUgraphNode> ready; // ascending: the one made last is at the end
  for (auto &[handle, node] : graph.nodes) {
    open[handle] = node.behind.size();
    for (CUgraphNode before : node.behind)
      next[before].push_back(handle);
    if (node.behind.empty())
      ready.push_back(handle);
  }
  while (!ready.empty()) {
    CUgraphNode handle = ready.back();
    ready.pop_back();
    const Node &node = graph.nodes.at(handle);
    position[handle] = plan->steps.size();
    plan->steps.push_back(node.work);
    plan->nodes.push_back(handle);
    auto &behind = plan->behind.emplace_back();
    for (CUgraphNode before : node.behind)
      behind.push_back(position[before]);
    for (CUgraphNode after : next[handle])
      if (!--open[after])
        ready.insert(std::upper_bound(ready.begin(), ready.end(), after), after);
  }
  return plan->steps.size() == graph.nodes.size() ? plan : nullptr;
}

} // namespace nncc::emu::driver

CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph handle, unsigned long long flags) {
  enum : unsigned { AutoFree = 1, Upload = 2, DeviceLaunch = 4, NodePriority = 8 };
  return inContext("cuGraphInstantiate", [&](Driver &d, Context &) {
    Graph *graph = d.graphs.find(handle);
    if (!out || !graph || flags > 15)
      return CUDA_ERROR_INVALID_VALUE;
    if (flags & DeviceLaunch)
      return CUDA_ERROR_NOT_SUPPORTED;
    auto exec = std::make_unique<GraphExec>();
    exec->plan = planOf(*graph);
    if (!exec->plan)
      return CUDA_ERROR_INVALID_VALUE;
    *out = d.execs.add(std::move(exec))->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiate_v2(CUgraphExec *out, CUgraph graph, CUgraphNode *failing, char *log, size_t logBytes) {
  if (failing)
    *failing = nullptr;
  if (log && logBytes)
    *log = '\0';
  return cuGraphInstantiateWithFlags(out, graph, 0);
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  return initialised("cuGraphExecDestroy", [&](Driver &d) {
    if (!d.execs.find(handle))
      return CUDA_ERROR_INVALID_VALUE;
    d.execs.remove(handle); // Launches hold what they run.
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  return inContext("cuGraphLaunch", [&](Driver &d, Context &context) {
    GraphExec *exec = d.execs.find(handle);
    Stream *stream = resolve(d, context, streamHandle);
    if (!exec || !stream)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) // Graphs inside graphs are not emulated.
      return invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    GraphWork work{exec->plan, {}};
    for (const Work &step : exec->plan->steps)
      if (auto *node = std::get_if<EventNode>(&step)) {
        Event *event = d.events.find(node->event);
        if (event && node->records) {
          event->mark = std::make_shared<Mark>();
          event->mark->stream = stream, event->capture = 0;
        }
        work.marks.push_back(event ? event->mark : nullptr);
      }
    return enqueue(d, *stream, std::move(work));
  });
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream streamHandle) {
  return inContext("cuGraphUpload", [&](Driver &d, Context &context) {
    if (!resolve(d, context, streamHandle))
      return CUDA_ERROR_INVALID_HANDLE;
    return d.execs.find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Changes, which launches in flight do not see
//===----------------------------------------------------------------------------------------------------------------------===//

static Plan &ownPlan(GraphExec &exec) {
  if (exec.plan.use_count() > 1)
    exec.plan = std::make_shared<Plan>(*exec.plan);
  return *exec.plan;
}

/// Replaces the work of a node by what `make` makes of it.
template <class W, class F>
static CUresult setParams(std::string_view name, CUgraphExec handle, CUgraphNode node, F make) {
  return inContext(name, [&](Driver &d, Context &context) {
    GraphExec *exec = d.execs.find(handle);
    if (!exec)
      return CUDA_ERROR_INVALID_VALUE;
    auto found = std::find(exec->plan->nodes.begin(), exec->plan->nodes.end(), node);
    size_t index = static_cast<size_t>(found - exec->plan->nodes.begin());
    if (found == exec->plan->nodes.end() || !std::holds_alternative<W>(exec->plan->steps[index]))
      return CUDA_ERROR_INVALID_VALUE;
    W work;
    if (CUresult problem = make(d, context, work))
      return problem;
    ownPlan(*exec).steps[index] = std::move(work);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *params) {
  return setParams<KernelWork>("cuGraphExecKernelNodeSetParams", exec, node,
                               [&](Driver &d, Context &context, KernelWork &work) {
                                 return params ? kernelWork(d, context, *params, work) : CUDA_ERROR_INVALID_VALUE;
                               });
}
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                           const CUDA_KERNEL_NODE_PARAMS_v2 *params) {
  return cuGraphExecKernelNodeSetParams(exec, node, params);
}

CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *params, CUcontext) {
  return setParams<CopyWork>("cuGraphExecMemcpyNodeSetParams", exec, node,
                             [&](Driver &d, Context &, CopyWork &work) { return copyWork(d, params, work); });
}

CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *params,
                                        CUcontext) {
  return setParams<FillWork>("cuGraphExecMemsetNodeSetParams", exec, node,
                             [&](Driver &d, Context &, FillWork &work) { return fillWork(d, params, work); });
}

CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *params) {
  return setParams<HostWork>("cuGraphExecHostNodeSetParams", exec, node, [&](Driver &, Context &, HostWork &work) {
    if (!params || !params->fn)
      return CUDA_ERROR_INVALID_VALUE;
    work = {params->fn, params->userData};
    return CUDA_SUCCESS;
  });
}

/// The new contents of a graph of the same shape.
static CUresult update(CUgraphExec handle, CUgraph graphHandle, CUgraphNode *failing, int *why) {
  enum : int { Success = 0, TopologyChanged = 2, NodeTypeChanged = 3 };
  return inContext("cuGraphExecUpdate", [&](Driver &d, Context &) {
    GraphExec *exec = d.execs.find(handle);
    Graph *graph = d.graphs.find(graphHandle);
    if (!exec || !graph || !why)
      return CUDA_ERROR_INVALID_VALUE;
    *failing = nullptr, *why = Success;
    std::shared_ptr<Plan> plan = planOf(*graph);
    if (!plan || plan->behind != exec->plan->behind) {
      *why = TopologyChanged;
      return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    }
    for (size_t k = 0; k < plan->steps.size(); ++k)
      if (typeOf(plan->steps[k]) != typeOf(exec->plan->steps[k])) {
        *why = NodeTypeChanged, *failing = plan->nodes[k];
        return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
      }
    plan->nodes = exec->plan->nodes;
    exec->plan = std::move(plan);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
  if (!info)
    return CUDA_ERROR_INVALID_VALUE;
  *info = {};
  return update(exec, graph, &info->errorNode, &info->result);
}
CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *failing, int *why) {
  CUgraphNode unasked = nullptr;
  return update(exec, graph, failing ? failing : &unasked, why);
}
