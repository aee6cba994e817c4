//===- DriverGraphs.cpp - capture, and graphs that are launched --------------------------------------------------===//

#include "Driver.h"

namespace {

class DriverGraphs : public OnDriver {
protected:
  void start(const char *card = "a100") {
    open(card);
    function = kernel(ptx(scaleBody));
    ASSERT_EQ(cuStreamCreate(&s, 1), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamCreate(&other, 1), CUDA_SUCCESS);
    ASSERT_EQ(cuEventCreate(&fork, 2), CUDA_SUCCESS);
    ASSERT_EQ(cuEventCreate(&join, 2), CUDA_SUCCESS);
  }
  CUresult scale(CUstream stream, CUdeviceptr x, float a, float b) {
    return launch(function, 1, 32, stream, x, 1u, a, b);
  }
  /// Launches the graph and frees it.
  void run(CUgraph graph) {
    CUgraphExec exec = nullptr;
    ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
    EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS) << report();
    EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
    EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  }

  CUfunction function = nullptr;
  CUstream s = nullptr, other = nullptr;
  CUevent fork = nullptr, join = nullptr;
};

TEST_F(DriverGraphs, CapturedWorkRunsWhenLaunched) {
  start();
  CUdeviceptr x = upload({1}), y = allocate(4);
  CUstreamCaptureStatus status{};
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamIsCapturing(s, &status), CUDA_SUCCESS);
  EXPECT_EQ(status, CAPTURE_ACTIVE);
  EXPECT_EQ(scale(s, x, 2, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(y, x, 4, s), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 1);
  size_t count = 0;
  EXPECT_EQ(cuGraphGetNodes(graph, nullptr, &count), CUDA_SUCCESS);
  EXPECT_EQ(count, 2u);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  unsigned long long allocations = nnccEmuCalls("cuMemAlloc"), waits = nnccEmuCalls("cuStreamSynchronize");
  for (int k = 0; k < 3; ++k)
    EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  EXPECT_EQ(nnccEmuCalls("cuGraphLaunch"), 3u);
  EXPECT_EQ(nnccEmuCalls("cuMemAlloc"), allocations);
  EXPECT_EQ(nnccEmuCalls("cuStreamSynchronize"), waits);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(download(y, 1)[0], 15);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
}

TEST_F(DriverGraphs, StreamsForkAndJoin) {
  start();
  CUdeviceptr x = upload({1}), y = upload({1});
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_THREAD_LOCAL), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecord(fork, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamWaitEvent(other, fork, 0), CUDA_SUCCESS);
  EXPECT_EQ(scale(s, x, 2, 0), CUDA_SUCCESS);
  EXPECT_EQ(scale(other, y, 3, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecord(join, other), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamWaitEvent(s, join, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(x, y, 4, s), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
  CUgraphNode nodes[3];
  size_t count = 3;
  EXPECT_EQ(cuGraphGetRootNodes(graph, nodes, &count), CUDA_SUCCESS);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(cuEventQuery(join), CUDA_ERROR_CAPTURED_EVENT);
  run(graph);
  EXPECT_EQ(download(x, 1)[0], 3);
}

TEST_F(DriverGraphs, AStreamThatIsNotJoined) {
  start();
  CUdeviceptr x = upload({1});
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecord(fork, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamWaitEvent(other, fork, 0), CUDA_SUCCESS);
  EXPECT_EQ(scale(other, x, 3, 0), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(other, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecord(fork, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamWaitEvent(other, fork, 0), CUDA_SUCCESS);
  EXPECT_EQ(scale(other, x, 3, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(graph, nullptr);
  // Both streams are usable again.
  EXPECT_EQ(scale(other, x, 3, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(other), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 3);
}

TEST_F(DriverGraphs, WhatACaptureForbids) {
  start();
  CUdeviceptr x = upload({1}), y = 0;
  auto forbidden = [&](CUresult expected, auto call) {
    ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
    EXPECT_EQ(call(), expected);
    CUgraph graph = nullptr;
    EXPECT_EQ(scale(s, x, 1, 0), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  };
  float value = 0;
  CUstream blocking = nullptr;
  forbidden(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuStreamSynchronize(s); });
  forbidden(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuCtxSynchronize(); });
  forbidden(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemAlloc_v2(&y, 4); });
  forbidden(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemcpyDtoH_v2(&value, x, 4); });
  forbidden(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemAllocAsync(&y, 4, s); });
  ASSERT_EQ(cuStreamCreate(&blocking, 0), CUDA_SUCCESS);
  std::swap(s, blocking);
  forbidden(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, [&] { return scale(nullptr, x, 1, 0); });
  EXPECT_EQ(cuStreamBeginCapture_v2(nullptr, CAPTURE_GLOBAL), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_ILLEGAL_STATE);
}

TEST_F(DriverGraphs, RelaxedCapturesAllowAllocation) {
  start();
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_RELAXED), CUDA_SUCCESS);
  CUdeviceptr x = allocate(4);
  EXPECT_EQ(cuMemsetD32Async(x, 0x40000000, 1, s), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
  run(graph);
  EXPECT_EQ(download(x, 1)[0], 2);
}

TEST_F(DriverGraphs, BuiltNodeByNode) {
  start();
  CUdeviceptr x = allocate(4);
  float a = 2, b = 1, result = 0;
  unsigned n = 1;
  void *params[] = {&x, &n, &a, &b};
  CUDA_MEMSET_NODE_PARAMS set{x, 0, 0x3f800000, 4, 1, 1};
  CUDA_KERNEL_NODE_PARAMS kernelParams{function, 1, 1, 1, 32, 1, 1, 0, params, nullptr};
  CUDA_MEMCPY3D copy{};
  copy.src.type = MEMORY_DEVICE, copy.src.device = x;
  copy.dst.type = MEMORY_HOST, copy.dst.host = &result;
  copy.widthInBytes = 4, copy.height = copy.depth = 1;
  float seen = 0;
  struct Pair {
    float *from, *to;
  } pair{&result, &seen};
  CUDA_HOST_NODE_PARAMS host{[](void *data) {
                               auto *pair = static_cast<Pair *>(data);
                               *pair->to = *pair->from;
                             },
                             &pair};
  CUgraph graph = nullptr;
  CUgraphNode nodes[4];
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  // The last comes first, and is put behind the others later.
  ASSERT_EQ(cuGraphAddHostNode(&nodes[3], graph, nullptr, 0, &host), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemsetNode(&nodes[0], graph, nullptr, 0, &set, context), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddKernelNode(&nodes[1], graph, &nodes[0], 1, &kernelParams), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemcpyNode(&nodes[2], graph, &nodes[1], 1, &copy, context), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphAddDependencies(graph, &nodes[2], &nodes[3], 1), CUDA_SUCCESS);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  a = 10; // The launch in flight keeps what it has.
  EXPECT_EQ(cuGraphExecKernelNodeSetParams(exec, nodes[1], &kernelParams), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(seen, 11);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  // A circle.
  EXPECT_EQ(cuGraphAddDependencies(graph, &nodes[3], &nodes[0], 1), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverGraphs, ADependencyThatIsMissingShows) {
  start();
  CUdeviceptr x = allocate(4);
  float a = 1, b = 1;
  unsigned n = 1;
  void *params[] = {&x, &n, &a, &b};
  CUDA_MEMSET_NODE_PARAMS set{x, 0, 0, 4, 1, 1};
  CUDA_KERNEL_NODE_PARAMS kernelParams{function, 1, 1, 1, 1, 1, 1, 0, params, nullptr};
  CUgraph graph = nullptr;
  CUgraphNode first = nullptr, second = nullptr;
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemsetNode(&first, graph, nullptr, 0, &set, context), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddKernelNode(&second, graph, nullptr, 0, &kernelParams), CUDA_SUCCESS);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_ERROR_LAUNCH_FAILED); // It reads what was never written.
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
}

TEST_F(DriverGraphs, UpdatedByAGraphOfTheSameShape) {
  start();
  CUdeviceptr x = upload({1});
  auto capture = [&](float a, int launches) {
    CUgraph graph = nullptr;
    EXPECT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
    for (int k = 0; k < launches; ++k)
      EXPECT_EQ(scale(s, x, a, 0), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
    return graph;
  };
  CUgraph first = capture(2, 2), second = capture(5, 2), longer = capture(2, 3);
  CUgraphExec exec = nullptr;
  CUgraphExecUpdateResultInfo info{};
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, first, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, longer, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, 2);
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, second, &info), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 25);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  for (CUgraph graph : {first, second, longer})
    EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
}

TEST_F(DriverGraphs, EventNodesReachOutside) {
  start();
  CUdeviceptr x = upload({1});
  CUevent done = nullptr;
  ASSERT_EQ(cuEventCreate(&done, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CAPTURE_GLOBAL), CUDA_SUCCESS);
  EXPECT_EQ(scale(s, x, 2, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecordWithFlags(done, s, 1), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamWaitEvent(other, done, 0), CUDA_SUCCESS);
  EXPECT_EQ(scale(other, x, 1, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(other), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 3);
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
}

} // namespace
