//===- Cpu.cpp - what this CPU can do ---------------------------------------------------------------------------===//

#include "Cpu.h"
#include "os.h"
#include <cpuid.h>
#include <cstdlib>
#include <cstring>

namespace nncc::rt {

namespace {
struct Leaf {
  unsigned a = 0, b = 0, c = 0, d = 0;

  Leaf(unsigned leaf, unsigned subleaf = 0) { __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d); }
};
} // namespace

static bool has(unsigned word, unsigned mask) { return (word & mask) == mask; }

/// The register sets that the operating system saves.
static uint64_t savedRegisters() {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

uint64_t cpuFeatures() {
  constexpr unsigned sse42 =
      1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 23; // SSE3, SSSE3, CX16, 4.1, 4.2, POPCNT
  constexpr unsigned osxsave = 1 << 27;
  constexpr unsigned avx = 1 << 12 | 1 << 22 | 1 << 28 | 1 << 29;                   // FMA, MOVBE, AVX, F16C
  constexpr unsigned avx2 = 1 << 3 | 1 << 5 | 1 << 8;                               // BMI1, AVX2, BMI2
  constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; // F, DQ, CD, BW, VL
  constexpr unsigned amx = 1 << 22 | 1 << 24 | 1 << 25;                             // BF16, TILE, INT8
  constexpr uint64_t ymm = 0x6, zmm = 0xe6, tiles = 0x60000;

  uint64_t features = 0;
  Leaf basic(1), extended(7), more(7, 1), amd(0x80000001);
  if (!has(basic.c, sse42))
    return features;
  features |= NNCCRT_CPU_SSE42;
  uint64_t saved = has(basic.c, osxsave) ? savedRegisters() : 0;
  if ((saved & ymm) != ymm || !has(basic.c, avx) || !has(extended.b, avx2) || !has(amd.c, 1 << 5 /* LZCNT */))
    return features;
  features |= NNCCRT_CPU_AVX2;
  if (has(more.a, 1 << 4))
    features |= NNCCRT_CPU_AVX_VNNI;
  if ((saved & zmm) != zmm || !has(extended.b, avx512))
    return features;
  features |= NNCCRT_CPU_AVX512;
  if (has(extended.c, 1 << 11))
    features |= NNCCRT_CPU_AVX512_VNNI;
  if (has(more.a, 1 << 5))
    features |= NNCCRT_CPU_AVX512_BF16;
  if (has(extended.d, 1 << 23))
    features |= NNCCRT_CPU_AVX512_FP16;
  if ((saved & tiles) == tiles && has(extended.d, amx))
    features |= NNCCRT_CPU_AMX;
  return features;
}

/// What NNCC_CPU_LEVEL=x86-64-vN leaves of the features; all bits for other names.
static uint64_t allowedBy(const char *level) {
  constexpr uint64_t v2 = NNCCRT_CPU_SSE42, v3 = v2 | NNCCRT_CPU_AVX2, v4 = v3 | NNCCRT_CPU_AVX512;
  if (!std::strcmp(level, "x86-64") || !std::strcmp(level, "x86-64-v1"))
    return 0;
  if (!std::strcmp(level, "x86-64-v2"))
    return v2;
  if (!std::strcmp(level, "x86-64-v3"))
    return v3;
  return std::strcmp(level, "x86-64-v4") ? ~uint64_t(0) : v4;
}

const nnccrt_level *chooseLevel(const nnccrt_model &model, Report &report) {
  const char *wanted = std::getenv("NNCC_CPU_LEVEL");
  wanted = wanted && *wanted ? wanted : nullptr;
  uint64_t features = cpuFeatures(), allowed = wanted ? allowedBy(wanted) : ~uint64_t(0);
  const nnccrt_level *chosen = nullptr;
  for (uint32_t i = 0; i < model.num_levels; ++i) {
    const nnccrt_level &level = model.levels[i];
    bool named = !wanted || allowed != ~uint64_t(0) || !std::strcmp(level.cpu, wanted);
    if (named && !(level.features & ~(features & allowed)))
      chosen = &level;
  }
  if (!chosen && wanted)
    report.fail(NNCCRT_UNSUPPORTED,
                "model '%.160s' has no kernels for NNCC_CPU_LEVEL=%s that this CPU can run; its lowest level is %s",
                model.name, wanted, model.levels[0].cpu);
  else if (!chosen)
    report.fail(NNCCRT_UNSUPPORTED, "model '%.160s' was compiled for %s, which this CPU is not", model.name,
                model.levels[0].cpu);
  else if ((chosen->features & NNCCRT_CPU_AMX) && !os::enableAmx()) {
    report.fail(NNCCRT_UNSUPPORTED, "the operating system did not grant the AMX registers that level %s needs",
                chosen->cpu);
    return nullptr;
  }
  return chosen;
}

} // namespace nncc::rt
