//===- DriverStreams.cpp - what is executed when, and what a program that does not wait sees ---------------------===//

#include "Driver.h"
#include <atomic>
#include <cstring>
#include <thread>

namespace {

class DriverStreams : public OnDriver {
protected:
  CUstream stream(unsigned flags = 1) {
    CUstream made = nullptr;
    EXPECT_EQ(cuStreamCreate(&made, flags), CUDA_SUCCESS);
    return made;
  }
  CUevent event() {
    CUevent made = nullptr;
    EXPECT_EQ(cuEventCreate(&made, 0), CUDA_SUCCESS);
    return made;
  }
  float *pinned(size_t count) {
    void *memory = nullptr;
    EXPECT_EQ(cuMemAllocHost_v2(&memory, count * 4), CUDA_SUCCESS);
    return static_cast<float *>(memory);
  }
};

TEST_F(DriverStreams, PinnedCopiesComeWhenTheyAreWaitedFor) {
  open();
  CUstream s = stream();
  float *host = pinned(2);
  CUdeviceptr x = allocate(8);
  host[0] = 1, host[1] = 2;
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(x, host, 8, s), CUDA_SUCCESS);
  EXPECT_EQ(launch(kernel(ptx(scaleBody)), 1, 32, s, x, 2u, 10.0f, 0.0f), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyDtoHAsync_v2(host, x, 8, s), CUDA_SUCCESS);
  EXPECT_EQ(host[0], 1); // Nobody has waited.
  EXPECT_EQ(cuStreamQuery(s), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(host[0], 10);
  EXPECT_EQ(host[1], 20);
  EXPECT_EQ(cuStreamQuery(s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeHost(host), CUDA_SUCCESS);
}

TEST_F(DriverStreams, PinnedMemoryChangedTooEarly) {
  open();
  CUstream s = stream();
  float *host = pinned(1);
  CUdeviceptr x = allocate(4);
  host[0] = 1;
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(x, host, 4, s), CUDA_SUCCESS);
  host[0] = 2;
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_NE(report().find("the host wrote to pinned memory"), std::string::npos);
}

TEST_F(DriverStreams, PageableMemoryMayChangeAtOnce) {
  open();
  CUstream s = stream();
  std::vector<float> small{1}, large(1 << 15, 3);
  CUdeviceptr x = allocate(4), y = allocate(large.size() * 4);
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(x, small.data(), 4, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(y, large.data(), large.size() * 4, s), CUDA_SUCCESS);
  small[0] = 2, large[0] = 4;
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 1);
  EXPECT_EQ(download(y, 1)[0], 3);
}

TEST_F(DriverStreams, AForgottenEventShows) {
  open();
  CUfunction f = kernel(ptx(scaleBody));
  for (bool waits : {true, false}) {
    CUstream producer = stream(), consumer = stream();
    CUevent done = event();
    CUdeviceptr x = allocate(4), y = allocate(4);
    EXPECT_EQ(cuMemsetD32Async(x, 0x3f800000, 1, producer), CUDA_SUCCESS);
    EXPECT_EQ(launch(f, 1, 32, producer, x, 1u, 5.0f, 0.0f), CUDA_SUCCESS);
    EXPECT_EQ(cuEventRecord(done, producer), CUDA_SUCCESS);
    if (waits) {
      EXPECT_EQ(cuStreamWaitEvent(consumer, done, 0), CUDA_SUCCESS);
    }
    EXPECT_EQ(launch(f, 1, 32, consumer, x, 1u, 2.0f, 0.0f), CUDA_SUCCESS);
    EXPECT_EQ(cuMemcpyDtoDAsync_v2(y, x, 4, consumer), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamSynchronize(consumer), waits ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_FAILED);
    if (waits) {
      EXPECT_EQ(download(y, 1)[0], 10);
    }
  }
}

TEST_F(DriverStreams, TheLegacyStreamComesBetween) {
  open();
  CUfunction f = kernel(ptx(scaleBody));
  CUstream blocking = stream(0);
  CUdeviceptr x = upload({1});
  EXPECT_EQ(launch(f, 1, 32, blocking, x, 1u, 1.0f, 1.0f), CUDA_SUCCESS); // 2
  EXPECT_EQ(launch(f, 1, 32, nullptr, x, 1u, 3.0f, 0.0f), CUDA_SUCCESS);  // 6
  EXPECT_EQ(launch(f, 1, 32, blocking, x, 1u, 1.0f, 1.0f), CUDA_SUCCESS); // 7
  EXPECT_EQ(cuStreamSynchronize(blocking), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 1)[0], 7);
}

TEST_F(DriverStreams, MemoryInTheOrderOfAStream) {
  open();
  CUstream s = stream();
  CUmemoryPool pool = nullptr;
  ASSERT_EQ(cuDeviceGetDefaultMemPool(&pool, 0), CUDA_SUCCESS);
  uint64_t keep = UINT64_MAX, used = 0, reserved = 0;
  EXPECT_EQ(cuMemPoolSetAttribute(pool, POOL_RELEASE_THRESHOLD, &keep), CUDA_SUCCESS);
  CUdeviceptr x = 0;
  ASSERT_EQ(cuMemAllocAsync(&x, 1024, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemsetD8Async(x, 0, 1024, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeAsync(x, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeAsync(x, s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemPoolGetAttribute(pool, POOL_USED_MEM_CURRENT, &used), CUDA_SUCCESS);
  EXPECT_EQ(cuMemPoolGetAttribute(pool, POOL_RESERVED_MEM_CURRENT, &reserved), CUDA_SUCCESS);
  EXPECT_EQ(used, 0u);
  EXPECT_EQ(reserved, 1024u);
  EXPECT_EQ(cuMemPoolTrimTo(pool, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemPoolGetAttribute(pool, POOL_RESERVED_MEM_CURRENT, &reserved), CUDA_SUCCESS);
  EXPECT_EQ(reserved, 0u);
  size_t available = 0, total = 0;
  EXPECT_EQ(cuMemGetInfo_v2(&available, &total), CUDA_SUCCESS);
  EXPECT_EQ(available, total);
}

TEST_F(DriverStreams, UseAfterFreeInTheOrderOfAStream) {
  open();
  CUstream s = stream();
  CUdeviceptr x = 0;
  ASSERT_EQ(cuMemAllocAsync(&x, 4, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemsetD32Async(x, 0, 1, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeAsync(x, s), CUDA_SUCCESS);
  EXPECT_EQ(launch(kernel(ptx(scaleBody)), 1, 1, s, x, 1u, 1.0f, 1.0f), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(report().find("use after free"), std::string::npos) << report();
}

TEST_F(DriverStreams, EventsMeasureAndAreAskedAfter) {
  open();
  CUstream s = stream();
  CUevent first = event(), last = event();
  EXPECT_EQ(cuEventQuery(first), CUDA_SUCCESS); // never recorded
  CUdeviceptr x = allocate(1 << 20);
  float time = -1;
  EXPECT_EQ(cuEventElapsedTime(&time, first, last), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuEventRecord(first, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemsetD8Async(x, 1, 1 << 20, s), CUDA_SUCCESS);
  EXPECT_EQ(cuEventRecord(last, s), CUDA_SUCCESS);
  EXPECT_EQ(cuEventElapsedTime(&time, first, last), CUDA_ERROR_NOT_READY);
  int asked = 0;
  while (cuEventQuery(last) == CUDA_ERROR_NOT_READY)
    ++asked;
  EXPECT_GT(asked, 1);
  EXPECT_EQ(cuEventElapsedTime(&time, first, last), CUDA_SUCCESS);
  EXPECT_GE(time, 0);
}

TEST_F(DriverStreams, FunctionsOfTheHostAreCalledInOrder) {
  open();
  CUstream s = stream();
  CUdeviceptr x = allocate(4);
  struct State {
    CUdeviceptr x;
    CUresult inside = CUDA_SUCCESS;
    std::atomic<bool> called = false;
  } state{x};
  auto function = [](void *data) {
    auto &state = *static_cast<State *>(data);
    float value = 0;
    state.inside = cuMemcpyDtoH_v2(&value, state.x, 4);
    state.called = true;
  };
  EXPECT_EQ(cuMemsetD32Async(x, 0, 1, s), CUDA_SUCCESS);
  EXPECT_EQ(cuLaunchHostFunc(s, function, &state), CUDA_SUCCESS);
  // It comes without any further call.
  while (!state.called)
    std::this_thread::yield();
  EXPECT_EQ(state.inside, CUDA_ERROR_NOT_PERMITTED);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
}

TEST_F(DriverStreams, CopiesOfTwoDimensions) {
  open();
  std::vector<float> matrix{0, 1, 2, 3, 4, 5, 6, 7, 8}, part(4);
  CUdeviceptr x = upload(matrix);
  CUDA_MEMCPY2D copy{};
  copy.src = {4, 1, MEMORY_DEVICE, nullptr, x, nullptr, 12};
  copy.dst = {0, 0, MEMORY_HOST, part.data(), 0, nullptr, 8};
  copy.widthInBytes = 8, copy.height = 2;
  EXPECT_EQ(cuMemcpy2D_v2(&copy), CUDA_SUCCESS);
  EXPECT_EQ(part, std::vector<float>({4, 5, 7, 8}));
  copy.src.y = 2; // its last row is behind the allocation
  EXPECT_EQ(cuMemcpy2D_v2(&copy), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverStreams, ThreadsHaveStreamsOfTheirOwn) {
  open();
  void *found = nullptr;
  ASSERT_EQ(cuGetProcAddress("cuLaunchKernel", &found, 12000, 2), CUDA_SUCCESS);
  auto *launchOwn = reinterpret_cast<decltype(&cuLaunchKernel)>(found);
  CUfunction f = kernel(ptx(scaleBody));
  CUdeviceptr x = upload(std::vector<float>(4));
  auto work = [&](unsigned index) {
    ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
    CUdeviceptr mine = x + 4 * index;
    unsigned n = 1;
    float a = 1, b = 1;
    void *params[] = {&mine, &n, &a, &b};
    for (int k = 0; k < 50; ++k)
      ASSERT_EQ(launchOwn(f, 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamSynchronize(reinterpret_cast<CUstream>(streamPerThread)), CUDA_SUCCESS);
  };
  constexpr unsigned numThreads = 4;
  std::vector<std::thread> threads;
  threads.reserve(numThreads);
  for (unsigned k = 0; k < numThreads; ++k)
    threads.emplace_back(work, k);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(download(x, 4), std::vector<float>(4, 50));
}

} // namespace
