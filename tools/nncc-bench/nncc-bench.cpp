//===- nncc-bench.cpp - how fast a model runs, and which kernels take the time --------------------------------------------===//

#include "DeviceOptions.h"
#include "Inputs.h"
#include "MachineCode.h"
#include "Measure.h"
#include "Options.h"
#include "Peak.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"

using namespace nncc;

namespace {

/// What this machine can do at most with these threads.
struct Machine {
  double operations = 0, bytes = 0; ///< a second

  /// The part of a kernel's time that it would take at the machine's limit; negative where nobody knows what it does.
  double shareOfRoof(const KernelTime &kernel) const {
    double seconds = std::max(kernel.operations / operations, kernel.bytes / bytes);
    return seconds < 0 ? -1 : seconds / (kernel.us * 1e-6);
  }
};

class Bench {
public:
  Bench(const BenchOptions &options, Diagnostics &diagnostics) : options(options), diagnostics(diagnostics) {}

  void run() {
    program = Program::load(options.compile, options.load, diagnostics);
    if (!program || !measure())
      return;
    if (options.json)
      printJSON();
    else
      printText();
  }

private:
  bool measure() {
    llvm::raw_ostream &notes = options.json ? llvm::errs() : llvm::outs();
    auto inputs = makeInputs(program->model(), program->path(), options.inputs, notes, diagnostics);
    if (!inputs)
      return false;
    threads = options.measure.threads ? options.measure.threads : nnccrt_threads();
    auto times = measureRuns(*program, *inputs, options.measure, workspaceBytes, diagnostics);
    if (!times)
      return false;
    runs = std::move(*times);
    if (!options.kernels)
      return true;
    auto measured = measureKernels(*program, *inputs, options.measure, diagnostics);
    if (!measured)
      return false;
    kernels = std::move(*measured);
    for (const KernelTime &kernel : kernels)
      kernelTime += kernel.us;
    if (program->isOnDevice()) // whose roof is another one
      return true;
    uint64_t features = program->level().features;
    machine.operations = threads * measurePeak(features & NNCCRT_CPU_AVX512 ? "x86-64-v4"
                                               : features & NNCCRT_CPU_AVX2 ? "x86-64-v3"
                                                                            : "x86-64-v2");
    machine.bytes = measureReadBandwidth(threads);
    return true;
  }

  const nnccrt_kernel_info &infoOf(const KernelTime &kernel) { return program->model().kernel_infos[kernel.kernel]; }

  void printText() {
    llvm::raw_ostream &out = llvm::outs();
    out << printable(program->path()) << ": "
        << (program->isOnDevice() ? nnccrt_device(program->get()) : program->level().cpu) << ", threads: " << threads
        << ", streams: " << options.measure.streams << "\n";
    out << llvm::format("median %.3f ms, min %.3f, mean %.3f, p90 %.3f, p99 %.3f; %zu runs, %.1f a second\n",
                        runs.percentile(0.5), runs.ms.front(), runs.mean(), runs.percentile(0.9), runs.percentile(0.99),
                        runs.ms.size(), double(runs.ms.size()) / runs.seconds);
    out << llvm::format("load %.2f ms, ", program->loadSeconds() * 1e3);
    if (workspaceBytes)
      out << llvm::format("memory %.1f MB, ", double(*workspaceBytes) / 1e6);
    out << llvm::format("weights %.1f MB\n", double(program->model().weights_bytes) / 1e6);
    if (options.kernels)
      printKernels(out);
  }

  void printKernels(llvm::raw_ostream &out) {
    if (!program->isOnDevice())
      out << llvm::format("\nroof: %.1f GFLOP/s (f32), %.1f GB/s (memory, read)\n", machine.operations / 1e9,
                          machine.bytes / 1e9);
    out << "        us      %  launches  GFLOP/s     GB/s   roof  kernel\n";
    auto figure = [](double value, double us) {
      return value < 0 ? std::string(9, ' ') : llvm::formatv("{0,9:F1}", value / us / 1e3).str();
    };
    for (const KernelTime &kernel : kernels) {
      double share = program->isOnDevice() ? -1 : machine.shareOfRoof(kernel);
      out << llvm::format("%10.1f %5.1f%% %9u", kernel.us, 100 * kernel.us / kernelTime, kernel.launches)
          << figure(kernel.operations, kernel.us) << figure(kernel.bytes, kernel.us)
          << (share < 0 ? std::string(7, ' ') : llvm::formatv("{0,6:F0}%", 100 * share).str()) << "  "
          << infoOf(kernel).name << "\n";
    }
  }

  void printJSON() {
    llvm::json::OStream json(llvm::outs(), 1);
    json.object([&] {
      json.attribute("model", llvm::json::fixUTF8(program->path()));
      json.attribute("cpu_level", program->level().cpu);
      json.attribute("device", nnccrt_device(program->get()));
      json.attribute("threads", threads);
      json.attribute("streams", options.measure.streams);
      json.attribute("runs", int64_t(runs.ms.size()));
      json.attribute("runs_per_second", double(runs.ms.size()) / runs.seconds);
      json.attribute("min_ms", runs.ms.front());
      json.attribute("median_ms", runs.percentile(0.5));
      json.attribute("mean_ms", runs.mean());
      json.attribute("p90_ms", runs.percentile(0.9));
      json.attribute("p99_ms", runs.percentile(0.99));
      json.attribute("compile_ms", program->compileSeconds() * 1e3);
      json.attribute("load_ms", program->loadSeconds() * 1e3);
      json.attribute("weights_bytes", int64_t(program->model().weights_bytes));
      if (workspaceBytes)
        json.attribute("peak_bytes",
                       int64_t(*workspaceBytes * options.measure.streams + program->model().weights_bytes));
      if (options.kernels)
        printKernels(json);
    });
    llvm::outs() << "\n";
  }

  void printKernels(llvm::json::OStream &json) {
    if (!program->isOnDevice()) {
      json.attribute("peak_gflops", machine.operations / 1e9);
      json.attribute("read_gbs", machine.bytes / 1e9);
    }
    json.attributeArray("kernels", [&] {
      for (const KernelTime &kernel : kernels)
        json.object([&] {
          json.attribute("name", infoOf(kernel).name);
          json.attribute("nodes", llvm::json::fixUTF8(infoOf(kernel).nodes));
          json.attribute("launches", kernel.launches);
          json.attribute("us", kernel.us);
          json.attribute("share", kernel.us / kernelTime);
          if (kernel.operations >= 0)
            json.attribute("operations", kernel.operations);
          if (kernel.bytes >= 0)
            json.attribute("bytes", kernel.bytes);
          if (double share = program->isOnDevice() ? -1 : machine.shareOfRoof(kernel); share >= 0)
            json.attribute("roof", share);
        });
    });
  }

  const BenchOptions &options;
  Diagnostics &diagnostics;
  std::unique_ptr<Program> program;
  uint32_t threads = 0;
  RunTimes runs;
  std::optional<uint64_t> workspaceBytes;
  std::vector<KernelTime> kernels;
  double kernelTime = 0; ///< microseconds of all
  Machine machine;
};

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Diagnostics diagnostics;
  std::optional<BenchOptions> options = parseBenchOptions(argc, argv, diagnostics);
  if (options && options->isStatic)
    return showMachineCode(argv[0], options->compile, diagnostics);
  if (options && (options->load.emulate.empty() || emulate(argv[0], options->load.emulate, diagnostics)))
    Bench(*options, diagnostics).run();
  flushStandardOutput(diagnostics);
  diagnostics.print(llvm::errs());
  return static_cast<int>(diagnostics.exitCode());
}
