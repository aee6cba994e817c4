// since sm_80
// cuda::pipeline of a block: mbarriers stand behind it.
#include <cooperative_groups.h>
#include <cuda/pipeline>

extern "C" __global__ void pipelineBlock(float *y, const float *x, int tiles) {
  auto block = cooperative_groups::this_thread_block();
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
  __shared__ __align__(16) float stages[2][128];
  auto pipe = cuda::make_pipeline(block, &state);
  float sum = 0;
  pipe.producer_acquire();
  cuda::memcpy_async(block, stages[0], x + blockIdx.x * tiles * 128, cuda::aligned_size_t<16>(512), pipe);
  pipe.producer_commit();
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + 1 < tiles) {
      pipe.producer_acquire();
      cuda::memcpy_async(block, stages[(tile + 1) % 2], x + (blockIdx.x * tiles + tile + 1) * 128, cuda::aligned_size_t<16>(512), pipe);
      pipe.producer_commit();
    }
    pipe.consumer_wait();
    sum = sum * 0.5f + stages[tile % 2][threadIdx.x ^ 5];
    pipe.consumer_release();
  }
  y[blockIdx.x * 128 + threadIdx.x] = sum;
}
