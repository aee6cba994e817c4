//===- Parsing.cpp - what is wrong with a text is said, and where ------------------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

static std::string problem(const std::string &text) {
  Device device{*cardNamed("a100")};
  Diagnostic diagnostic;
  return device.load(text, diagnostic) ? "" : std::to_string(diagnostic.line) + ": " + diagnostic.message;
}

static std::string inKernel(const std::string &body) {
  return problem(".version 7.8\n.target sm_80\n.entry k() {\n.reg .b32 %r<4>; .reg .b64 %rd<2>; .reg .pred %p<2>;\n" +
                 body + "\n}");
}

TEST(Parsing, Header) {
  EXPECT_EQ(problem(""), "1: .version expected, found the end of the text");
  EXPECT_EQ(problem(".version 6.0\n.target sm_80"), "2: sm_80 needs .version 7.0 or newer, the module states 6.0");
  EXPECT_EQ(problem(".version 7.0\n.target sm_81"), "2: 'sm_81' is no target that this machine knows");
  EXPECT_EQ(problem(".version 7.0 /* \n"), "1: a comment is opened and never closed");
  EXPECT_EQ(problem(".version 7.8\n.target sm_80\n.address_size 64\n.global .align 4 .b32 x[2] = {1, 2};\n"), "");
}

TEST(Parsing, Kernels) {
  EXPECT_EQ(inKernel("add.u32 %r1, %r2;"), "5: 'add.u32' has 2 operands, 3 expected");
  EXPECT_EQ(inKernel("add.u32 %r1, %r2, %rd1;"), "5: 'add.u32': %rd1 is .b64, an operand of .u32 expected");
  EXPECT_EQ(inKernel("add.wrong.u32 %r1, %r2, 1;"), "5: 'add.wrong.u32': modifier .wrong is not known here");
  EXPECT_EQ(inKernel("frobnicate.b32 %r1;"), "5: 'frobnicate.b32' is no instruction that this machine has");
  EXPECT_EQ(inKernel("bra NOWHERE;"), "5: no label 'NOWHERE' in kernel 'k'");
  EXPECT_EQ(inKernel("add.u32 %r1, %r2, 1"), "6: ';' expected after an instruction, found '}'");
  EXPECT_EQ(inKernel("mov.u32 %r9, 1;"), "5: '%r9' is neither declared nor a special register that this machine has");
  EXPECT_EQ(inKernel("@%r1 bra L; L:"), "5: a predicate register expected after '@'");
  EXPECT_EQ(inKernel("mov.u32 %r1, 0f12;"), "5: '0f12;' is no number: 8 hexadecimal digits expected");
  EXPECT_EQ(inKernel("ld.global.u32 %r1, [%r2];"), "5: 'ld.global.u32': an address of this space has 64 bits");
  EXPECT_EQ(inKernel("cvt.f32.f64 %r1, %rd1;"), "5: 'cvt.f32.f64' lacks a rounding such as .rn");
  EXPECT_EQ(inKernel("L: L: ret;"), "5: label 'L' stands a second time");
  EXPECT_EQ(inKernel("{ .reg .b32 x; mov.u32 x, 1; } { .reg .b32 x; mov.u32 x, 2; L: bra L; }"), "");
}

/// Every prefix, and every byte replaced, of a text with all forms: an answer, never a crash.
TEST(Parsing, HostileText) {
  std::string text = R"(.version 7.8
.target sm_80, debug
.address_size 64
.const .align 8 .f64 c[2] = {0d3FF0000000000000, 1};
.visible .entry k(.param .u64 .ptr .global .align 16 p, .param .align 4 .b8 q[12]) .maxntid 64, 1, 1 {
  .reg .b32 %r<4>; .reg .pred p1, p2; .shared .b8 s[16];
  { .reg .b64 x; ld.param.u64 x, [p]; ld.global.v2.u32 {%r1, %r2}, [x+-8]; }
  @!p1 bra.uni L; setp.lt.and.s32 p1|p2, %r1, -3, !p2; T: .branchtargets L, L; brx.idx %r1, T;
L: bar.sync 0; ret; }
)";
  for (size_t n = 0; n <= text.size(); ++n)
    problem(text.substr(0, n));
  for (size_t n = 0; n < text.size(); ++n)
    for (char c : {'\0', '}', ';', '9', '%', '"', '\xff', ','}) {
      std::string broken = text;
      broken[n] = c;
      problem(broken);
    }
  EXPECT_EQ(problem(text), "");
  EXPECT_NE(problem(".version 7.8 .target sm_80 .entry k() " + std::string(100000, '{')), "");
  EXPECT_NE(problem(".version 7.8 .target sm_80 .entry k() { .reg .b32 %r<999999999>; }"), "");
  EXPECT_NE(problem(".version 7.8 .target sm_80 .global .b8 x[99999999][99999999][99999999];"), "");
}

} // namespace nncc::emu
