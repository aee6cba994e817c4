// Device functions: with numbers, with structs, through a pointer.

#define INDEX (blockIdx.x * blockDim.x + threadIdx.x)

__device__ __noinline__ int power(int base, int exponent) {
  int r = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1)
      r *= base;
  return r;
}

extern "C" __global__ void deviceFunction(int *y, const int *x, int n) {
  int i = INDEX;
  if (i < n)
    y[i] = power(x[i], i & 15) + power(i, 3);
}

struct Pair { float value; int index; };
__device__ __noinline__ Pair better(Pair a, Pair b) { return a.value > b.value || (a.value == b.value && a.index < b.index) ? a : b; }

extern "C" __global__ void structFunction(Pair *y, const float *x, int columns, int n) {
  int i = INDEX;
  if (i >= n)
    return;
  Pair best = {x[i * columns], 0};
  for (int k = 1; k < columns; ++k)
    best = better(best, Pair{x[i * columns + k], k});
  y[i] = best;
}

typedef float (*Unary)(float);
__device__ __noinline__ float twice(float x) { return x * 2; }
__device__ __noinline__ float square(float x) { return x * x; }
__device__ __noinline__ float negate(float x) { return -x; }
__device__ Unary unaries[3] = {twice, square, negate};

extern "C" __global__ void indirectCall(float *y, const float *x, const int *which, int n) {
  int i = INDEX;
  if (i < n)
    y[i] = unaries[which[i]](x[i]);
}
