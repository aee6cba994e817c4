//===- Peak.cpp - what the machine can do at most -------------------------------------------------------------------===//

#include "Peak.h"
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <immintrin.h>
#include <numeric>
#include <thread>
#include <vector>

double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static constexpr int kChains = 12, kSteps = 20000;

/// Seconds for kSteps multiply-adds in each of kChains registers. `asm` keeps the compiler from seeing that nothing depends on them.
#define NNCC_PEAK_LOOP(name, features, Vector, set, multiplyAdd, constraint)                                           \
  __attribute__((target(features))) static double name() {                                                             \
    Vector sums[kChains];                                                                                              \
    for (int i = 0; i < kChains; ++i)                                                                                  \
      sums[i] = set(float(i));                                                                                         \
    Vector factor = set(0.99f);                                                                                        \
    double start = now();                                                                                              \
    for (int step = 0; step < kSteps; ++step) {                                                                        \
      _Pragma("unroll") for (int i = 0; i < kChains; ++i) {                                                            \
        sums[i] = multiplyAdd(factor, factor, sums[i]);                                                                \
        asm volatile("" : "+" constraint(sums[i]));                                                                    \
      }                                                                                                                \
    }                                                                                                                  \
    return now() - start;                                                                                              \
  }

#define NNCC_MUL_ADD_PS(x, y, z) _mm_add_ps(_mm_mul_ps(x, y), z)
NNCC_PEAK_LOOP(timeAVX512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, "v")
NNCC_PEAK_LOOP(timeAVX2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, "x")
NNCC_PEAK_LOOP(timeSSE, "sse2", __m128, _mm_set1_ps, NNCC_MUL_ADD_PS, "x")

double measurePeak(const std::string &level) {
  bool isV4 = level == "x86-64-v4", isV3 = level == "x86-64-v3";
  int lanes = isV4 ? 16 : isV3 ? 8 : 4;
  double best = 1e9;
  for (int i = 0; i < 5; ++i)
    best = std::min(best, isV4 ? timeAVX512() : isV3 ? timeAVX2() : timeSSE());
  return 2.0 * lanes * kChains * kSteps / best;
}

/// Bytes a second of one thread, while others do the same.
static double readOften(const std::vector<int64_t> &data) {
  double best = 1e9;
  int64_t sum = 0;
  for (int round = 0; round < 3; ++round) {
    double start = now();
    for (int64_t value : data)
      sum += value;
    best = std::min(best, now() - start);
  }
  asm volatile("" : "+r"(sum));
  return data.size() * 8 / best;
}

double measureReadBandwidth(unsigned threads) {
  std::vector<int64_t> data(32 << 20, 1);
  std::vector<double> bandwidths(threads);
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back([&, i] { bandwidths[i] = readOften(data); });
  bandwidths[0] = readOften(data);
  for (std::thread &thread : others)
    thread.join();
  return std::accumulate(bandwidths.begin(), bandwidths.end(), 0.0);
}
