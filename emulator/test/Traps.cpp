//===- Traps.cpp - each trap, by a kernel that deserves it -------------------------------------------------------===//

#include "Fixture.h"

namespace nncc::emu {

class Traps : public OnDevice {
protected:
  /// The trap of a kernel of 64 threads with a buffer of 256 bytes, 16 of them written, that is handed its address in %rd1.
  std::string trapOf(const std::string &body, unsigned threads = 64, unsigned dynamicShared = 0) {
    uint64_t buffer = device.allocate(256);
    std::vector<uint32_t> known(4);
    EXPECT_EQ(device.write(buffer, known.data(), 16), std::nullopt);
    return run(R"(.extern .shared .align 16 .b8 dynamic[]; .const .align 4 .b32 c[2] = {1, 2};
.visible .entry k(.param .u64 p) {
  .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .f32 %f<4>; .reg .pred %p<8>; .shared .align 16 .b8 s[1024]; .local .align 4 .b8 l[8];
  ld.param.u64 %rd1, [p]; mov.u32 %r0, %tid.x; shl.b32 %r1, %r0, 2; cvt.u64.u32 %rd2, %r1; add.u64 %rd2, %rd1, %rd2;
)" + body + " ret; }",
               {{1, 1, 1}, {threads, 1, 1}, dynamicShared}, buffer);
  }
  void expectTrap(const std::string &body, const std::string &part, unsigned threads = 64) {
    std::string text = trapOf(body, threads);
    EXPECT_NE(text.find(part), std::string::npos) << body << "\n got: " << text;
  }
};

TEST_F(Traps, GlobalOutOfBounds) {
  EXPECT_EQ(trapOf("st.global.u32 [%rd2], 1;"), "");
  expectTrap("st.global.u32 [%rd2+4], 1;", "thread (63, 0, 0): a write of 4 bytes at global address");
  expectTrap("st.global.u32 [%rd2+4], 1;", "out of bounds, offset 256 of an allocation of 256");
  expectTrap("st.global.u32 [%rd2-4], 1;", "out of bounds, 4 bytes before an allocation");
  expectTrap("ld.global.u32 %r1, [0];", "no allocation is there");
}

TEST_F(Traps, Misaligned) {
  expectTrap("ld.global.u32 %r1, [%rd1+2];", "misaligned");
  expectTrap("st.shared.v4.u32 [s+8], {0, 0, 0, 0};", "misaligned: an access of 16 bytes");
  expectTrap("st.local.u32 [l+2], 0;", "misaligned: an access of 4 bytes at address 2");
  expectTrap("ld.param.u32 %r2, [p+2];", "misaligned");
  expectTrap("ld.const.u32 %r2, [c+2];", "misaligned");
  expectTrap("atom.global.add.u32 %r2, [%rd1+2], 1;", "misaligned");
  expectTrap("mov.u64 %rd3, s; cvta.shared.u64 %rd3, %rd3; ld.u32 %r2, [%rd3+2];", "misaligned");
}

TEST_F(Traps, ParametersAndConstants) {
  EXPECT_EQ(trapOf("ld.param.u32 %r2, [p+4]; ld.const.u32 %r2, [c+4];"), "");
  expectTrap("ld.param.u32 %r2, [p+8];", "a read of 4 bytes at parameter address 8: out of bounds, there are 8 bytes");
  expectTrap("ld.const.u32 %r2, [c+8];", "out of bounds, offset 8 of an allocation of 8");
  expectTrap("mov.u64 %rd3, c; cvta.const.u64 %rd3, %rd3; st.u32 [%rd3], 1;", "a write to constant memory");
  expectTrap("mov.u64 %rd3, c; cvta.const.u64 %rd3, %rd3; atom.add.u32 %r2, [%rd3], 1;", "a write to constant memory");
}

TEST_F(Traps, AtomicsAndCopiesAreAccesses) {
  EXPECT_EQ(trapOf("atom.global.add.u32 %r2, [%rd1], 1;"), "");
  expectTrap("atom.global.add.u32 %r2, [%rd1+256], 1;", "out of bounds, offset 256 of an allocation of 256");
  expectTrap("red.global.add.u32 [%rd1+16], 1;", "never written");
  expectTrap("atom.shared.add.u32 %r2, [s+1024], 1;", "out of bounds, the block has 1024 bytes");
  expectTrap("atom.shared.add.u32 %r2, [s], 1;", "never written");
  expectTrap("cp.async.cg.shared.global [s], [%rd1+256], 16;", "out of bounds, offset 256 of an allocation of 256", 1);
  expectTrap("cp.async.cg.shared.global [s+1024], [%rd1], 16;", "out of bounds, the block has 1024 bytes");
  expectTrap("cp.async.cg.shared.global [s], [%rd1+16], 16;", "never written", 1);
  expectTrap("mov.u32 %r2, s; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [%r2+1024];",
             "out of bounds, the block has 1024 bytes");
  expectTrap("mov.u32 %r2, s; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [%r2];", "never written");
}

TEST_F(Traps, Uninitialised) {
  EXPECT_EQ(trapOf("ld.global.u32 %r1, [%rd1+12];"), "");
  expectTrap("ld.global.u32 %r1, [%rd1+16];", "never written");
  expectTrap("ld.shared.u32 %r1, [s];", "shared address 0 is read and was never written");
  expectTrap("ld.local.u32 %r1, [l];", "never written");
}

TEST_F(Traps, SharedAndLocalOutOfBounds) {
  expectTrap("st.shared.u32 [s+1024], 0;", "out of bounds, the block has 1024 bytes");
  expectTrap("st.local.u32 [l+8], 0;", "out of bounds, the thread has 8 bytes");
  EXPECT_EQ(trapOf("setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.u32 [dynamic+12], 0;", 64, 16), "");
}

TEST_F(Traps, Races) {
  std::string write = "mov.u32 %r2, s; add.u32 %r2, %r2, %r1; st.shared.u32 [%r2], 1; ";
  std::string read =
      "xor.b32 %r3, %r0, 1; shl.b32 %r3, %r3, 2; mov.u32 %r4, s; add.u32 %r4, %r4, %r3; ld.shared.u32 %r5, [%r4]; ";
  EXPECT_EQ(trapOf(write + "bar.sync 0; " + read), "");
  EXPECT_EQ(trapOf(write + "bar.warp.sync -1; " + read), "");
  expectTrap(write + read, "a read races with a write");
  expectTrap(write + "bar.sync 0; " + read + write, "a write races with a read");
  expectTrap("st.shared.u32 [s], %r0;", "a write races with a write");
  // Who writes what another one writes disturbs nobody, but whoever reads must wait for both.
  EXPECT_EQ(trapOf("st.shared.u32 [s], 1; bar.sync 0; ld.shared.u32 %r2, [s];"), "");
  EXPECT_EQ(trapOf("st.shared.v4.u32 [s], {1, 2, 3, 4}; bar.sync 0; ld.shared.u32 %r2, [s];"), "");
  expectTrap("st.shared.u32 [s], 1; ld.shared.u32 %r2, [s];", "a read races with a write");
  expectTrap("st.shared.v4.u32 [s], {1, 2, 3, %r0};", "a write races with a write");
  EXPECT_EQ(trapOf(write + "bar.sync 0; " + read + "bar.sync 0; " + write), "");
}

TEST_F(Traps, BarWarpSyncOrdersOneWarpAlone) {
  expectTrap("mov.u32 %r2, s; add.u32 %r2, %r2, %r1; st.shared.u32 [%r2], 1; bar.warp.sync -1; xor.b32 %r3, %r1, 128; "
             "mov.u32 %r4, s; "
             "add.u32 %r4, %r4, %r3; setp.ge.u32 %p1, %r0, 32; @%p1 ld.shared.u32 %r5, [%r4];",
             "a read races with a write");
}

TEST_F(Traps, Barriers) {
  expectTrap("setp.lt.u32 %p1, %r0, 7; @%p1 bar.sync 0;", "divergence at a barrier: of 32 threads of the warp only 7");
  expectTrap("setp.lt.u32 %p1, %r0, 7; @%p1 exit; bar.sync 0;", "7 threads of the warp have exited");
  expectTrap("setp.lt.u32 %p1, %r0, 32; @%p1 exit; bar.sync 0;", "barrier 0 is never complete: 32 of 64");
  expectTrap("bar.sync 0, 33;", "a multiple of 32");
  EXPECT_EQ(trapOf("setp.lt.u32 %p1, %r0, 32; @%p1 exit; bar.sync 0, 32;"), "");
}

TEST_F(Traps, AsyncBeforeItsWait) {
  std::string copy = "setp.eq.u32 %p1, %r0, 0; @%p1 cp.async.cg.shared.global [s], [%rd1], 16; cp.async.commit_group; ";
  EXPECT_EQ(trapOf(copy + "cp.async.wait_group 0; bar.sync 0; ld.shared.u32 %r2, [s];"), "");
  expectTrap(copy + "bar.sync 0; ld.shared.u32 %r2, [s];", "target of cp.async, which was not waited for");
  expectTrap(copy + "cp.async.wait_group 1; bar.sync 0; ld.shared.u32 %r2, [s];", "not waited for");
  expectTrap(copy + "cp.async.wait_group 0; ld.shared.u32 %r2, [s];", "a read races with a write");
}

TEST_F(Traps, WarpsMustBeTogether) {
  expectTrap("setp.lt.u32 %p1, %r0, 7; @%p1 shfl.sync.bfly.b32 %r2, %r0, 1, 31, -1;", "the member mask names lane 7");
  expectTrap("shfl.sync.bfly.b32 %r2, %r0, 1, 31, 1;", "not in its own member mask");
  std::string some = "setp.lt.u32 %p1, %r0, 7; @%p1 ";
  expectTrap(some + "vote.sync.ballot.b32 %r2, %p1, -1;", "the member mask names lane 7");
  expectTrap(some + "redux.sync.add.s32 %r2, %r0, -1;", "the member mask names lane 7");
  expectTrap(some + "bar.warp.sync -1;", "divergence at bar.warp.sync: lane 7 is named and is not there");
  expectTrap(
      some +
          "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r0, %r0}, {%r0}, {%f0, %f1, %f2, "
          "%f3};",
      "all 32 lanes of the warp must execute this together");
  expectTrap(some + "shfl.sync.idx.b32 %r2, %r0, 9, 31, 0x7f;", "shfl reads lane 9, which does not execute it");
}

TEST_F(Traps, UseAfterFree) {
  uint64_t buffer = upload(std::vector<int>(4));
  EXPECT_EQ(device.release(buffer), std::nullopt);
  EXPECT_NE(device.release(buffer), std::nullopt);
  std::string text = run(".visible .entry k(.param .u64 p) { .reg .b64 %rd<2>; .reg .b32 %r<2>; ld.param.u64 %rd1, "
                         "[p]; ld.global.u32 %r1, [%rd1]; ret; }",
                         {}, buffer);
  EXPECT_NE(text.find("use after free"), std::string::npos) << text;
}

TEST_F(Traps, LimitsOfTheCard) {
  auto f = kernel(".visible .entry k() { .shared .b8 s[40000]; ret; }");
  ASSERT_TRUE(f);
  EXPECT_EQ(device.launch(*f, {{1, 1, 1}, {1024, 1, 1}, 0}, {}), std::nullopt);
  EXPECT_EQ(device.launch(*f, {{1, 1, 1}, {1024, 2, 1}, 0}, {})->message,
            "a100 refuses the launch: threads of a block are 2048, at most 1024");
  EXPECT_NE(device.launch(*f, {{1, 1, 1}, {1, 1, 1}, 130000}, {})->message.find("at most 166912"), std::string::npos);
  EXPECT_NE(device.launch(*f, {{1, 0, 1}, {1, 1, 1}, 0}, {})->message.find("a dimension of the launch is 0"),
            std::string::npos);
  EXPECT_NE(device.launch(*f, {{1, 65536, 1}, {1, 1, 1}, 0}, {})->message.find("dimension 1 is 65536, at most 65535"),
            std::string::npos);
  EXPECT_NE(device.launch(*f, {{1, 1, 1}, {1, 1, 65}, 0}, {})->message.find("dimension 2 is 65, at most 64"),
            std::string::npos);
  auto bounded = kernel(".visible .entry k() .maxntid 128, 1, 1 { ret; }");
  auto fixed = kernel(".visible .entry k() .reqntid 64, 1, 1 { ret; }");
  ASSERT_TRUE(bounded && fixed);
  EXPECT_EQ(device.launch(*bounded, {{1, 1, 1}, {128, 1, 1}, 0}, {}), std::nullopt);
  EXPECT_NE(device.launch(*bounded, {{1, 1, 1}, {160, 1, 1}, 0}, {})->message.find("160, at most 128 by .maxntid"),
            std::string::npos);
  EXPECT_NE(device.launch(*fixed, {{1, 1, 1}, {32, 1, 1}, 0}, {})->message.find("is 32, .reqntid says 64"),
            std::string::npos);
  auto much = kernel(".visible .entry k() { .shared .b8 s[50000]; ret; }");
  ASSERT_TRUE(much);
  EXPECT_NE(device.launch(*much, {{1, 1, 1}, {1, 1, 1}, 0}, {})->message.find("static shared memory is 50000"),
            std::string::npos);
  Device old{*cardNamed("t4")};
  Diagnostic diagnostic;
  EXPECT_FALSE(old.load(".version 7.0\n.target sm_80\n", diagnostic));
  EXPECT_EQ(diagnostic.message, "the module is for sm_80, t4 is sm_75");
}

TEST_F(Traps, EndlessLoop) {
  device.checks.blockBudget = 100000;
  expectTrap("L: bra L;", "does not end");
}

TEST_F(Traps, TrapInstruction) {
  expectTrap("setp.eq.u32 %p1, %r0, 3; @%p1 trap;", "thread (3, 0, 0): the kernel executes trap");
}

} // namespace nncc::emu
