//===- Mbarriers.cpp - phases, their waits, and what arrives at them ---------------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

class Mbarriers : public OnDevice {
protected:
  /// 64 threads; `in` holds 64 numbers, `out` takes %r9 of each thread.
  std::string trapOf(const std::string &body) {
    std::vector<uint32_t> numbers(64);
    for (uint32_t k = 0; k < 64; ++k)
      numbers[k] = 100 + k;
    out = device.allocate(256);
    return run(R"(.visible .entry k(.param .u64 in, .param .u64 out) {
  .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .pred %p<8>; .shared .align 16 .b8 s[1024]; .shared .align 8 .b64 bar; .shared .align 8 .b64 second;
  mov.u32 %r0, %tid.x; ld.param.u64 %rd1, [in]; mov.u32 %r1, bar; mov.u32 %r2, s; shl.b32 %r3, %r0, 2; add.u32 %r4, %r2, %r3;
  xor.b32 %r5, %r3, 128; add.u32 %r5, %r5, %r2; setp.eq.u32 %p1, %r0, 0; mov.u32 %r10, second;
)" + body + R"( ld.param.u64 %rd2, [out]; mul.wide.u32 %rd3, %r0, 4; add.u64 %rd2, %rd2, %rd3; st.global.u32 [%rd2], %r9; ret; })",
               {{1, 1, 1}, {64, 1, 1}, 0}, upload(numbers), out);
  }
  void expectTrap(const std::string &body, const std::string &part) {
    std::string text = trapOf(body);
    EXPECT_NE(text.find(part), std::string::npos) << body << "\n got: " << text;
  }
  uint64_t out = 0;
};

static const std::string init = "@%p1 mbarrier.init.shared.b64 [bar], 64; bar.sync 0; ";
static const std::string write = "add.u32 %r6, %r0, 1000; st.shared.u32 [%r4], %r6; ";
static const std::string read = " ld.shared.u32 %r9, [%r5]; ";

TEST_F(Mbarriers, OrderWhatCameBeforeTheArrival) {
  std::string byState =
      "mbarrier.arrive.shared.b64 %rd5, [%r1]; W: mbarrier.test_wait.shared.b64 %p2, [%r1], %rd5; @!%p2 bra W; ";
  std::string byParity =
      "mbarrier.arrive.shared::cta.b64 _, [%r1]; W: mbarrier.try_wait.parity.shared.b64 %p2, [%r1], 0; @!%p2 bra W; ";
  for (const std::string &wait : {byState, byParity}) {
    EXPECT_EQ(trapOf(init + write + wait + read), "");
    auto r = download<uint32_t>(out, 64);
    for (uint32_t k = 0; k < 64; ++k)
      EXPECT_EQ(r[k], 1000 + (k ^ 32));
  }
  expectTrap(init + write + "bar.sync 0; " + write + "mbarrier.arrive.shared.b64 _, [%r1];" + read, "races with a");
  expectTrap("@%p1 mbarrier.init.shared.b64 [bar], 64; mbarrier.arrive.shared.b64 _, [%r1]; mov.u32 %r9, 0;",
             "between its initialisation and this use");
}

TEST_F(Mbarriers, PhasesFollowEachOther) {
  EXPECT_EQ(trapOf(init + R"(mov.u32 %r7, 0; mov.u32 %r9, 0;
L: and.b32 %r8, %r7, 1; st.shared.u32 [%r4], %r7; mbarrier.arrive.shared.b64 _, [bar];
W: mbarrier.try_wait.parity.shared.b64 %p2, [bar], %r8; @!%p2 bra W; ld.shared.u32 %r6, [%r5]; add.u32 %r9, %r9, %r6; bar.sync 0;
  add.u32 %r7, %r7, 1; setp.lt.u32 %p3, %r7, 5; @%p3 bra L;)"),
            "");
  EXPECT_EQ(download<uint32_t>(out, 1)[0], 10u);
}

TEST_F(Mbarriers, CountAndDrop) {
  // Two arrive for all: one with 63, one with 1; then one less is expected.
  EXPECT_EQ(trapOf(init + R"(mov.u32 %r9, 7; setp.eq.u32 %p2, %r0, 40; @%p1 mbarrier.arrive.shared.b64 _, [bar], 63;
  @%p2 mbarrier.arrive_drop.shared.b64 %rd6, [bar]; W: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 0; @!%p3 bra W; bar.sync 0;
  @%p1 mbarrier.arrive.shared.b64 _, [bar], 63; V: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 1; @!%p3 bra V;)"),
            "");
  expectTrap(init + "mov.u32 %r9, 7; mbarrier.arrive.shared.b64 _, [bar], 63;",
             "63 arrive, and only 1 of 64 are missing");
}

TEST_F(Mbarriers, AsyncCopiesArrive) {
  std::string copy = "mul.wide.u32 %rd4, %r0, 4; add.u64 %rd4, %rd1, %rd4; cp.async.ca.shared.global [%r4], [%rd4], 4; "
                     "cp.async.mbarrier.arrive.noinc.shared.b64 [%r1]; ";
  std::string wait = "W: mbarrier.try_wait.parity.shared.b64 %p2, [%r1], 0; @!%p2 bra W; ";
  EXPECT_EQ(trapOf(init + copy + wait + read), "");
  auto r = download<uint32_t>(out, 64);
  for (uint32_t k = 0; k < 64; ++k)
    EXPECT_EQ(r[k], 100 + (k ^ 32));
  expectTrap(init + copy + "bar.sync 0;" + read, "not waited for");
}

TEST_F(Mbarriers, BulkCopiesBringTheirBytes) {
  std::string start = "@%p1 mbarrier.init.shared.b64 [bar], 1; fence.mbarrier_init.release.cluster; bar.sync 0; "
                      "@%p1 mbarrier.arrive.expect_tx.shared.b64 _, [bar], 256; ";
  std::string copy =
      "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%rd1], 256, [%r1]; ";
  std::string wait = "W: mbarrier.try_wait.parity.shared.b64 %p2, [%r1], 0; @!%p2 bra W; ";
  EXPECT_EQ(trapOf(start + copy + wait + read), "");
  EXPECT_EQ(download<uint32_t>(out, 1)[0], 132u);
  expectTrap(start + copy + "bar.sync 0;" + read, "not waited for");
  expectTrap(start + wait + read, "a phase that nobody brings to its end");
}

TEST_F(Mbarriers, WhatIsNone) {
  expectTrap("mbarrier.arrive.shared.b64 _, [%r1]; mov.u32 %r9, 0;", "it was not initialised");
  expectTrap("@%p1 mbarrier.init.shared.b64 [bar], 0; mov.u32 %r9, 0;", "1 to 1048575 are expected");
  expectTrap(
      init + "@%p1 mbarrier.inval.shared.b64 [bar]; bar.sync 0; mbarrier.arrive.shared.b64 _, [%r1]; mov.u32 %r9, 0;",
      "it was not initialised");
}

} // namespace nncc::emu
