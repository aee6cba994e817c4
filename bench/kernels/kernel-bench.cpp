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

static void runCase(const KernelCase &kernelCase) {
  std::string error;
  double compileStart = now();
  auto kernel = RunnableKernel::compile(kernelCase.text, cpuLevel, 3, error);
  double compileTime = now() - compileStart;
  if (!kernel) {
    llvm::errs() << kernelCase.name << ": " << error << "\n";
    return;
  }
  std::mt19937 random(1);
  std::vector<Buffer> buffers;
  std::vector<uint64_t> slots;
  for (const std::vector<int64_t> &dims : kernelCase.tensors) {
    int64_t count = 1;
    for (int64_t dim : dims)
      count *= dim;
    buffers.emplace_back(count * 4);
    for (int64_t i = 0; i < count; ++i)
      buffers.back().as<float>()[i] = float(int(random() % 17) - 8) * 0.125f;
    slots.push_back(buffers.back().address());
    if (kernelCase.isDynamic)
      slots.insert(slots.end(), kernelCase.dynamicDims[buffers.size() - 1].begin(),
                   kernelCase.dynamicDims[buffers.size() - 1].end());
  }
  kernel->run(slots);
  double best = 1e9, peak = 0;
  for (int round = 0; round < rounds; ++round) {
    peak = std::max(peak, measurePeak(cpuLevel));
    int repeats = std::max(1, int(0.02 * peak / 2 / kernelCase.flops));
    double start = now();
    for (int i = 0; i < repeats; ++i)
      kernel->run(slots);
    best = std::min(best, (now() - start) / repeats);
  }
  llvm::outs() << llvm::format("%-40s %9.1f us %8.1f GFLOP/s %6.1f %% of peak %6.1f GB/s weights %4d tiles %6d KB "
                               "scratch %5d ms compile %6d B code\n",
                               kernelCase.name.c_str(), best * 1e6, kernelCase.flops / best * 1e-9,
                               kernelCase.flops / best / peak * 100, kernelCase.weightBytes / best * 1e-9,
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
  for (const KernelCase &kernelCase : makeKernelCases())
    if (kernelCase.name.find(filter) != std::string::npos)
      runCase(kernelCase);
  return 0;
}
