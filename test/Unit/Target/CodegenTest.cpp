//===- CodegenTest.cpp --------------------------------------------------------------------------------------------===//

#include "nncc/Target/Codegen.h"
#include "ToyModel.h"
#include <thread>

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace nncc::target {
namespace {

std::string compileForAssembly(llvm::StringRef text, llvm::StringRef cpu, unsigned optLevel = 3) {
  CodegenOptions options;
  options.level = get(resolveCPULevel(cpu));
  options.optLevel = optLevel;
  return get(compileToAssembly(*ParsedModule(text).module, options));
}

constexpr char kMultiplyAdd[] = R"(
  llvm.func @f(%a: vector<16xf32>, %b: vector<16xf32>, %c: vector<16xf32>) -> vector<16xf32> {
    %product = llvm.fmul %a, %b : vector<16xf32>
    %sum = llvm.fadd %product, %c : vector<16xf32>
    llvm.return %sum : vector<16xf32>
  }
)";

TEST(Codegen, DoesNotContract) {
  EXPECT_THAT(compileForAssembly(kMultiplyAdd, "x86-64-v3"),
              AllOf(HasSubstr("vmulps"), HasSubstr("vaddps"), Not(HasSubstr("vfmadd"))));
}

TEST(Codegen, VectorsAreAsWideAsTheLevel) {
  EXPECT_THAT(compileForAssembly(kMultiplyAdd, "x86-64"), AllOf(HasSubstr("%xmm0"), Not(HasSubstr("%ymm0"))));
  EXPECT_THAT(compileForAssembly(kMultiplyAdd, "x86-64-v3"), AllOf(HasSubstr("%ymm0"), Not(HasSubstr("%zmm0"))));
  EXPECT_THAT(compileForAssembly(kMultiplyAdd, "x86-64-v4"), HasSubstr("%zmm0"));
}

/// LLVM's tuning for these CPUs prefers 256 bits.
TEST(Codegen, LoopsUseWholeRegisters) {
  const char *loop = R"(
    llvm.func @f(%x: !llvm.ptr {llvm.noalias}, %y: !llvm.ptr {llvm.noalias}, %n: i64) {
      %zero = llvm.mlir.constant(0 : i64) : i64
      %one = llvm.mlir.constant(1 : i64) : i64
      llvm.br ^loop(%zero : i64)
    ^loop(%i: i64):
      %x_at = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %y_at = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %value = llvm.load %x_at : !llvm.ptr -> f32
      %square = llvm.fmul %value, %value : f32
      llvm.store %square, %y_at : f32, !llvm.ptr
      %next = llvm.add %i, %one : i64
      %more = llvm.icmp "slt" %next, %n : i64
      llvm.cond_br %more, ^loop(%next : i64), ^end
    ^end:
      llvm.return
    }
  )";
  EXPECT_THAT(compileForAssembly(loop, "skylake-avx512"), HasSubstr("%zmm"));
  EXPECT_THAT(compileForAssembly(loop, "x86-64-v4"), HasSubstr("%zmm"));
  EXPECT_THAT(compileForAssembly(loop, "x86-64-v4", /*optLevel=*/0), Not(HasSubstr("%zmm")));
}

TEST(Codegen, PublicFunctionsAreHiddenSymbolsAndAllElseIsInternal) {
  CodegenOptions options;
  options.prefix = "nncc.toy.";
  options.suffix = ".v3";
  options.optLevel = 0;
  std::string text = get(compileToLLVMIR(*ParsedModule(kToyKernel).module, options));
  EXPECT_THAT(text, AllOf(HasSubstr("define hidden void @nncc.toy.k0_scale.v3("),
                          HasSubstr("define hidden i64 @nncc.toy.k0_scale.tiles.v3("),
                          HasSubstr("define internal float @nncc.toy.scale.v3("),
                          HasSubstr("@nncc.toy.one.v3 = internal constant")));
}

TEST(Codegen, LinesOfLocations) {
  CodegenOptions options;
  ParsedModule source("llvm.func @f(%x: f32) -> f32 { %y = llvm.fadd %x, %x : f32 loc(\"net.onnx\":7:1)\n"
                      "llvm.return %y : f32 loc(\"net.onnx\":8:1) } loc(\"net.onnx\":6:1)");
  EXPECT_THAT(get(compileToAssembly(*source.module, options)), Not(HasSubstr("net.onnx")));
  options.debugInfo = true;
  EXPECT_THAT(get(compileToAssembly(*source.module, options)),
              AllOf(HasSubstr("\"net.onnx\""), HasSubstr(".loc\t1 7 1")));
}

TEST(Codegen, LinesAreNodes) {
  NodeListing nodes("net.nodes", {{"k0", {"/Relu", "/Conv"}}, {"k1", {"/Conv", "two\nlines"}}});
  EXPECT_EQ(nodes.getText(), "/Relu\n/Conv\ntwo lines\n");
  EXPECT_EQ(nodes.getLine("two\nlines"), 3u);
  EXPECT_EQ(nodes.getLine("/Gemm"), 0u);
  CodegenOptions options;
  options.debugInfo = true;
  options.nodes = &nodes;
  ParsedModule source(
      "llvm.func @f(%x: f32) -> f32 { %y = llvm.fadd %x, %x : f32 loc(fused[\"/Gemm\", \"two\\nlines\"])\n"
      "llvm.return %y : f32 loc(unknown) } loc(\"/Conv\")");
  EXPECT_THAT(get(compileToAssembly(*source.module, options)),
              AllOf(HasSubstr("\"net.nodes\""), HasSubstr(".loc\t1 2 0"), HasSubstr(".loc\t1 3 0")));
}

TEST(Codegen, SameBytesFromManyThreads) {
  CodegenOptions options;
  options.level = get(resolveCPULevel("x86-64-v4"));
  ObjectBytes expected = get(compileToObject(*ParsedModule(kToyKernel).module, options));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_EQ(get(compileToObject(*ParsedModule(kToyKernel).module, options)), expected); });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(Codegen, InvalidIRIsAnError) {
  ParsedModule source("llvm.func @f(%x: !llvm.ptr) { llvm.call_intrinsic \"llvm.nonsense\"(%x) : (!llvm.ptr) -> ()\n"
                      "llvm.return }");
  EXPECT_THAT(llvm::toString(compileToObject(*source.module, {}).takeError()), HasSubstr("llvm.nonsense"));
}

TEST(Codegen, ForeignOpsAreAnError) {
  ParsedModule source("\"foreign.op\"() : () -> ()");
  EXPECT_THAT(llvm::toString(compileToObject(*source.module, {}).takeError()), HasSubstr("foreign.op"));
}

TEST(Codegen, BackEndErrorsAreErrors) {
  ParsedModule source(
      "llvm.func @f() { llvm.inline_asm has_side_effects \"nonsense\", \"\" : () -> ()\n llvm.return }");
  EXPECT_THAT(llvm::toString(compileToObject(*source.module, {}).takeError()), HasSubstr("nonsense"));
}

} // namespace
} // namespace nncc::target
