//===- MachineCode.h - what the machine code of kernels can reach -----------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_BENCH_MACHINECODE_H
#define NNCC_TOOLS_NNCC_BENCH_MACHINECODE_H

#include "Program.h"

namespace nncc {

/// Prints a row for each kernel of a model, an object or a text of PTX; returns the exit code. The program that reads the machine code,
/// bench/static.py, lies beside the tools.
int showMachineCode(const char *argv0, const CompileOptions &options, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_BENCH_MACHINECODE_H
