//===- CallsTest.cpp - what the runtime asks of the driver ------------------------------------------------------===//

#include "Calls.h"

using namespace nncc::rt::test;
using testing::AllOf;
using testing::AnyOfArray;
using testing::Contains;
using testing::Each;
using testing::Not;

namespace {

/// `runs` runs of n = 3 on the caller's stream, with device tensors and after prepare(), each between two marks.
std::string runBetweenMarks(int runs) {
  CudaModel model;
  Driver driver;
  Loaded loaded(model);
  void *x = driver.upload({1, 2, 3}), *y = driver.upload({0, 0, 0}), *stream = driver.stream();
  std::string text = sequence({loaded.bindInput(x, 3, NNCCRT_CUDA), loaded.bindOutput(y, 3, NNCCRT_CUDA)});
  if (nnccrt_prepare(loaded.context, &loaded.status))
    return loaded.status.message;
  mark(driver);
  for (int i = 0; i < runs; ++i) {
    if (nnccrt_run_on(loaded.context, stream, &loaded.status))
      text += loaded.status.message;
    mark(driver);
  }
  driver.wait(stream);
  return text + driver.download(y, 3);
}

} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------------===//

/// No copy, no allocation and nothing that waits: by launches, while they are captured, and as one graph.
TEST_F(CudaCalls, ARunOnlyEnqueues) {
  run({}, "2 3 4", [] { return runBetweenMarks(4); });
  const Calls around = {"cuCtxPushCurrent",    "cuCtxPopCurrent",   "cuStreamGetCtx",
                        "cuStreamIsCapturing", "cuStreamWaitEvent", "cuEventRecord"};
  auto with = [&](Calls more) {
    more.insert(more.end(), around.begin(), around.end());
    return Each(AnyOfArray(more));
  };
  EXPECT_THAT(between(4), AllOf(Contains("cuLaunchKernel").Times(2), with({"cuLaunchKernel"})));
  EXPECT_THAT(between(3), with({"cuLaunchKernel", "cuStreamCreate", "cuStreamBeginCapture", "cuStreamEndCapture",
                                "cuStreamDestroy", "cuGraphInstantiate", "cuGraphDestroy", "cuGraphLaunch"}));
  for (int back : {2, 1})
    EXPECT_THAT(between(back), AllOf(Contains("cuGraphLaunch").Times(1), with({"cuGraphLaunch"})));
}

/// Sizes that come back find the graph that was captured for them.
TEST_F(CudaCalls, AGraphForEachShape) {
  run({}, "2 3; 2 3 4; 2 3; 2 3 4; 2 3; 2 3 4; 2 3; 2 3 4; ", [] {
    CudaModel model;
    Driver driver;
    Loaded loaded(model);
    void *x = driver.upload({1, 2, 3}), *y = driver.upload({0, 0, 0}), *stream = driver.stream();
    std::string text;
    for (int i = 0; i < 8; ++i) {
      int64_t n = 2 + i % 2;
      text += sequence({loaded.bindInput(x, n, NNCCRT_CUDA), loaded.bindOutput(y, n, NNCCRT_CUDA)});
      if (nnccrt_run_on(loaded.context, stream, &loaded.status))
        text += loaded.status.message;
      driver.wait(stream);
      text += driver.download(y, static_cast<size_t>(n)) + "; ";
    }
    return text;
  });
  EXPECT_EQ(count("cuGraphInstantiate"), 2);
  EXPECT_EQ(count("cuGraphLaunch"), 6); // the first run of a shape has none
  EXPECT_EQ(count("cuLaunchKernel"), 8);
}

/// Tensors of the host go through page-locked memory, whose copies do not wait.
TEST_F(CudaCalls, HostTensorsAreStaged) {
  run({}, "2 3 4 5", [] {
    CudaModel model;
    return runOnce(model);
  });
  EXPECT_GE(count("cuMemHostAlloc"), 2);
  EXPECT_EQ(count("cuMemHostAlloc"), count("cuMemFreeHost"));
  EXPECT_THAT(calls,
              AllOf(Contains("cuMemcpyHtoDAsync"), Not(Contains("cuMemcpyHtoD")), Not(Contains("cuMemcpyDtoH"))));
}

/// A run whose input is the host's comes back when that is copied: by then nothing of another run, on a stream of its own, need have happened.
TEST_F(CudaCalls, CopiesGoBesideOtherRuns) {
  run({}, "not yet, 8 9; 2 3", [] {
    CudaModel model;
    Driver driver;
    Loaded first(model), second(model);
    void *x = driver.upload({1, 2}), *y = driver.upload({0, 0}), *z = driver.upload({0, 0});
    void *stream = driver.stream(), *other = driver.stream();
    float host[] = {7, 8};
    std::string text = sequence({first.bindInput(x, 2, NNCCRT_CUDA), first.bindOutput(y, 2, NNCCRT_CUDA),
                                 second.bindInput(host, 2), second.bindOutput(z, 2, NNCCRT_CUDA)});
    if (nnccrt_run_on(first.context, stream, &first.status) || nnccrt_run_on(second.context, other, &second.status))
      text += first.status.message + std::string(second.status.message);
    constexpr int notReady = 600;
    text += driver.find<int(void *)>("cuStreamQuery")(stream) == notReady ? "not yet, " : "already, ";
    driver.wait(other);
    text += driver.download(z, 2) + "; ";
    driver.wait(stream);
    return text + driver.download(y, 2);
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What a program has
//===----------------------------------------------------------------------------------------------------------------------===//

TEST_F(CudaCalls, TheDriverAndItsPrimaryContext) {
  run({}, "2 3 4 5", [] {
    CudaModel model;
    return runOnce(model);
  });
  EXPECT_GT(count("cuGetProcAddress"), 30);
  EXPECT_EQ(count("cuDevicePrimaryCtxRetain"), 1);
  EXPECT_EQ(count("cuDevicePrimaryCtxRelease"), 1);
  EXPECT_THAT(calls, Not(Contains("cuCtxCreate")));
  EXPECT_EQ(reported, "");
}

/// Kernels and weights come with the first context, and are those of all.
TEST_F(CudaCalls, ContextsShareKernelsAndWeights) {
  run({}, "2 2 2", [] {
    alignas(64) static const char weights[4096] = {};
    CudaModel model;
    nnccrt_model *described = model.get();
    described->weights = weights;
    described->weights_bytes = sizeof(weights);
    const_cast<nnccrt_cuda *>(described->cuda)->weights_bytes = sizeof(weights);
    nnccrt_load_options options = Loaded::optionsFor("cuda");
    nnccrt_program *program = nullptr;
    nnccrt_status status;
    if (nnccrt_load(described, &options, &program, &status))
      return std::string(status.message);
    Driver driver;
    mark(driver);
    std::string text;
    for (int i = 0; i < 3; ++i) {
      nnccrt_context *context = nullptr;
      nnccrt_tensor x = {}, y = {};
      x.size = y.size = sizeof(x);
      int64_t n = 1;
      bool failed = nnccrt_create(program, nullptr, &context, &status) || nnccrt_resize(context, &n, 1, &status);
      mark(driver);
      failed = failed || nnccrt_input(context, 0, &x, &status);
      if (!failed)
        *static_cast<float *>(x.data) = 1;
      failed = failed || nnccrt_run(context, &status) || nnccrt_output(context, 0, &y, &status);
      text += failed ? status.message : (i ? " " : "") + join({*static_cast<float *>(y.data)});
      nnccrt_destroy(context);
    }
    nnccrt_unload(program);
    return text;
  });
  auto first = std::find(calls.begin(), calls.end(), "cuDevicePrimaryCtxRetain");
  auto opened = std::find(first, calls.end(), kMark);
  EXPECT_THAT(Calls(first, opened), Not(Contains("cuModuleLoadData"))); // a program without a context takes nothing
  auto created = std::find(opened + 1, calls.end(), kMark);
  EXPECT_THAT(Calls(opened, created), AllOf(Contains("cuModuleLoadData"), Contains("cuMemcpyHtoDAsync").Times(1)));
  EXPECT_EQ(count("cuModuleLoadData"), 1);
  EXPECT_EQ(count("cuMemcpyHtoDAsync"), 1 + 3); // the weights, and an input a context
}

TEST_F(CudaCalls, PoolsAndTheirFallback) {
  auto work = [] {
    CudaModel model;
    return runOnce(model);
  };
  run({}, "2 3 4 5", work);
  EXPECT_THAT(calls, AllOf(Contains("cuMemAllocAsync"), Contains("cuMemFreeAsync"), Not(Contains("cuMemAlloc")),
                           Not(Contains("cuMemFree"))));
  EXPECT_EQ(reported, "");
  for (const char *fault : {"no-pools", "driver=11.1"}) {
    run({{"NNCC_EMU_FAULT", fault}}, "2 3 4 5", work);
    EXPECT_THAT(calls, AllOf(Contains("cuMemAlloc"), Contains("cuMemFree"), Not(Contains("cuMemAllocAsync")),
                             Not(Contains("cuMemFreeAsync"))));
    EXPECT_EQ(reported, "");
  }
}

TEST_F(CudaCalls, TrimGivesTheSystemItsMemoryBack) {
  for (const char *fault : {"", "no-pools"})
    run({{"NNCC_EMU_FAULT", fault}}, "all is given back; 2 3", [] {
      CudaModel model;
      Driver driver;
      Loaded loaded(model);
      auto available = [&] {
        size_t available = 0, total = 0;
        driver.find<int(size_t *, size_t *)>("cuMemGetInfo_v2")(&available, &total);
        return available;
      };
      // As an application may have it that keeps what it freed.
      void *pool = nullptr;
      uint64_t all = UINT64_MAX;
      if (!driver.find<int(void **, int)>("cuDeviceGetDefaultMemPool")(&pool, 0))
        driver.find<int(void *, int, void *)>("cuMemPoolSetAttribute")(pool, 4, &all);
      std::vector<float> large(100000), small = {1, 2};
      size_t before = available();
      std::string text = sequence({loaded.bindInput(large.data(), 100000), loaded.run()});
      size_t taken = before - available();
      nnccrt_trim(loaded.context);
      size_t left = before - available();
      text += taken >= 1200000 && left == 0 ? "all is given back; "
                                            : std::to_string(taken) + " " + std::to_string(left) + "; ";
      return text + sequence({loaded.bindInput(small.data(), 2), loaded.run(), loaded.output()});
    });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------------------------------------------------------===//

TEST_F(CudaCalls, SeveralDevices) {
  auto work = [](std::initializer_list<const char *> devices) {
    std::vector<std::string> names(devices.begin(), devices.end());
    return [names] {
      std::string text;
      CudaModel model;
      std::vector<std::unique_ptr<Loaded>> loaded;
      loaded.reserve(names.size());
      for (const std::string &name : names)
        loaded.push_back(std::make_unique<Loaded>(model, Loaded::optionsFor(name.c_str())));
      float x[] = {1, 2};
      for (auto &one : loaded)
        text +=
            nnccrt_device(one->program) + (": " + sequence({one->bindInput(x, 2), one->run(), one->output()})) + "; ";
      return text;
    };
  };
  Environment both = {{"NNCC_EMU", "t4,v100"}};
  run(both, "cuda:0 (Tesla T4, sm_75): 2 3; cuda:1 (Tesla V100-SXM2-16GB, sm_70): 2 3; ", work({"cuda", "cuda:1"}));
  EXPECT_EQ(reported, "");
  both.emplace_back("NNCC_CUDA_DEVICE", "1");
  run(both, "cuda:1 (Tesla V100-SXM2-16GB, sm_70): 2 3; cuda:0 (Tesla T4, sm_75): 2 3; ", work({"cuda", "cuda:0"}));
  EXPECT_EQ(reported, "");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------------------------------------------------------===//

/// What the driver's compiler says of an image that it refuses.
TEST_F(CudaCalls, TheLogOfTheDriversCompiler) {
  const std::string text = ".version 6.3\n.target sm_50\n.address_size 64\n.visible .entry k0_add() { frobnicate; }\n";
  EXPECT_THAT(onEmulator({},
                         [&] {
                           CudaModel model;
                           model.parts[0] = {text.c_str(), text.size()};
                           return runOnce(model);
                         }),
              testing::MatchesRegex("CUDA_ERROR_INVALID_PTX .* while loading the kernels of model 'fake' for sm_50 to "
                                    "cuda:0 .*: .*line 4.*frobnicate.*"));
}

/// Wherever a run without memory ends, nothing is left behind.
TEST_F(CudaCalls, NothingLeaksWithoutMemory) {
  for (const char *what : {"alloc", "host-alloc"})
    for (int number = 1; number < 12; ++number)
      for (const char *onwards : {"", "+"}) {
        SCOPED_TRACE(std::string(what) + "@" + std::to_string(number) + onwards);
        std::string fault = std::string(what) + "@" + std::to_string(number) + onwards;
        run({{"NNCC_EMU_FAULT", fault.c_str()}}, "", [] {
          CudaModel model;
          runOnce(model);
          return std::string();
        });
        EXPECT_EQ(reported, "");
      }
}
