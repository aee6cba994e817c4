//===- GraphCalls.cpp - graphs that are built node by node -------------------------------------------------------===//

#include "Api.h"
#include "Copies.h"
#include "Graphs.h"
#include "Launches.h"
#include <algorithm>
#include <cstring>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace nncc::emu::driver {

CUgraphNodeType typeOf(const Work &work) {
  if (auto *event = std::get_if<EventNode>(&work))
    return event->records ? NODE_EVENT_RECORD : NODE_WAIT_EVENT;
  return std::holds_alternative<KernelWork>(work) ? NODE_KERNEL
         : std::holds_alternative<CopyWork>(work) ? NODE_MEMCPY
         : std::holds_alternative<FillWork>(work) ? NODE_MEMSET
         : std::holds_alternative<HostWork>(work) ? NODE_HOST
                                                  : NODE_EMPTY;
}

CUgraphNode addNode(Driver &d, Graph &graph, Work work, std::vector<CUgraphNode> behind) {
  auto handle = reinterpret_cast<CUgraphNode>(freshHandle());
  CUgraphNodeType type = typeOf(work);
  graph.nodes[handle] = {std::move(work), type, std::move(behind), {}};
  d.nodes[handle] = &graph;
  return handle;
}

void destroyGraph(Driver &d, Graph &graph) {
  std::erase_if(d.nodes, [&](auto &entry) { return entry.second == &graph; });
  d.graphs.remove(graph.handle);
}

} // namespace nncc::emu::driver

/// The node of a handle, or null.
static Node *nodeOf(Driver &d, CUgraphNode handle) {
  auto owner = d.nodes.find(handle);
  return owner == d.nodes.end() ? nullptr : &owner->second->nodes.at(handle);
}

/// Adds the node that `make` fills in, behind others of the same graph.
template <class F>
static CUresult add(std::string_view name, CUgraphNode *out, CUgraph graphHandle, const CUgraphNode *behind,
                    size_t count, F make) {
  return inContext(name, [&](Driver &d, Context &context) {
    Graph *graph = d.graphs.find(graphHandle);
    if (!out || !graph || (count && !behind))
      return CUDA_ERROR_INVALID_VALUE;
    std::vector<CUgraphNode> before(behind, behind + count);
    for (CUgraphNode node : before)
      if (!graph->nodes.contains(node))
        return CUDA_ERROR_INVALID_VALUE;
    Work work;
    if (CUresult problem = make(d, context, work))
      return problem;
    *out = addNode(d, *graph, std::move(work), std::move(before));
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphCreate(CUgraph *out, unsigned flags) {
  return initialised("cuGraphCreate", [&](Driver &d) {
    if (!out || flags)
      return CUDA_ERROR_INVALID_VALUE;
    *out = d.graphs.add(std::make_unique<Graph>())->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  return initialised("cuGraphDestroy", [&](Driver &d) {
    Graph *graph = d.graphs.find(handle);
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    destroyGraph(d, *graph);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphAddEmptyNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count) {
  return add("cuGraphAddEmptyNode", out, graph, behind, count, [](auto &...) { return CUDA_SUCCESS; });
}

template <class Params> static CUresult makeKernel(Driver &d, Context &context, const Params *params, Work &work) {
  return params ? kernelWork(d, context, *params, work.emplace<KernelWork>()) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphAddKernelNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                              const CUDA_KERNEL_NODE_PARAMS *params) {
  return add("cuGraphAddKernelNode", out, graph, behind, count,
             [&](Driver &d, Context &context, Work &work) { return makeKernel(d, context, params, work); });
}
/// The members that the second version adds name a kernel of a library and its context.
CUresult cuGraphAddKernelNode_v2(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                                 const CUDA_KERNEL_NODE_PARAMS_v2 *params) {
  return cuGraphAddKernelNode(out, graph, behind, count, params);
}

CUresult cuGraphAddMemcpyNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                              const CUDA_MEMCPY3D *params, CUcontext) {
  return add("cuGraphAddMemcpyNode", out, graph, behind, count,
             [&](Driver &d, Context &, Work &work) { return copyWork(d, params, work.emplace<CopyWork>()); });
}

CUresult cuGraphAddMemsetNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS *params, CUcontext) {
  return add("cuGraphAddMemsetNode", out, graph, behind, count,
             [&](Driver &d, Context &, Work &work) { return fillWork(d, params, work.emplace<FillWork>()); });
}

CUresult cuGraphAddHostNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                            const CUDA_HOST_NODE_PARAMS *params) {
  return add("cuGraphAddHostNode", out, graph, behind, count, [&](Driver &, Context &, Work &work) {
    if (!params || !params->fn)
      return CUDA_ERROR_INVALID_VALUE;
    work = HostWork{params->fn, params->userData};
    return CUDA_SUCCESS;
  });
}

static CUresult addEventNode(std::string_view name, CUgraphNode *out, CUgraph graph, const CUgraphNode *behind,
                             size_t count, CUevent event, bool records) {
  return add(name, out, graph, behind, count, [&](Driver &d, Context &, Work &work) {
    work = EventNode{event, records};
    return d.events.find(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}
CUresult cuGraphAddEventRecordNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                                   CUevent event) {
  return addEventNode("cuGraphAddEventRecordNode", out, graph, behind, count, event, true);
}
CUresult cuGraphAddEventWaitNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *behind, size_t count,
                                 CUevent event) {
  return addEventNode("cuGraphAddEventWaitNode", out, graph, behind, count, event, false);
}

CUresult cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
  return initialised("cuGraphAddDependencies", [&](Driver &d) {
    Graph *graph = d.graphs.find(handle);
    if (!graph || (count && (!from || !to)))
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t k = 0; k < count; ++k)
      if (!graph->nodes.contains(from[k]) || !graph->nodes.contains(to[k]))
        return CUDA_ERROR_INVALID_VALUE;
    for (size_t k = 0; k < count; ++k)
      graph->nodes.at(to[k]).behind.push_back(from[k]);
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What a graph holds
//===----------------------------------------------------------------------------------------------------------------------===//

/// Writes up to *count handles, and into *count how many there are.
static CUresult give(const std::vector<CUgraphNode> &nodes, CUgraphNode *out, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t k = 0; out && k < *count; ++k)
    out[k] = k < nodes.size() ? nodes[k] : nullptr;
  *count = out ? std::min(*count, nodes.size()) : nodes.size();
  return CUDA_SUCCESS;
}

static CUresult nodesOf(std::string_view name, CUgraph handle, CUgraphNode *out, size_t *count, bool onlyRoots) {
  return initialised(name, [&](Driver &d) {
    Graph *graph = d.graphs.find(handle);
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    std::vector<CUgraphNode> found;
    for (auto &[node, content] : graph->nodes)
      if (!onlyRoots || content.behind.empty())
        found.push_back(node);
    return give(found, out, count);
  });
}
CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
  return nodesOf("cuGraphGetNodes", graph, nodes, count, false);
}
CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
  return nodesOf("cuGraphGetRootNodes", graph, nodes, count, true);
}

CUresult cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode *nodes, size_t *count) {
  return initialised("cuGraphNodeGetDependencies", [&](Driver &d) {
    Node *node = nodeOf(d, handle);
    return node ? give(node->behind, nodes, count) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
  return initialised("cuGraphNodeGetType", [&](Driver &d) {
    Node *node = nodeOf(d, handle);
    if (!node || !type)
      return CUDA_ERROR_INVALID_VALUE;
    *type = node->type;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphKernelNodeGetParams(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS *params) {
  return initialised("cuGraphKernelNodeGetParams", [&](Driver &d) {
    Node *node = nodeOf(d, handle);
    KernelWork *work = node ? std::get_if<KernelWork>(&node->work) : nullptr;
    Kernel *kernel = work ? d.functions.find(work->function) : nullptr;
    if (!kernel || !params)
      return CUDA_ERROR_INVALID_VALUE;
    node->params.clear();
    for (uint32_t offset : kernel->offsets)
      node->params.push_back(work->params.data() + offset);
    auto &[grid, block, shared] = work->shape;
    *params = {work->function,      grid[0], grid[1], grid[2], block[0], block[1], block[2], shared,
               node->params.data(), nullptr};
    return CUDA_SUCCESS;
  });
}
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v2 *params) {
  if (params)
    params->kern = nullptr, params->ctx = nullptr;
  return cuGraphKernelNodeGetParams(node, params);
}

CUresult cuGraphKernelNodeSetParams(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS *params) {
  return inContext("cuGraphKernelNodeSetParams", [&](Driver &d, Context &context) {
    Node *node = nodeOf(d, handle);
    if (!node || node->type != NODE_KERNEL)
      return CUDA_ERROR_INVALID_VALUE;
    Work work;
    CUresult result = makeKernel(d, context, params, work);
    if (result == CUDA_SUCCESS)
      node->work = std::move(work);
    return result;
  });
}
CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v2 *params) {
  return cuGraphKernelNodeSetParams(node, params);
}
