//===- HeaderTest.cpp - generated headers compile, whatever the names ---------------------------------------------===//

#include "nncc/Target/Header.h"
#include "Toolchain.h"
#include "ToyModel.h"
#include "nncc/Target/Identifiers.h"
#include "nncc/Target/Link.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using testing::ElementsAre;
using testing::HasSubstr;

namespace nncc::target {
namespace {

ModelDescription describe(llvm::StringRef name, std::vector<std::string> inputs, std::vector<std::string> outputs,
                          std::vector<std::string> symbols = {}) {
  ModelDescription model;
  model.name = name.str();
  model.producer = "nncc test";
  model.symbols = std::move(symbols);
  for (const std::string &input : inputs)
    model.inputs.push_back({input, "", NNCCRT_TENSOR, NNCCRT_F32, {{4, -1, "4"}}});
  for (const std::string &output : outputs)
    model.outputs.push_back({output, "", NNCCRT_TENSOR, NNCCRT_I64, {}});
  assignIdentifiers(model);
  return model;
}

std::vector<std::string> identify(std::vector<std::string> inputs, std::vector<std::string> outputs = {}) {
  std::vector<std::string> identifiers;
  ModelDescription model = describe("m", std::move(inputs), std::move(outputs));
  for (const ValueDescription &value : model.inputs)
    identifiers.push_back(value.identifier);
  for (const ValueDescription &value : model.outputs)
    identifiers.push_back(value.identifier);
  return identifiers;
}

TEST(Identifiers, FollowTheRule) {
  EXPECT_THAT(identify({"serving_default_input:0", "/layer1/Relu", "495", "__x__", "", "\xe8\xbe\x93"}),
              ElementsAre("serving_default_input_0", "layer1_Relu", "v495", "x", "input_4", "input_5"));
  EXPECT_THAT(identify({"class", "xor", "NULL", "run", "Symbols"}),
              ElementsAre("class_", "xor_", "NULL_", "run_", "Symbols_"));
}

TEST(Identifiers, AreUnique) {
  EXPECT_THAT(identify({"a.b", "a_b", "a:b"}, {"a/b"}), ElementsAre("a_b", "a_b_2", "a_b_3", "a_b_4"));
  EXPECT_THAT(identify({"x", "bind_x"}, {"x"}), ElementsAre("x", "bind_x_2", "x_3")); // x_2 has a bind_x_2
  EXPECT_THAT(identify({"bind_x"}, {"x"}), ElementsAre("bind_x", "x_2"));
}

TEST(Identifiers, ModelsAreNamespaces) {
  EXPECT_EQ(makeModelIdentifier("resnet50-v2.7"), "resnet50_v2_7");
  EXPECT_EQ(makeModelIdentifier("index"), "index_");
  EXPECT_EQ(makeModelIdentifier("std"), "std_");
  EXPECT_EQ(makeModelIdentifier("2.5"), "v2_5");
  EXPECT_EQ(makeModelIdentifier("*/"), "model");
}

class Header : public Toolchain {
protected:
  /// Messages of the compiler about the header and then `code`.
  std::string compile(const ModelDescription &model, const std::string &code, const std::string &language) {
    write("model.h", get(generateHeader(model)));
    std::string source = language == "c" ? "code.c" : "code.cpp";
    write(source, "#include \"model.h\"\n#include \"model.h\"\n" + code);
    std::string standard = language == "c" ? "-std=c99" : "-std=" + language;
    return run(NNCC_TEST_CLANG, {standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                                 "-I" NNCC_TEST_INCLUDE, path(source)});
  }
  void write(const std::string &name, llvm::StringRef text) {
    std::error_code code;
    llvm::raw_fd_ostream(path(name), code) << text;
    ASSERT_FALSE(code);
  }
};

TEST_F(Header, TypedClass) {
  ModelDescription model = describe("resnet50", {"input_ids"}, {"logits"}, {"batch", "sequence"});
  model.inputs[0].dims = {{DimDescription::Symbol, 0, "batch"}, {DimDescription::Expression, -1, "sequence + 1"}};
  EXPECT_EQ(compile(model, R"(
    nncc::Status use(float *values, float &first, long long &answer) {
      auto loaded = resnet50::Model::load();
      if (!loaded)
        return loaded.status();
      auto run = loaded->context();
      if (auto status = run->resize({.batch = 2, .sequence = 8}); !status)
        return status;
      first = run->input_ids()[0];
      if (auto status = run->bind_input_ids(nncc::view(values, {2, 9})); !status)
        return status;
      (void)run->unbind_input_ids();
      if (auto status = run->run(); !status)
        return status;
      answer = run->logits()[0];
      return run->workspace_bytes({.batch = 1, .sequence = 1}).status();
    })",
                    "c++20"),
            "");
  EXPECT_THAT(read("model.h"), HasSubstr("/// Input \"input_ids\": f32, batch x sequence + 1.\n"));
}

TEST_F(Header, RunsWithTheRuntime) {
  ModelDescription model = describeToy("toy");
  EXPECT_OK(writeObjectFile(path("toy.o"), buildToy(model), makeToyWeights()));
  EXPECT_EQ(compile(model, R"(
    #include <cstdio>
    int main() {
      auto model = toy::Model::load();
      auto run = model->context();
      for (float &x : run->x())
        x = 3;
      if (auto status = run->run(); !status)
        return std::puts(status.message());
      std::printf("%g %g\n", run->y()[0], run->y()[3]);
    })",
                    "c++17"),
            "");
  std::string link =
      run(NNCC_TEST_CLANGXX, {NNCC_TEST_LINK_FLAG, "-I" NNCC_TEST_INCLUDE, path("code.cpp"), path("toy.o"),
                              NNCC_TEST_RUNTIME, "-lm", "-lpthread", "-ldl", "-o", path("program")});
  EXPECT_EQ(link, "");
  EXPECT_EQ(run(path("program"), {}), "8 8000\n");
}

TEST_F(Header, PlainC) {
  ModelDescription model = describe("toy", {"x"}, {"y"}, {"n"});
  EXPECT_EQ(compile(model,
                    "const nnccrt_model *model(void) { return &nncc_model_toy; }\n"
                    "int indices[] = {toy_input_x, toy_output_y, toy_symbol_n};\n",
                    "c"),
            "");
}

TEST_F(Header, HostileNames) {
  std::vector<std::string> hostile = {
      "*/",           "a\n#error injected",       "back\\", "\"); system(\"", "\?\?/", "//",      "\xff\xfe",
      "\xe2\x80\xae", std::string("nul\0nul", 7), "class",  "NULL",           "run",   "Context", "Symbols"};
  ModelDescription model = describe("*/ \n#error injected \\", hostile, hostile, hostile);
  model.producer = "nncc\n#error injected";
  for (DimDescription &dim : model.inputs[0].dims)
    dim = {DimDescription::Unknown, -1, "\n#error injected"};
  EXPECT_EQ(compile(model, "", "c++17"), "");
  EXPECT_EQ(compile(model, "", "c"), "");
  for (char c : read("model.h"))
    ASSERT_TRUE(llvm::isPrint(c) || c == '\n');
}

TEST_F(Header, EveryElementType) {
  ModelDescription model;
  model.name = "types";
  for (uint32_t dtype = 1; dtype <= NNCCRT_I2; ++dtype)
    model.inputs.push_back({"x" + std::to_string(dtype), "", NNCCRT_TENSOR, dtype, {}});
  model.outputs = {{"s", "", NNCCRT_SEQUENCE, NNCCRT_F32, {}}, {"o", "", NNCCRT_OPTIONAL, NNCCRT_F32, {}}};
  assignIdentifiers(model);
  EXPECT_EQ(compile(model, "auto f(types::Context &c) { return c.x16(); }", "c++17"), "");
  EXPECT_THAT(read("model.h"), HasSubstr("/// Input \"x8\": string, a scalar; only by nnccrt.h."));
}

TEST_F(Header, Namespaces) {
  ModelDescription model = describe("m", {}, {});
  EXPECT_THAT(get(generateHeader(model, "shop::models")), HasSubstr("namespace shop::models {"));
  EXPECT_EQ(llvm::toString(generateHeader(model, "shop::class").takeError()),
            "'shop::class' cannot be a C++ namespace: 'class' is no identifier");
  EXPECT_EQ(llvm::toString(generateHeader(model, "a b").takeError()),
            "'a b' cannot be a C++ namespace: 'a b' is no identifier");
  EXPECT_EQ(compile(model, "", "c"), "");
}

} // namespace
} // namespace nncc::target
