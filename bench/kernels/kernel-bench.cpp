//===- kernel-bench.cpp - single kernels against the limits of the machine ------------------------------------------===//
//
// kernel-bench [--cpu=x86-64-v4] [--filter=TEXT] [--object=FILE]: one line a kernel, on one thread. Each time is the best of several
// rounds, each between two measurements of the peak.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "KernelRunner.h"
#include "Kernels.h"
#include "Peak.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <random>

static llvm::cl::opt<std::string> cpuLevel("cpu", llvm::cl::init("x86-64-v4"), llvm::cl::desc("CPU level"));
static llvm::cl::opt<std::string> filter("filter", llvm::cl::desc("only kernels whose name contains this"));
static llvm::cl::opt<std::string> objectFile("object", llvm::cl::desc("write the object of the last kernel there"));
static llvm::cl::opt<int> rounds("rounds", llvm::cl::init(7), llvm::cl::desc("rounds"));

static void runCase(const BenchCase &benchCase) {
  std::string error;
  double compileStart = now();
  auto kernel = RunnableKernel::compile(benchCase.text, cpuLevel, 3, error);
  double compileTime = now() - compileStart;
  if (!kernel) {
    llvm::errs() << benchCase.name << ": " << error << "\n";
    return;
  }
  std::mt19937 random(1);
  std::vector<Buffer> buffers;
  std::vector<uint64_t> slots;
  for (const std::vector<int64_t> &dims : benchCase.tensors) {
    int64_t count = 1;
    for (int64_t dim : dims)
      count *= dim;
    int bytes = benchCase.elementBytes.empty() ? 4 : benchCase.elementBytes[buffers.size()];
    buffers.emplace_back(count * bytes);
    for (int64_t i = 0; i < count; ++i)
      if (bytes == 4)
        buffers.back().as<float>()[i] = float(int(random() % 17) - 8) * 0.125f;
      else
        buffers.back().as<char>()[i] = char(random());
    slots.push_back(buffers.back().address());
    if (benchCase.isDynamic)
      slots.insert(slots.end(), benchCase.dynamicDims[buffers.size() - 1].begin(),
                   benchCase.dynamicDims[buffers.size() - 1].end());
  }
  kernel->run(slots);
  double best = 1e9, peak = 0;
  for (int round = 0; round < rounds; ++round) {
    peak = std::max(peak, measurePeak(cpuLevel));
    int repeats = std::max(1, int(0.02 * peak / 2 / benchCase.flops));
    double start = now();
    for (int i = 0; i < repeats; ++i)
      kernel->run(slots);
    best = std::min(best, (now() - start) / repeats);
  }
  llvm::outs() << llvm::format("%-40s %9.1f us %8.1f GFLOP/s %6.1f %% of peak %6.1f GB/s weights %4d tiles %6d KB "
                               "scratch %5d ms compile %6d B code\n",
                               benchCase.name.c_str(), best * 1e6, benchCase.flops / best * 1e-9,
                               benchCase.flops / best / peak * 100, benchCase.weightBytes / best * 1e-9,
                               int(kernel->countTiles(slots)), int(kernel->getScratchBytes() / 1024),
                               int(compileTime * 1e3), int(kernel->getObject().size()));
  llvm::outs().flush();
  if (!objectFile.empty()) {
    std::error_code code;
    llvm::raw_fd_ostream(objectFile, code) << kernel->getObject();
  }
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "kernel-bench: single kernels against the limits of the machine\n");
  llvm::outs() << llvm::format("peak %.1f GFLOP/s, read %.1f GB/s\n", measurePeak(cpuLevel) * 1e-9,
                               measureReadBandwidth() * 1e-9);
  for (const BenchCase &benchCase : makeBenchCases())
    if (benchCase.name.find(filter) != std::string::npos)
      runCase(benchCase);
  return 0;
}
