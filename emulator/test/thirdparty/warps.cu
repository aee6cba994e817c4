// Warp intrinsics, shared memory, barriers, atomics, scans, sorts.
#include <cuda_fp16.h>

extern "C" __global__ void warpSum(float *y, const float *x) {
  float v = x[blockIdx.x * 32 + threadIdx.x];
  for (int d = 16; d; d /= 2)
    v += __shfl_xor_sync(~0u, v, d);
  if (threadIdx.x == 0)
    y[blockIdx.x] = v;
}

extern "C" __global__ void blockSum(float *y, const float *x, int n) {
  __shared__ float part[32];
  float v = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    v += x[blockIdx.x * n + i];
  for (int d = 16; d; d /= 2)
    v += __shfl_down_sync(~0u, v, d);
  if (threadIdx.x % 32 == 0)
    part[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0;
    for (int d = 16; d; d /= 2)
      v += __shfl_down_sync(~0u, v, d);
    if (threadIdx.x == 0)
      y[blockIdx.x] = v;
  }
}

extern "C" __global__ void layerNorm(half *y, const half *x, const float *scale, const float *bias, int n) {
  float sum = 0, squares = 0;
  const half2 *row = (const half2 *)(x + blockIdx.x * n);
  for (int i = threadIdx.x; i < n / 2; i += 32) {
    float2 v = __half22float2(row[i]);
    sum += v.x + v.y, squares += v.x * v.x + v.y * v.y;
  }
  for (int d = 16; d; d /= 2)
    sum += __shfl_xor_sync(~0u, sum, d), squares += __shfl_xor_sync(~0u, squares, d);
  float mean = sum / n, inv = rsqrtf(squares / n - mean * mean + 1e-5f);
  for (int i = threadIdx.x; i < n / 2; i += 32) {
    float2 v = __half22float2(row[i]);
    ((half2 *)(y + blockIdx.x * n))[i] = __floats2half2_rn((v.x - mean) * inv * scale[i * 2] + bias[i * 2],
                                                          (v.y - mean) * inv * scale[i * 2 + 1] + bias[i * 2 + 1]);
  }
}

extern "C" __global__ void votes(unsigned *y, const int *x) {
  int v = x[threadIdx.x];
  unsigned *out = y + threadIdx.x * 6;
  out[0] = __ballot_sync(~0u, v > 0), out[1] = __any_sync(~0u, v == 7), out[2] = __all_sync(~0u, v > -100);
  out[3] = __match_any_sync(~0u, v & 3), out[4] = __activemask();
  if (v > 0)
    out[5] = __ballot_sync(__activemask(), v & 1);
  else
    out[5] = threadIdx.x;
}

extern "C" __global__ void shuffles(int *y, const int *x) {
  int v = x[threadIdx.x], *out = y + threadIdx.x * 6;
  out[0] = __shfl_sync(~0u, v, 5), out[1] = __shfl_up_sync(~0u, v, 3), out[2] = __shfl_down_sync(~0u, v, 2, 8);
  out[3] = __shfl_xor_sync(~0u, v, 9), out[4] = __shfl_sync(~0u, v, threadIdx.x * 7), out[5] = (int)__shfl_sync(~0u, (long long)v << 20, 3, 16);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void reduceSync(unsigned *y, const unsigned *x) {
  unsigned v = x[threadIdx.x], *out = y + threadIdx.x * 6;
  out[0] = __reduce_add_sync(~0u, v), out[1] = __reduce_max_sync(~0u, (int)v), out[2] = __reduce_min_sync(~0u, v);
  out[3] = __reduce_and_sync(~0u, v), out[4] = __reduce_or_sync(~0u, v), out[5] = __reduce_xor_sync(~0u, v);
}
#endif

extern "C" __global__ void scan(int *y, const int *x, int n) { // Blelloch's, in a block of n / 2 threads
  extern __shared__ int data[];
  int t = threadIdx.x;
  data[2 * t] = x[2 * t], data[2 * t + 1] = x[2 * t + 1];
  int offset = 1;
  for (int d = n >> 1; d > 0; d >>= 1, offset *= 2) {
    __syncthreads();
    if (t < d)
      data[offset * (2 * t + 2) - 1] += data[offset * (2 * t + 1) - 1];
  }
  __syncthreads();
  if (t == 0)
    data[n - 1] = 0;
  for (int d = 1; d < n; d *= 2) {
    offset >>= 1;
    __syncthreads();
    if (t < d) {
      int low = offset * (2 * t + 1) - 1, high = offset * (2 * t + 2) - 1, keep = data[low];
      data[low] = data[high], data[high] += keep;
    }
  }
  __syncthreads();
  y[2 * t] = data[2 * t], y[2 * t + 1] = data[2 * t + 1];
}

extern "C" __global__ void bitonicSort(float *data, int n) { // a block of n threads
  extern __shared__ float keys[];
  int t = threadIdx.x;
  keys[t] = data[blockIdx.x * n + t];
  for (int size = 2; size <= n; size *= 2)
    for (int stride = size / 2; stride; stride /= 2) {
      __syncthreads();
      int other = t ^ stride;
      if (other > t && (keys[t] > keys[other]) == ((t & size) == 0)) {
        float keep = keys[t];
        keys[t] = keys[other], keys[other] = keep;
      }
    }
  __syncthreads();
  data[blockIdx.x * n + t] = keys[t];
}

extern "C" __global__ void histogram(unsigned *bins, const unsigned char *x, int n) {
  __shared__ unsigned local[64];
  if (threadIdx.x < 64)
    local[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&local[x[i] & 63], 1);
  __syncthreads();
  if (threadIdx.x < 64)
    atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

extern "C" __global__ void atomics(int *y, unsigned long long *wide, float *sums, const int *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  atomicMax(&y[0], x[i]), atomicMin(&y[1], x[i]), atomicXor(&y[2], x[i]), atomicOr(&y[3], x[i]), atomicAnd(&y[4], x[i] | 0xff00ff);
  atomicInc((unsigned *)&y[5], 99), atomicDec((unsigned *)&y[6], 50), atomicSub(&y[7], x[i]);
  atomicAdd(wide, (unsigned long long)(unsigned)x[i]), atomicMax(wide + 1, (unsigned long long)(unsigned)x[i]);
  atomicAdd(sums, 0.25f * (x[i] & 15)); // exact in any order
  int old = y[8], seen;
  do { // the largest of x * 3 by compare and swap
    seen = old;
    old = atomicCAS(&y[8], seen, max(seen, x[i] * 3));
  } while (seen != old);
}

extern "C" __global__ void atomicDoubles(double *y, const double *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    atomicAdd(y, x[i]);
}

__device__ unsigned arrived;

extern "C" __global__ void lastBlock(float *y, volatile float *parts, const float *x) { // threadfence reduction
  __shared__ bool last;
  float v = x[blockIdx.x * 32 + threadIdx.x];
  for (int d = 16; d; d /= 2)
    v += __shfl_xor_sync(~0u, v, d);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = v;
    __threadfence();
    last = atomicInc(&arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float sum = 0;
    for (int i = 0; i < gridDim.x; ++i)
      sum += parts[i];
    *y = sum;
  }
}

extern "C" __global__ void transpose(float *y, const float *x, int n) {
  __shared__ float tile[32][33];
  int column = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 32;
  for (int j = threadIdx.y; j < 32; j += 8)
    tile[j][threadIdx.x] = x[(row + j) * n + column];
  __syncthreads();
  for (int j = threadIdx.y; j < 32; j += 8)
    y[(blockIdx.x * 32 + j) * n + row + threadIdx.x] = tile[threadIdx.x][j];
}

extern "C" __global__ void syncCounts(int *y, const int *x) {
  int v = x[threadIdx.x];
  y[threadIdx.x * 3] = __syncthreads_count(v > 0), y[threadIdx.x * 3 + 1] = __syncthreads_and(v > -1000), y[threadIdx.x * 3 + 2] = __syncthreads_or(v == 3);
}

extern "C" __global__ void stencil(float *y, const float *x, int w, int h) {
  __shared__ float tile[18][18];
  int i = blockIdx.x * 16 + threadIdx.x, j = blockIdx.y * 16 + threadIdx.y;
  for (int dy = threadIdx.y; dy < 18; dy += 16)
    for (int dx = threadIdx.x; dx < 18; dx += 16) {
      int a = blockIdx.x * 16 + dx - 1, b = blockIdx.y * 16 + dy - 1;
      tile[dy][dx] = a >= 0 && b >= 0 && a < w && b < h ? x[b * w + a] : 0;
    }
  __syncthreads();
  if (i >= w || j >= h)
    return;
  float sum = 0;
#pragma unroll
  for (int dy = 0; dy < 3; ++dy)
#pragma unroll
    for (int dx = 0; dx < 3; ++dx)
      sum += (dy * 3 + dx + 1) * tile[threadIdx.y + dy][threadIdx.x + dx];
  y[j * w + i] = sum;
}
