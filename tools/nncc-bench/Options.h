//===- Options.h - what the user of nncc-bench asked for --------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_BENCH_OPTIONS_H
#define NNCC_TOOLS_NNCC_BENCH_OPTIONS_H

#include "Inputs.h"
#include "Measure.h"

namespace nncc {

struct BenchOptions {
  CompileOptions compile;
  LoadOptions load;
  InputOptions inputs;
  MeasureOptions measure;
  bool json = false, kernels = true;
  bool isStatic = false; ///< what the machine code can reach, instead of a run
};

/// Nothing, with the problem in `diagnostics`, when the command line makes no sense.
std::optional<BenchOptions> parseBenchOptions(int argc, char **argv, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_BENCH_OPTIONS_H
