//===- SanitizeTest.cpp - seeded faults in kernels are reported ---------------------------------------------------===//

#include "Toolchain.h"
#include "ToyModel.h"
#include "nncc/Target/Link.h"

namespace nncc::target {
namespace {

class Sanitize : public Toolchain {
protected:
  std::string runToy(Sanitizer sanitizer, llvm::StringRef kernel, llvm::StringRef driver, const std::string &flag) {
    ObjectBytes object = buildToy(describeToy("toy", {"x86-64-v2"}), sanitizer, kernel);
    EXPECT_OK(writeObjectFile(path("toy.o"), object, makeToyWeights()));
    compileDriver(driver, {flag, "-DMODEL=nncc_model_toy"});
    return linkAndRun(NNCC_TEST_CLANG, {flag, path("driver.o"), path("toy.o"), "-lm", "-lpthread"});
  }
};

TEST_F(Sanitize, GoodKernelsPass) {
  EXPECT_EQ(runToy(Sanitizer::Address, kToyKernel, "driver.c", "-fsanitize=address"), "toy 1 20 400 8000\n");
  EXPECT_EQ(runToy(Sanitizer::Thread, kToyKernel, "race.c", "-fsanitize=thread"), "");
}

TEST_F(Sanitize, AddressReportsAnOverrun) {
  std::string kernel = changeToyKernel("constant(4 : i64)", "constant(5 : i64)");
  EXPECT_THAT(runToy(Sanitizer::Address, kernel, "driver.c", "-fsanitize=address"),
              testing::AllOf(testing::HasSubstr("stack-buffer-overflow"), testing::HasSubstr("k0_scale")));
}

TEST_F(Sanitize, ThreadReportsARace) {
  std::string kernel = changeToyKernel("%y_at = llvm.getelementptr %y[%tile] : (!llvm.ptr, i64)",
                                       "%y_at = llvm.getelementptr %y[0] : (!llvm.ptr)");
  EXPECT_THAT(runToy(Sanitizer::Thread, kernel, "race.c", "-fsanitize=thread"),
              testing::AllOf(testing::HasSubstr("data race"), testing::HasSubstr("k0_scale")));
}

/// Both tiles store 16 floats, `mask` of them, at y + tile.
std::string makeVectorKernel(llvm::StringRef mask) {
  std::string store = ("%mask = llvm.mlir.constant(dense<" + mask +
                       "> : vector<16xi1>) : vector<16xi1>\n"
                       "%vector = llvm.mlir.zero : vector<16xf32>\n"
                       "llvm.intr.masked.store %vector, %y_at, %mask {alignment = 4 : i32} : vector<16xf32>, "
                       "vector<16xi1> into !llvm.ptr")
                          .str();
  return changeToyKernel("llvm.store %product, %y_at : f32, !llvm.ptr", store);
}

TEST_F(Sanitize, ThreadSeesWholeVectors) {
  EXPECT_THAT(runToy(Sanitizer::Thread, makeVectorKernel("true"), "race.c", "-fsanitize=thread"),
              testing::HasSubstr("data race"));
}

TEST_F(Sanitize, ThreadSeesTheLanesOfAMask) {
  std::string first = "true,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false";
  EXPECT_EQ(runToy(Sanitizer::Thread, makeVectorKernel("[" + first + "]"), "race.c", "-fsanitize=thread"), "");
  std::string two = "true,true,false,false,false,false,false,false,false,false,false,false,false,false,false,false";
  EXPECT_THAT(runToy(Sanitizer::Thread, makeVectorKernel("[" + two + "]"), "race.c", "-fsanitize=thread"),
              testing::HasSubstr("data race"));
}

} // namespace
} // namespace nncc::target
