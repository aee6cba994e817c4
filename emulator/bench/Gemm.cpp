//===- Gemm.cpp - matrix products on cores and on tensor cores ---------------------------------------------------===//

#include "Workloads.h"

namespace nncc::emu::bench {

static std::string header(const char *sm, const std::string &params) {
  std::string text = std::string(".version 7.8\n.target ") + sm + "\n.address_size 64\n.visible .entry k(";
  for (char p : params)
    text += std::string(p == params.front() ? "" : ", ") + ".param .u64 " + p;
  return text + ") {\n.reg .b32 %r<200>; .reg .b64 %rd<60>; .reg .f32 %f<200>; .reg .pred %p<8>;\n";
}

static std::string number(uint64_t value) { return std::to_string(value); }
static std::string reg(const char *name, unsigned index) { return name + number(index); }
static std::string vec4(unsigned first) {
  return "{" + reg("%f", first) + ", " + reg("%f", first + 1) + ", " + reg("%f", first + 2) + ", " +
         reg("%f", first + 3) + "}";
}

namespace {
/// Accumulators are %f0 to %f63, fragments %f64 to %f79, what comes from global memory %f80 to %f87.
struct Simt {
  unsigned n, k;
  std::string text = {};

  void line(const std::string &s) { text += s + ";\n"; }

  void addresses() {
    text += ".shared .align 16 .b8 sa[8192], sb[8192];\n";
    line("mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y");
    line("ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]");
    line("cvta.to.global.u64 %rd1, %rd1; cvta.to.global.u64 %rd2, %rd2; cvta.to.global.u64 %rd3, %rd3");
    // A: row tid / 2, columns 4 (tid mod 2); stored transposed. B: row tid / 32, columns 4 (tid mod 32).
    line("shr.u32 %r3, %r0, 1; and.b32 %r4, %r0, 1; shl.b32 %r4, %r4, 2; shl.b32 %r5, %r2, 7; add.u32 %r5, %r5, %r3");
    line("mad.lo.u32 %r5, %r5, " + number(k) + ", %r4; mul.wide.u32 %rd4, %r5, 4; add.u64 %rd1, %rd1, %rd4");
    line("shr.u32 %r6, %r0, 5; and.b32 %r7, %r0, 31; shl.b32 %r7, %r7, 2; shl.b32 %r8, %r1, 7; add.u32 %r8, %r8, %r7");
    line("mad.lo.u32 %r8, %r6, " + number(n) + ", %r8; mul.wide.u32 %rd5, %r8, 4; add.u64 %rd2, %rd2, %rd5");
    line("mov.u32 %r9, sa; mov.u32 %r10, sb; shl.b32 %r11, %r4, 9; shl.b32 %r12, %r3, 2");
    line("add.u32 %r11, %r11, %r12; add.u32 %r11, %r11, %r9; shl.b32 %r13, %r0, 4; add.u32 %r13, %r13, %r10");
    line("and.b32 %r14, %r0, 15; shr.u32 %r15, %r0, 4; shl.b32 %r16, %r14, 4; shl.b32 %r17, %r15, 4");
    line("add.u32 %r18, %r9, %r17; add.u32 %r19, %r10, %r16; mov.u32 %r20, 0");
  }

  void fetch() {
    line("ld.global.nc.v4.f32 " + vec4(80) + ", [%rd1]; ld.global.nc.v4.f32 " + vec4(84) + ", [%rd2]");
    line("add.u64 %rd1, %rd1, 32; add.u64 %rd2, %rd2, " + number(n * 32));
  }

  void store(unsigned buffer) {
    for (unsigned j = 0; j < 4; ++j)
      line("st.shared.f32 [%r11+" + number(buffer * 4096 + j * 512) + "], " + reg("%f", 80 + j));
    line("st.shared.v4.f32 [%r13+" + number(buffer * 4096) + "], " + vec4(84));
  }

  void compute(unsigned buffer) {
    for (unsigned step = 0; step < 8; ++step) {
      for (unsigned half = 0; half < 2; ++half) {
        std::string at = number(buffer * 4096 + step * 512 + half * 256);
        line("ld.shared.v4.f32 " + vec4(64 + 4 * half) + ", [%r18+" + at + "]");
        line("ld.shared.v4.f32 " + vec4(72 + 4 * half) + ", [%r19+" + at + "]");
      }
      for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = 0; j < 8; ++j) {
          std::string d = reg("%f", i * 8 + j);
          line("fma.rn.f32 " + d + ", " + reg("%f", 64 + i) + ", " + reg("%f", 72 + j) + ", " + d);
        }
    }
  }

  void write() {
    line("shl.b32 %r21, %r2, 7; shl.b32 %r22, %r15, 2; add.u32 %r21, %r21, %r22; shl.b32 %r23, %r1, 7");
    line("shl.b32 %r24, %r14, 2; add.u32 %r23, %r23, %r24; mad.lo.u32 %r25, %r21, " + number(n) + ", %r23");
    line("mul.wide.u32 %rd6, %r25, 4; add.u64 %rd3, %rd3, %rd6");
    for (unsigned i = 0; i < 8; ++i)
      for (unsigned half = 0; half < 2; ++half) {
        uint64_t row = i % 4 + i / 4 * 64;
        line("st.global.v4.f32 [%rd3+" + number(row * n * 4 + half * 256) + "], " + vec4(i * 8 + half * 4));
      }
  }
};
} // namespace

Workload simtGemm(unsigned m, unsigned n, unsigned k) {
  Simt s{n, k, header("sm_70", "abc")};
  s.addresses();
  for (unsigned i = 0; i < 64; ++i)
    s.line("mov.f32 " + reg("%f", i) + ", 0f00000000");
  s.fetch();
  s.store(0);
  s.line("bar.sync 0");
  s.text += "LOOP:\n";
  for (unsigned buffer = 0; buffer < 2; ++buffer) {
    // The last tile fetches nothing: `more` is a predicate on the step after.
    s.line("add.u32 %r20, %r20, 8; setp.lt.u32 %p" + number(buffer + 1) + ", %r20, " + number(k));
    s.text += "@!%p" + number(buffer + 1) + " bra SKIP" + number(buffer) + ";\n";
    s.fetch();
    s.text += "SKIP" + number(buffer) + ":\n";
    s.compute(buffer);
    s.text += "@!%p" + number(buffer + 1) + " bra DONE;\n";
    s.store(1 - buffer);
    s.line("bar.sync 0");
  }
  s.text += "bra LOOP;\nDONE:\n";
  s.write();
  s.text += "ret; }\n";
  return {"f32 GEMM 128x128x8",
          s.text,
          {{n / 128, m / 128, 1}, {256, 1, 1}, 0},
          {uint64_t(m) * k * 4, uint64_t(k) * n * 4, uint64_t(m) * n * 4},
          2.0 * m * n * k};
}

Workload naiveGemm(unsigned m, unsigned n, unsigned k) {
  std::string text = header("sm_70", "abc");
  text += "mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y; mad.lo.u32 %r3, %r1, 128, %r0;\n"
          "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]; mov.f32 %f1, 0f00000000;\n";
  text += "mul.wide.u32 %rd4, %r2, " + number(k * 4) + "; add.u64 %rd1, %rd1, %rd4; mul.wide.u32 %rd5, %r3, 4;\n";
  text += "add.u64 %rd2, %rd2, %rd5; mul.wide.u32 %rd6, %r2, " + number(n * 4) + "; add.u64 %rd3, %rd3, %rd6;\n";
  text += "add.u64 %rd3, %rd3, %rd5; mov.u32 %r4, 0;\nLOOP:\n";
  text += "ld.global.f32 %f2, [%rd1]; ld.global.f32 %f3, [%rd2]; fma.rn.f32 %f1, %f2, %f3, %f1;\n";
  text += "add.u64 %rd1, %rd1, 4; add.u64 %rd2, %rd2, " + number(n * 4) + "; add.u32 %r4, %r4, 1;\n";
  text += "setp.lt.u32 %p1, %r4, " + number(k) + "; @%p1 bra LOOP;\nst.global.f32 [%rd3], %f1; ret; }\n";
  return {"f32 GEMM, a thread an element",
          text,
          {{n / 128, m, 1}, {128, 1, 1}, 0},
          {uint64_t(m) * k * 4, uint64_t(k) * n * 4, uint64_t(m) * n * 4},
          2.0 * m * n * k};
}

namespace {
/// Warp w has rows 32 (w / 2) and columns 32 (w mod 2) of the 64 x 64 tile: 2 x 4 accumulators of 16 x 8. Rows of shared memory are padded to 80 and
/// 144 bytes.
struct Tensor {
  unsigned n, k;
  std::string text = {};

  void line(const std::string &s) { text += s + ";\n"; }

  void addresses() {
    text += ".shared .align 16 .b8 sa[10240], sb[9216];\n";
    line("mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y; mov.u32 %r100, sa; mov.u32 %r101, sb");
    line("ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]");
    // A: row tid / 2, 16 halves from 16 (tid mod 2). B: row tid / 4, 16 halves from 16 (tid mod 4).
    line("shr.u32 %r3, %r0, 1; and.b32 %r4, %r0, 1; shl.b32 %r5, %r2, 6; add.u32 %r5, %r5, %r3");
    line("mul.lo.u32 %r6, %r5, " + number(k * 2) + "; mad.lo.u32 %r6, %r4, 32, %r6; cvt.u64.u32 %rd4, %r6");
    line("add.u64 %rd1, %rd1, %rd4; mad.lo.u32 %r102, %r3, 80, %r100; mad.lo.u32 %r102, %r4, 32, %r102");
    line("shr.u32 %r7, %r0, 2; and.b32 %r8, %r0, 3; mul.lo.u32 %r9, %r7, " + number(n * 2));
    line("mad.lo.u32 %r9, %r1, 128, %r9; mad.lo.u32 %r9, %r8, 32, %r9; cvt.u64.u32 %rd5, %r9");
    line("add.u64 %rd2, %rd2, %rd5; mad.lo.u32 %r103, %r7, 144, %r101; mad.lo.u32 %r103, %r8, 32, %r103");
    // ldmatrix: row lane mod 16, second half of 8 columns for lanes from 16 on.
    line("and.b32 %r10, %r0, 15; shr.u32 %r11, %r0, 4; and.b32 %r11, %r11, 1; shr.u32 %r12, %r0, 5");
    line("shr.u32 %r13, %r12, 1; and.b32 %r14, %r12, 1; mad.lo.u32 %r15, %r13, 32, %r10");
    line("mad.lo.u32 %r104, %r15, 80, %r100; mad.lo.u32 %r104, %r11, 16, %r104");
    line("mad.lo.u32 %r105, %r10, 144, %r101; mad.lo.u32 %r105, %r14, 64, %r105; mad.lo.u32 %r105, %r11, 16, %r105");
    line("mov.u32 %r20, 0");
  }

  void copy(unsigned buffer) {
    for (unsigned part = 0; part < 32; part += 16) {
      line("cp.async.cg.shared.global [%r102+" + number(buffer * 5120 + part) + "], [%rd1+" + number(part) + "], 16");
      line("cp.async.cg.shared.global [%r103+" + number(buffer * 4608 + part) + "], [%rd2+" + number(part) + "], 16");
    }
    line("cp.async.commit_group; add.u64 %rd1, %rd1, 64; add.u64 %rd2, %rd2, " + number(n * 64));
  }

  static std::string list(const char *name, unsigned first, unsigned count) {
    std::string text = "{";
    for (unsigned i = 0; i < count; ++i)
      text += (i ? ", " : "") + reg(name, first + i);
    return text + "}";
  }

  void compute(unsigned buffer) {
    for (unsigned step = 0; step < 2; ++step) {
      for (unsigned i = 0; i < 2; ++i)
        line("ldmatrix.sync.aligned.m8n8.x4.shared.b16 " + list("%r", 40 + 4 * i, 4) + ", [%r104+" +
             number(buffer * 5120 + i * 1280 + step * 32) + "]");
      for (unsigned j = 0; j < 2; ++j)
        line("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 " + list("%r", 48 + 4 * j, 4) + ", [%r105+" +
             number(buffer * 4608 + step * 2304 + j * 32) + "]");
      for (unsigned i = 0; i < 2; ++i)
        for (unsigned j = 0; j < 4; ++j) {
          std::string d = list("%f", (i * 4 + j) * 4, 4);
          line("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 " + d + ", " + list("%r", 40 + 4 * i, 4) + ", " +
               list("%r", 48 + 2 * j, 2) + ", " + d);
        }
    }
  }

  void write() {
    line("and.b32 %r30, %r0, 31; shr.u32 %r31, %r30, 2; and.b32 %r32, %r30, 3; shl.b32 %r33, %r2, 6");
    line("mad.lo.u32 %r33, %r13, 32, %r33; add.u32 %r33, %r33, %r31; shl.b32 %r34, %r1, 6");
    line("mad.lo.u32 %r34, %r14, 32, %r34; mad.lo.u32 %r34, %r32, 2, %r34; mad.lo.u32 %r35, %r33, " + number(n) +
         ", %r34");
    line("mul.wide.u32 %rd6, %r35, 4; add.u64 %rd3, %rd3, %rd6");
    for (unsigned i = 0; i < 2; ++i)
      for (unsigned j = 0; j < 4; ++j)
        for (unsigned half = 0; half < 2; ++half)
          line("st.global.v2.f32 [%rd3+" + number(uint64_t(i * 16 + half * 8) * n * 4 + j * 32) + "], " +
               list("%f", (i * 4 + j) * 4 + half * 2, 2));
  }
};
} // namespace

Workload tensorGemm(unsigned m, unsigned n, unsigned k) {
  Tensor t{n, k, header("sm_80", "abc")};
  t.addresses();
  for (unsigned i = 0; i < 32; ++i)
    t.line("mov.f32 " + reg("%f", i) + ", 0f00000000");
  t.copy(0);
  t.text += "LOOP:\n";
  for (unsigned buffer = 0; buffer < 2; ++buffer) {
    std::string p = "%p" + number(buffer + 1), skip = "SKIP" + number(buffer);
    t.line("add.u32 %r20, %r20, 32; setp.lt.u32 " + p + ", %r20, " + number(k));
    t.text += "@!" + p + " bra " + skip + ";\n";
    t.copy(1 - buffer);
    t.text += "cp.async.wait_group 1; bra READY" + number(buffer) + ";\n" + skip + ":\ncp.async.wait_group 0;\nREADY" +
              number(buffer) + ":\n";
    t.line("bar.sync 0");
    t.compute(buffer);
    t.line("bar.sync 0");
    t.text += "@!" + p + " bra DONE;\n";
  }
  t.text += "bra LOOP;\nDONE:\n";
  t.write();
  t.text += "ret; }\n";
  return {"f16 GEMM 64x64x32, mma",
          t.text,
          {{n / 64, m / 64, 1}, {128, 1, 1}, 0},
          {uint64_t(m) * k * 2, uint64_t(k) * n * 2, uint64_t(m) * n * 4},
          2.0 * m * n * k};
}

} // namespace nncc::emu::bench
