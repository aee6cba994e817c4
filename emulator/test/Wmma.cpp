//===- Wmma.cpp - wmma fragments there and back, and one product of each type --------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

using Wmma = OnDevice;

/// The header of a kernel with three matrices, whose addresses are %rd1 to %rd3.
static std::string kernelOf(const std::string &body) {
  return R"(.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c) {
  .reg .b32 %r<40>; .reg .b64 %rd<9>; .reg .f32 %f<20>; .reg .f64 %d<9>; .reg .pred %p;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c];
)" + body +
         " ret; }";
}

TEST_F(Wmma, TransposesByLayout) {
  std::vector<float> m(256);
  for (unsigned k = 0; k < 256; ++k)
    m[k] = static_cast<float>(k);
  uint64_t A = upload(m), C = upload(std::vector<float>(256, -1));
  ASSERT_EQ(run(kernelOf(R"(
  wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, [%rd1], 16;
  wmma.store.d.sync.aligned.col.m16n16k16.global.f32 [%rd3], {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, 16;)"),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, A, C),
            "");
  auto c = download<float>(C, 256);
  for (unsigned k = 0; k < 256; ++k)
    ASSERT_EQ(c[k], m[k % 16 * 16 + k / 16]);
}

TEST_F(Wmma, BytesSaturate) {
  std::vector<int8_t> a(128, -128), b(512, 127);
  std::vector<int32_t> c(256, INT32_MIN + 5);
  uint64_t A = upload(a), B = upload(b), C = upload(c);
  std::string
      load = R"(
  wmma.load.a.sync.aligned.row.m8n32k16.global.s8 {%r0}, [%rd1], 16;
  wmma.load.b.sync.aligned.col.m8n32k16.global.s8 {%r1,%r2,%r3,%r4}, [%rd2], 16;
  wmma.load.c.sync.aligned.row.m8n32k16.global.s32 {%r10,%r11,%r12,%r13,%r14,%r15,%r16,%r17}, [%rd3], 32;
)",
      rest =
          R"({%r20,%r21,%r22,%r23,%r24,%r25,%r26,%r27}, {%r0}, {%r1,%r2,%r3,%r4}, {%r10,%r11,%r12,%r13,%r14,%r15,%r16,%r17};
  wmma.store.d.sync.aligned.row.m8n32k16.global.s32 [%rd3], {%r20,%r21,%r22,%r23,%r24,%r25,%r26,%r27}, 32;)";
  ASSERT_EQ(run(kernelOf(load + "wmma.mma.sync.aligned.row.col.m8n32k16.satfinite.s32.s8.s8.s32 " + rest),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, B, C),
            "");
  EXPECT_EQ(download<int32_t>(C, 256), std::vector<int32_t>(256, INT32_MIN));
  C = upload(c);
  ASSERT_EQ(run(kernelOf(load + "wmma.mma.sync.aligned.row.col.m8n32k16.s32.s8.s8.s32 " + rest),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, B, C),
            "");
  EXPECT_EQ(download<int32_t>(C, 256), std::vector<int32_t>(256, INT32_MAX - (128 * 127 * 16 - 6)));
}

TEST_F(Wmma, DoublesAreFused) {
  std::vector<double> a(32), b(32), c(64, 1);
  a[0] = 1 + 0x1p-40, b[0] = 1 - 0x1p-40, c[0] = -1;
  uint64_t A = upload(a), B = upload(b), C = upload(c);
  ASSERT_EQ(run(kernelOf(R"(
  wmma.load.a.sync.aligned.row.m8n8k4.global.f64 {%d0}, [%rd1], 4;
  wmma.load.b.sync.aligned.row.m8n8k4.global.f64 {%d1}, [%rd2], 8;
  wmma.load.c.sync.aligned.row.m8n8k4.global.f64 {%d2,%d3}, [%rd3], 8;
  wmma.mma.sync.aligned.row.row.m8n8k4.f64.f64.f64.f64 {%d4,%d5}, {%d0}, {%d1}, {%d2,%d3};
  wmma.store.d.sync.aligned.row.m8n8k4.global.f64 [%rd3], {%d4,%d5}, 8;)"),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, B, C),
            "");
  auto d = download<double>(C, 64);
  EXPECT_EQ(d[0], -0x1p-80);
  EXPECT_EQ(d[1], 1);
}

TEST_F(Wmma, Traps) {
  uint64_t A = upload(std::vector<float>(256));
  EXPECT_NE(run(kernelOf(R"( mov.u32 %r1, %tid.x; mul.wide.u32 %rd4, %r1, 4; add.u64 %rd1, %rd1, %rd4;
  wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, [%rd1], 16;)"),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, A, A)
                .find("the lanes of the warp name different addresses"),
            std::string::npos);
  EXPECT_NE(
      run(kernelOf(" wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, [%rd1], 17;"),
          {{1, 1, 1}, {32, 1, 1}, 0}, A, A, A)
          .find("a read of"),
      std::string::npos);
  EXPECT_NE(run(kernelOf(R"( mov.u32 %r1, %tid.x; setp.lt.u32 %p, %r1, 9;
  @%p wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, [%rd1], 16;)"),
                {{1, 1, 1}, {32, 1, 1}, 0}, A, A, A)
                .find("divergence"),
            std::string::npos);
}

} // namespace nncc::emu
