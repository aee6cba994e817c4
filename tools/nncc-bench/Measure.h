//===- Measure.h - times of a model and of its kernels ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_BENCH_MEASURE_H
#define NNCC_TOOLS_NNCC_BENCH_MEASURE_H

#include "Program.h"

namespace nncc {

struct MeasureOptions {
  uint32_t threads = 0;
  unsigned streams = 1, warmup = 3;
  double seconds = 1;
};

/// Milliseconds of the runs of all streams, ascending, and how long they took together.
struct RunTimes {
  std::vector<double> ms;
  double seconds = 0;

  double percentile(double part) const { return ms[std::min(size_t(part * double(ms.size())), ms.size() - 1)]; }
  double mean() const;
};

/// A kernel in the median of several runs.
struct KernelTime {
  uint32_t kernel = 0; ///< index into nnccrt_model.kernel_infos
  unsigned launches = 0;
  double us = 0;                    ///< of all its launches in one run
  double operations = 0, bytes = 0; ///< of all its launches; negative: unknown
};

/// Runs the program on these inputs. Nothing, with the reason in `diagnostics`, when a run fails.
std::optional<RunTimes> measureRuns(const Program &program, llvm::ArrayRef<import::TensorData> inputs,
                                    const MeasureOptions &options, std::optional<uint64_t> &workspaceBytes,
                                    Diagnostics &diagnostics);
/// The same with a clock around each launch.
std::optional<std::vector<KernelTime>> measureKernels(const Program &program, llvm::ArrayRef<import::TensorData> inputs,
                                                      const MeasureOptions &options, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_BENCH_MEASURE_H
