//===- SmallFloats.cpp - fp8, and atomics on halves ----------------------------------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

using SmallFloats = OnDevice;

TEST_F(SmallFloats, Fp8) {
  auto code = [&](const std::string &kind, const std::string &upper, const std::string &lower) {
    return first<uint16_t>("mov.f32 %f1, 0f" + upper + "; mov.f32 %f2, 0f" + lower + "; cvt.rn.satfinite." + kind +
                               ".f32 %h1, %f1, %f2;",
                           "%h1");
  };
  EXPECT_EQ(code("e4m3x2", "3F800000", "C3E00000"), 0x38fe); // 1, -448
  EXPECT_EQ(code("e4m3x2", "7F800000", "FF800000"), 0x7efe); // infinities are the largest numbers
  EXPECT_EQ(code("e4m3x2", "3B000000", "3A800000"), 0x0100); // 2^-9 is the smallest; half of it ties to zero
  EXPECT_EQ(code("e4m3x2", "3F880000", "3F980000"), 0x383a); // 1.0625 and 1.1875 tie to even
  EXPECT_EQ(code("e5m2x2", "3F800000", "47800000"), 0x3c7b); // 65536 is too large
  EXPECT_EQ(code("e5m2x2", "7FC00000", "B7800000"), 0x7f81); // NaN, -2^-16
  EXPECT_EQ(first<uint16_t>("mov.b32 %r1, 0xC2003C00; cvt.rn.satfinite.relu.e4m3x2.f16x2 %h1, %r1;", "%h1"), 0x0038);
  EXPECT_EQ(first<uint32_t>("mov.b16 %h1, 0x7f81; cvt.rn.f16x2.e4m3x2 %r1, %h1;", "%r1"), 0x7fff9800u); // NaN, -2^-9
  EXPECT_EQ(first<uint32_t>("mov.b16 %h1, 0x7c81; cvt.rn.f16x2.e5m2x2 %r1, %h1;", "%r1"), 0x7c008100u);
}

TEST_F(SmallFloats, AtomicSums) {
  std::vector<uint16_t> sums = {0x3c00, 0x0000, 0x3f80, 0x7bff}; // 1, 0, bf16 1, 65504
  uint64_t S = upload(sums);
  ASSERT_EQ(run(R"(.visible .entry k(.param .u64 s) { .reg .b32 %r<4>; .reg .b64 %rd<2>; .reg .b16 %h<4>;
  ld.param.u64 %rd1, [s]; mov.b32 %r1, 0x3c003800; atom.global.add.noftz.f16x2 %r2, [%rd1], %r1;
  mov.b16 %h1, 0x3f80; red.global.add.noftz.bf16 [%rd1+4], %h1; mov.b16 %h2, 0x7bff; atom.global.add.noftz.f16 %h3, [%rd1+6], %h2; ret; })",
                {{1, 1, 1}, {32, 1, 1}, 0}, S),
            "");
  EXPECT_EQ(download<uint16_t>(S, 4),
            (std::vector<uint16_t>{0x4c40, 0x5000, 0x4204, 0x7c00})); // 17, 32, bf16 33, infinity
}

} // namespace nncc::emu
