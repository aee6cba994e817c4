//===- DriverBasics.cpp - devices, contexts, memory, launches through the driver API -----------------------------===//

#include "Driver.h"
#include <dlfcn.h>

namespace {

class DriverBasics : public OnDriver {};

TEST_F(DriverBasics, NothingBeforeInit) {
  int count = 0;
  EXPECT_EQ(cuDeviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuInit(1), CUDA_ERROR_INVALID_VALUE);
  CUdeviceptr address = 0;
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(DriverBasics, UnknownCardIsTold) {
  setenv("NNCC_EMU", "rtx9999", 1);
  nnccEmuRestart();
  EXPECT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
  EXPECT_NE(report().find("'rtx9999' is no card; known are k40"), std::string::npos);
}

TEST_F(DriverBasics, ACardByItsArchitecture) {
  open("sm_70");
  char name[64];
  EXPECT_EQ(cuDeviceGetName(name, sizeof name, 0), CUDA_SUCCESS);
  EXPECT_STREQ(name, "Tesla V100-SXM2-16GB");
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  context = nullptr;
  for (const char *wrong : {"sm_71", "sm_", "sm_70x", "t4,"}) {
    setenv("NNCC_EMU", wrong, 1);
    nnccEmuRestart();
    EXPECT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE) << wrong;
  }
}

TEST_F(DriverBasics, TwoDevices) {
  open("t4,v100");
  int count = 0, major = 0, minor = 0, sharedOptIn = 0;
  EXPECT_EQ(cuDeviceGetCount(&count), CUDA_SUCCESS);
  EXPECT_EQ(count, 2);
  char name[64];
  EXPECT_EQ(cuDeviceGetName(name, sizeof name, 1), CUDA_SUCCESS);
  EXPECT_STREQ(name, "Tesla V100-SXM2-16GB");
  EXPECT_EQ(cuDeviceGetAttribute(&major, ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuDeviceGetAttribute(&minor, ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuDeviceGetAttribute(&sharedOptIn, ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 1), CUDA_SUCCESS);
  EXPECT_EQ(major * 10 + minor, 75);
  EXPECT_EQ(sharedOptIn, 96 * 1024);
  EXPECT_EQ(cuDeviceGetName(name, sizeof name, 2), CUDA_ERROR_INVALID_DEVICE);
  // What one device holds goes to the other and back.
  CUdeviceptr first = upload({1, 2, 3}), second = 0;
  CUcontext other = nullptr;
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&other, 1), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxPushCurrent_v2(other), CUDA_SUCCESS);
  second = allocate(12);
  EXPECT_EQ(cuMemcpyPeer(second, other, first, context, 12), CUDA_SUCCESS);
  EXPECT_EQ(download(second, 3), std::vector<float>({1, 2, 3}));
  int ordinal = -1;
  EXPECT_EQ(cuPointerGetAttribute(&ordinal, POINTER_DEVICE_ORDINAL, second), CUDA_SUCCESS);
  EXPECT_EQ(ordinal, 1);
  EXPECT_EQ(cuCtxPopCurrent_v2(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(1), CUDA_SUCCESS);
}

TEST_F(DriverBasics, LaunchesAKernel) {
  open();
  CUfunction f = kernel(ptx(scaleBody));
  CUdeviceptr x = upload({1, 2, 3, 4, 5});
  EXPECT_EQ(launch(f, 2, 32, nullptr, x, 5u, 2.0f, 1.0f), CUDA_SUCCESS);
  EXPECT_EQ(download(x, 5), std::vector<float>({3, 5, 7, 9, 11}));
}

TEST_F(DriverBasics, LaunchesFromABuffer) {
  open();
  CUfunction f = kernel(ptx(scaleBody));
  struct {
    CUdeviceptr x;
    unsigned n;
    float a, b;
  } params{upload({1, 2}), 2, 3, 0};
  size_t size = 20;
  void *extra[] = {reinterpret_cast<void *>(1), &params, reinterpret_cast<void *>(2), &size, nullptr};
  EXPECT_EQ(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, extra), CUDA_SUCCESS);
  EXPECT_EQ(download(params.x, 2), std::vector<float>({3, 6}));
}

TEST_F(DriverBasics, LimitsOfTheCard) {
  open("t4");
  CUfunction f = kernel(ptx(scaleBody));
  CUdeviceptr x = upload({1});
  void *params[] = {&x, &x, &x, &x};
  EXPECT_EQ(cuLaunchKernel(f, 1, 1, 1, 1025, 1, 1, 0, nullptr, params, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_NE(report().find("the block's dimension 0 is 1025, at most 1024"), std::string::npos) << report();
  EXPECT_EQ(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 60 << 10, nullptr, params, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuFuncSetAttribute(f, FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES, 65 << 10), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuFuncSetAttribute(f, FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES, 60 << 10), CUDA_SUCCESS);
  EXPECT_EQ(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 60 << 10, nullptr, params, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
}

TEST_F(DriverBasics, ATrapIsAStickyErrorAndAReport) {
  open("t4");
  CUfunction f = kernel(ptx(scaleBody));
  CUdeviceptr x = upload({1, 2, 3});
  EXPECT_EQ(launch(f, 1, 32, nullptr, x, 4u, 2.0f, 1.0f), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  std::string text = report();
  EXPECT_NE(text.find("t4: kernel 'k', line 15, block (0, 0, 0), thread (3, 0, 0): "), std::string::npos) << text;
  EXPECT_NE(text.find("out of bounds, offset 12 of an allocation of 12\n    ld.global.f32 %f0, [%rd0];"),
            std::string::npos)
      << text;
  CUdeviceptr more = 0;
  EXPECT_EQ(cuMemAlloc_v2(&more, 16), CUDA_ERROR_ILLEGAL_ADDRESS);
  // A new context works.
  EXPECT_EQ(cuDevicePrimaryCtxReset_v2(0), CUDA_SUCCESS);
  open("t4");
  EXPECT_EQ(download(upload({7}), 1), std::vector<float>({7}));
}

TEST_F(DriverBasics, WrongHandlesAndPointers) {
  open();
  CUdeviceptr x = allocate(16);
  EXPECT_EQ(cuMemFree_v2(x + 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemFree_v2(x), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree_v2(x), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemFree_v2(0), CUDA_SUCCESS);
  float value = 0;
  EXPECT_EQ(cuMemcpyHtoD_v2(x, &value, 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemcpyDtoH_v2(&value, reinterpret_cast<CUdeviceptr>(&value), 4), CUDA_ERROR_INVALID_VALUE);
  CUstream stream = nullptr;
  ASSERT_EQ(cuStreamCreate(&stream, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuEventDestroy_v2(reinterpret_cast<CUevent>(stream)), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(DriverBasics, ModulesAndTheirMessages) {
  open("t4");
  CUmodule m = nullptr;
  char log[256] = "?";
  CUjit_option options[] = {JIT_ERROR_LOG_BUFFER, JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  auto load = [&](const std::string &text) {
    values[1] = reinterpret_cast<void *>(sizeof log);
    return cuModuleLoadDataEx(&m, text.c_str(), 2, options, values);
  };
  EXPECT_EQ(load(ptx(".visible .entry k() { frobnicate; }")), CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(std::string(log).find("line 4"), std::string::npos) << log;
  EXPECT_EQ(load(ptx("", "sm_80", "7.0")), CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(std::string(log).find("sm_80"), std::string::npos) << log;
  EXPECT_EQ(load("hello"), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_EQ(load("\x7f"
                 "ELF"),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
  ASSERT_EQ(load(ptx(".visible .global .f32 table[2] = {0f3FC00000, 0f40200000};")), CUDA_SUCCESS);
  EXPECT_STREQ(log, "");
  CUdeviceptr address = 0;
  size_t bytes = 0;
  EXPECT_EQ(cuModuleGetGlobal_v2(&address, &bytes, m, "table"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 8u);
  EXPECT_EQ(download(address, 2), std::vector<float>({1.5, 2.5}));
  EXPECT_EQ(cuModuleGetGlobal_v2(&address, &bytes, m, "chair"), CUDA_ERROR_NOT_FOUND);
  CUfunction f = nullptr;
  EXPECT_EQ(cuModuleGetFunction(&f, m, "k"), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cuModuleUnload(m), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleUnload(m), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(DriverBasics, CallsAreFoundByNameAndVersion) {
  open("k40");
  int version = 0;
  EXPECT_EQ(cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_EQ(version, 11040);
  void *found = nullptr;
  CUdriverProcAddressQueryResult status{};
  EXPECT_EQ(cuGetProcAddress_v2("cuMemAlloc", &found, 11000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, reinterpret_cast<void *>(&cuMemAlloc_v2));
  EXPECT_EQ(status, PROC_SUCCESS);
  EXPECT_EQ(cuGetProcAddress_v2("cuMemAllocAsync", &found, 11000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, nullptr);
  EXPECT_EQ(status, PROC_VERSION_NOT_SUFFICIENT);
  EXPECT_EQ(cuGetProcAddress("cuNothing", &found, 12000, 0), CUDA_ERROR_NOT_FOUND);
  // The library under the name that applications open.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  EXPECT_NE(dlsym(library, "cuLaunchKernel_ptsz"), nullptr);
  EXPECT_NE(dlsym(library, "cuMemcpyHtoD_v2_ptds"), nullptr);
  dlclose(library);
}

TEST_F(DriverBasics, Results) {
  const char *text = nullptr;
  EXPECT_EQ(cuGetErrorName(CUDA_ERROR_OUT_OF_MEMORY, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_OUT_OF_MEMORY");
  EXPECT_EQ(cuGetErrorString(CUDA_SUCCESS, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "no error");
  EXPECT_EQ(cuGetErrorName(static_cast<CUresult>(12345), &text), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(text, nullptr);
}

} // namespace
