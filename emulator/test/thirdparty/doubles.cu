// The math library in f64: sin calls a function for large arguments.
extern "C" __global__ void doubles(double *y, const double *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  double v = x[i], a = fabs(v) + 0.125;
  y[i * 5] = exp(v), y[i * 5 + 1] = log(a), y[i * 5 + 2] = sqrt(a) / (v + 9), y[i * 5 + 3] = sin(v), y[i * 5 + 4] = fma(v, a, floor(v * 3));
}
