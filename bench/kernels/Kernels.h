//===- Kernels.h - the kernels of known models ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_BENCH_KERNELS_KERNELS_H
#define NNCC_BENCH_KERNELS_KERNELS_H

#include <cstdint>
#include <string>
#include <vector>

struct BenchCase {
  std::string name, text;
  double flops = 0, weightBytes = 0;
  /// Sizes of arguments and results, and the bytes of their elements (none: all f32).
  std::vector<std::vector<int64_t>> tensors;
  std::vector<int> elementBytes;
  bool isDynamic = false;
  std::vector<std::vector<uint64_t>> dynamicDims;
};

std::vector<BenchCase> makeBenchCases();

#endif // NNCC_BENCH_KERNELS_KERNELS_H
