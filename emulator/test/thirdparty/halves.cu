// Atomics on pairs of halves.
#include <cuda_fp16.h>

extern "C" __global__ void atomicHalves(half2 *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    atomicAdd(y, __floats2half2_rn(1, 0.5f));
}
