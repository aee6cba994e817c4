//===- Others.cpp - convolution, elementwise and softmax ---------------------------------------------------------===//

#include "Workloads.h"

namespace nncc::emu::bench {

static std::string number(uint64_t value) { return std::to_string(value); }

static std::string header(unsigned params) {
  std::string text = ".version 7.8\n.target sm_70\n.address_size 64\n.visible .entry k(";
  for (unsigned p = 0; p < params; ++p)
    text += std::string(p ? ", " : "") + ".param .u64 p" + number(p);
  return text + ") {\n.reg .b32 %r<40>; .reg .b64 %rd<20>; .reg .f32 %f<80>; .reg .pred %p<8>;\n";
}

Workload naiveConvolution(unsigned channels, unsigned filters, unsigned size) {
  unsigned out = size - 2;
  std::string text = header(3);
  text += "mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y; mad.lo.u32 %r3, %r1, 128, %r0;\n";
  text += "setp.ge.u32 %p1, %r3, " + number(out * out) + "; @%p1 ret;\n";
  text += "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; ld.param.u64 %rd3, [p2]; mov.f32 %f0, 0f00000000;\n";
  text += "div.u32 %r4, %r3, " + number(out) + "; rem.u32 %r5, %r3, " + number(out) + ";\n";
  text += "mad.lo.u32 %r6, %r4, " + number(size) + ", %r5; mul.wide.u32 %rd4, %r6, 4; add.u64 %rd1, %rd1, %rd4;\n";
  text += "mul.wide.u32 %rd5, %r2, " + number(channels * 36) + "; add.u64 %rd2, %rd2, %rd5; mov.u32 %r7, 0;\nLOOP:\n";
  for (unsigned y = 0; y < 3; ++y)
    for (unsigned x = 0; x < 3; ++x)
      text += "ld.global.nc.f32 %f1, [%rd1+" + number((y * size + x) * 4) + "]; ld.global.nc.f32 %f2, [%rd2+" +
              number((y * 3 + x) * 4) + "]; fma.rn.f32 %f0, %f1, %f2, %f0;\n";
  text += "add.u64 %rd1, %rd1, " + number(uint64_t(size) * size * 4) + "; add.u64 %rd2, %rd2, 36;\n";
  text += "add.u32 %r7, %r7, 1; setp.lt.u32 %p2, %r7, " + number(channels) + "; @%p2 bra LOOP;\n";
  text += "mad.lo.u32 %r8, %r2, " + number(out * out) + ", %r3; mul.wide.u32 %rd6, %r8, 4; add.u64 %rd3, %rd3, %rd6;\n";
  text += "st.global.f32 [%rd3], %f0; ret; }\n";
  return {"f32 conv 3x3, a thread an output",
          text,
          {{(out * out + 127) / 128, filters, 1}, {128, 1, 1}, 0},
          {uint64_t(channels) * size * size * 4, uint64_t(filters) * channels * 36, uint64_t(filters) * out * out * 4},
          18.0 * channels * filters * out * out};
}

Workload elementwise(unsigned count) {
  std::string text = header(2);
  text += "mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mad.lo.u32 %r2, %r1, 256, %r0; mul.wide.u32 %rd3, %r2, 16;\n"
          "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; add.u64 %rd1, %rd1, %rd3; add.u64 %rd2, %rd2, %rd3;\n"
          "ld.global.nc.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];\n";
  for (unsigned i = 1; i < 5; ++i) {
    std::string x = "%f" + number(i), y = "%f" + number(4 + i);
    text += "mul.rn.f32 %f10, " + x + ", 0fBFB8AA3B; ex2.approx.f32 %f10, %f10; add.rn.f32 %f10, %f10, 0f3F800000;\n";
    text += "rcp.rn.f32 %f10, %f10; mul.rn.f32 " + y + ", " + x + ", %f10;\n";
  }
  text += "st.global.v4.f32 [%rd2], {%f5, %f6, %f7, %f8}; ret; }\n";
  return {"x sigmoid(x)", text, {{count / 1024, 1, 1}, {256, 1, 1}, 0}, {count * 4u, count * 4u}, 5.0 * count};
}

Workload softmax(unsigned rows) {
  std::string text = header(2);
  text += "mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; shr.u32 %r2, %r0, 5; and.b32 %r3, %r0, 31;\n"
          "mad.lo.u32 %r4, %r1, 4, %r2; shl.b32 %r5, %r4, 8; add.u32 %r5, %r5, %r3; mul.wide.u32 %rd3, %r5, 16;\n"
          "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; add.u64 %rd1, %rd1, %rd3; add.u64 %rd2, %rd2, %rd3;\n";
  auto quad = [](unsigned first) {
    return "{%f" + number(first) + ", %f" + number(first + 1) + ", %f" + number(first + 2) + ", %f" +
           number(first + 3) + "}";
  };
  auto across = [&](const char *op) {
    for (unsigned step = 16; step; step /= 2)
      text += "mov.b32 %r9, %f70; shfl.sync.bfly.b32 %r8, %r9, " + number(step) + ", 31, -1; mov.b32 %f71, %r8; " + op +
              ".f32 %f70, %f70, %f71;\n";
  };
  for (unsigned i = 0; i < 8; ++i)
    text += "ld.global.nc.v4.f32 " + quad(4 * i) + ", [%rd1+" + number(i * 512) + "];\n";
  text += "mov.f32 %f70, %f0;\n";
  for (unsigned i = 1; i < 32; ++i)
    text += "max.f32 %f70, %f70, %f" + number(i) + ";\n";
  across("max");
  text += "mov.f32 %f72, %f70; mov.f32 %f70, 0f00000000;\n";
  for (unsigned i = 0; i < 32; ++i) {
    std::string x = "%f" + number(i);
    text += "sub.f32 " + x + ", " + x + ", %f72; mul.f32 " + x + ", " + x + ", 0f3FB8AA3B; ex2.approx.f32 " + x + ", " +
            x + "; add.f32 %f70, %f70, " + x + ";\n";
  }
  across("add.rn");
  text += "rcp.rn.f32 %f73, %f70;\n";
  for (unsigned i = 0; i < 32; ++i)
    text += "mul.f32 %f" + number(i) + ", %f" + number(i) + ", %f73;\n";
  for (unsigned i = 0; i < 8; ++i)
    text += "st.global.v4.f32 [%rd2+" + number(i * 512) + "], " + quad(4 * i) + ";\n";
  text += "ret; }\n";
  uint64_t bytes = uint64_t(rows) * 4096;
  return {"softmax of 1024, a warp a row", text, {{rows / 4, 1, 1}, {128, 1, 1}, 0}, {bytes, bytes}, rows * 6.0 * 1024};
}

} // namespace nncc::emu::bench
