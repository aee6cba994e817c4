//===- CopiesTest.cpp - tensors of the host, beside the kernels of a run ----------------------------------------===//

#include "Calls.h"

using namespace nncc::rt::test;
using testing::ElementsAre;

namespace {

/// A context of the model with two inputs and three outputs in memory of the host, at a distance of `stride` elements.
struct Host {
  explicit Host(int64_t n, int64_t stride = 1, const nnccrt_context_options *options = nullptr, bool isDynamic = false)
      : n(n), stride(stride), model(isDynamic), loaded(model, Loaded::optionsFor("cuda"), options) {
    for (std::vector<float> *one : {&x, &b, &y, &q, &r})
      one->assign(static_cast<size_t>(n * stride), -1);
  }

  std::string bindAll() {
    return sequence({bind(nnccrt_bind_input, 0, x), bind(nnccrt_bind_input, 1, b), bind(nnccrt_bind_output, 0, y),
                     bind(nnccrt_bind_output, 1, q), bind(nnccrt_bind_output, 2, r)});
  }
  std::string bind(Loaded::Bind *bind, uint32_t index, std::vector<float> &data) {
    return loaded.bind(bind, index, data.data(), n, NNCCRT_CPU, stride);
  }
  /// Runs with inputs that begin with `start`; empty, or what is wrong.
  std::string run(float start) {
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      x[i * static_cast<size_t>(stride)] = start + static_cast<float>(i % 1000);
      b[i * static_cast<size_t>(stride)] = 2 * start - static_cast<float>(i % 1000);
    }
    std::string text = loaded.run();
    return text.empty() ? check() : text;
  }
  std::string check() const {
    for (size_t at = 0; at < y.size(); ++at) {
      bool isElement = at % static_cast<size_t>(stride) == 0;
      bool isRight = isElement ? y[at] == x[at] + 3 && q[at] == b[at] - 2 && r[at] == x[at] + 1
                               : y[at] == -1 && q[at] == -1 && r[at] == -1;
      if (!isRight)
        return "wrong at " + std::to_string(at) + ": " + join({x[at], b[at], y[at], q[at], r[at]});
    }
    return "";
  }

  int64_t n, stride;
  CopyingModel model;
  Loaded loaded;
  std::vector<float> x, b, y, q, r;
};

/// `runs` runs, each between two marks; empty, or what is wrong.
std::string runBetweenMarks(Host &host, int runs) {
  Driver driver;
  std::string text = host.bindAll();
  mark(driver);
  for (int i = 0; i < runs; ++i) {
    text += host.run(static_cast<float>(20 + 5 * i));
    mark(driver);
  }
  return text;
}

/// What is enqueued, without what orders it.
Calls work(const Calls &calls) {
  Calls found;
  for (const std::string &call : calls)
    for (const char *name : {"cuLaunchKernel", "cuGraphLaunch", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync"})
      if (call == name)
        found.push_back(call);
  return found;
}

/// What a test leaves that has a driver of its own.
const std::string kOurs = "nncc-emu: leaked: the primary context of device 0, retained 1 time\n";
const std::string kUp = "cuMemcpyHtoDAsync", kDown = "cuMemcpyDtoHAsync", kLaunch = "cuLaunchKernel";

} // namespace

/// The second input is copied behind the launches that do not need it, outputs behind the launch that ends them. The last copy is that of faults.
TEST_F(CudaCalls, CopiesGoBesideKernels) {
  run({}, "", [] {
    Host host(3);
    return runBetweenMarks(host, 1);
  });
  EXPECT_THAT(work(between(1)), ElementsAre(kUp, kLaunch, kDown, kLaunch, kUp, kLaunch, kDown, kLaunch, kDown, kDown));
  EXPECT_EQ(reported, kOurs);
}

/// With NNCC_CUDA_BLOCKING each launch is over before the next copy is asked for: what is behind it in the calls does not wait for it.
TEST_F(CudaCalls, AKernelDoesNotWaitForOthersInputs) {
  run({{"NNCC_CUDA_BLOCKING", "1"}, {"NNCC_EMU_FAULT", "cuMemcpyHtoDAsync@2"}}, "failed, 2 kernels", [] {
    Host host(3);
    std::string text = host.bindAll() + host.run(20);
    return text.find("while copying input 'b' to cuda:0") != text.npos ? std::string("failed, 2 kernels") : text;
  });
  EXPECT_EQ(count("cuLaunchKernel"), 2);
}

/// A graph has the copies between its kernels. The first input and the last output, which nothing goes beside, stay outside.
TEST_F(CudaCalls, CopiesInAGraph) {
  run({}, "", [] {
    Host host(3);
    return runBetweenMarks(host, 5);
  });
  // The first input is copied while the graph is captured.
  EXPECT_THAT(work(between(4)),
              ElementsAre(kUp, kLaunch, kDown, kLaunch, kUp, kLaunch, kDown, kLaunch, "cuGraphLaunch", kDown, kDown));
  for (int back : {3, 2, 1})
    EXPECT_THAT(work(between(back)), ElementsAre(kUp, "cuGraphLaunch", kDown, kDown));
  EXPECT_EQ(reported, kOurs);
}

/// What a capture has copied is copied again where no graph comes of it.
TEST_F(CudaCalls, CopiesWhereNoGraphIsMade) {
  for (const char *call : {"cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate"}) {
    std::string fault = std::string(call) + "@1=801"; // not supported
    SCOPED_TRACE(fault);
    run({{"NNCC_EMU_FAULT", fault.c_str()}}, "", [] {
      Host host(3);
      return runBetweenMarks(host, 4);
    });
    EXPECT_THAT(work(between(1)),
                ElementsAre(kUp, kLaunch, kLaunch, kUp, kLaunch, kLaunch, kDown, kDown, kDown, kDown));
    EXPECT_EQ(count("cuGraphLaunch"), 0);
    EXPECT_EQ(reported, kOurs);
  }
}

/// Other addresses, of the caller's and of page-locked memory, find or make their own graph.
TEST_F(CudaCalls, CopiesWithOtherAddresses) {
  run({}, "", [] {
    Host host(1000);
    std::string text;
    for (int64_t n : {5, 1000, 5, 7, 1000, 7, 5, 5, 1000}) {
      for (std::vector<float> *one : {&host.x, &host.b, &host.y, &host.q, &host.r})
        *one = std::vector<float>(static_cast<size_t>(n), -1);
      host.n = n;
      text += host.bindAll();
      for (float start : {20.0f, 30.0f, 40.0f})
        text += host.run(start);
    }
    return text;
  });
  EXPECT_EQ(reported, "");
}

TEST_F(CudaCalls, CopiesWithStrides) {
  for (int64_t stride : {2, 3, 7})
    run({}, "", [stride] {
      Host host(129, stride);
      std::string text = host.bindAll();
      for (float start : {20.0f, 30.0f, 40.0f, 50.0f})
        text += host.run(start);
      return text;
    });
  EXPECT_EQ(reported, "");
}

/// By pieces of 4 MB, so that the first is on its way while the next is copied.
TEST_F(CudaCalls, LargeInputsInPieces) {
  run({}, "", [] {
    Host host((9 << 18) + 1); // 9 MB and 4 bytes
    return runBetweenMarks(host, 3);
  });
  EXPECT_THAT(work(between(3)), ElementsAre(kUp, kUp, kUp, kLaunch, kDown, kLaunch, kUp, kUp, kUp, kLaunch, kDown,
                                            kLaunch, kDown, kDown));
  EXPECT_THAT(work(between(1)), ElementsAre(kUp, kUp, kUp, "cuGraphLaunch", kDown, kDown));
}

/// What depends on data has no last launch that is known before: outputs are copied at the end.
TEST_F(CudaCalls, CopiesOfADynamicRun) {
  run({}, "", [] {
    Host host(3, 1, nullptr, /*isDynamic=*/true);
    return runBetweenMarks(host, 3);
  });
  for (int back : {3, 2, 1})
    EXPECT_THAT(work(between(back)),
                ElementsAre(kUp, kDown, kLaunch, kLaunch, kUp, kLaunch, kLaunch, kDown, kDown, kDown, kDown));
  EXPECT_EQ(reported, kOurs);
}

/// A run that is not waited for: the inputs are the caller's again when it comes back, also with a graph.
TEST_F(CudaCalls, InputsOfARunThatIsNotWaitedFor) {
  run({}, "23 19 21; 43 39 41; 53 49 51; ", [] {
    CopyingModel model;
    Driver driver;
    Loaded loaded(model);
    float x[] = {0}, b[] = {0};
    void *stream = driver.stream();
    std::vector<void *> outputs;
    std::string text = sequence({loaded.bindInput(x, 1), loaded.bind(nnccrt_bind_input, 1, b, 1, NNCCRT_CPU)});
    for (uint32_t i = 0; i < 3; ++i) {
      outputs.push_back(driver.upload({0}));
      text += loaded.bind(nnccrt_bind_output, i, outputs[i], 1, NNCCRT_CUDA);
    }
    for (float start : {20.0f, 30.0f, 40.0f, 50.0f}) {
      x[0] = start, b[0] = start + 1;
      if (nnccrt_run_on(loaded.context, stream, &loaded.status))
        text += loaded.status.message;
      x[0] = b[0] = -100;
      if (start == 30) // without waiting for the one before
        continue;
      driver.wait(stream);
      for (void *output : outputs)
        text += driver.download(output, 1) + (output == outputs.back() ? "; " : " ");
    }
    return text;
  });
  EXPECT_EQ(count("cuGraphLaunch"), 3);
}

TEST_F(CudaCalls, CopiesUnderAProfilerAndOneByOne) {
  run({{"NNCC_CUDA_BLOCKING", "1"}}, "", [] {
    Host host(3);
    return runBetweenMarks(host, 3);
  });
  EXPECT_THAT(work(between(1)), ElementsAre(kUp, kLaunch, kDown, kLaunch, kUp, kLaunch, kDown, kLaunch, kDown, kDown));
  run({}, "12 launches", [] {
    int launches = 0;
    nnccrt_context_options options = {};
    options.size = sizeof(options);
    options.profiler = [](void *user, const nnccrt_launch_event *) { ++*static_cast<int *>(user); };
    options.profiler_user = &launches;
    Host host(3, 1, &options);
    std::string text = runBetweenMarks(host, 3);
    return text + std::to_string(launches) + " launches";
  });
  EXPECT_THAT(work(between(1)), ElementsAre(kUp, kLaunch, kDown, kLaunch, kUp, kLaunch, kDown, kLaunch, kDown, kDown));
  EXPECT_EQ(reported, kOurs);
}

/// The last run's output, in page-locked memory, is an input of this one, which writes its output to the same place before it has to read it.
TEST_F(CudaCalls, AnInputThatWasAnOutput) {
  run({}, "23 30; 48 21; ", [] {
    Host host(1);
    std::string text = sequence({host.bind(nnccrt_bind_input, 0, host.x), host.bind(nnccrt_bind_input, 1, host.b)});
    host.x[0] = 20, host.b[0] = 32;
    text += host.loaded.run();
    nnccrt_tensor last = {};
    last.size = sizeof(last);
    if (nnccrt_output(host.loaded.context, 0, &last, &host.loaded.status))
      return std::string(host.loaded.status.message);
    text += join({*static_cast<float *>(last.data)}) + " " + host.loaded.output(1) + "; ";
    host.x[0] = 45;
    text += sequence({host.loaded.bind(nnccrt_bind_input, 1, last.data, 1, NNCCRT_CPU),
                      host.bind(nnccrt_bind_output, 0, host.y), host.loaded.run()});
    return text + join({host.y[0]}) + " " + host.loaded.output(1) + "; ";
  });
}

/// Each call that copies or orders fails once, in each of three runs: a message, nothing is left, and the next run is right.
TEST_F(CudaCalls, EachCallOfACopyFails) {
  for (const char *call :
       {"cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuEventRecord", "cuStreamWaitEvent", "cuMemHostAlloc"})
    for (int number = 1; number < 16; ++number) {
      std::string fault = call + ("@" + std::to_string(number)) + "=2";
      SCOPED_TRACE(fault);
      run({{"NNCC_EMU_FAULT", fault.c_str()}}, "", [] {
        Host host(3);
        if (!host.loaded.context)
          return std::string();
        std::string text = host.bindAll();
        int failed = 0;
        for (float start : {20.0f, 30.0f, 40.0f, 50.0f, 60.0f}) {
          std::string said = host.run(start);
          bool isKnown = said.find("CUDA_ERROR_OUT_OF_MEMORY") == 0 || said.find("page-locked memory") != said.npos;
          failed += !said.empty();
          if (!said.empty() && !isKnown)
            text += said + "; ";
        }
        return failed > 1 ? "more than one run failed" : text;
      });
      EXPECT_EQ(reported, "");
    }
}

/// A kernel's fault is told, the caller's memory stays as it was, and the next run is right.
TEST_F(CudaCalls, AFaultBetweenCopies) {
  run({}, "unchanged; ; ", [] {
    Host host(3);
    std::string text = host.bindAll();
    if (host.run(13).find("wrong") == 0)
      return std::string("no fault");
    text += host.y == std::vector<float>(3, -1) && host.r == std::vector<float>(3, -1) ? "unchanged; " : "changed; ";
    for (float start : {20.0f, 30.0f, 40.0f})
      text += host.run(start);
    return text + "; ";
  });
  EXPECT_EQ(reported, "");
}

TEST_F(CudaCalls, ALostDeviceBetweenCopies) {
  for (int number = 1; number < 5; ++number) {
    std::string fault = "crash@" + std::to_string(number);
    run({{"NNCC_EMU_FAULT", fault.c_str()}}, "lost, lost", [] {
      Host host(3);
      std::string text = host.bindAll();
      for (const char *separator : {", ", ""})
        text += (host.run(20).find("CUDA_ERROR_LAUNCH_FAILED") == 0 ? "lost" : "?") + std::string(separator);
      return text;
    });
  }
}
