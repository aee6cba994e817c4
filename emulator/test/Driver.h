//===- Driver.h - a fresh driver for each test -------------------------------------------------------------------===//

#ifndef NNCCEMU_TEST_DRIVER_H
#define NNCCEMU_TEST_DRIVER_H

#include "Api.h"
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

/// Variables are set before open(); nothing may be left when a test ends, unless it says so.
class OnDriver : public testing::Test {
protected:
  void SetUp() override { clear(); }
  void TearDown() override {
    if (context) {
      EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
    }
    EXPECT_EQ(nnccEmuRestart(), 0u);
    clear();
  }

  static void clear() {
    for (const char *name :
         {"NNCC_EMU", "NNCC_EMU_FAULT", "NNCC_EMU_CHECKS", "NNCC_EMU_COUNTERS", "NNCC_EMU_TRACE", "NNCC_EMU_LEAKS"})
      unsetenv(name);
    setenv("NNCC_EMU_REPORT", reportFile().c_str(), 1);
    std::remove(reportFile().c_str());
    nnccEmuRestart();
  }

  static std::string reportFile() { return testing::TempDir() + "nncc-emu-report-" + std::to_string(getpid()); }
  static std::string readFile(const std::string &path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string report() { return readFile(reportFile()); }

  /// Starts the driver as a card with faults, and makes the primary context of device 0 current.
  void open(const char *card = "a100", const char *faults = "") {
    setenv("NNCC_EMU", card, 1);
    setenv("NNCC_EMU_FAULT", faults, 1);
    nnccEmuRestart();
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
  }

  static std::string ptx(const std::string &body, const char *target = "sm_50", const char *version = "6.0") {
    return std::string(".version ") + version + "\n.target " + target + "\n.address_size 64\n" + body;
  }
  CUfunction kernel(const std::string &text, const char *name = "k") {
    CUfunction function = nullptr;
    EXPECT_EQ(cuModuleLoadData(&module, text.c_str()), CUDA_SUCCESS) << report();
    EXPECT_EQ(cuModuleGetFunction(&function, module, name), CUDA_SUCCESS);
    return function;
  }
  template <class... T>
  static CUresult launch(CUfunction f, unsigned blocks, unsigned threads, CUstream stream, T... params) {
    void *pointers[] = {&params..., nullptr};
    return cuLaunchKernel(f, blocks, 1, 1, threads, 1, 1, 0, stream, pointers, nullptr);
  }

  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr address = 0;
    EXPECT_EQ(cuMemAlloc_v2(&address, bytes), CUDA_SUCCESS);
    return address;
  }
  CUdeviceptr upload(const std::vector<float> &data) {
    CUdeviceptr address = allocate(data.size() * 4);
    EXPECT_EQ(cuMemcpyHtoD_v2(address, data.data(), data.size() * 4), CUDA_SUCCESS);
    return address;
  }
  static std::vector<float> download(CUdeviceptr address, size_t count) {
    std::vector<float> data(count);
    EXPECT_EQ(cuMemcpyDtoH_v2(data.data(), address, count * 4), CUDA_SUCCESS);
    return data;
  }

  CUcontext context = nullptr;
  CUmodule module = nullptr;
};

/// x[i] = a * x[i] + b for i < n, one thread an element.
inline const char *const scaleBody = R"(.visible .entry k(.param .b64 x, .param .b32 n, .param .f32 a, .param .f32 b) {
  .reg .b32 %r<6>; .reg .b64 %rd<4>; .reg .f32 %f<5>; .reg .pred %p<2>;
  mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x;
  mad.lo.u32 %r3, %r1, %r2, %r0;
  ld.param.u32 %r4, [n];
  setp.ge.u32 %p0, %r3, %r4;
  @%p0 bra end;
  ld.param.u64 %rd0, [x];
  mul.wide.u32 %rd1, %r3, 4;
  add.u64 %rd0, %rd0, %rd1;
  ld.param.f32 %f1, [a]; ld.param.f32 %f2, [b];
  ld.global.f32 %f0, [%rd0];
  fma.rn.f32 %f0, %f0, %f1, %f2;
  st.global.f32 [%rd0], %f0;
end:
  ret;
})";

#endif
