//===- Calls.cpp - device functions ------------------------------------------------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

class Calls : public OnDevice {
protected:
  static constexpr const char *functions = R"(
.func (.param .b32 result) triple(.param .b32 x);
.func (.param .b32 result) triple(.param .b32 x) {
  .reg .b32 %r<4>; ld.param.u32 %r1, [x]; mul.lo.u32 %r2, %r1, 3; st.param.b32 [result+0], %r2; ret; }
// Lanes leave it at two places.
.func (.param .b32 result) halved(.param .b32 x) {
  .reg .b32 %r<4>; .reg .pred %p; ld.param.u32 %r1, [x]; and.b32 %r2, %r1, 1; setp.eq.u32 %p, %r2, 0; @!%p bra ODD;
  shr.u32 %r3, %r1, 1; st.param.b32 [result], %r3; ret;
ODD: { .param .b32 param0; st.param.b32 [param0], %r1; .param .b32 retval0; call.uni (retval0), triple, (param0);
  ld.param.b32 %r3, [retval0]; } add.u32 %r3, %r3, 1; st.param.b32 [result], %r3; }
.func (.param .b32 result) endless(.param .b32 x) {
  .reg .b32 %r<4>; { .param .b32 p; st.param.b32 [p], 1; .param .b32 r; call (r), endless, (p); } ret; }
.global .align 8 .u64 table[2] = {triple, generic(halved)};
.extern .func __assertfail(.param .b64 a);
)";

  /// What one warp stores after `body`, which leaves it in %r9.
  std::vector<uint32_t> called(const std::string &body) {
    uint64_t out = upload(std::vector<uint32_t>(32));
    EXPECT_EQ(run(functions + entry(body), {{1, 1, 1}, {32, 1, 1}, 0}, out), "") << body;
    return download<uint32_t>(out, 32);
  }
  static std::string entry(const std::string &body) {
    return R"(.visible .entry k(.param .u64 out) { .reg .b32 %r<10>; .reg .b64 %rd<10>; .reg .pred %p<4>; mov.u32 %r0, %tid.x;
)" + body +
           " ld.param.u64 %rd8, [out]; mul.wide.u32 %rd9, %r0, 4; add.u64 %rd8, %rd8, %rd9; st.global.u32 [%rd8], %r9; "
           "ret; }";
  }
  std::string refused(const std::string &body) {
    Diagnostic diagnostic;
    EXPECT_FALSE(
        device.load(".version 7.8\n.target sm_80\n.address_size 64\n" + (functions + entry(body)), diagnostic));
    return diagnostic.message;
  }
  static std::string call(const std::string &callee, const std::string &size = ".b32") {
    return "{ .param " + size + " param0; st.param.b32 [param0], %r0; .param .b32 retval0; call.uni (retval0), " +
           callee + ", (param0); ld.param.b32 %r9, [retval0+0]; }";
  }
};

TEST_F(Calls, ByName) {
  auto r = called(call("triple"));
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], 3 * l);
}

TEST_F(Calls, WithTwoReturnsAndACallInside) {
  auto r = called(call("halved") + "activemask.b32 %r1; setp.ne.u32 %p1, %r1, -1; @%p1 trap;");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], l % 2 ? 3 * l + 1 : l / 2);
}

TEST_F(Calls, UnderAGuard) {
  auto r = called("mov.u32 %r9, 7; setp.lt.u32 %p1, %r0, 4; { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b; "
                  "st.param.b32 [b], 9; "
                  "@%p1 call (b), triple, (a); ld.param.b32 %r9, [b]; }");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], l < 4 ? 3 * l : 9);
}

TEST_F(Calls, ByAddress) {
  auto r = called(
      "and.b32 %r1, %r0, 1; mul.wide.u32 %rd1, %r1, 8; mov.u64 %rd2, table; add.u64 %rd1, %rd1, %rd2; "
      "ld.global.u64 %rd3, [%rd1]; { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b; "
      "proto: .callprototype (.param .b32 _) _ (.param .b32 _); call (b), %rd3, (a), proto; ld.param.b32 %r9, [b]; }");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], l % 2 ? 3 * l + 1 : 3 * l);
}

TEST_F(Calls, WhatIsRefused) {
  EXPECT_EQ(refused(call("endless")), "'endless' calls itself: recursion is not emulated");
  EXPECT_EQ(refused(call("nobody")), "function 'nobody' is declared here, and defined nowhere");
  EXPECT_EQ(refused(call("triple", ".b64")),
            "'triple' takes 1 parameters and gives 1; .param variables of their sizes expected");
}

TEST_F(Calls, WhatStops) {
  uint64_t out = upload(std::vector<uint32_t>(32));
  auto trapOf = [&](const std::string &body) { return run(functions + entry(body), {{1, 1, 1}, {32, 1, 1}, 0}, out); };
  EXPECT_NE(trapOf("{ .param .b64 a; st.param.b64 [a], 0; call.uni __assertfail, (a); }").find("trap"),
            std::string::npos);
  EXPECT_NE(trapOf("mov.u64 %rd3, 16; { .param .b32 a; st.param.b32 [a], %r0; .param .b32 b; call (b), %rd3, (a), p; }")
                .find("trap"),
            std::string::npos);
  EXPECT_NE(trapOf("{ .param .b32 a; .param .b32 b; call (b), triple, (a); }").find("never written"),
            std::string::npos);
}

} // namespace nncc::emu
