//===- LoadTest.cpp - descriptors, CPU levels, weights, shared libraries ----------------------------------------===//

#include "Cpu.h"
#include "FakeModel.h"
#include "Sha256.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using testing::HasSubstr;

namespace nncc::rt::test {
namespace {

/// The message of a load; empty when it worked.
std::string load(FakeModel &model, const nnccrt_load_options *options = nullptr) {
  nnccrt_program *program;
  nnccrt_status status;
  nnccrt_load(model.get(), options, &program, &status);
  EXPECT_EQ(program == nullptr, status.code != NNCCRT_OK);
  nnccrt_unload(program);
  return status.message;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Descriptors
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Load, OtherAbi) {
  FakeModel model = makeAddOne();
  model.get()->abi_version = NNCCRT_ABI_VERSION + 1;
  EXPECT_THAT(load(model), HasSubstr("compiled for runtime ABI " + std::to_string(NNCCRT_ABI_VERSION + 1)));
  EXPECT_THAT(load(model), HasSubstr("this runtime (0.1.0) has ABI " + std::to_string(NNCCRT_ABI_VERSION)));
  model.get()->abi_version = NNCCRT_ABI_VERSION;
  model.get()->size = 16;
  EXPECT_THAT(load(model), HasSubstr("descriptor of 16 bytes"));
}

TEST(Load, ValuesThatAreNoTensors) {
  FakeModel model = makeAddOne();
  const_cast<nnccrt_value *>(model.get()->inputs)->kind = NNCCRT_SEQUENCE;
  EXPECT_EQ(load(model), "input 'x' is a sequence: this runtime (0.1.0) takes tensors only");
  const_cast<nnccrt_value *>(model.get()->inputs)->kind = NNCCRT_OPTIONAL;
  EXPECT_EQ(load(model), "input 'x' is an optional: this runtime (0.1.0) takes tensors only");
  const_cast<nnccrt_value *>(model.get()->inputs)->kind = 9;
  EXPECT_EQ(load(model), "input 'x' is of an unknown kind: this runtime (0.1.0) takes tensors only");
}

TEST(Load, ElementTypesWithoutSize) {
  FakeModel model;
  model.input("text", NNCCRT_STRING, {2}).schedule([](nnccrt_frame *) { return 0; });
  EXPECT_EQ(load(model), "input 'text' has element type string (8), which this runtime (0.1.0) does not take");
}

TEST(Load, DamagedDescriptors) {
  FakeModel unknownInput;
  unknownInput.input("x", NNCCRT_F32, {"?"}).schedule([](nnccrt_frame *) { return 0; });
  EXPECT_THAT(load(unknownInput), HasSubstr("input 'x' dim 0: the descriptor's size -2"));
  FakeModel withoutCode;
  EXPECT_EQ(load(withoutCode), "model 'fake' has no code");
  FakeModel withoutPlan = makeAddOne();
  withoutPlan.arena(-1);
  EXPECT_EQ(load(withoutPlan), "model 'fake' has neither the size of its memory nor a function for it");
  FakeModel backwards = makeAddOne();
  backwards.slots({{-1, 3, 2}}, [](const int64_t *, int64_t *) {});
  EXPECT_EQ(load(backwards), "model 'fake' buffer 0 ends before it begins");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// CPU levels
//===----------------------------------------------------------------------------------------------------------------------===//

class Levels : public testing::Test {
protected:
  Levels() {
    base = model.get()->levels[0];
    levels = {base, base, base};
    levels[1].cpu = "x86-64-v2";
    levels[1].features = NNCCRT_CPU_SSE42;
    levels[2].cpu = "future";
    levels[2].features = uint64_t(1) << 63;
  }
  ~Levels() override { unsetenv("NNCC_CPU_LEVEL"); }

  std::string chosen() {
    nnccrt_model *descriptor = model.get();
    descriptor->levels = levels.data();
    descriptor->num_levels = levels.size();
    nnccrt_status status;
    Report report(&status);
    const nnccrt_level *level = chooseLevel(*descriptor, report);
    return level ? level->cpu : status.message;
  }

  FakeModel model = makeAddOne();
  nnccrt_level base;
  std::vector<nnccrt_level> levels;
};

TEST_F(Levels, TheLastThatTheCpuHas) {
  bool v2 = cpuFeatures() & NNCCRT_CPU_SSE42;
  EXPECT_EQ(chosen(), v2 ? "x86-64-v2" : "x86-64");
  levels = {levels[2]};
  EXPECT_EQ(chosen(), "model 'fake' was compiled for future, which this CPU is not");
}

TEST_F(Levels, AtMostWhatTheEnvironmentSays) {
  setenv("NNCC_CPU_LEVEL", "x86-64", 1);
  EXPECT_EQ(chosen(), "x86-64");
  setenv("NNCC_CPU_LEVEL", "future", 1);
  EXPECT_EQ(chosen(),
            "model 'fake' has no kernels for NNCC_CPU_LEVEL=future that this CPU can run; its lowest level is x86-64");
  levels.erase(levels.begin());
  setenv("NNCC_CPU_LEVEL", "x86-64-v1", 1);
  EXPECT_EQ(
      chosen(),
      "model 'fake' has no kernels for NNCC_CPU_LEVEL=x86-64-v1 that this CPU can run; its lowest level is x86-64-v2");
}

TEST_F(Levels, HigherFeaturesIncludeTheLower) {
  uint64_t features = cpuFeatures();
  EXPECT_TRUE(!(features & NNCCRT_CPU_AVX512) || features & NNCCRT_CPU_AVX2);
  EXPECT_TRUE(!(features & NNCCRT_CPU_AVX2) || features & NNCCRT_CPU_SSE42);
  EXPECT_EQ(bool(features & NNCCRT_CPU_AVX2), bool(__builtin_cpu_supports("x86-64-v3")));
  EXPECT_EQ(bool(features & NNCCRT_CPU_AVX512), bool(__builtin_cpu_supports("x86-64-v4")));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------------------------------------------------------===//

std::string hex(const std::string &data) {
  uint8_t digest[32];
  sha256(data.data(), data.size(), digest);
  std::string text;
  for (uint8_t byte : digest) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

TEST(Sha256, KnownDigests) { // of FIPS 180-4's examples, and around the borders of a block
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(hex(std::string(55, 'a')), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(hex(std::string(64, 'a')), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

/// y = the weights, 100 floats that lie beside the object.
class Weights : public testing::Test {
protected:
  Weights() : folder(std::filesystem::temp_directory_path() / ("nncc-weights-" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder);
    for (int i = 0; i < 100; ++i)
      values[i] = static_cast<float>(i);
    model.output("y", NNCCRT_F32, {100}).schedule([](nnccrt_frame *frame) {
      const int64_t dims[] = {100};
      void *y = frame->services->output(frame, 0, dims);
      std::memcpy(y, frame->weights, 400);
      return 0;
    });
    descriptor()->weights_bytes = sizeof(values);
    sha256(values, sizeof(values), descriptor()->weights_hash);
    options.size = sizeof(options);
  }
  ~Weights() override { std::filesystem::remove_all(folder); }

  nnccrt_model *descriptor() { return model.get(); }
  const char *write(const char *name, uint64_t bytes, bool withHash = true) {
    path = (folder / name).string();
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(values), bytes);
    if (withHash)
      file.write(reinterpret_cast<const char *>(descriptor()->weights_hash), 32);
    return path.c_str();
  }
  void expectRuns() {
    nnccrt_program *program = nullptr;
    nnccrt_context *context = nullptr;
    nnccrt_tensor y = {};
    y.size = sizeof(y);
    EXPECT_OK(nnccrt_load(descriptor(), &options, &program, &status));
    EXPECT_OK(nnccrt_create(program, nullptr, &context, &status));
    EXPECT_OK(nnccrt_run(context, &status));
    EXPECT_OK(nnccrt_output(context, 0, &y, &status));
    EXPECT_EQ(std::memcmp(y.data, values, sizeof(values)), 0);
    nnccrt_destroy(context);
    nnccrt_unload(program);
  }

  std::filesystem::path folder;
  std::string path;
  FakeModel model;
  alignas(64) float values[100];
  nnccrt_load_options options = {};
};

TEST_F(Weights, FromAFile) {
  options.weights_path = write("w", 400);
  expectRuns();
  options.flags = NNCCRT_VERIFY_WEIGHTS;
  expectRuns();
}

TEST_F(Weights, FileOfAnotherModel) {
  write("w", 400);
  options.weights_path = path.c_str();
  descriptor()->weights_hash[5] ^= 1;
  EXPECT_EQ(load(model, &options), "the weights in " + path + " are not those of model 'fake': their hash differs");
}

TEST_F(Weights, DamagedFile) {
  values[50] += 1;
  write("w", 400);
  options.weights_path = path.c_str();
  EXPECT_EQ(load(model, &options), "");
  options.flags = NNCCRT_VERIFY_WEIGHTS;
  EXPECT_EQ(load(model, &options), "the weights in memory are not those of model 'fake': their hash differs");
}

TEST_F(Weights, FileOfAnotherLength) {
  options.weights_path = write("w", 396);
  EXPECT_EQ(load(model, &options), "'" + path + "' has 428 bytes, the weights of model 'fake' take 432");
  options.weights_path = write("empty", 0, false);
  EXPECT_EQ(load(model, &options), "'" + path + "' has 0 bytes, the weights of model 'fake' take 432");
}

TEST_F(Weights, NoFile) {
  path = (folder / "none").string();
  options.weights_path = path.c_str();
  EXPECT_EQ(load(model, &options), "cannot open '" + path + "': No such file or directory");
  path = folder.string();
  options.weights_path = path.c_str();
  EXPECT_EQ(load(model, &options), "'" + path + "' is not a regular file");
  options.weights_path = nullptr;
  EXPECT_EQ(load(model, &options),
            "the weights of model 'fake' are not in its object: say where they are in nnccrt_load_options");
}

TEST_F(Weights, FileBesideTheExecutable) {
  // The descriptor is in no file here, so the executable's folder is what is searched.
  descriptor()->weights_file = "none.weights";
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  EXPECT_EQ(load(model), "cannot open '" + (self / "none.weights").string() + "': No such file or directory");
}

TEST_F(Weights, FileInAnotherDirectory) {
  std::string name = std::filesystem::path(write("w", 400)).filename().string(), directory = folder.string();
  descriptor()->weights_file = name.c_str();
  options.weights_directory = directory.c_str();
  expectRuns();
  directory += "/none";
  options.weights_directory = directory.c_str();
  EXPECT_EQ(load(model, &options), "cannot open '" + directory + "/" + name + "': No such file or directory");
  directory.assign(5000, 'x');
  options.weights_directory = directory.c_str();
  EXPECT_EQ(load(model, &options), "the path of the weights of model 'fake' is too long");
}

TEST_F(Weights, NoneToDescribe) {
  options.flags = NNCCRT_DESCRIBE_ONLY;
  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
  nnccrt_status status;
  ASSERT_EQ(nnccrt_load(descriptor(), &options, &program, &status), NNCCRT_OK) << status.message;
  EXPECT_STREQ(nnccrt_describe(program)->name, "fake");
  EXPECT_STREQ(nnccrt_cpu_level(program), "");
  EXPECT_EQ(nnccrt_create(program, nullptr, &context, &status), NNCCRT_INVALID);
  EXPECT_STREQ(status.message, "the program was loaded with NNCCRT_DESCRIBE_ONLY, it cannot run");
  nnccrt_unload(program);
}

TEST_F(Weights, FromMemory) {
  options.weights = values;
  options.weights_bytes = sizeof(values);
  expectRuns();
  options.weights_bytes = 4;
  EXPECT_EQ(load(model, &options), "nnccrt_load_options.weights has 4 bytes, the weights of model 'fake' take 400");
  options.weights_bytes = 400;
  options.weights = values + 1;
  EXPECT_THAT(load(model, &options), HasSubstr("is not aligned to 64 bytes"));
}

TEST_F(Weights, FromACallback) {
  options.user = values;
  options.read_weights = [](void *user, uint64_t offset, void *target, uint64_t bytes) {
    std::memcpy(target, static_cast<char *>(user) + offset, bytes);
    return 0;
  };
  expectRuns();
  options.read_weights = [](void *, uint64_t, void *, uint64_t) { return 42; };
  EXPECT_EQ(load(model, &options), "nnccrt_load_options.read_weights returned 42 at byte 0 of model 'fake'");
}

TEST_F(Weights, OneSourceAtMost) {
  options.weights = values;
  options.weights_path = "w";
  EXPECT_EQ(load(model, &options), "nnccrt_load_options names 2 sources of weights: one at most");
  options.weights = nullptr;
  descriptor()->weights = values;
  EXPECT_EQ(load(model, &options), "nnccrt_load_options names weights, but those of model 'fake' are in its object");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Shared libraries
//===----------------------------------------------------------------------------------------------------------------------===//

class Open : public testing::Test {
protected:
  std::string open(const char *path, const char *name = nullptr) {
    nnccrt_status status;
    nnccrt_open(path, name, nullptr, &program, &status);
    EXPECT_EQ(program == nullptr, status.code != NNCCRT_OK);
    return status.message;
  }
  ~Open() override { nnccrt_unload(program); }

  nnccrt_program *program = nullptr;
};

TEST_F(Open, FindsTheModel) {
  ASSERT_EQ(open(TINY_MODEL), "");
  EXPECT_STREQ(nnccrt_describe(program)->name, "tiny");
  EXPECT_STREQ(nnccrt_describe(program)->metadata[1], "nobody");
  EXPECT_STREQ(nnccrt_cpu_level(program), "x86-64");
  nnccrt_context *context;
  nnccrt_tensor x = {}, y = {};
  x.size = y.size = sizeof(x);
  EXPECT_OK(nnccrt_create(program, nullptr, &context, &status));
  nnccrt_unload(program); // the library stays
  program = nullptr;
  EXPECT_OK(nnccrt_input(context, 0, &x, &status));
  static_cast<float *>(x.data)[2] = 5;
  EXPECT_OK(nnccrt_run(context, &status));
  EXPECT_OK(nnccrt_output(context, 0, &y, &status));
  EXPECT_EQ(static_cast<float *>(y.data)[2], 6);
  nnccrt_destroy(context);
}

TEST_F(Open, SeveralModels) {
  EXPECT_THAT(open(TWO_MODELS), HasSubstr("holds 2 models, one of them 't"));
  ASSERT_EQ(open(TWO_MODELS, "twin"), "");
  EXPECT_STREQ(nnccrt_describe(program)->name, "twin");
}

TEST_F(Open, Failures) {
  EXPECT_THAT(open("none.so"), HasSubstr("cannot load the library: ./none.so: cannot open shared object file"));
  EXPECT_THAT(open(TINY_MODEL, "other"), HasSubstr("holds no model 'other' (symbol nncc_model_other)"));
  EXPECT_THAT(open(NO_MODEL), HasSubstr("holds no model (no symbol nncc_model_...)"));
  EXPECT_EQ(open(nullptr), "the path is a null pointer");
}

TEST_F(Open, CutOff) {
  std::ifstream whole(TINY_MODEL, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(whole)), {});
  std::string path = testing::TempDir() + "nnccrt-cut-off.so";
  ASSERT_GT(bytes.size(), 8000u);
  for (size_t length = 0; length < 8000; length += 1 + length / 2) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, length);
    EXPECT_THAT(open(path.c_str()), HasSubstr("cannot load the library: ")) << "of " << length << " bytes";
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, 5000);
  EXPECT_THAT(open(path.c_str()), HasSubstr("is cut off: it has 5000 bytes of "));
  std::remove(path.c_str());
}

} // namespace
} // namespace nncc::rt::test
