//===- Measure.cpp - times of a model and of its kernels ------------------------------------------------------------------===//

#include "Measure.h"
#include <chrono>
#include <numeric>
#include <thread>

namespace nncc {

using Clock = std::chrono::steady_clock;

static double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double RunTimes::mean() const { return std::accumulate(ms.begin(), ms.end(), 0.0) / double(ms.size()); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {

/// A context with inputs of its own, run by a thread of its own.
struct Stream {
  std::unique_ptr<Session> session;
  std::vector<double> ms;
  Diagnostics diagnostics;

  void work(const MeasureOptions &options, Clock::time_point start) {
    while (ms.empty() || millisecondsSince(start) < options.seconds * 1e3) {
      Clock::time_point begun = Clock::now();
      if (!session->run(diagnostics))
        return;
      ms.push_back(millisecondsSince(begun));
    }
  }
};

} // namespace

static std::unique_ptr<Session> warmUp(const Program &program, llvm::ArrayRef<import::TensorData> inputs,
                                       const MeasureOptions &options, bool profile, Diagnostics &diagnostics) {
  std::unique_ptr<Session> session =
      Session::create(program, {.threads = options.threads, .profile = profile}, diagnostics);
  if (!session || !session->bind(inputs, diagnostics))
    return nullptr;
  for (unsigned i = 0; i < options.warmup; ++i)
    if (!session->run(diagnostics))
      return nullptr;
  return session;
}

std::optional<RunTimes> measureRuns(const Program &program, llvm::ArrayRef<import::TensorData> inputs,
                                    const MeasureOptions &options, std::optional<uint64_t> &workspaceBytes,
                                    Diagnostics &diagnostics) {
  std::vector<Stream> streams(options.streams);
  for (Stream &stream : streams)
    if (stream.session = warmUp(program, inputs, options, /*profile=*/false, diagnostics); !stream.session)
      return std::nullopt;
  workspaceBytes = streams[0].session->workspaceBytes(inputs);
  Clock::time_point start = Clock::now();
  std::vector<std::thread> threads;
  for (Stream &stream : llvm::drop_begin(streams))
    threads.emplace_back([&] { stream.work(options, start); });
  streams[0].work(options, start);
  for (std::thread &thread : threads)
    thread.join();
  RunTimes times;
  times.seconds = millisecondsSince(start) / 1e3;
  for (Stream &stream : streams) {
    for (const Diagnostic &problem : stream.diagnostics.all())
      diagnostics.error(problem.code, problem.file, problem.place, problem.message);
    times.ms.insert(times.ms.end(), stream.ms.begin(), stream.ms.end());
  }
  if (diagnostics.hasErrors())
    return std::nullopt;
  llvm::sort(times.ms);
  return times;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------------------------------------------------------===//

/// One run's launches, added up by kernel.
static std::vector<KernelTime> addUp(llvm::ArrayRef<Launch> launches, uint32_t numKernels) {
  std::vector<KernelTime> kernels(numKernels);
  auto add = [](double &sum, double value) { sum = sum < 0 || value < 0 ? -1 : sum + value; };
  for (const Launch &launch : launches) {
    KernelTime &kernel = kernels[launch.kernel];
    ++kernel.launches;
    kernel.us += double(launch.endNs - launch.startNs) / 1e3;
    add(kernel.operations, launch.operations);
    add(kernel.bytes, launch.bytes);
  }
  return kernels;
}

std::optional<std::vector<KernelTime>> measureKernels(const Program &program, llvm::ArrayRef<import::TensorData> inputs,
                                                      const MeasureOptions &options, Diagnostics &diagnostics) {
  std::unique_ptr<Session> session = warmUp(program, inputs, options, /*profile=*/true, diagnostics);
  if (!session)
    return std::nullopt;
  std::vector<std::vector<KernelTime>> runs;
  for (Clock::time_point start = Clock::now(); runs.empty() || millisecondsSince(start) < options.seconds * 1e3;) {
    session->launches.clear();
    if (!session->run(diagnostics))
      return std::nullopt;
    runs.push_back(addUp(session->launches, program.model().num_kernels));
  }
  std::vector<KernelTime> kernels;
  for (uint32_t index = 0; index < program.model().num_kernels; ++index) {
    auto times = llvm::map_to_vector(runs, [&](const auto &run) { return run[index].us; });
    auto middle = times.begin() + times.size() / 2;
    std::nth_element(times.begin(), middle, times.end());
    if (KernelTime kernel = runs.back()[index]; kernel.launches) {
      kernel.kernel = index;
      kernel.us = *middle;
      kernels.push_back(kernel);
    }
  }
  llvm::sort(kernels, [](const KernelTime &a, const KernelTime &b) {
    return std::pair(-a.us, a.kernel) < std::pair(-b.us, b.kernel);
  });
  return kernels;
}

} // namespace nncc
