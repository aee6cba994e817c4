//===- Matrices.cpp - small shapes of mma, stmatrix, elections and hints -----------------------------------------===//

#include "Fixture.h"
#include <bit>

namespace nncc::emu {

class Matrices : public OnDevice {};

/// A is row + column / 8, B is 1: row sums.
TEST_F(Matrices, DoublesOf8x8x4) {
  auto r =
      lanes<uint64_t>(R"(shr.u32 %r1, %r0, 2; and.b32 %r2, %r0, 3; cvt.rn.f64.u32 %d1, %r1; cvt.rn.f64.u32 %d2, %r2;
  fma.rn.f64 %d1, %d2, 0d3FC0000000000000, %d1; mov.f64 %d3, 0d3FF0000000000000; mov.f64 %d4, 0d4059000000000000;
  mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d5, %d6}, {%d1}, {%d3}, {%d4, %d3}; add.f64 %d7, %d5, %d6; mov.b64 %rd9, %d7;)",
                      "%rd9");
  for (unsigned l = 0; l < 32; ++l)
    EXPECT_EQ(std::bit_cast<double>(r[l]), 2 * (4 * (l / 4) + 0.75) + 101);
}

/// A is its row in each byte, B its column less 4: 16 row (column - 4).
TEST_F(Matrices, BytesOf8x8x16) {
  auto r = lanes<uint32_t>(
      R"(shr.u32 %r1, %r0, 2; mul.lo.u32 %r2, %r1, 0x01010101; sub.u32 %r3, %r1, 4; prmt.b32 %r3, %r3, 0, 0x0000;
  mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 {%r4, %r5}, {%r2}, {%r3}, {1, 2}; shl.b32 %r6, %r5, 16; and.b32 %r7, %r4, 0xffff;
  or.b32 %r9, %r6, %r7;)",
      "%r9");
  for (int l = 0; l < 32; ++l) {
    int row = l / 4, column = l % 4 * 2;
    EXPECT_EQ(static_cast<int16_t>(r[size_t(l)]), 16 * row * (column - 4) + 1);
    EXPECT_EQ(static_cast<int16_t>(r[size_t(l)] >> 16), 16 * row * (column - 3) + 2);
  }
}

/// What stmatrix has stored, ldmatrix gives back; stored transposed, it is read so.
TEST_F(Matrices, StoredAndLoaded) {
  for (const char *way : {"", ".trans"}) {
    std::string body = R"({ .shared .align 16 .b8 s[512]; mov.u32 %r1, s; shl.b32 %r2, %r0, 4; add.u32 %r1, %r1, %r2;
  mad.lo.u32 %r3, %r0, 0x10003, 5; add.u32 %r4, %r3, 1000; add.u32 %r5, %r3, 2000; add.u32 %r6, %r3, 3000;
  stmatrix.sync.aligned.m8n8.x4WAY.shared.b16 [%r1], {%r3, %r4, %r5, %r6}; bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4WAY.shared.b16 {%r10, %r11, %r12, %r13}, [%r1]; sub.u32 %r14, %r11, %r4; sub.u32 %r15, %r13, %r6;
  or.b32 %r14, %r14, %r15; sub.u32 %r15, %r10, %r3; or.b32 %r9, %r14, %r15; })";
    for (size_t at; (at = body.find("WAY")) != std::string::npos;)
      body.replace(at, 3, way);
    EXPECT_EQ(lanes<uint32_t>(body, "%r9"), std::vector<uint32_t>(32, 0)) << way;
  }
}

TEST_F(Matrices, ElectionsAndHints) {
  auto r = lanes<uint32_t>("griddepcontrol.wait; mov.u32 %r9, 0; elect.sync %r1|%p1, -1; @%p1 add.u32 %r9, %r1, 7; "
                           "createpolicy.fractional.L2::evict_first.b64 %rd1, 1.0; griddepcontrol.launch_dependents;",
                           "%r9");
  EXPECT_EQ(r[0], 7u);
  EXPECT_EQ(r[1], 0u);
}

TEST_F(Matrices, OtherTypesAreRefused) {
  Diagnostic diagnostic;
  EXPECT_FALSE(device.load(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k() { .reg .f64 %d<9>;\n"
                           "mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%d1, %d2, %d3, %d4}, {%d5, %d6}, {%d7}, "
                           "{%d1, %d2, %d3, %d4}; ret; }",
                           diagnostic));
  EXPECT_EQ(diagnostic.message,
            "'mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64': this shape with these types is not emulated");
}

} // namespace nncc::emu
