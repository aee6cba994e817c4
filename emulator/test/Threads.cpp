//===- Threads.cpp - what a launch gives and counts does not depend on the host's threads --------------------------===//

#include "Fixture.h"

namespace nncc::emu {

class Threads : public OnDevice {};

/// Every thread sums the numbers up to its own, through shared memory; block 77 and those after it stop.
static const char *const sums = R"(.visible .entry k(.param .u64 out, .param .u32 bad) {
  .reg .b32 %r<12>; .reg .b64 %rd<4>; .reg .pred %p; .shared .b32 s[64];
  mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; ld.param.u32 %r2, [bad]; setp.ge.u32 %p, %r1, %r2; @%p trap;
  shl.b32 %r3, %r0, 2; mov.u32 %r4, s; add.u32 %r5, %r4, %r3; mad.lo.u32 %r6, %r1, 64, %r0; mov.u32 %r7, 0;
LOOP: add.u32 %r7, %r7, %r6; sub.u32 %r6, %r6, 1; setp.gt.s32 %p, %r6, 0; @%p bra LOOP;
  st.shared.u32 [%r5], %r7; bar.sync 0; xor.b32 %r8, %r3, 128; add.u32 %r8, %r8, %r4; ld.shared.u32 %r9, [%r8];
  ld.param.u64 %rd1, [out]; mad.lo.u32 %r10, %r1, 64, %r0; mul.wide.u32 %rd2, %r10, 4; add.u64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r9; ret; })";

TEST_F(Threads, ResultsAndCountersAreTheSame) {
  constexpr unsigned blocks = 100, n = blocks * 64;
  std::vector<Counters> counted;
  for (unsigned threads : {1u, 2u, 5u}) {
    device.hostThreads = threads;
    device.counters = {};
    uint64_t out = device.allocate(n * 4);
    ASSERT_EQ(run(sums, {{blocks, 1, 1}, {64, 1, 1}, 0}, out, blocks), "");
    auto result = download<uint32_t>(out, n);
    for (uint32_t k = 1; k < n; ++k)
      ASSERT_EQ(result[k ^ 32], k * (k + 1) / 2);
    counted.push_back(device.counters);
  }
  for (const Counters &c : counted) {
    EXPECT_EQ(c.instructions, counted[0].instructions);
    EXPECT_EQ(c.threadInstructions, counted[0].threadInstructions);
    EXPECT_EQ(c.globalSectors, counted[0].globalSectors);
    EXPECT_EQ(c.divergentBranches, counted[0].divergentBranches);
  }
}

TEST_F(Threads, TheFirstBlocksTrapIsTold) {
  device.hostThreads = 4;
  for (unsigned round = 0; round < 10; ++round) {
    uint64_t out = device.allocate(100 * 256);
    std::string trap = run(sums, {{100, 1, 1}, {64, 1, 1}, 0}, out, 77u);
    EXPECT_NE(trap.find("block (77, 0, 0), thread (0, 0, 0)"), std::string::npos) << trap;
  }
}

/// Each block takes a ticket: the order of blocks is that of their numbers.
TEST_F(Threads, AtomicsOrderBlocks) {
  device.hostThreads = 4;
  uint64_t out = device.allocate(4000 * 4), ticket = upload(std::vector<uint32_t>{0});
  ASSERT_EQ(run(R"(.visible .entry k(.param .u64 out, .param .u64 ticket) {
  .reg .b32 %r<4>; .reg .b64 %rd<6>; mov.u32 %r1, %ctaid.x; ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [ticket];
  atom.global.add.u32 %r2, [%rd2], 1; mul.wide.u32 %rd3, %r1, 4; add.u64 %rd1, %rd1, %rd3; st.global.u32 [%rd1], %r2; ret; })",
                {{4000, 1, 1}, {1, 1, 1}, 0}, out, ticket),
            "");
  auto tickets = download<uint32_t>(out, 4000);
  for (uint32_t k = 0; k < tickets.size(); ++k)
    ASSERT_EQ(tickets[k], k);
}

/// A register that is read before it is written is zero in every block, whatever the block before has left in it.
TEST_F(Threads, BlocksInheritNothing) {
  uint64_t out = device.allocate(64 * 4);
  ASSERT_EQ(run(R"(.visible .entry k(.param .u64 out) {
  .reg .b32 %r<4>; .reg .b64 %rd<6>; mov.u32 %r1, %ctaid.x; ld.param.u64 %rd1, [out]; mul.wide.u32 %rd3, %r1, 4;
  add.u64 %rd1, %rd1, %rd3; st.global.u32 [%rd1], %r2; mov.u32 %r2, 7; st.global.u32 [%rd1+128], %r2; ret; })",
                {{32, 1, 1}, {1, 1, 1}, 0}, out),
            "");
  auto left = download<uint32_t>(out, 32);
  EXPECT_EQ(left, std::vector<uint32_t>(32, 0));
}

} // namespace nncc::emu
