//===- Registers.cpp - registers that share their bytes ----------------------------------------------------------===//

#include "Fixture.h"
#include <random>

namespace nncc::emu {

class Registers : public OnDevice {};

/// A value a register, as compilers write it, read long after and in a random order: `sum` over steps of `%vK = %vI op %vJ`.
TEST_F(Registers, ManyValuesFewAlive) {
  std::mt19937 random(11);
  constexpr unsigned count = 600;
  std::string body = "{ .reg .b32 %v<" + std::to_string(count) + ">; mov.u32 %v0, %r0; mov.u32 %v1, 3;\n";
  std::vector<std::array<uint32_t, 32>> values(count);
  for (uint32_t l = 0; l < 32; ++l)
    values[0][l] = l, values[1][l] = 3;
  for (unsigned k = 2; k < count; ++k) {
    unsigned a = static_cast<unsigned>(random() % std::min(k, 40u)),
             b = static_cast<unsigned>(random() % std::min(k, 20u));
    a = k - 1 - a, b = k - 1 - b;
    bool adds = random() & 1;
    body += (adds ? "add.u32 %v" : "xor.b32 %v") + std::to_string(k) + ", %v" + std::to_string(a) + ", %v" +
            std::to_string(b) + ";\n";
    for (uint32_t l = 0; l < 32; ++l)
      values[k][l] = adds ? values[a][l] + values[b][l] : values[a][l] ^ values[b][l];
  }
  auto r = lanes<uint32_t>(body + "mov.u32 %r9, %v" + std::to_string(count - 1) + "; }", "%r9");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], values.back()[l]);
}

/// %r1 lives through one side of a branch, %r2 is born and dies on the other; a guard leaves the old value.
TEST_F(Registers, BothSidesOfABranch) {
  auto r = lanes<uint32_t>(R"(mov.u32 %r1, 100; setp.lt.u32 %p1, %r0, 10; @%p1 bra LOW;
  mov.u32 %r2, 7; add.u32 %r3, %r2, %r0; mov.u32 %r4, %r3; bra END;
LOW: add.u32 %r4, %r1, %r0; END: setp.eq.u32 %p2, %r0, 12; mov.u32 %r5, 5; @%p2 mov.u32 %r5, 6; add.u32 %r9, %r4, %r5;)",
                           "%r9");
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(r[l], (l < 10 ? 100 + l : 7 + l) + (l == 12 ? 6 : 5));
}

/// What a loop carries is alive in all of it.
TEST_F(Registers, AcrossTheBackEdge) {
  auto r = lanes<uint32_t>(R"(mov.u32 %r1, 0; mov.u32 %r2, 1; mov.u32 %r3, 1;
L: add.u32 %r4, %r2, %r3; mov.u32 %r5, %r3; mov.u32 %r2, %r5; mov.u32 %r6, %r4; mov.u32 %r3, %r6; add.u32 %r1, %r1, 1;
  setp.lt.u32 %p1, %r1, %r0; @%p1 bra L; mov.u32 %r9, %r3;)",
                           "%r9");
  uint32_t a = 1, b = 2;
  for (uint32_t l = 1; l < 32; ++l) {
    EXPECT_EQ(r[l], b);
    b += std::exchange(a, b);
  }
}

/// A vector of registers may take the place of nothing that the same instruction still reads.
TEST_F(Registers, NeverOverOneThatIsStillRead) {
  auto r =
      lanes<uint32_t>("mov.u32 %r1, 0x12345678; mov.u32 %r2, 9; mov.b64 %rd1, {%r1, %r2}; mov.b64 {%r3, %r4}, %rd1; "
                      "mov.b32 {%h1, %h2}, %r3; cvt.u32.u16 %r5, %h1; cvt.u32.u16 %r6, %h2; shl.b32 %r7, %r6, 16; "
                      "or.b32 %r8, %r7, %r5; add.u32 %r9, %r8, %r4;",
                      "%r9");
  EXPECT_EQ(r[31], 0x12345681u);
}

} // namespace nncc::emu
