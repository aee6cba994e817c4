//===- RunTest.cpp - runs on a GPU ------------------------------------------------------------------------------===//

#include "../Runtime/DlpackStructs.h"
#include "Fixture.h"
#include <fstream>

using namespace nncc::rt::test;
using testing::HasSubstr;

TEST(CudaRun, HostTensors) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         return runOnce(model);
                       }),
            "2 3 4 5");
}

TEST(CudaRun, ViewsOfTheContext) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         int64_t n = 3;
                         nnccrt_resize(loaded.context, &n, 1, &loaded.status);
                         std::string text;
                         for (float start : {1.0f, 5.0f}) {
                           nnccrt_tensor x = {};
                           x.size = sizeof(x);
                           if (nnccrt_input(loaded.context, 0, &x, &loaded.status))
                             return std::string(loaded.status.message);
                           for (int i = 0; i < 3; ++i)
                             static_cast<float *>(x.data)[i] = start + static_cast<float>(i);
                           text += sequence({loaded.run(), loaded.output()}) + "; ";
                         }
                         return text;
                       }),
            "2 3 4; 6 7 8; ");
}

/// Four runs with one set of device tensors: launches, a capture, then graphs. Each gives the same.
static std::string runFourTimes(void *(*chooseStream)(const Driver &), bool isDynamic = false) {
  CudaModel model({50}, isDynamic);
  Driver driver;
  Loaded loaded(model);
  void *x = driver.upload({1, 2, 3}), *y = driver.upload({0, 0, 0}), *stream = chooseStream(driver);
  std::string text = sequence({loaded.bindInput(x, 3, NNCCRT_CUDA), loaded.bindOutput(y, 3, NNCCRT_CUDA)});
  for (int i = 0; i < 4; ++i) {
    if (nnccrt_run_on(loaded.context, stream, &loaded.status))
      text += loaded.status.message;
    driver.wait(stream);
    text += driver.download(y, 3) + "; ";
  }
  return text;
}

static std::string traceOf(const std::function<std::string()> &work) {
  char file[] = "/tmp/nncc-cuda-trace-XXXXXX";
  close(mkstemp(file));
  EXPECT_EQ(onEmulator({{"NNCC_EMU_TRACE", file}}, work), "2 3 4; 2 3 4; 2 3 4; 2 3 4; ");
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  remove(file);
  return text;
}

TEST(CudaRun, BecomesAGraph) {
  std::string trace = traceOf([] { return runFourTimes([](const Driver &driver) { return driver.stream(); }); });
  auto count = [&](const std::string &call) {
    size_t found = 0;
    for (size_t at = trace.find(call); at != std::string::npos; at = trace.find(call, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("cuLaunchKernel"), 4u) << trace; // two, and two that were captured
  EXPECT_EQ(count("cuGraphLaunch"), 3u);
  EXPECT_EQ(count("cuGraphInstantiate"), 1u);
}

TEST(CudaRun, DefaultStream) {
  EXPECT_EQ(onEmulator({}, [] { return runFourTimes([](const Driver &) -> void * { return nullptr; }); }),
            "2 3 4; 2 3 4; 2 3 4; 2 3 4; ");
}

TEST(CudaRun, StreamOfAnotherContext) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Driver driver;
                           Loaded loaded(model);
                           driver.enterNewContext();
                           void *foreign = driver.stream();
                           driver.leaveContext();
                           std::string text = loaded.bindInput(driver.upload({1, 2}), 2, NNCCRT_CUDA);
                           if (nnccrt_run_on(loaded.context, foreign, &loaded.status) == NNCCRT_MISMATCH)
                             text += std::string(loaded.status.message) + "; ";
                           // The context is as good as before.
                           return text + sequence({loaded.run(), loaded.output()});
                         }),
              testing::MatchesRegex("the stream 0x[0-9a-f]+ is not one of the primary context of cuda:0 .*; 2 3"));
}

TEST(CudaRun, SizesFromData) {
  EXPECT_EQ(onEmulator({}, [] { return runFourTimes([](const Driver &driver) { return driver.stream(); }, true); }),
            "2 3 4; 2 3 4; 2 3 4; 2 3 4; ");
}

TEST(CudaRun, SizesThatChange) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         std::string text;
                         std::vector<float> x = {1, 2, 3, 4, 5};
                         for (int64_t n : {2, 5, 2, 0, 5})
                           text += sequence({loaded.bindInput(x.data(), n), loaded.run(), loaded.output()}) + "; ";
                         return text;
                       }),
            "2 3; 2 3 4 5 6; 2 3; ; 2 3 4 5 6; ");
}

TEST(CudaRun, InsideTheCallersCapture) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Driver driver;
                         Loaded loaded(model);
                         void *x = driver.upload({1, 2, 3}), *y = driver.upload({0, 0, 0}), *stream = driver.stream();
                         std::string text =
                             sequence({loaded.bindInput(x, 3, NNCCRT_CUDA), loaded.bindOutput(y, 3, NNCCRT_CUDA)});
                         if (nnccrt_prepare(loaded.context, &loaded.status))
                           return std::string(loaded.status.message);
                         void *graph = nullptr, *exec = nullptr;
                         driver.find<int(void *, int)>("cuStreamBeginCapture_v2")(stream, 0);
                         if (nnccrt_run_on(loaded.context, stream, &loaded.status))
                           text += loaded.status.message;
                         driver.find<int(void *, void **)>("cuStreamEndCapture")(stream, &graph);
                         text += driver.download(y, 3) + "; ";
                         driver.find<int(void **, void *, unsigned long long)>("cuGraphInstantiateWithFlags")(&exec,
                                                                                                              graph, 0);
                         driver.find<int(void *, void *)>("cuGraphLaunch")(exec, stream);
                         driver.wait(stream);
                         return text + driver.download(y, 3);
                       }),
            "0 0 0; 2 3 4");
}

TEST(CudaRun, CaptureNeedsDeviceTensors) {
  EXPECT_THAT(onEmulator({},
                         [] {
                           CudaModel model;
                           Driver driver;
                           Loaded loaded(model);
                           float x[] = {1, 2};
                           void *stream = driver.stream();
                           std::string text = loaded.bindInput(x, 2);
                           driver.find<int(void *, int)>("cuStreamBeginCapture_v2")(stream, 0);
                           nnccrt_run_on(loaded.context, stream, &loaded.status);
                           return text + loaded.status.message;
                         }),
              HasSubstr("the stream is being captured"));
}

TEST(CudaRun, OutputStaysOnTheDevice) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Driver driver;
                         Loaded loaded(model);
                         float x[] = {1, 2};
                         nnccrt_tensor y = {};
                         y.size = sizeof(y);
                         std::string text = sequence({loaded.bindInput(x, 2), loaded.run()});
                         nnccrt_device_output(loaded.context, 0, &y, &loaded.status);
                         text += driver.download(y.data, 2) +
                                 (y.device_kind == NNCCRT_CUDA ? "" : " not on the device") + "; ";
                         // A state: what a run gave is the input of the next.
                         text += sequence({loaded.bindInput(y.data, 2, NNCCRT_CUDA), loaded.run(), loaded.output()});
                         return text;
                       }),
            "2 3; 3 4");
}

/// What DLPack takes away of a run comes in again by DLPack, where it lies, and outlives the context.
TEST(CudaRun, DlpackBothWays) {
  EXPECT_EQ(onEmulator({{"NNCC_EMU_LEAKS", "1"}},
                       [] {
                         CudaModel model;
                         nnccrt_status status;
                         nnccrt_tensor tensor = {};
                         tensor.size = sizeof(tensor);
                         DLManagedTensor *given = nullptr;
                         std::string text;
                         {
                           Loaded loaded(model);
                           float x[] = {1, 2};
                           text += sequence({loaded.bindInput(x, 2), loaded.run()});
                           if (nnccrt_output_to_dlpack(loaded.context, 0, &given, &status))
                             return std::string(status.message);
                         }
                         Loaded other(model);
                         text += given->dl_tensor.device.device_type == 2 ? "on the device, " : "not on the device, ";
                         if (nnccrt_from_dlpack(given, &tensor, &status) ||
                             nnccrt_bind_input(other.context, 0, &tensor, &status))
                           return text + status.message;
                         text += sequence({other.run(), other.output()});
                         given->deleter(given);
                         return text;
                       }),
            "on the device, 3 4");
}

TEST(CudaRun, BoundHostOutput) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         float x[] = {1, 2}, y[] = {0, 0};
                         std::string text = sequence({loaded.bindInput(x, 2), loaded.bindOutput(y, 2)});
                         for (int i = 0; i < 3; ++i) {
                           x[0] = static_cast<float>(i);
                           text += loaded.run();
                           text += join({y[0], y[1]}) + "; ";
                         }
                         return text;
                       }),
            "1 3; 2 3; 3 3; ");
}

TEST(CudaRun, Faults) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Loaded loaded(model);
                         float bad[] = {1, 13}, good[] = {1, 2};
                         std::string text = sequence({loaded.bindInput(bad, 2), loaded.run()}) + "; ";
                         return text + sequence({loaded.bindInput(good, 2), loaded.run(), loaded.output()});
                       }),
            "index 13 is out of range: in node '/add' (kernel k0_add); 2 3");
}

TEST(CudaRun, FaultsOfAnEnqueuedRun) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         Driver driver;
                         Loaded loaded(model);
                         void *stream = driver.stream();
                         std::string text = loaded.bindInput(driver.upload({13, 2}), 2, NNCCRT_CUDA);
                         if (nnccrt_run_on(loaded.context, stream, &loaded.status))
                           text += "early: ";
                         nnccrt_synchronize(loaded.context, &loaded.status);
                         return text + loaded.status.message;
                       }),
            "index 13 is out of range: in node '/add' (kernel k0_add)");
}

TEST(CudaRun, Profile) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         std::string names;
                         nnccrt_context_options options = {};
                         options.size = sizeof(options);
                         options.profiler_user = &names;
                         options.profiler = [](void *user, const nnccrt_launch_event *event) {
                           *static_cast<std::string *>(user) +=
                               std::string(event->name) + ":" + std::to_string(event->tiles) +
                               (event->end_ns >= event->start_ns ? " " : " backwards ");
                         };
                         Loaded loaded(model, Loaded::optionsFor("cuda"), &options);
                         std::vector<float> x(40);
                         std::string text = sequence({loaded.bindInput(x.data(), 40), loaded.run()});
                         return text + names;
                       }),
            "k0_add:2 k1_sub:2 ");
}
