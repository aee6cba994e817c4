//===- Kernels.cpp - whole kernels against C++, and what they count ----------------------------------------------===//

#include "Fixture.h"
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

namespace nncc::emu {

class Kernels : public OnDevice {
protected:
  std::vector<float> random(size_t count) {
    std::uniform_real_distribution<float> distribution(-1, 1);
    std::vector<float> data(count);
    for (float &x : data)
      x = distribution(generator);
    return data;
  }
  std::mt19937 generator{7};
};

TEST_F(Kernels, VectorAdd) {
  constexpr unsigned n = 1000;
  auto a = random(n), b = random(n);
  uint64_t A = upload(a), B = upload(b), C = device.allocate(n * 4);
  ASSERT_EQ(run(R"(.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n) {
  .reg .b32 %r<6>; .reg .b64 %rd<8>; .reg .f32 %f<4>; .reg .pred %p;
  ld.param.u32 %r1, [n]; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x; mad.lo.u32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p, %r5, %r1; @%p ret;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]; cvta.to.global.u64 %rd1, %rd1;
  mul.wide.u32 %rd4, %r5, 4; add.u64 %rd1, %rd1, %rd4; add.u64 %rd2, %rd2, %rd4; add.u64 %rd3, %rd3, %rd4;
  ld.global.nc.f32 %f1, [%rd1]; ld.global.f32 %f2, [%rd2]; add.rn.f32 %f3, %f1, %f2; st.global.f32 [%rd3], %f3; ret; })",
                {{8, 1, 1}, {128, 1, 1}, 0}, A, B, C, n),
            "");
  auto c = download<float>(C, n);
  for (unsigned i = 0; i < n; ++i)
    ASSERT_EQ(c[i], a[i] + b[i]);
  EXPECT_EQ(device.counters[Class::Store], 32u);
  EXPECT_EQ(device.counters.globalSectors, 3u * n * 4 / 32);
  EXPECT_EQ(device.counters.divergentBranches, 0u);
}

static const char *const gemm = R"(.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n) {
  .reg .b32 %r<30>; .reg .b64 %rd<12>; .reg .f32 %f<8>; .reg .pred %p; .shared .align 16 .b8 sa[1024], sb[1024];
  ld.param.u32 %r1, [n]; mov.u32 %r2, %tid.x; mov.u32 %r3, %tid.y; mov.u32 %r4, %ctaid.x; mov.u32 %r5, %ctaid.y;
  mad.lo.u32 %r6, %r5, 16, %r3; mad.lo.u32 %r7, %r4, 16, %r2;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c];
  mad.lo.u32 %r8, %r6, %r1, %r2; mul.wide.u32 %rd4, %r8, 4; add.u64 %rd1, %rd1, %rd4;
  mad.lo.u32 %r9, %r3, %r1, %r7; mul.wide.u32 %rd5, %r9, 4; add.u64 %rd2, %rd2, %rd5;
  shl.b32 %r10, %r1, 6; cvt.u64.u32 %rd6, %r10;
  shl.b32 %r11, %r3, 6; mov.u32 %r12, sa; add.u32 %r13, %r12, %r11; shl.b32 %r14, %r2, 2; add.u32 %r15, %r13, %r14;
  mov.u32 %r16, sb; add.u32 %r17, %r16, %r14; add.u32 %r18, %r17, %r11;
  mov.f32 %f1, 0f00000000; mov.u32 %r19, 0;
TILE:
  ld.global.f32 %f2, [%rd1]; ld.global.f32 %f3, [%rd2]; st.shared.f32 [%r15], %f2; st.shared.f32 [%r18], %f3; bar.sync 0;
  mov.u32 %r20, 0; mov.u32 %r21, %r13; mov.u32 %r22, %r17;
STEP:
  ld.shared.f32 %f4, [%r21]; ld.shared.f32 %f5, [%r22]; fma.rn.f32 %f1, %f4, %f5, %f1;
  add.u32 %r21, %r21, 4; add.u32 %r22, %r22, 64; add.u32 %r20, %r20, 1; setp.lt.u32 %p, %r20, 16; @%p bra STEP;
  bar.sync 0;
  add.u64 %rd1, %rd1, 64; add.u64 %rd2, %rd2, %rd6; add.u32 %r19, %r19, 16; setp.lt.u32 %p, %r19, %r1; @%p bra TILE;
  mad.lo.u32 %r23, %r6, %r1, %r7; mul.wide.u32 %rd7, %r23, 4; add.u64 %rd3, %rd3, %rd7; st.global.f32 [%rd3], %f1; ret; })";

TEST_F(Kernels, TiledGemm) {
  constexpr unsigned n = 64;
  auto a = random(n * n), b = random(n * n);
  uint64_t A = upload(a), B = upload(b), C = device.allocate(n * n * 4);
  auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(run(gemm, {{n / 16, n / 16, 1}, {16, 16, 1}, 0}, A, B, C, n), "");
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%.1f M warp instructions/s with all checks\n",
              static_cast<double>(device.counters.total()) / seconds.count() / 1e6);
  auto c = download<float>(C, n * n);
  for (unsigned i = 0; i < n; ++i)
    for (unsigned j = 0; j < n; ++j) {
      float sum = 0;
      for (unsigned k = 0; k < n; ++k)
        sum = std::fma(a[i * n + k], b[k * n + j], sum);
      ASSERT_EQ(c[i * n + j], sum);
    }
  EXPECT_EQ(device.counters.bankConflicts, 0u);
}

TEST_F(Kernels, TiledGemmWithoutABarrierRaces) {
  std::string text = gemm;
  text.erase(text.find("bar.sync 0;"), 11);
  constexpr unsigned n = 32;
  uint64_t A = upload(random(n * n)), B = upload(random(n * n)), C = device.allocate(n * n * 4);
  std::string trap = run(text, {{2, 2, 1}, {16, 16, 1}, 0}, A, B, C, n);
  EXPECT_NE(trap.find("shared address"), std::string::npos) << trap;
}

/// exp2((x - max) * log2 e) / sum over a row of 32, by shuffles.
TEST_F(Kernels, SoftmaxRow) {
  auto x = random(32);
  uint64_t X = upload(x), Y = device.allocate(128);
  std::string text = R"(.visible .entry k(.param .u64 x, .param .u64 y) {
  .reg .b32 %r<6>; .reg .b64 %rd<6>; .reg .f32 %f<10>;
  mov.u32 %r0, %tid.x; mul.wide.u32 %rd1, %r0, 4; ld.param.u64 %rd2, [x]; add.u64 %rd2, %rd2, %rd1; ld.global.f32 %f1, [%rd2]; mov.f32 %f2, %f1;
)";
  for (const char *op : {"max", "add"}) {
    for (int step = 16; step; step /= 2)
      text += "shfl.sync.bfly.b32 %f3, %f2, " + std::to_string(step) + ", 31, -1; " + op + ".f32 %f2, %f2, %f3;\n";
    if (op[0] == 'm')
      text += "sub.f32 %f4, %f1, %f2; mul.f32 %f4, %f4, 0f3FB8AA3B; ex2.approx.f32 %f4, %f4; mov.f32 %f2, %f4;\n";
  }
  text +=
      "div.rn.f32 %f5, %f4, %f2; ld.param.u64 %rd3, [y]; add.u64 %rd3, %rd3, %rd1; st.global.f32 [%rd3], %f5; ret; }";
  ASSERT_EQ(run(text, {{1, 1, 1}, {32, 1, 1}, 0}, X, Y), "");
  auto y = download<float>(Y, 32);
  double sum = 0;
  for (float v : x)
    sum += std::exp(double(v));
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_NEAR(y[i], std::exp(double(x[i])) / sum, 1e-7);
}

/// One 16x8x16 tile: both operands through shared memory and ldmatrix, halves of small integers so that every order gives the same sum.
TEST_F(Kernels, MmaTile) {
  auto half = [](int v) {
    return static_cast<uint16_t>(v == 0 ? 0
                                        : (v < 0 ? 0x8000 : 0) | (std::abs(v) == 1   ? 0x3c00
                                                                  : std::abs(v) == 2 ? 0x4000
                                                                                     : 0x4200));
  };
  std::vector<int> a(256), b(128);
  std::vector<uint16_t> ha, hb;
  for (int &v : a)
    ha.push_back(half(v = int(generator() % 7) - 3));
  for (int &v : b)
    hb.push_back(half(v = int(generator() % 7) - 3));
  uint64_t A = upload(ha), B = upload(hb), C = device.allocate(16 * 8 * 4);
  ASSERT_EQ(run(R"(.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c) {
  .reg .b32 %r<40>; .reg .b64 %rd<10>; .reg .f32 %f<4>; .reg .pred %p; .shared .align 16 .b8 sa[512], sb[256];
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]; mov.u32 %r0, %tid.x; shl.b32 %r1, %r0, 4; cvt.u64.u32 %rd4, %r1;
  add.u64 %rd1, %rd1, %rd4; mov.u32 %r2, sa; add.u32 %r3, %r2, %r1; cp.async.cg.shared.global [%r3], [%rd1], 16;
  setp.lt.u32 %p, %r0, 16; add.u64 %rd2, %rd2, %rd4; mov.u32 %r4, sb; add.u32 %r5, %r4, %r1;
  @%p cp.async.cg.shared.global [%r5], [%rd2], 16; cp.async.commit_group; cp.async.wait_group 0; bar.sync 0;
  and.b32 %r6, %r0, 15; shr.u32 %r7, %r0, 4; shl.b32 %r6, %r6, 5; shl.b32 %r7, %r7, 4; add.u32 %r6, %r6, %r7; add.u32 %r6, %r6, %r2;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r6];
  and.b32 %r8, %r0, 15; shl.b32 %r8, %r8, 4; add.u32 %r8, %r8, %r4;
  ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r14, %r15}, [%r8];
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r10, %r11, %r12, %r13}, {%r14, %r15},
    {0f3F800000, 0f3F800000, 0f3F800000, 0f3F800000};
  shr.u32 %r20, %r0, 2; and.b32 %r21, %r0, 3; shl.b32 %r20, %r20, 5; shl.b32 %r21, %r21, 3; add.u32 %r22, %r20, %r21; cvt.u64.u32 %rd5, %r22;
  add.u64 %rd3, %rd3, %rd5; st.global.v2.f32 [%rd3], {%f0, %f1}; st.global.v2.f32 [%rd3+256], {%f2, %f3}; ret; })",
                {{1, 1, 1}, {32, 1, 1}, 0}, A, B, C),
            "");
  auto c = download<float>(C, 128);
  for (size_t i = 0; i < 16; ++i)
    for (size_t j = 0; j < 8; ++j) {
      int sum = 1;
      for (size_t k = 0; k < 16; ++k)
        sum += a[i * 16 + k] * b[k * 8 + j];
      ASSERT_EQ(c[i * 8 + j], float(sum)) << i << ", " << j;
    }
}

/// A warp's sum of bytes by the int8 tensor cores: ones times ones, k = 32.
TEST_F(Kernels, MmaOfBytes) {
  auto r = lanes<uint32_t>(
      R"(mov.u32 %r1, 0x01010101; mov.u32 %r2, 0x02fe02fe; mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%r3, %r4, %r5, %r6},
  {%r1, %r1, %r1, %r1}, {%r2, %r2}, {5, 5, 5, 5}; mov.u32 %r9, %r6;)",
      "%r9");
  EXPECT_EQ(r[0], 5u + 16 * 2 + 16 * 254);
}

TEST_F(Kernels, BankConflictsAreCounted) {
  lanes<uint32_t>("{ .shared .align 16 .b8 s[4096]; shl.b32 %r1, %r0, 7; mov.u32 %r2, s; add.u32 %r1, %r1, %r2; "
                  "st.shared.u32 [%r1], 0; }",
                  "%r0");
  EXPECT_EQ(device.counters.bankConflicts, 31u);
}

} // namespace nncc::emu
