//===- LinkTest.cpp - objects that any linker takes ---------------------------------------------------------------===//

#include "nncc/Target/Link.h"
#include "Toolchain.h"
#include "ToyModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace llvm;

namespace nncc::target {
namespace {

class Link : public Toolchain {
protected:
  void writeToy(const ModelDescription &model, const Twine &file) {
    EXPECT_OK(writeObjectFile(path(file), buildToy(model), makeToyWeights()));
  }
};

constexpr char kAnswer[] = "toy 1 20 400 8000\n";

struct Way {
  const char *compiler, *linker, *mode;
};
class EveryLinker : public Link, public testing::WithParamInterface<Way> {};

TEST_P(EveryLinker, RunsTheModel) {
  auto [compiler, linker, mode] = GetParam();
  if (!sys::findProgramByName(compiler) || !sys::findProgramByName(Twine("ld.").concat(linker).str()))
    GTEST_SKIP() << "not installed";
  writeToy(describeToy("toy"), "toy.o");
  compileDriver("driver.c", {"-DMODEL=nncc_model_toy"});
  EXPECT_EQ(linkAndRun(compiler, {mode, std::string("-fuse-ld=") + linker, "-Wl,--fatal-warnings", path("driver.o"),
                                  path("toy.o"), "-lm"}),
            kAnswer);
}

INSTANTIATE_TEST_SUITE_P(, EveryLinker,
                         testing::Values(Way{"gcc", "bfd", "-pie"}, Way{"gcc", "bfd", "-no-pie"},
                                         Way{"gcc", "bfd", "-static"}, Way{"gcc", "gold", "-pie"},
                                         Way{"gcc", "gold", "-static"}, Way{NNCC_TEST_CLANG, "lld", "-pie"},
                                         Way{NNCC_TEST_CLANG, "lld", "-no-pie"},
                                         Way{NNCC_TEST_CLANG, "lld", "-static-pie"}),
                         [](const testing::TestParamInfo<Way> &info) {
                           std::string name = std::string(info.param.linker) + info.param.mode;
                           llvm::replace(name, '-', '_');
                           return name;
                         });

TEST_F(Link, InsideASharedLibrary) {
  writeToy(describeToy("toy"), "toy.o");
  ASSERT_EQ(run("gcc", {"-shared", path("toy.o"), "-o", path("libtoy.so"), "-lm"}), "");
  compileDriver("driver.c", {"-DMODEL=nncc_model_toy"});
  EXPECT_EQ(linkAndRun("gcc", {path("driver.o"), path("libtoy.so")}), kAnswer);
}

TEST_F(Link, TwoModelsInOneProgram) {
  writeToy(describeToy("toy"), "toy.o");
  writeToy(describeToy("other"), "other.o");
  compileDriver("driver.c", {"-DMODEL=nncc_model_toy", "-DMODEL2=nncc_model_other"});
  EXPECT_EQ(linkAndRun("gcc", {path("driver.o"), path("toy.o"), path("other.o"), "-lm"}),
            std::string(kAnswer) + "other 1 20 400 8000\n");
}

TEST_F(Link, OwnSharedObject) {
  ModelDescription model = describeToy("toy");
  EXPECT_OK(writeSharedObject(path("toy.so"), buildToy(model), makeToyWeights()));
  compileDriver("driver.c", {"-DMODEL=nncc_model_toy"});
  EXPECT_EQ(linkAndRun("gcc", {path("driver.o"), path("toy.so"), "-Wl,-rpath," + path("")}), kAnswer);
}

TEST_F(Link, OneGlobalSymbolAndNoExecutableStack) {
  ObjectBytes object = buildToy(describeToy("toy", {"x86-64-v3", "x86-64-v4"}));
  auto elf =
      get(object::ObjectFile::createELFObjectFile(MemoryBufferRef(StringRef(object.data(), object.size()), "toy")));
  std::vector<std::string> globals, undefined, locals;
  for (const object::SymbolRef &symbol : elf->symbols()) {
    uint32_t flags = get(symbol.getFlags());
    std::string name = get(symbol.getName()).str();
    if (flags & object::SymbolRef::SF_Undefined)
      undefined.push_back(name);
    else
      (flags & object::SymbolRef::SF_Global ? globals : locals).push_back(name);
  }
  EXPECT_THAT(globals, testing::ElementsAre("nncc_model_toy"));
  EXPECT_THAT(undefined, testing::IsSubsetOf({"", "exp2f"}));
  EXPECT_THAT(locals, testing::IsSupersetOf(
                          {"nncc.toy.k0_scale.v3", "nncc.toy.k0_scale.tiles.v4", "nncc.toy.run", "nncc.toy.scale.v4"}));
  std::vector<std::string> sections;
  for (const object::SectionRef &section : elf->sections())
    sections.push_back(get(section.getName()).str());
  EXPECT_THAT(sections, testing::IsSupersetOf({".note.GNU-stack", ".lrodata"}));
}

TEST_F(Link, SameBytesInEveryFolder) {
  ASSERT_FALSE(sys::fs::create_directory(path("sub")));
  writeToy(describeToy("toy"), "toy.o");
  writeToy(describeToy("toy"), "sub/renamed.o");
  EXPECT_FALSE(read("toy.o").empty());
  EXPECT_EQ(read("toy.o"), read("sub/renamed.o"));
  EXPECT_OK(writeSharedObject(path("toy.so"), buildToy(describeToy("toy")), makeToyWeights()));
  EXPECT_OK(writeSharedObject(path("sub/toy.so"), buildToy(describeToy("toy")), makeToyWeights()));
  EXPECT_EQ(read("toy.so"), read("sub/toy.so"));
}

TEST_F(Link, WeightsAreTheEndOfTheFile) {
  writeToy(describeToy("toy"), "toy.o");
  std::string expected(makeToyWeights().size(), '\0');
  makeToyWeights().copyTo(expected.data());
  EXPECT_TRUE(StringRef(read("toy.o")).ends_with(expected));
  std::array<uint8_t, 32> hash = makeToyWeights().hash();
  EXPECT_OK(writeWeightsFile(path("toy.weights"), makeToyWeights(), hash));
  EXPECT_EQ(read("toy.weights"), expected + std::string(hash.begin(), hash.end()));
}

TEST_F(Link, WeightsBesideTheObject) {
  ModelDescription model = describeToy("toy");
  model.weightsFile = "toy.weights";
  EXPECT_OK(writeObjectFile(path("toy.o"), buildToy(model), {}));
  EXPECT_THAT(read("toy.o"), testing::Not(testing::HasSubstr(".lrodata")));
}

TEST_F(Link, FailedWritesLeaveNothing) {
  Error error = writeObjectFile(path("no/such/folder/toy.o"), buildToy(describeToy("toy")), makeToyWeights());
  EXPECT_THAT(toString(std::move(error)), testing::HasSubstr("No such file or directory"));
}

TEST_F(Link, MoreObjectsThanOpenFiles) {
  std::vector<ObjectBytes> objects;
  for (int i = 0; i < 1500; ++i) {
    CodegenOptions options;
    options.optLevel = 0;
    options.suffix = std::to_string(i);
    objects.push_back(i < 2 ? get(compileToObject(*ParsedModule("llvm.func @f() { llvm.return }").module, options))
                            : objects[1]);
  }
  std::string message = toString(joinObjects(objects, "f0").takeError());
  EXPECT_THAT(message, testing::HasSubstr("duplicate symbol: f1")); // it came that far
}

TEST_F(Link, NamesWhatNoLibraryHas) {
  CodegenOptions options;
  options.level = CPULevel::getBaseline();
  ParsedModule source("llvm.func @f() { llvm.call @missing() : () -> ()\n llvm.return }\n llvm.func @missing()");
  Expected<ObjectBytes> joined = joinObjects({get(compileToObject(*source.module, options))}, "f");
  ASSERT_FALSE(bool(joined));
  EXPECT_EQ(toString(joined.takeError()),
            "the code of the model refers to missing, which neither it nor libc nor libm has");
}

} // namespace
} // namespace nncc::target
