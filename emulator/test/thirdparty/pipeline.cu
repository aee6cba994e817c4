// since sm_80
// cuda::pipeline within a thread: cp.async and its waits.
#include <cuda/pipeline>

extern "C" __global__ void pipelineSum(float *y, const float *x, int tiles) {
  __shared__ float stages[3][128];
  auto pipe = cuda::make_pipeline();
  float sum = 0;
  int fetched = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    for (; fetched < tiles && fetched < tile + 3; ++fetched) {
      pipe.producer_acquire();
      cuda::memcpy_async(&stages[fetched % 3][threadIdx.x], x + (blockIdx.x * tiles + fetched) * 128 + threadIdx.x, cuda::aligned_size_t<4>(4), pipe);
      pipe.producer_commit();
    }
    if (fetched - tile >= 3)
      cuda::pipeline_consumer_wait_prior<2>(pipe);
    else
      cuda::pipeline_consumer_wait_prior<0>(pipe);
    __syncthreads();
    sum = sum * 0.5f + stages[tile % 3][threadIdx.x ^ 1];
    pipe.consumer_release();
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = sum;
}
