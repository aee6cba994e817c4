//===- CPULevelTest.cpp -------------------------------------------------------------------------------------------===//

#include "nncc/Target/CPULevel.h"
#include "ToyModel.h"
#include "nnccrt/abi.h"

namespace nncc::target {
namespace {

TEST(CPULevel, PsABILevels) {
  EXPECT_EQ(get(resolveCPULevel("x86-64")).required, 0u);
  EXPECT_EQ(get(resolveCPULevel("x86-64-v2")).required, NNCCRT_CPU_SSE42);
  CPULevel v4 = get(resolveCPULevel("x86-64-v4"));
  EXPECT_EQ(v4.required, NNCCRT_CPU_SSE42 | NNCCRT_CPU_AVX2 | NNCCRT_CPU_AVX512);
  EXPECT_EQ(v4.cpu, "x86-64-v4");
  EXPECT_EQ(v4.features, "");
  EXPECT_EQ(v4.getSuffix(), ".v4");
  EXPECT_EQ(v4.getVectorBits(), 512u);
}

TEST(CPULevel, NamedCPUsUseOnlyWhatTheRuntimeTests) {
  CPULevel zen4 = get(resolveCPULevel("znver4"));
  EXPECT_EQ(zen4.cpu, "x86-64-v4");
  EXPECT_EQ(zen4.features, "+avx512vnni,+avx512bf16");
  EXPECT_EQ(zen4.tune, "znver4");
  EXPECT_EQ(zen4.getSuffix(), ".znver4");
  EXPECT_EQ(get(resolveCPULevel("alderlake")).features, "+avxvnni");
  EXPECT_EQ(get(resolveCPULevel("sandybridge")).cpu, "x86-64-v2");
  EXPECT_EQ(get(resolveCPULevel("knl")).cpu, "x86-64-v3"); // AVX-512 without BW, DQ, VL
  EXPECT_EQ(get(resolveCPULevel("core2")).cpu, "x86-64");
}

TEST(CPULevel, NativeHasAName) {
  CPULevel native = get(resolveCPULevel("native"));
  EXPECT_NE(native.name, "native");
  EXPECT_THAT(get(resolveCPULevels({"native", native.name})).size(), testing::Le(2u));
}

TEST(CPULevel, UnknownNamesListTheKnown) {
  std::string message = llvm::toString(resolveCPULevel("pentium5").takeError());
  EXPECT_THAT(message, testing::StartsWith("unknown CPU 'pentium5'; known are: native, "));
  EXPECT_THAT(message, testing::HasSubstr("x86-64-v3"));
  EXPECT_THAT(llvm::toString(resolveCPULevel("i686").takeError()), testing::HasSubstr("unknown CPU"));
}

TEST(CPULevel, TheBestLevelIsLast) {
  std::vector<std::string> names;
  for (const CPULevel &level : get(resolveCPULevels({"x86-64-v4", "alderlake", "znver4", "x86-64-v2", "x86-64-v4"})))
    names.push_back(level.name);
  EXPECT_THAT(names, testing::ElementsAre("x86-64-v2", "alderlake", "x86-64-v4", "znver4"));
}

TEST(CPULevel, LevelsThatCannotBeToldApart) {
  std::string message = llvm::toString(resolveCPULevels({"haswell", "znver3"}).takeError());
  EXPECT_THAT(message, testing::HasSubstr("'haswell'"));
  EXPECT_THAT(message, testing::HasSubstr("'znver3'"));
}

} // namespace
} // namespace nncc::target
