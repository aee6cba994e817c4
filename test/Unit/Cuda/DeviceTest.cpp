//===- DeviceTest.cpp - which device, and what goes wrong with it -----------------------------------------------===//

#include "Fixture.h"

using namespace nncc::rt::test;
using testing::HasSubstr;

/// What a run says with these images, on this card, with these faults.
static std::string attempt(const Environment &environment, std::vector<uint32_t> sms = {50},
                           const char *device = "cuda") {
  return onEmulator(environment, [&] {
    CudaModel model(sms);
    return runOnce(model, device);
  });
}

TEST(CudaDevice, NoDriver) {
  EXPECT_THAT(withoutDriver({},
                            [] {
                              CudaModel model;
                              return runOnce(model);
                            }),
              HasSubstr("no CUDA driver found (libcuda.so.1)"));
}

TEST(CudaDevice, AutoFallsBack) {
  auto work = [](const char *device) {
    return [device] {
      CudaModel model;
      model.get()->fallback = model.host.get();
      Loaded loaded(model, Loaded::optionsFor(device));
      return std::string(nnccrt_device(loaded.program)) + ": " + runOnce(model, device);
    };
  };
  EXPECT_EQ(withoutDriver({}, work(nullptr)), "cpu: 2 3 4 5");
  EXPECT_EQ(withoutDriver({}, work("auto")), "cpu: 2 3 4 5");
  EXPECT_EQ(onEmulator({}, work("cpu")), "cpu: 2 3 4 5");
  EXPECT_EQ(onEmulator({{"NNCC_DEVICE", "cpu"}}, work("auto")), "cpu: 2 3 4 5");
  EXPECT_EQ(onEmulator({}, work("auto")), "cuda:0 (Tesla T4, sm_75): 2 3 4 5");
  EXPECT_THAT(withoutDriver({{"NNCC_DEVICE", "cuda"}}, work("auto")), HasSubstr("no CUDA driver found"));
}

TEST(CudaDevice, Names) {
  EXPECT_THAT(attempt({}, {50}, "gpu"), HasSubstr("a device is 'auto', 'cpu', 'cuda' or 'cuda:N'"));
  EXPECT_THAT(attempt({}, {50}, "cuda:1"), HasSubstr("there is no CUDA device 1: the driver finds 1"));
  EXPECT_THAT(attempt({}, {50}, "cpu"), HasSubstr("was compiled for GPUs alone"));
  EXPECT_THAT(attempt({{"NNCC_CUDA_DEVICE", "3"}}), HasSubstr("there is no CUDA device 3"));
  EXPECT_THAT(attempt({{"NNCC_CUDA_DEVICE", "x"}}), HasSubstr("NNCC_CUDA_DEVICE is 'x'"));
  EXPECT_EQ(attempt({}, {50}, "cuda:0"), "2 3 4 5");
}

TEST(CudaDevice, Images) {
  EXPECT_EQ(attempt({}, {50, 75, 80}), "2 3 4 5");
  EXPECT_THAT(attempt({}, {80, 90}), HasSubstr("no code for cuda:0 (Tesla T4, sm_75): it has images for sm_80, sm_90"));
  EXPECT_EQ(
      attempt({{"NNCC_EMU", "k40"}, {"NNCC_EMU_FAULT", ""}}, {90}).find("no code for cuda:0 (Tesla K40m, sm_35)") ==
          std::string::npos,
      false);
}

TEST(CudaDevice, FaultsOfTheDriver) {
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "no-device"}}), HasSubstr("CUDA_ERROR_NO_DEVICE"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "driver=10.0"}}), HasSubstr("too old"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "image@1"}}),
              HasSubstr("while loading the kernels of model 'fake' for sm_50"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "launch@1"}}), HasSubstr("while launching kernel k0_add"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "crash@1"}}), HasSubstr("CUDA_ERROR_LAUNCH_FAILED"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "crash@2"}, {"NNCC_CUDA_BLOCKING", "1"}}),
              HasSubstr("while launching kernel k1_sub"));
  EXPECT_THAT(attempt({{"NNCC_EMU_FAULT", "lost@3"}}), HasSubstr("CUDA_ERROR_UNKNOWN"));
  EXPECT_EQ(attempt({{"NNCC_EMU_FAULT", "no-pools"}}), "2 3 4 5");
}

TEST(CudaDevice, OutOfMemoryAtEachAllocation) {
  int failed = 0;
  for (int number = 1; number < 20; ++number) {
    std::string fault = "alloc@" + std::to_string(number) + "+";
    std::string text = attempt({{"NNCC_EMU_FAULT", fault.c_str()}, {"NNCC_EMU_LEAKS", "1"}});
    if (text == "2 3 4 5")
      continue;
    ++failed;
    EXPECT_THAT(text, HasSubstr("CUDA_ERROR_OUT_OF_MEMORY"));
    EXPECT_THAT(text, testing::Not(HasSubstr("crashed")));
  }
  EXPECT_GT(failed, 2);
}

TEST(CudaDevice, ARunAfterAnErrorThatPasses) {
  EXPECT_EQ(onEmulator({{"NNCC_EMU_FAULT", "launch@2"}},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         float x[] = {1};
                         std::string text = loaded.bindInput(x, 1);
                         text += loaded.run().find("while launching kernel k1_sub") != std::string::npos ? "refused; "
                                                                                                         : "?";
                         return text + sequence({loaded.run(), loaded.output()});
                       }),
            "refused; 2");
}

TEST(CudaDevice, ALostDeviceStaysLost) {
  EXPECT_THAT(onEmulator({{"NNCC_EMU_FAULT", "crash@1"}},
                         [] {
                           CudaModel model;
                           Loaded loaded(model);
                           float x[] = {1};
                           std::string text = sequence({loaded.bindInput(x, 1), loaded.run()}) + " / ";
                           text += loaded.run() + " / ";
                           nnccrt_context *other = nullptr;
                           nnccrt_create(loaded.program, nullptr, &other, &loaded.status);
                           return text + loaded.status.message;
                         }),
              testing::AllOf(HasSubstr("while waiting for the kernels"), HasSubstr("of no use any more")));
}

TEST(CudaDevice, MemoryLimit) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           nnccrt_load_options options = Loaded::optionsFor("cuda");
                           options.memory_limit = 8192;
                           Loaded loaded(model, options);
                           std::vector<float> x(4096);
                           std::string small = sequence({loaded.bindInput(x.data(), 4), loaded.run()});
                           return small + (small.empty() ? "ok; " : "; ") +
                                  sequence({loaded.bindInput(x.data(), 4096), loaded.run()});
                         }),
              testing::AllOf(testing::StartsWith("ok; "), HasSubstr("the memory limit of 8192 bytes")));
}

TEST(CudaDevice, TrimGivesMemoryBack) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         float x[] = {1};
                         std::string text = sequence({loaded.bindInput(x, 1), loaded.run(), loaded.output()}) + "; ";
                         nnccrt_trim(loaded.context);
                         return text + sequence({loaded.run(), loaded.output()});
                       }),
            "2; 2");
}

TEST(CudaDevice, NullTensors) {
  auto bind = [](bool isOutput, const nnccrt_tensor &given) {
    return onEmulator({}, [&] {
      CudaModel model;
      Loaded loaded(model);
      (isOutput ? nnccrt_bind_output : nnccrt_bind_input)(loaded.context, 0, &given, &loaded.status);
      return std::string(loaded.status.code ? loaded.status.message : "ok");
    });
  };
  int64_t dims[] = {2}, none[] = {0};
  for (uint32_t kind : {NNCCRT_CPU, NNCCRT_CUDA}) {
    nnccrt_tensor tensor = tensorOf(NNCCRT_F32, {}, nullptr);
    tensor.rank = 1;
    tensor.dims = dims;
    tensor.device_kind = kind;
    EXPECT_EQ(bind(false, tensor), "input 'x': nnccrt_tensor.data is a null pointer");
    EXPECT_EQ(bind(true, tensor), "output 'y': nnccrt_tensor.data is a null pointer");
    tensor.dims = none; // no element, no address
    EXPECT_EQ(bind(false, tensor), "ok");
    tensor.dims = nullptr;
    EXPECT_EQ(bind(false, tensor), "input 'x' has no dims: nnccrt_tensor.dims is a null pointer");
    tensor.rank = 0;
    tensor.capacity = 8;
    EXPECT_EQ(bind(false, tensor), "input 'x': nnccrt_tensor.data is a null pointer");
  }
}

TEST(CudaDevice, AnInputThatIsTakenBack) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Driver driver;
                           Loaded loaded(model);
                           std::string text =
                               sequence({loaded.bindInput(driver.upload({1}), 1, NNCCRT_CUDA), loaded.run()});
                           nnccrt_bind_input(loaded.context, 0, nullptr, &loaded.status);
                           return text + loaded.run();
                         }),
              testing::StartsWith("input 'x' is not set"));
}

TEST(CudaDevice, MemoryOfTheOtherSide) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Loaded loaded(model);
                           float y[] = {1};
                           return loaded.bindOutput(y, 1, NNCCRT_CUDA);
                         }),
              testing::AllOf(testing::StartsWith("output 'y': address"), HasSubstr("is not in the memory of cuda:0")));
  // The runtime would copy from it.
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Driver driver;
                           Loaded loaded(model);
                           return loaded.bindInput(driver.upload({1, 2}), 2);
                         }),
              testing::AllOf(testing::StartsWith("input 'x': address"),
                             HasSubstr("is in the memory of a GPU, nnccrt_tensor.device_kind says the CPU's")));
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Driver driver;
                         Loaded loaded(model);
                         void *pinned = nullptr; // which the driver knows as well
                         driver.find<int(void **, size_t, unsigned)>("cuMemHostAlloc")(&pinned, 8, 0);
                         std::fill_n(static_cast<float *>(pinned), 2, 4.0f);
                         return sequence({loaded.bindInput(pinned, 2), loaded.run(), loaded.output()});
                       }),
            "5 5");
}

TEST(CudaDevice, MemoryOfAnotherContext) {
  auto work = [](bool isWorkspace) {
    return [isWorkspace] {
      CudaModel model;
      Driver driver;
      Loaded loaded(model);
      driver.enterNewContext();
      void *data = driver.upload(std::vector<float>(1024));
      driver.leaveContext();
      if (!isWorkspace)
        return loaded.bindInput(data, 1, NNCCRT_CUDA);
      nnccrt_set_workspace(loaded.context, data, 4096, &loaded.status);
      return std::string(loaded.status.message);
    };
  };
  auto isRefused = HasSubstr("belongs to another CUDA context than the primary one of cuda:0 (Tesla T4, sm_75)");
  EXPECT_THAT(onEmulator({}, work(false)), testing::AllOf(testing::StartsWith("input 'x': address"), isRefused));
  EXPECT_THAT(onEmulator({}, work(true)), testing::AllOf(testing::StartsWith("the workspace at"), isRefused));
}

TEST(CudaDevice, Misuse) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Loaded loaded(model);
                           float x[] = {1};
                           return loaded.bindInput(x, 1, NNCCRT_CUDA);
                         }),
              HasSubstr("is not in the memory of cuda:0"));
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Driver driver;
                           Loaded loaded(model);
                           int64_t dims[] = {1};
                           nnccrt_tensor tensor = tensorOf(NNCCRT_F32, {}, driver.upload({1}));
                           tensor.rank = 1;
                           tensor.dims = dims;
                           tensor.device_kind = NNCCRT_CUDA;
                           tensor.device_index = 1;
                           nnccrt_bind_input(loaded.context, 0, &tensor, &loaded.status);
                           return std::string(loaded.status.message);
                         }),
              HasSubstr("lies on CUDA device 1, the model runs on CUDA device 0"));
}
