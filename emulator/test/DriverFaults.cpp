//===- DriverFaults.cpp - each fault of NNCC_EMU_FAULT, and the run that follows ---------------------------------===//

#include "Driver.h"
#include <thread>

namespace {

class DriverFaults : public OnDriver {
protected:
  /// Uploads, runs a kernel, downloads, frees: the first result that is not success. Leaves nothing behind where the context is usable.
  static CUresult session() {
    CUdeviceptr x = 0;
    CUmodule m = nullptr;
    CUfunction f = nullptr;
    float value = 1;
    CUresult result = cuMemAlloc_v2(&x, 4);
    auto then = [&](auto next) { result = result == CUDA_SUCCESS ? next() : result; };
    then([&] { return cuMemcpyHtoD_v2(x, &value, 4); });
    then([&] { return cuModuleLoadData(&m, ptx(scaleBody).c_str()); });
    then([&] { return cuModuleGetFunction(&f, m, "k"); });
    then([&] { return launch(f, 1, 32, nullptr, x, 1u, 2.0f, 1.0f); });
    then([&] { return cuCtxSynchronize(); });
    then([&] { return cuMemcpyDtoH_v2(&value, x, 4); });
    then([&] { return value == 3 ? CUDA_SUCCESS : CUDA_ERROR_ASSERT; });
    if (m)
      cuModuleUnload(m);
    if (x)
      cuMemFree_v2(x);
    return result;
  }
  static CUresult init(const char *faults) {
    setenv("NNCC_EMU_FAULT", faults, 1);
    nnccEmuRestart();
    return cuInit(0);
  }
};

TEST_F(DriverFaults, NoDriverNoDevice) {
  EXPECT_EQ(init("init"), CUDA_ERROR_UNKNOWN);
  EXPECT_EQ(init("init=803"), CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
  EXPECT_EQ(init("no-device"), CUDA_ERROR_NO_DEVICE);
  EXPECT_EQ(init(""), CUDA_SUCCESS);
}

TEST_F(DriverFaults, AWrongTextIsTold) {
  for (const char *text : {"explode", "alloc@0", "alloc@x", "launch@1=", "launch@1=0", "driver=twelve", "memory=",
                           "memory=99999999999G", "together=0", "together=two", "init=1000000", "alloc@1-", "@1"}) {
    EXPECT_EQ(init(text), CUDA_ERROR_NO_DEVICE) << text;
    EXPECT_NE(report().find("NNCC_EMU_FAULT: '" + std::string(text)), std::string::npos) << report();
  }
}

TEST_F(DriverFaults, AnOldDriver) {
  open("a100", "driver=11.1");
  int version = 0;
  EXPECT_EQ(cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_EQ(version, 11010);
  CUdeviceptr x = 0;
  CUmemoryPool pool = nullptr;
  int pools = 1;
  EXPECT_EQ(cuDeviceGetAttribute(&pools, ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 0), CUDA_SUCCESS);
  EXPECT_EQ(pools, 0);
  EXPECT_EQ(cuMemAllocAsync(&x, 4, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(cuDeviceGetDefaultMemPool(&pool, 0), CUDA_ERROR_NOT_SUPPORTED);
  CUmodule m = nullptr;
  EXPECT_EQ(cuModuleLoadData(&m, ptx(scaleBody, "sm_80", "7.8").c_str()), CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  EXPECT_NE(report().find("the image is PTX 7.8; this driver knows PTX up to 7.1"), std::string::npos) << report();
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, NoPools) {
  open("a100", "no-pools");
  CUdeviceptr x = 0;
  EXPECT_EQ(cuMemAllocAsync(&x, 4, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

/// Four threads; a fifth finds that four have begun.
TEST_F(DriverFaults, ModulesAtOnce) {
  open("t4", "together=4");
  std::vector<std::thread> threads;
  std::vector<CUmodule> modules(5);
  threads.reserve(modules.size());
  for (CUmodule &one : modules)
    threads.emplace_back([&one, this] {
      EXPECT_EQ(cuCtxPushCurrent_v2(context), CUDA_SUCCESS);
      std::string text = ptx(scaleBody);
      for (int times = 0; times < 50; ++times) {
        EXPECT_EQ(cuModuleLoadData(&one, text.c_str()), CUDA_SUCCESS);
        CUmodule wrong = nullptr;
        EXPECT_EQ(cuModuleLoadData(&wrong, ptx("frobnicate").c_str()), CUDA_ERROR_INVALID_PTX);
        EXPECT_EQ(cuModuleUnload(one), CUDA_SUCCESS);
      }
      CUcontext mine = nullptr;
      EXPECT_EQ(cuCtxPopCurrent_v2(&mine), CUDA_SUCCESS);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, OutOfMemoryAtTheNthAllocation) {
  open("t4", "alloc@2");
  EXPECT_EQ(session(), CUDA_SUCCESS);
  EXPECT_EQ(session(), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, OutOfMemoryFromThereOn) {
  open("t4", "alloc@2+,host-alloc@1");
  EXPECT_EQ(session(), CUDA_SUCCESS);
  EXPECT_EQ(session(), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(session(), CUDA_ERROR_OUT_OF_MEMORY);
  void *host = nullptr;
  EXPECT_EQ(cuMemHostAlloc(&host, 16, 0), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cuMemHostAlloc(&host, 16, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeHost(host), CUDA_SUCCESS);
}

TEST_F(DriverFaults, OutOfMemoryInTheOrderOfAStream) {
  open("t4", "alloc@2");
  CUdeviceptr x = 0, y = 0;
  EXPECT_EQ(cuMemAllocAsync(&x, 16, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAllocAsync(&y, 16, nullptr), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cuMemAllocAsync(&y, 16, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeAsync(x, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree_v2(x), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverFaults, LittleMemory) {
  open("t4", "memory=64K");
  size_t available = 0, total = 0;
  EXPECT_EQ(cuMemGetInfo_v2(&available, &total), CUDA_SUCCESS);
  EXPECT_EQ(total, 64u << 10);
  CUdeviceptr x = allocate(40 << 10), y = 0;
  EXPECT_EQ(cuMemAlloc_v2(&y, 40 << 10), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cuMemFree_v2(x), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&y, 40 << 10), CUDA_SUCCESS);
}

TEST_F(DriverFaults, ALaunchIsRefused) {
  open("t4", "launch@1");
  EXPECT_EQ(session(), CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, AKernelCrashes) {
  open("t4", "crash@1");
  EXPECT_EQ(session(), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(session(), CUDA_ERROR_LAUNCH_FAILED); // The error sticks to the context,
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
  EXPECT_EQ(session(), CUDA_SUCCESS); // and a new one is free of it.
}

TEST_F(DriverFaults, TheDeviceIsLost) {
  open("t4,v100", "lost@2");
  EXPECT_EQ(session(), CUDA_ERROR_UNKNOWN);
  EXPECT_EQ(cuDevicePrimaryCtxReset_v2(0), CUDA_SUCCESS);
  CUcontext other = nullptr;
  EXPECT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_ERROR_UNKNOWN);
  // The second device goes on.
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&other, 1), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(other), CUDA_SUCCESS);
  EXPECT_EQ(session(), CUDA_SUCCESS);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(1), CUDA_SUCCESS);
  context = nullptr;
}

TEST_F(DriverFaults, ACorruptImage) {
  open("t4", "image@1,image@2=218");
  EXPECT_EQ(session(), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_EQ(session(), CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, AnyCall) {
  open("t4", "cuMemcpyDtoH@1=719,cuCtxSynchronize@2");
  EXPECT_EQ(session(), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(session(), CUDA_ERROR_UNKNOWN);
  EXPECT_EQ(session(), CUDA_SUCCESS);
}

TEST_F(DriverFaults, WhatIsLeftToTheContextIsReported) {
  setenv("NNCC_EMU_LEAKS", "1", 1);
  open("t4");
  allocate(16), allocate(32);
  CUstream stream = nullptr;
  EXPECT_EQ(cuStreamCreate(&stream, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  context = nullptr;
  EXPECT_EQ(nnccEmuRestart(), 0u);
  EXPECT_EQ(report(), "nncc-emu: left to its context: 2 allocations\nnncc-emu: left to its context: 1 stream\n");
}

TEST_F(DriverFaults, LeaksAndCountersAreReported) {
  std::string counters = reportFile() + ".json", trace = reportFile() + ".trace";
  setenv("NNCC_EMU_LEAKS", "1", 1);
  setenv("NNCC_EMU_COUNTERS", counters.c_str(), 1);
  setenv("NNCC_EMU_TRACE", trace.c_str(), 1);
  open("t4");
  EXPECT_EQ(session(), CUDA_SUCCESS);
  CUevent event = nullptr;
  EXPECT_EQ(cuEventCreate(&event, 0), CUDA_SUCCESS);
  allocate(16);
  EXPECT_EQ(nnccEmuRestart(), 3u);
  context = nullptr;
  std::string text = report();
  EXPECT_NE(text.find("leaked: 1 allocation of device memory, 16 bytes"), std::string::npos) << text;
  EXPECT_NE(text.find("leaked: 1 event\n"), std::string::npos) << text;
  EXPECT_NE(text.find("leaked: the primary context of device 0, retained 1 time\n"), std::string::npos) << text;
  text = readFile(counters);
  EXPECT_NE(text.find("\"cards\": \"t4\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"cuMemAlloc\": 2"), std::string::npos) << text;
  EXPECT_NE(
      text.find("\"k\": {\"launches\": 1, \"blocks\": 1, \"threads\": 32, \"dynamic_shared\": 0, \"instructions\": {"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("\"global_sectors\": 2"), std::string::npos) << text;
  text = readFile(trace);
  EXPECT_NE(text.find("cuInit\ncuDevicePrimaryCtxRetain\ncuCtxSetCurrent\ncuMemAlloc\ncuMemcpyHtoD\n"),
            std::string::npos)
      << text;
  std::remove(counters.c_str());
  std::remove(trace.c_str());
}

} // namespace
