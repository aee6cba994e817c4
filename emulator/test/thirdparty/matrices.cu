// Matrix products: SIMT tiles, and mma.sync as its users write it, with ldmatrix and cp.async.
#include <cuda_fp16.h>
#include <cuda_pipeline.h>

extern "C" __global__ void __launch_bounds__(256) gemm64(float *c, const float *a, const float *b, int m, int n, int k) {
  __shared__ float as[8][64], bs[8][64];
  float acc[4][4] = {};
  int tx = threadIdx.x % 16, ty = threadIdx.x / 16, row = blockIdx.y * 64, column = blockIdx.x * 64;
  for (int p = 0; p < k; p += 8) {
    for (int e = threadIdx.x; e < 512; e += 256) {
      int r = e / 8, q = e % 8;
      as[q][r] = row + r < m && p + q < k ? a[(row + r) * k + p + q] : 0;
      r = e / 64, q = e % 64;
      bs[r][q] = p + r < k && column + q < n ? b[(p + r) * n + column + q] : 0;
    }
    __syncthreads();
#pragma unroll
    for (int q = 0; q < 8; ++q) {
      float4 x = *(float4 *)&as[q][ty * 4], y = *(float4 *)&bs[q][tx * 4];
      float xs[] = {x.x, x.y, x.z, x.w}, ys[] = {y.x, y.y, y.z, y.w};
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          acc[i][j] = fmaf(xs[i], ys[j], acc[i][j]);
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      if (row + ty * 4 + i < m && column + tx * 4 + j < n)
        c[(row + ty * 4 + i) * n + column + tx * 4 + j] = acc[i][j];
}

extern "C" __global__ void gemv(float *y, const float *a, const float *x, int k) {
  int row = blockIdx.x * blockDim.y + threadIdx.y;
  float sum = 0;
  for (int i = threadIdx.x; i < k / 4; i += 32) {
    float4 v = __ldg((const float4 *)(a + row * k) + i), w = ((const float4 *)x)[i];
    sum += v.x * w.x + v.y * w.y + v.z * w.z + v.w * w.w;
  }
  for (int d = 16; d; d /= 2)
    sum += __shfl_xor_sync(~0u, sum, d);
  if (threadIdx.x == 0)
    y[row] = sum;
}

__device__ unsigned shared32(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

// One warp a tile of 16x8 over all of k, on ldmatrix and the m16n8k8 that sm_75 has.
extern "C" __global__ void mma16n8k8(float *c, const half *a, const half *b, int n, int k) {
  __shared__ __align__(16) half sa[16 * 8], sb[8 * 8];
  float acc[4] = {};
  int lane = threadIdx.x;
  for (int p = 0; p < k; p += 8) {
    for (int e = lane; e < 128; e += 32)
      sa[e] = a[(blockIdx.y * 16 + e / 8) * k + p + e % 8];
    for (int e = lane; e < 64; e += 32)
      sb[e] = b[(p + e / 8) * n + blockIdx.x * 8 + e % 8];
    __syncwarp();
    unsigned fa[2], fb;
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(fa[0]), "=r"(fa[1]) : "r"(shared32(sa + lane % 16 * 8)));
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(fb) : "r"(shared32(sb + lane % 8 * 8)));
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                 : "+f"(acc[0]), "+f"(acc[1]), "+f"(acc[2]), "+f"(acc[3]) : "r"(fa[0]), "r"(fa[1]), "r"(fb));
    __syncwarp();
  }
  float *out = c + (blockIdx.y * 16 + lane / 4) * n + blockIdx.x * 8 + lane % 4 * 2;
  out[0] = acc[0], out[1] = acc[1], out[8 * n] = acc[2], out[8 * n + 1] = acc[3];
}

#if __CUDA_ARCH__ >= 800
// 32x32x16 by one warp of four m16n8k16 columns, double-buffered by cp.async, swizzled rows, ldmatrix.x4 with and without .trans.
extern "C" __global__ void mmaPipelined(float *c, const half *a, const half *b, int n, int k) {
  __shared__ __align__(16) half sa[2][32 * 16], sb[2][16 * 32];
  float acc[2][4][4] = {};
  int lane = threadIdx.x;
  auto fetch = [&](int stage, int p) {
    for (int e = lane; e < 64; e += 32) {
      int r = e / 2, q = e % 2;
      __pipeline_memcpy_async(&sa[stage][r * 16 + (q ^ r / 4 % 2) * 8], a + (blockIdx.y * 32 + r) * k + p + q * 8, 16);
      r = e / 4, q = e % 4;
      __pipeline_memcpy_async(&sb[stage][r * 32 + (q ^ r % 4) * 8], b + (p + r) * n + blockIdx.x * 32 + q * 8, 16);
    }
    __pipeline_commit();
  };
  fetch(0, 0);
  for (int p = 0, stage = 0; p < k; p += 16, stage ^= 1) {
    if (p + 16 < k)
      fetch(stage ^ 1, p + 16);
    if (p + 16 < k)
      __pipeline_wait_prior(1);
    else
      __pipeline_wait_prior(0);
    __syncwarp();
    unsigned fa[2][4], fb[4][2];
    for (int i = 0; i < 2; ++i) {
      int r = i * 16 + lane % 16, q = lane / 16;
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(fa[i][0]), "=r"(fa[i][1]), "=r"(fa[i][2]), "=r"(fa[i][3]) : "r"(shared32(&sa[stage][r * 16 + (q ^ r / 4 % 2) * 8])));
    }
    for (int j = 0; j < 2; ++j) {
      int r = lane % 16, q = j * 2 + lane / 16;
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(fb[j * 2][0]), "=r"(fb[j * 2][1]), "=r"(fb[j * 2 + 1][0]), "=r"(fb[j * 2 + 1][1]) : "r"(shared32(&sb[stage][r * 32 + (q ^ r % 4) * 8])));
    }
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 4; ++j)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(acc[i][j][0]), "+f"(acc[i][j][1]), "+f"(acc[i][j][2]), "+f"(acc[i][j][3])
                     : "r"(fa[i][0]), "r"(fa[i][1]), "r"(fa[i][2]), "r"(fa[i][3]), "r"(fb[j][0]), "r"(fb[j][1]));
    __syncwarp();
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j) {
      float *out = c + (blockIdx.y * 32 + i * 16 + lane / 4) * n + blockIdx.x * 32 + j * 8 + lane % 4 * 2;
      out[0] = acc[i][j][0], out[1] = acc[i][j][1], out[8 * n] = acc[i][j][2], out[8 * n + 1] = acc[i][j][3];
    }
}

extern "C" __global__ void mmaBytes(int *c, const signed char *a, const unsigned char *bt, int n, int k) { // m16n8k32, B as n x k
  int acc[4] = {}, lane = threadIdx.x, g = lane / 4, t = lane % 4 * 4;
  const signed char *row = a + (blockIdx.y * 16 + g) * k + t;
  const unsigned char *column = bt + (blockIdx.x * 8 + g) * k + t;
  for (int p = 0; p < k; p += 32)
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
                 : "r"(*(int *)(row + p)), "r"(*(int *)(row + 8 * k + p)), "r"(*(int *)(row + p + 16)), "r"(*(int *)(row + 8 * k + p + 16)),
                   "r"(*(int *)(column + p)), "r"(*(int *)(column + p + 16)));
  int *out = c + (blockIdx.y * 16 + g) * n + blockIdx.x * 8 + lane % 4 * 2;
  out[0] = acc[0], out[1] = acc[1], out[8 * n] = acc[2], out[8 * n + 1] = acc[3];
}
#endif
