//===- Instructions.cpp - one instruction at a time, against results computed by hand -----------------------------===//

#include "Fixture.h"
#include <bit>
#include <cmath>

namespace nncc::emu {

class Instructions : public OnDevice {
protected:
  uint32_t bits(const std::string &body) { return first<uint32_t>(body, "%r9"); }
  uint64_t wide(const std::string &body) { return first<uint64_t>(body, "%rd9"); }
  uint16_t half(const std::string &body) { return first<uint16_t>(body, "%h9"); }
  float single(const std::string &body) { return std::bit_cast<float>(first<uint32_t>(body, "%f9")); }
};

TEST_F(Instructions, Integer) {
  EXPECT_EQ(bits("add.u32 %r9, 0xffffffff, 2;"), 1u);
  EXPECT_EQ(bits("add.sat.s32 %r9, 0x7fffffff, 2;"), 0x7fffffffu);
  EXPECT_EQ(bits("sub.s32 %r9, 3, 5;"), 0xfffffffeu);
  EXPECT_EQ(bits("mul.lo.s32 %r9, -3, 7;"), static_cast<uint32_t>(-21));
  EXPECT_EQ(bits("mul.hi.u32 %r9, 0x80000000, 6;"), 3u);
  EXPECT_EQ(bits("mul.hi.s32 %r9, -1, 1;"), 0xffffffffu);
  EXPECT_EQ(wide("mul.wide.s32 %rd9, -2, 0x7fffffff;"), static_cast<uint64_t>(-4294967294));
  EXPECT_EQ(wide("mul.hi.u64 %rd9, 0x8000000000000000, 4;"), 2u);
  EXPECT_EQ(bits("mad.lo.u32 %r9, 3, 4, 5;"), 17u);
  EXPECT_EQ(wide("mad.wide.u32 %rd9, 0xffffffff, 2, 1;"), 0x1ffffffffu);
  EXPECT_EQ(bits("div.s32 %r9, -7, 2;"), static_cast<uint32_t>(-3));
  EXPECT_EQ(bits("rem.s32 %r9, -7, 2;"), static_cast<uint32_t>(-1));
  EXPECT_EQ(bits("div.s32 %r9, 0x80000000, -1;"), 0x80000000u);
  EXPECT_EQ(bits("div.u32 %r9, 7, 0;"), 0xffffffffu);
  EXPECT_EQ(bits("min.s32 %r9, -1, 1;"), 0xffffffffu);
  EXPECT_EQ(bits("max.u32 %r9, 0xffffffff, 1;"), 0xffffffffu);
  EXPECT_EQ(bits("abs.s32 %r9, -5;"), 5u);
  EXPECT_EQ(bits("neg.s32 %r9, 5;"), static_cast<uint32_t>(-5));
  EXPECT_EQ(bits("sad.u32 %r9, 3, 5, 10;"), 12u);
  EXPECT_EQ(bits("dp4a.s32.s32 %r9, 0x01ff0203, 0x01010101, 4;"), 9u);
  EXPECT_EQ(bits("dp4a.u32.u32 %r9, 0x01ff0203, 0x01010101, 4;"), 265u);
  EXPECT_EQ(wide("add.cc.u32 %r1, 0xffffffff, 1; addc.u32 %r2, 0, 0; mov.b64 %rd9, {%r1, %r2};"), uint64_t(1) << 32);
  EXPECT_EQ(wide("sub.cc.u32 %r1, 0, 1; subc.u32 %r2, 1, 0; mov.b64 %rd9, {%r1, %r2};"), 0xffffffffu);
  EXPECT_EQ(wide("mad.lo.cc.u32 %r1, 0xffffffff, 1, 1; madc.hi.u32 %r2, 0x80000000, 6, 7; mov.b64 %rd9, {%r1, %r2};"),
            uint64_t(11) << 32);
  EXPECT_EQ(bits("dp2a.lo.s32.s32 %r9, 0xffff0002, 0x0403, 10;"), 12u); // 2 * 3 - 1 * 4 + 10
  EXPECT_EQ(bits("dp2a.hi.u32.u32 %r9, 0x00010002, 0x04030000, 10;"), 20u);
  EXPECT_EQ(bits("mul24.lo.s32 %r9, 0x00ffffff, 5;"), static_cast<uint32_t>(-5));
  EXPECT_EQ(bits("mad24.hi.u32 %r9, 0x01800000, 0x00000200, 3;"), 0x10003u);
  EXPECT_EQ(half("mov.u16 %h1, 300; mul.lo.u16 %h9, %h1, 300;"), static_cast<uint16_t>(90000));
}

TEST_F(Instructions, Bits) {
  EXPECT_EQ(bits("shl.b32 %r9, 1, 31;"), 0x80000000u);
  EXPECT_EQ(bits("shl.b32 %r9, 1, 32;"), 0u);
  EXPECT_EQ(bits("shr.s32 %r9, 0x80000000, 40;"), 0xffffffffu);
  EXPECT_EQ(bits("shr.u32 %r9, 0x80000000, 31;"), 1u);
  EXPECT_EQ(bits("shf.l.wrap.b32 %r9, 0x80000000, 1, 33;"), 3u);
  EXPECT_EQ(bits("shf.r.clamp.b32 %r9, 1, 7, 32;"), 7u);
  EXPECT_EQ(bits("popc.b32 %r9, 0xf0f0;"), 8u);
  EXPECT_EQ(bits("clz.b32 %r9, 0x10000;"), 15u);
  EXPECT_EQ(bits("clz.b64 %r9, 0;"), 64u);
  EXPECT_EQ(bits("brev.b32 %r9, 6;"), 0x60000000u);
  EXPECT_EQ(bits("bfind.u32 %r9, 0x1000;"), 12u);
  EXPECT_EQ(bits("bfind.s32 %r9, -1;"), 0xffffffffu);
  EXPECT_EQ(bits("bfe.u32 %r9, 0xabcd, 4, 8;"), 0xbcu);
  EXPECT_EQ(bits("bfe.s32 %r9, 0xf0, 4, 4;"), 0xffffffffu);
  EXPECT_EQ(bits("bfi.b32 %r9, 0x5, 0xffff, 4, 8;"), 0xf05fu);
  EXPECT_EQ(bits("prmt.b32 %r9, 0x03020100, 0x07060504, 0x7531;"), 0x07050301u);
  EXPECT_EQ(bits("prmt.b32 %r9, 0x80, 0, 0x8888;"), 0xffffffffu);
  EXPECT_EQ(bits("lop3.b32 %r9, 0xf0, 0xcc, 0xaa, 0x80;"), 0x80u);
  EXPECT_EQ(bits("lop3.b32 %r9, 0xf0, 0xcc, 0xaa, 0x96;") & 255, 0x96u);
  EXPECT_EQ(bits("not.b32 %r9, 0;"), 0xffffffffu);
  EXPECT_EQ(bits("prmt.b32.f4e %r9, 0x03020100, 0x07060504, 1;"), 0x04030201u);
  EXPECT_EQ(bits("prmt.b32.b4e %r9, 0x03020100, 0x07060504, 0;"), 0x05060700u);
  EXPECT_EQ(bits("prmt.b32.ecl %r9, 0x03020100, 0, 2;"), 0x03020202u);
  EXPECT_EQ(bits("bmsk.clamp.b32 %r9, 4, 8;"), 0xff0u);
  EXPECT_EQ(bits("szext.wrap.s32 %r9, 0xf8, 4;"), 0xfffffff8u);
  EXPECT_EQ(bits("fns.b32 %r9, 0xaaaaaaaa, 3, 2;"), 5u);
  EXPECT_EQ(bits("mov.pred %p1, -1; mov.pred %p2, 0; selp.b32 %r1, 4, 0, %p2; selp.b32 %r9, 1, %r1, %p1;"), 1u);
  EXPECT_EQ(bits("cnot.b32 %r9, 0;"), 1u);
  EXPECT_EQ(bits("setp.eq.u32 %p1, 1, 1; setp.ne.u32 %p2, 1, 1; xor.pred %p3, %p1, %p2; not.pred %p3, %p3; selp.b32 "
                 "%r9, 1, 2, %p3;"),
            2u);
}

TEST_F(Instructions, FloatIsIeee) {
  EXPECT_EQ(bits("add.rn.f32 %f1, 0f3F800000, 0f33800000; mov.b32 %r9, %f1;"), 0x3f800000u); // 1 + 2^-24, a tie
  EXPECT_EQ(bits("add.rp.f32 %f1, 0f3F800000, 0f33800000; mov.b32 %r9, %f1;"), 0x3f800001u);
  EXPECT_EQ(bits("add.rz.f32 %f1, 0fBF800000, 0f33000000; mov.b32 %r9, %f1;"), 0xbf7fffffu); // -1 + 2^-25
  EXPECT_EQ(bits("add.rm.f32 %f1, 0fBF800000, 0f33000000; mov.b32 %r9, %f1;"), 0xbf800000u);
  // (1 + 2^-12)^2 - 1: only a fused one keeps 2^-24.
  EXPECT_EQ(single("fma.rn.f32 %f9, 0f3F800800, 0f3F800800, 0fBF800000;"),
            std::ldexp(1.0f, -11) + std::ldexp(1.0f, -24));
  EXPECT_EQ(single("mul.rn.f32 %f1, 0f3F800800, 0f3F800800; add.f32 %f9, %f1, 0fBF800000;"), std::ldexp(1.0f, -11));
  EXPECT_EQ(bits("mul.f32 %f1, 0f00800000, 0f3F000000; mov.b32 %r9, %f1;"), 0x00400000u);
  EXPECT_EQ(bits("mul.ftz.f32 %f1, 0f80800000, 0f3F000000; mov.b32 %r9, %f1;"), 0x80000000u);
  EXPECT_EQ(bits("add.ftz.f32 %f1, 0f00000001, 0f00800000; mov.b32 %r9, %f1;"), 0x00800000u);
  EXPECT_EQ(single("add.sat.f32 %f9, 0f3F800000, 0f3F800000;"), 1.0f);
  EXPECT_EQ(bits("sub.f32 %f1, 0f7F800000, 0f7F800000; mov.b32 %r9, %f1;"), 0x7fffffffu);
  EXPECT_EQ(single("div.rn.f32 %f9, 0f3F800000, 0f40400000;"), 1.0f / 3.0f);
  EXPECT_EQ(single("add.f32 %f9, 1.5, 2.5e-1;"), 1.75f);
  EXPECT_EQ(single("sqrt.rn.f32 %f9, 0f40000000;"), std::sqrt(2.0f));
  EXPECT_EQ(single("rsqrt.approx.f32 %f9, 0f40800000;"), 0.5f);
  EXPECT_EQ(single("ex2.approx.ftz.f32 %f9, 0f40400000;"), 8.0f);
  EXPECT_EQ(single("lg2.approx.f32 %f9, 0f41000000;"), 3.0f);
  EXPECT_EQ(single("min.f32 %f9, 0f7FC00000, 0f3F800000;"), 1.0f);
  EXPECT_EQ(bits("min.NaN.f32 %f1, 0f7FC00000, 0f3F800000; mov.b32 %r9, %f1;"), 0x7fffffffu);
  EXPECT_EQ(bits("max.f32 %f1, 0f80000000, 0f00000000; mov.b32 %r9, %f1;"), 0u);
  EXPECT_EQ(bits("neg.f32 %f1, 0f7FC00000; mov.b32 %r9, %f1;"), 0xffc00000u);
  EXPECT_EQ(wide("fma.rn.f64 %d1, 0d3FF0000000000000, 0d4000000000000000, 0d3FF0000000000000; mov.b64 %rd9, %d1;"),
            std::bit_cast<uint64_t>(3.0));
  EXPECT_EQ(wide("div.rz.f64 %d1, 0d3FF0000000000000, 0d4008000000000000; mov.b64 %rd9, %d1;"), 0x3fd5555555555555u);
}

TEST_F(Instructions, Half) {
  EXPECT_EQ(half("mov.b16 %h1, 0x3c00; add.f16 %h9, %h1, 0x3c00;"), 0x4000);
  EXPECT_EQ(half("mov.b16 %h1, 0x6800; add.rn.f16 %h9, %h1, 0x3c00;"), 0x6800); // 2048 + 1, a tie
  EXPECT_EQ(half("mov.b16 %h1, 0x3c01; fma.rn.f16 %h9, %h1, %h1, 0xbc00;"),
            0x1800); // (1 + 2^-10)^2 - 1 = 2^-9 + 2^-20, a tie
  EXPECT_EQ(bits("mul.rn.f16x2 %r9, 0x40003c00, 0x42004200;"), 0x46004200u);
  EXPECT_EQ(half("mov.b16 %h1, 0x3f80; mov.b16 %h2, 0x4000; fma.rn.bf16 %h9, %h1, %h2, %h1;"), 0x4040);
  EXPECT_EQ(half("mov.b16 %h1, 0x7e00; max.f16 %h9, %h1, 0x3c00;"), 0x3c00);
  EXPECT_EQ(bits("fma.rn.relu.f16x2 %r9, 0xbc003c00, 0x3c003c00, 0;"), 0x00003c00u);
}

/// Each half its own: 1 and NaN against 1 and 1, with the results of the lower and the upper half in bits 0 and 1.
TEST_F(Instructions, PairsOfHalvesAreCompared) {
  auto setp = [&](const std::string &which, const std::string &a, const std::string &b, const std::string &with = "") {
    return bits("mov.b32 %r1, " + a + "; mov.b32 %r2, " + b + "; setp.eq.u32 %p3, 0, 0; setp." + which +
                " %p1|%p2, %r1, %r2" + with +
                "; selp.b32 %r3, 1, 0, %p1; selp.b32 %r4, 2, 0, %p2; or.b32 %r9, %r3, %r4;");
  };
  EXPECT_EQ(setp("eq.f16x2", "0x7e003c00", "0x3c003c00"), 1u);
  EXPECT_EQ(setp("num.f16x2", "0x7e003c00", "0x3c003c00"), 1u);
  EXPECT_EQ(setp("nan.f16x2", "0x7e003c00", "0x3c003c00"), 2u);
  EXPECT_EQ(setp("equ.f16x2", "0x7e003c00", "0x3c003c00"), 3u);
  EXPECT_EQ(setp("neu.f16x2", "0x7e003c00", "0x3c003c00"), 2u);
  EXPECT_EQ(setp("lt.f16x2", "0xbc003c00", "0x3c003c00"), 2u); // -1 < 1
  EXPECT_EQ(setp("ge.and.f16x2", "0x40003c00", "0x3c003c00", ", !%p3"), 0u);
  EXPECT_EQ(setp("lt.or.f16x2", "0x40003c00", "0x3c003c00", ", %p3"), 3u);
  EXPECT_EQ(setp("eq.f16x2", "0x00010001", "0x00000001"), 1u); // subnormals
  EXPECT_EQ(setp("eq.ftz.f16x2", "0x00010001", "0x80000001"), 3u);
  EXPECT_EQ(setp("gt.bf16x2", "0x3f813f80", "0x3f803f80"), 2u);
  EXPECT_EQ(setp("nan.bf16x2", "0x3f80ff81", "0x3f803f80"), 1u);
  EXPECT_EQ(bits("mov.b32 %r1, 0x7e003c00; set.eq.f16x2.f16x2 %r9, %r1, 0x3c003c00;"), 0x00003c00u);
  EXPECT_EQ(bits("mov.b32 %r1, 0x7e003c00; set.neu.u32.f16x2 %r9, %r1, 0x3c003c00;"), 0xffff0000u);
  EXPECT_EQ(bits("mov.b32 %r1, 0x3f803f81; set.le.bf16x2.bf16x2 %r9, %r1, 0x3f803f80;"), 0x3f800000u);
  EXPECT_EQ(half("mov.b16 %h1, 0x3c00; set.ge.f16.f16 %h9, %h1, 0x3c00;"), 0x3c00);
  EXPECT_EQ(half("mov.b16 %h1, 0x3c00; setp.lt.f16 %p1, %h1, 0x4000; selp.b16 %h9, 5, 6, %p1;"), 5);
  auto refused = [&](const std::string &body) {
    Diagnostic diagnostic;
    EXPECT_FALSE(
        device.load(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k() { .reg .b32 %r<4>; .reg "
                    ".pred %p<4>; " +
                        body + " ret; }",
                    diagnostic));
    return diagnostic.message;
  };
  EXPECT_EQ(refused("setp.eq.f16x2 %p1, %r1, %r2;"), "'setp.eq.f16x2' gives two predicates, p|q");
  EXPECT_EQ(refused("setp.lo.f16x2 %p1|%p2, %r1, %r2;"), "'setp.lo.f16x2': this comparison is not for .f16x2");
}

TEST_F(Instructions, Pairs) {
  // {2, -1}, {3, 0.5} and {1, 1}, the first in the lower half.
  std::string pairs =
      "mov.b64 %rd1, 0xbf80000040000000; mov.b64 %rd2, 0x3f00000040400000; mov.b64 %rd3, 0x3f8000003f800000; ";
  EXPECT_EQ(wide(pairs + "add.rn.f32x2 %rd9, %rd1, %rd2;"), 0xbf00000040a00000u);
  EXPECT_EQ(wide(pairs + "sub.rn.f32x2 %rd9, %rd1, %rd2;"), 0xbfc00000bf800000u);
  EXPECT_EQ(wide(pairs + "mul.rn.f32x2 %rd9, %rd1, %rd2;"), 0xbf00000040c00000u);
  EXPECT_EQ(wide(pairs + "fma.rn.f32x2 %rd9, %rd1, %rd2, %rd3;"), 0x3f00000040e00000u);
  EXPECT_EQ(
      wide("mov.b64 %rd1, 0x8000000100800000; mov.b64 %rd2, 0x3f8000003f000000; mul.rn.ftz.f32x2 %rd9, %rd1, %rd2;"),
      0x8000000000000000u); // a subnormal result and a subnormal operand
  // (1 + 2^-12)^2 - 1: only a fused one keeps 2^-24.
  EXPECT_EQ(
      wide("mov.b64 %rd1, 0x3f8008003f800800; mov.b64 %rd2, 0xbf800000bf800000; fma.rn.f32x2 %rd9, %rd1, %rd1, %rd2;"),
      0x3a0004003a000400u);
  EXPECT_EQ(bits("mov.b32 %r1, 0xffff8000; add.s16x2 %r9, %r1, 0x0002ffff;"), 0x00017fffu);
  EXPECT_EQ(bits("mov.b32 %r1, 0xffff0005; max.s16x2 %r9, %r1, 0x0002fffb;"), 0x00020005u);
  EXPECT_EQ(bits("mov.b32 %r1, 0xffff0005; min.u16x2 %r9, %r1, 0x0002fffb;"), 0x00020005u);
  EXPECT_EQ(bits("mov.b32 %r1, 0xffff0005; min.s16x2 %r9, %r1, 0x0002fffb;"), 0xfffffffbu);
}

TEST_F(Instructions, Convert) {
  EXPECT_EQ(bits("cvt.rni.s32.f32 %r9, 0f40200000;"), 2u); // 2.5
  EXPECT_EQ(bits("cvt.rzi.s32.f32 %r9, 0fC0200000;"), static_cast<uint32_t>(-2));
  EXPECT_EQ(bits("cvt.rmi.s32.f32 %r9, 0fC0200000;"), static_cast<uint32_t>(-3));
  EXPECT_EQ(bits("cvt.rzi.u32.f32 %r9, 0fC0200000;"), 0u);
  EXPECT_EQ(bits("cvt.rzi.s32.f32 %r9, 0f7F000000;"), 0x7fffffffu);
  EXPECT_EQ(bits("cvt.rzi.s32.f32 %r9, 0f7FC00000;"), 0u);
  EXPECT_EQ(single("cvt.rn.f32.u32 %f9, 0xffffffff;"), 4294967296.0f);
  EXPECT_EQ(single("mov.u32 %r1, 0xffffffff; cvt.rz.f32.u32 %f9, %r1;"), 4294967040.0f);
  EXPECT_EQ(single("mov.u64 %rd1, 0xffffffffffffffff; cvt.rn.f32.u64 %f9, %rd1;"), 18446744073709551616.0f);
  EXPECT_EQ(half("mov.f32 %f1, 0f3F801000; cvt.rn.f16.f32 %h9, %f1;"), 0x3c00); // 1 + 2^-11, a tie
  EXPECT_EQ(half("mov.f32 %f1, 0f3F801000; cvt.rp.f16.f32 %h9, %f1;"), 0x3c01);
  EXPECT_EQ(half("mov.f64 %d1, 0d3FF0020000000001; cvt.rn.f16.f64 %h9, %d1;"), 0x3c01); // just above the tie
  EXPECT_EQ(half("mov.f32 %f1, 0f3F808000; cvt.rn.bf16.f32 %h9, %f1;"), 0x3f80);
  EXPECT_EQ(bits("mov.f32 %f1, 0f3F800000; mov.f32 %f2, 0f40000000; cvt.rn.f16x2.f32 %r9, %f1, %f2;"), 0x3c004000u);
  EXPECT_EQ(bits("mov.f32 %f1, 0f3F801000; cvt.rna.tf32.f32 %r9, %f1;"), 0x3f802000u);
  EXPECT_EQ(bits("mov.u32 %r1, 0x180; cvt.s8.s32 %r2, %r1; cvt.u32.u16 %r9, 7; cvt.s32.s8 %r9, %r1;"), 0xffffff80u);
  EXPECT_EQ(bits("mov.u32 %r1, 0x180; cvt.sat.u8.s32 %r9, %r1;"), 0xffu);
  EXPECT_EQ(bits("cvt.sat.u8.s32 %r9, -4;"), 0u);
  EXPECT_EQ(single("cvt.rni.f32.f32 %f9, 0f40600000;"), 4.0f); // 3.5
  EXPECT_EQ(wide("mov.u32 %r1, -1; cvt.s64.s32 %rd9, %r1;"), UINT64_MAX);
}

TEST_F(Instructions, Compare) {
  EXPECT_EQ(bits("setp.lt.s32 %p1, -1, 0; selp.b32 %r9, 1, 2, %p1;"), 1u);
  EXPECT_EQ(bits("setp.lt.u32 %p1, -1, 0; selp.b32 %r9, 1, 2, %p1;"), 2u);
  EXPECT_EQ(bits("setp.lt.f32 %p1, 0f7FC00000, 0f00000000; selp.b32 %r9, 1, 2, %p1;"), 2u);
  EXPECT_EQ(bits("setp.ltu.f32 %p1, 0f7FC00000, 0f00000000; selp.b32 %r9, 1, 2, %p1;"), 1u);
  EXPECT_EQ(bits("setp.ne.f32 %p1, 0f7FC00000, 0f00000000; selp.b32 %r9, 1, 2, %p1;"), 2u);
  EXPECT_EQ(bits("setp.eq.u32 %p1, 1, 2; setp.ge.and.u32 %p2|%p3, 2, 1, !%p1; selp.b32 %r1, 16, 0, %p3; selp.b32 %r9, "
                 "1, %r1, %p2;"),
            1u);
  EXPECT_EQ(bits("set.gt.u32.f32 %r9, 0f3F800000, 0f00000000;"), 0xffffffffu);
  EXPECT_EQ(single("set.gt.f32.s32 %f9, 2, 1;"), 1.0f);
  EXPECT_EQ(bits("slct.b32.s32 %r9, 1, 2, -1;"), 2u);
  EXPECT_EQ(bits("testp.subnormal.f32 %p1, 0f00000001; selp.b32 %r9, 1, 2, %p1;"), 1u);
}

TEST_F(Instructions, Lanes) {
  auto up = lanes<uint32_t>("shfl.sync.up.b32 %r9, %r0, 1, 0, 0xffffffff;", "%r9");
  auto down = lanes<uint32_t>("shfl.sync.down.b32 %r9|%p1, %r0, 4, 31, -1; @!%p1 mov.u32 %r9, 99;", "%r9");
  auto bfly = lanes<uint32_t>("shfl.sync.bfly.b32 %r9, %r0, 16, 31, -1;", "%r9");
  auto idx = lanes<uint32_t>("shfl.sync.idx.b32 %r9, %r0, 2, 0x1807, -1;", "%r9"); // within segments of 8
  for (uint32_t l = 0; l < 32; ++l) {
    EXPECT_EQ(up[l], l ? l - 1 : 0);
    EXPECT_EQ(down[l], l < 28 ? l + 4 : 99);
    EXPECT_EQ(bfly[l], l ^ 16);
    EXPECT_EQ(idx[l], l / 8 * 8 + 2);
  }
  EXPECT_EQ(bits("setp.lt.u32 %p1, %r0, 5; vote.sync.ballot.b32 %r9, %p1, -1;"), 31u);
  EXPECT_EQ(bits("setp.lt.u32 %p1, %r0, 5; vote.sync.all.pred %p2, %p1, -1; selp.b32 %r9, 1, 2, %p2;"), 2u);
  EXPECT_EQ(bits("redux.sync.add.s32 %r9, %r0, -1;"), 496u);
  EXPECT_EQ(bits("and.b32 %r1, %r0, 1; match.any.sync.b32 %r9, %r1, -1;"), 0x55555555u);
  EXPECT_EQ(bits("activemask.b32 %r9;"), 0xffffffffu);
  auto diverged = lanes<uint32_t>(
      "mov.u32 %r9, 0; setp.lt.u32 %p1, %r0, 3; @%p1 bra THEN; mov.u32 %r9, 9; bra END; THEN: activemask.b32 %r9; END:",
      "%r9");
  EXPECT_EQ(diverged[0], 7u);
  EXPECT_EQ(diverged[5], 9u);
}

TEST_F(Instructions, LoopsOfUnequalLength) {
  auto sums = lanes<uint32_t>(R"(mov.u32 %r9, 0; mov.u32 %r1, 0;
LOOP: setp.ge.u32 %p1, %r1, %r0; @%p1 bra DONE; add.u32 %r9, %r9, %r1; add.u32 %r1, %r1, 1; bra LOOP;
DONE: activemask.b32 %r2; setp.ne.u32 %p1, %r2, -1; @%p1 trap;)",
                              "%r9");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(sums[l], l * (l - (l ? 1 : 0)) / 2);
}

TEST_F(Instructions, IndexedBranch) {
  auto r = lanes<uint32_t>("and.b32 %r1, %r0, 1; T: .branchtargets A, B; brx.idx %r1, T; A: mov.u32 %r9, 10; bra END; "
                           "B: mov.u32 %r9, 20; END:",
                           "%r9");
  EXPECT_EQ(r[0], 10u);
  EXPECT_EQ(r[1], 20u);
}

TEST_F(Instructions, SpacesAndVectors) {
  EXPECT_EQ(bits(R"({ .local .align 16 .b8 buffer[32]; mov.u64 %rd1, buffer; cvta.local.u64 %rd2, %rd1;
  st.v4.b32 [%rd2+16], {1, 2, 3, 4}; ld.local.v2.u32 {%r1, %r2}, [buffer+24]; sub.u32 %r9, %r2, %r1; })"),
            1u);
  EXPECT_EQ(bits("{ .shared .align 4 .b32 x[32]; mov.u32 %r1, x; mad.lo.u32 %r1, %r0, 4, %r1; st.shared.s8 [%r1], -2; "
                 "ld.shared.s8 %r9, [%r1]; }"),
            0xfffffffeu);
  EXPECT_EQ(bits("{ .shared .b32 x; setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.u32 [x], 0; bar.sync 0; "
                 "atom.shared.add.u32 %r1, [x], 2; "
                 "bar.sync 0; ld.shared.u32 %r9, [x]; }"),
            64u);
}

} // namespace nncc::emu
