//===- Peak.h - what the machine can do at most ---------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_BENCH_PEAK_H
#define NNCC_TOOLS_NNCC_BENCH_PEAK_H

#include <string>

/// Floating-point operations a second of multiply-adds on f32 registers, for a CPU level. Measured anew at each call: clocks change.
double measurePeak(const std::string &level);
/// Bytes a second of so many threads that read memory in order.
double measureReadBandwidth(unsigned threads = 1);
/// Seconds that this thread has computed: others on the machine do not count.
double now();

#endif // NNCC_TOOLS_NNCC_BENCH_PEAK_H
