// Matrix products on nvcuda::wmma.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>
using namespace nvcuda;

extern "C" __global__ void wmmaHalf(float *c, const half *a, const half *b, int n, int k) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> acc;
  wmma::fill_fragment(acc, 0.f);
  for (int p = 0; p < k; p += 16) {
    wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + p, k);
    wmma::load_matrix_sync(fb, b + p * n + blockIdx.x * 16, n);
    wmma::mma_sync(acc, fa, fb, acc);
  }
  wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, acc, n, wmma::mem_row_major);
}

extern "C" __global__ void wmmaColumns(half *c, const half *a, const half *b, int n, int k) { // through shared memory, f16 sums
  __shared__ half sa[16 * 24], sb[16 * 24];
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::col_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, half> acc;
  wmma::fill_fragment(acc, __float2half(0.f));
  for (int p = 0; p < k; p += 16) {
    for (int e = threadIdx.x; e < 256; e += 32) {
      sa[e / 16 * 24 + e % 16] = a[(blockIdx.y * 16 + e % 16) * k + p + e / 16];
      sb[e / 16 * 24 + e % 16] = b[(p + e % 16) * n + blockIdx.x * 16 + e / 16];
    }
    __syncwarp();
    wmma::load_matrix_sync(fa, sa, 24);
    wmma::load_matrix_sync(fb, sb, 24);
    wmma::mma_sync(acc, fa, fb, acc);
    __syncwarp();
  }
  for (int i = 0; i < acc.num_elements; ++i)
    acc.x[i] = __hmul(acc.x[i], __float2half(2.f));
  wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, acc, n, wmma::mem_row_major);
}

extern "C" __global__ void wmmaBytes(int *c, const signed char *a, const signed char *b, int n, int k) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, signed char, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, signed char, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, int> acc;
  wmma::fill_fragment(acc, 0);
  for (int p = 0; p < k; p += 16) {
    wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + p, k);
    wmma::load_matrix_sync(fb, b + p * n + blockIdx.x * 16, n);
    wmma::mma_sync(acc, fa, fb, acc);
  }
  wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, acc, n, wmma::mem_row_major);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void wmmaBfloat(float *c, const __nv_bfloat16 *a, const __nv_bfloat16 *b, int n, int k) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> acc;
  wmma::fill_fragment(acc, 0.f);
  for (int p = 0; p < k; p += 16) {
    wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + p, k);
    wmma::load_matrix_sync(fb, b + p * n + blockIdx.x * 16, n);
    wmma::mma_sync(acc, fa, fb, acc);
  }
  wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, acc, n, wmma::mem_row_major);
}

extern "C" __global__ void wmmaTf32(float *c, const float *a, const float *b, int n, int k) {
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> acc;
  wmma::fill_fragment(acc, 0.f);
  for (int p = 0; p < k; p += 8) {
    wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + p, k);
    wmma::load_matrix_sync(fb, b + p * n + blockIdx.x * 16, n);
    for (int i = 0; i < fa.num_elements; ++i)
      fa.x[i] = wmma::__float_to_tf32(fa.x[i]);
    for (int i = 0; i < fb.num_elements; ++i)
      fb.x[i] = wmma::__float_to_tf32(fb.x[i]);
    wmma::mma_sync(acc, fa, fb, acc);
  }
  wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, acc, n, wmma::mem_row_major);
}

extern "C" __global__ void wmmaDouble(double *c, const double *a, const double *b, int n, int k) {
  wmma::fragment<wmma::matrix_a, 8, 8, 4, double, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 4, double, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 4, double> acc;
  wmma::fill_fragment(acc, 0.);
  for (int p = 0; p < k; p += 4) {
    wmma::load_matrix_sync(fa, a + blockIdx.y * 8 * k + p, k);
    wmma::load_matrix_sync(fb, b + p * n + blockIdx.x * 8, n);
    wmma::mma_sync(acc, fa, fb, acc);
  }
  wmma::store_matrix_sync(c + blockIdx.y * 8 * n + blockIdx.x * 8, acc, n, wmma::mem_row_major);
}
#endif
