//===- Workloads.h - kernels as compilers write them, to time the machine with ------------------------------------===//

#ifndef NNCCEMU_BENCH_WORKLOADS_H
#define NNCCEMU_BENCH_WORKLOADS_H

#include "nnccemu/Machine.h"
#include <string>
#include <vector>

namespace nncc::emu::bench {

/// One kernel with the entry `k`, whose parameters are addresses: buffers of `bytes` each, all but the last one filled.
struct Workload {
  std::string name;
  std::string text;
  LaunchShape shape;
  std::vector<uint64_t> bytes;
  double flops; ///< of one launch
};

/// C = A B in f32: tiles of 128 x 128 x 8, 8 x 8 a thread, double-buffered shared memory, accesses of 128 bits.
Workload simtGemm(unsigned m, unsigned n, unsigned k);
/// A thread a product row: every operand straight from global memory, by 32 bits.
Workload naiveGemm(unsigned m, unsigned n, unsigned k);
/// A 3 x 3 convolution without padding, channels first, a thread an output.
Workload naiveConvolution(unsigned channels, unsigned filters, unsigned size);
/// x * sigmoid(x), four elements a thread.
Workload elementwise(unsigned count);
/// Rows of 1024, a warp each: one read, shuffles, one write.
Workload softmax(unsigned rows);
/// f16 tiles of 64 x 64 x 32 by cp.async, ldmatrix and mma.m16n8k16, four warps.
Workload tensorGemm(unsigned m, unsigned n, unsigned k);

} // namespace nncc::emu::bench

#endif
