//===- CPULevel.cpp - what code may use, and what a CPU must have to run it ---------------------------------------===//

#include "nncc/Target/CPULevel.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace llvm;

namespace nncc::target {

namespace {
/// A bit of NNCCRT_CPU_* and the LLVM features that it stands for. Must say the same as the runtime's test of the CPU.
struct Feature {
  uint64_t bit;
  const char *level; // psABI level that has it, or null
  const char *names;
};
constexpr Feature kFeatures[] = {
    {NNCCRT_CPU_SSE42, "x86-64-v2", "cx16 sahf popcnt sse3 ssse3 sse4.1 sse4.2"},
    {NNCCRT_CPU_AVX2, "x86-64-v3", "avx avx2 bmi bmi2 f16c fma lzcnt movbe"},
    {NNCCRT_CPU_AVX512, "x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"},
    {NNCCRT_CPU_AVX512_VNNI, nullptr, "avx512vnni"},
    {NNCCRT_CPU_AVX512_BF16, nullptr, "avx512bf16"},
    {NNCCRT_CPU_AVX512_FP16, nullptr, "avx512fp16"},
    {NNCCRT_CPU_AVX_VNNI, nullptr, "avxvnni"},
};
constexpr uint64_t kLevelBits = NNCCRT_CPU_SSE42 | NNCCRT_CPU_AVX2 | NNCCRT_CPU_AVX512;
constexpr char kBaseline[] = "x86-64";
} // namespace

CPULevel CPULevel::getBaseline() { return {kBaseline, 0, kBaseline, "", kBaseline}; }
bool CPULevel::hasAVX2() const { return required & NNCCRT_CPU_AVX2; }
bool CPULevel::hasAVX512() const { return required & NNCCRT_CPU_AVX512; }

std::string CPULevel::getSuffix() const {
  StringRef rest = name;
  rest.consume_front("x86-64-");
  return ("." + rest).str();
}

/// The level for a CPU with these features. A psABI level counts only on top of those below it; what needs AVX-512 only
/// with it.
static CPULevel makeLevel(StringRef name, StringRef tune, function_ref<bool(StringRef)> has) {
  CPULevel level{name.str(), 0, kBaseline, "", tune.str()};
  bool complete = true;
  SmallVector<StringRef> extra;
  for (const Feature &feature : kFeatures) {
    SmallVector<StringRef> names;
    StringRef(feature.names).split(names, ' ');
    bool present = all_of(names, has);
    if (feature.level)
      complete = present = present && complete;
    else if (StringRef(feature.names).starts_with("avx512"))
      present &= complete;
    else
      present &= level.hasAVX2();
    if (!present)
      continue;
    level.required |= feature.bit;
    if (feature.level)
      level.cpu = feature.level;
    else
      for (StringRef added : names)
        level.features += (level.features.empty() ? "+" : ",+") + added.str();
  }
  return level;
}

SmallVector<StringRef> getKnownCPUNames() {
  SmallVector<StringRef> names = {"native"};
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  return names;
}

static CPULevel resolveNative() {
  StringMap<bool> features = sys::getHostCPUFeatures();
  auto has = [&](StringRef feature) { return features.lookup(feature); };
  StringRef host = sys::getHostCPUName();
  if (X86::parseArchX86(host, /*Only64Bit=*/true) == X86::CK_None) // a CPU newer than LLVM
    host = kBaseline;
  CPULevel level = makeLevel(host, host, has);
  if (host == kBaseline)
    level.name = level.tune = level.cpu;
  return level;
}

Expected<CPULevel> resolveCPULevel(StringRef name) {
  if (name == "native")
    return resolveNative();
  if (X86::parseArchX86(name, /*Only64Bit=*/true) == X86::CK_None)
    return createStringError("unknown CPU '" + name + "'; known are: " + join(getKnownCPUNames(), ", "));
  SmallVector<StringRef> named;
  X86::getFeaturesForCPU(name, named);
  StringMap<bool> features;
  for (StringRef feature : named) {
    features[feature] = true;
    X86::updateImpliedFeatures(feature, /*Enabled=*/true, features);
  }
  return makeLevel(name, name, [&](StringRef feature) { return features.lookup(feature); });
}

/// A superset has a higher psABI level, or the same and more bits beyond it: so no level hides a better one behind it.
static auto getRank(const CPULevel &level) {
  return std::tuple(level.required & kLevelBits, popcount(level.required), level.required);
}

Expected<std::vector<CPULevel>> resolveCPULevels(ArrayRef<std::string> names) {
  std::vector<CPULevel> levels;
  for (StringRef name : names) {
    Expected<CPULevel> level = resolveCPULevel(name);
    if (!level)
      return level.takeError();
    if (none_of(levels, [&](const CPULevel &other) { return other.name == level->name; }))
      levels.push_back(std::move(*level));
  }
  llvm::sort(levels, [](const CPULevel &a, const CPULevel &b) { return getRank(a) < getRank(b); });
  auto same = std::adjacent_find(levels.begin(), levels.end(),
                                 [](const CPULevel &a, const CPULevel &b) { return a.required == b.required; });
  if (same != levels.end())
    return createStringError(
        "code for '" + same->name + "' and for '" + std::next(same)->name +
        "' needs the same CPU features, so that a program could not choose between them: name one");
  return levels;
}

} // namespace nncc::target
