// A softmax on cooperative groups.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

extern "C" __global__ void softmax(float *y, const float *x, int n) {
  extern __shared__ float row[];
  __shared__ float result;
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  float most = -__int_as_float(0x7f800000);
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    most = fmaxf(most, row[i] = x[blockIdx.x * n + i]);
  __shared__ float parts[32];
  most = cg::reduce(warp, most, cg::greater<float>());
  if (warp.thread_rank() == 0)
    parts[warp.meta_group_rank()] = most;
  block.sync();
  if (threadIdx.x == 0) {
    for (int i = 1; i < warp.meta_group_size(); ++i)
      most = fmaxf(most, parts[i]);
    result = most;
  }
  block.sync();
  most = result;
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    sum += row[i] = expf(row[i] - most);
  sum = cg::reduce(warp, sum, cg::plus<float>());
  block.sync();
  if (warp.thread_rank() == 0)
    parts[warp.meta_group_rank()] = sum;
  block.sync();
  if (threadIdx.x == 0) {
    for (int i = 1; i < warp.meta_group_size(); ++i)
      sum += parts[i];
    result = sum;
  }
  block.sync();
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    y[blockIdx.x * n + i] = row[i] / result;
}
