// Elementwise kernels: arithmetic of every width, the math library, small floats, branches, tables.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define INDEX (blockIdx.x * blockDim.x + threadIdx.x)

extern "C" __global__ void axpy(float *y, const float *x, float a, int n) {
  for (int i = INDEX; i < n; i += gridDim.x * blockDim.x)
    y[i] = a * x[i] + y[i];
}

extern "C" __global__ void vector4(float4 *y, const float4 *__restrict__ x, int n) {
  int i = INDEX;
  if (i < n) {
    float4 v = x[i];
    y[i] = make_float4(v.w, v.z * 2, fmaxf(v.y, 0), -v.x);
  }
}

extern "C" __global__ void math(float *y, const float *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  float v = x[i], a = fabsf(v) + 0.125f;
  float *out = y + i * 12;
  out[0] = expf(v), out[1] = logf(a), out[2] = tanhf(v), out[3] = erff(v);
  out[4] = sinf(v * 1000), out[5] = cosf(v * 1e6f), out[6] = powf(a, v), out[7] = rsqrtf(a);
  out[8] = sqrtf(a) / (v + 9), out[9] = atan2f(v, a), out[10] = fmodf(v * 7, a), out[11] = log1pf(a) + cbrtf(v);
}

extern "C" __global__ void fastMath(float *y, const float *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  float v = x[i], a = fabsf(v) + 0.125f;
  y[i * 4] = __expf(v), y[i * 4 + 1] = __logf(a), y[i * 4 + 2] = __fdividef(v, a), y[i * 4 + 3] = __sinf(v) + __cosf(v);
}

extern "C" __global__ void roundings(float *y, const float *a, const float *b, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  y[i * 8] = __fadd_rd(a[i], b[i]), y[i * 8 + 1] = __fmul_ru(a[i], b[i]), y[i * 8 + 2] = __fdiv_rz(a[i], b[i]);
  y[i * 8 + 3] = __fmaf_rd(a[i], b[i], a[i]), y[i * 8 + 4] = rintf(a[i] * 8), y[i * 8 + 5] = truncf(a[i] * 8);
  y[i * 8 + 6] = __fsqrt_rn(fabsf(a[i])), y[i * 8 + 7] = copysignf(ceilf(a[i] * 8), b[i]);
}

extern "C" __global__ void integers(int *y, const int *a, const int *b, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  int p = a[i], q = b[i] | 1;
  unsigned u = p;
  int *out = y + i * 14;
  out[0] = p / q, out[1] = p % q, out[2] = u / 7u, out[3] = __mulhi(p, q), out[4] = __popc(p), out[5] = __clz(p);
  out[6] = __brev(p), out[7] = __byte_perm(p, q, 0x3715), out[8] = __ffs(p), out[9] = __funnelshift_l(p, q, 9);
  out[10] = min(p, q) - max(p, 3), out[11] = abs(p) >> 3, out[12] = __sad(p, q, 5u), out[13] = __dp4a(p, q, 11);
}

extern "C" __global__ void longs(long long *y, const long long *a, const long long *b, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  long long p = a[i], q = b[i] | 1;
  y[i * 6] = p / q, y[i * 6 + 1] = p % q, y[i * 6 + 2] = __mul64hi(p, q), y[i * 6 + 3] = p * q + (p >> 5);
  y[i * 6 + 4] = __popcll(p) * 100 + __clzll(q), y[i * 6 + 5] = (unsigned long long)p / 10ull;
}

extern "C" __global__ void bytes(signed char *y, const unsigned char *a, const short *b, int n) {
  int i = INDEX;
  if (i < n) {
    int sum = a[i] - b[i];
    y[i] = sum < -128 ? -128 : sum > 127 ? 127 : sum;
  }
}

extern "C" __global__ void half2s(half2 *y, const half2 *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  half2 v = x[i], w = __hfma2(v, v, __float2half2_rn(0.5f));
  w = __hmax2(w, __hneg2(v));
  y[i] = __hmul2(w, h2rcp(__hadd2(__habs2(v), __float2half2_rn(1.f))));
}

extern "C" __global__ void bfloats(__nv_bfloat16 *y, const __nv_bfloat16 *x, const float *b, int n) {
  int i = INDEX;
  if (i < n)
    y[i] = __float2bfloat16(__bfloat162float(x[i]) * b[i] + 1.f);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void bfloatMath(__nv_bfloat162 *y, const __nv_bfloat162 *x, int n) {
  int i = INDEX;
  if (i < n)
    y[i] = __hfma2(x[i], x[i], __hmax2(x[i], __hneg2(x[i])));
}
#endif

extern "C" __global__ void conversions(float *y, const float *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  float v = x[i] * 300;
  float *out = y + i * 8;
  out[0] = __half2float(__float2half(v)), out[1] = (float)(int)v, out[2] = (float)(unsigned char)(int)fabsf(v);
  out[3] = (float)(double)v, out[4] = (float)(long long)(v * 1e6f), out[5] = (float)__float2int_rn(v);
  out[6] = (float)(unsigned)fabsf(v * 1e7f), out[7] = __half2float(__float2half_rz(v)) + (float)(short)__half2short_rd(__float2half(v));
}

extern "C" __global__ void branches(int *y, const int *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  int v = x[i], steps = 0;
  while (v != 1 && steps < 200) {
    v = v & 1 ? 3 * v + 1 : v / 2;
    ++steps;
  }
  y[i] = steps;
}

extern "C" __global__ void switches(float *y, const int *which, const float *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  float v = x[i], r = 0;
  switch (which[i]) {
  case 0: r = v + 1; break;
  case 1: r = v * v; break;
  case 2: r = v > 0 ? v : 0.1f * v; break;
  case 3: r = 1 / (1 + v * v); break;
  case 4: for (int k = 0; k < i % 5; ++k) r += v; break;
  case 5: r = -v;  // falls through
  case 6: r += 2; break;
  case 7: r = sqrtf(fabsf(v)); break;
  default: r = 42;
  }
  y[i] = r;
}

__constant__ float table[16] = {0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225};
__device__ int counter;

extern "C" __global__ void constants(float *y, const int *x, int n) {
  int i = INDEX;
  if (i < n) {
    y[i] = table[x[i] & 15] + table[3];
    atomicAdd(&counter, 1);
  }
}

extern "C" __global__ void localArray(int *y, const int *x, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  int stack[16];
  for (int k = 0; k < 16; ++k)
    stack[k] = x[(i + k * 7) % n];
  for (int k = 0; k < 16; ++k) { // a swap by an index that no compiler knows
    int from = stack[k] & 15, keep = stack[from];
    stack[from] = stack[k], stack[k] = keep;
  }
  int hash = 0;
  for (int k = 0; k < 16; ++k)
    hash = hash * 31 + stack[k];
  y[i] = hash;
}
