//===- ModulesTest.cpp - images of several modules --------------------------------------------------------------===//

#include "Calls.h"
#include <cerrno>
#include <pthread.h>

using namespace nncc::rt::test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

static bool threadsStart = true;

// The runtime's calls, as the linker is told: CMakeLists.txt.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): as --wrap wants them.
extern "C" {
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  return threadsStart ? __real_pthread_create(thread, attributes, body, argument) : EAGAIN;
}
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

static std::string runInParts() {
  CudaModel model;
  return runOnce(model.inParts());
}

/// Each of three waits until the others are being loaded as well, which one thread would wait for in vain.
TEST_F(CudaCalls, ModulesAreLoadedAtOnce) {
  run({{"NNCC_EMU_FAULT", "together=3"}, {"NNCC_NUM_THREADS", "3"}}, "2 3 4 5", runInParts);
  EXPECT_EQ(count("cuModuleLoadData"), 3);
  EXPECT_EQ(count("cuModuleUnload"), 3);
  EXPECT_EQ(count("cuCtxPushCurrent"), count("cuCtxPopCurrent"));
  EXPECT_EQ(reported, "");
}

TEST_F(CudaCalls, ModulesOnOneThread) {
  run({{"NNCC_NUM_THREADS", "1"}}, "2 3 4 5", runInParts);
  EXPECT_EQ(count("cuModuleLoadData"), 3);
  EXPECT_EQ(count("cuModuleUnload"), 3);
  // Nothing of a number that is none: it is for runs on a CPU.
  run({{"NNCC_NUM_THREADS", "many"}}, "2 3 4 5", runInParts);
}

TEST_F(CudaCalls, ModulesWhereNoThreadStarts) {
  run({{"NNCC_NUM_THREADS", "3"}}, "2 3 4 5", [] {
    threadsStart = false;
    std::string text = runInParts();
    threadsStart = true;
    return text;
  });
  EXPECT_EQ(count("cuModuleLoadData"), 3);
}

/// Of several that fail the first is told, whichever thread is first; the others are unloaded, and what comes then works.
TEST_F(CudaCalls, ModulesThatFail) {
  const std::string wrong = ".version 6.3\n.target sm_50\n.address_size 64\n.visible .entry k0_add() { frobnicate; }\n";
  const std::string none = "no module";
  for (const char *threads : {"1", "3"})
    for (size_t broken = 0; broken < 3; ++broken) {
      SCOPED_TRACE(threads + (" threads, module " + std::to_string(broken)));
      run({{"NNCC_NUM_THREADS", threads}}, "2 3 4 5", [&] {
        CudaModel model;
        const std::vector<nnccrt_cuda_part> good = model.inParts().parts;
        model.parts[2] = {none.c_str(), none.size()};
        model.parts[broken] = {wrong.c_str(), wrong.size()};
        Loaded loaded(model);
        std::string expected = "for sm_50 (module " + std::to_string(broken + 1) + " of 3) to cuda:0 (Tesla T4, sm_75)";
        std::string text = loaded.status.message;
        if (loaded.context || text.find(expected) == text.npos || text.find("frobnicate") == text.npos)
          return "instead: " + text;
        std::copy(good.begin(), good.end(), model.parts.begin());
        nnccrt_create(loaded.program, nullptr, &loaded.context, &loaded.status);
        float x[] = {1, 2, 3, 4};
        return sequence({loaded.bindInput(x, 4), loaded.run(), loaded.output()});
      });
      EXPECT_THAT(reported,
                  AllOf(HasSubstr("a module is refused"), Not(HasSubstr("1 module")), Not(HasSubstr("modules"))));
    }
}

TEST_F(CudaCalls, EachModuleOutOfMemory) {
  for (const char *threads : {"1", "3"})
    for (int number = 1; number <= 3; ++number) {
      std::string fault = "image@" + std::to_string(number) + "=2";
      std::string text;
      run({{"NNCC_NUM_THREADS", threads}, {"NNCC_EMU_FAULT", fault.c_str()}}, "out of memory", [&] {
        text = runInParts();
        return std::string(text.find("CUDA_ERROR_OUT_OF_MEMORY") == 0 ? "out of memory" : text);
      });
      EXPECT_THAT(reported,
                  AllOf(HasSubstr("a module is refused"), Not(HasSubstr("1 module")), Not(HasSubstr("modules"))));
    }
}

/// One part that is too new for the driver makes an image too new.
TEST_F(CudaCalls, AnOlderImageInParts) {
  const std::string newer = ".version 7.8\n.target sm_70\n.address_size 64\n";
  for (size_t tooNew = 0; tooNew < 3; ++tooNew) {
    run({{"NNCC_EMU_FAULT", "driver=11.2"}, {"NNCC_NUM_THREADS", "2"}}, "2 3 4 5", [&] {
      CudaModel model({50, 70});
      model.inParts().parts[3 + tooNew] = {newer.c_str(), newer.size()};
      return runOnce(model);
    });
    EXPECT_THAT(reported,
                AllOf(HasSubstr("the image is PTX 7.8"), Not(HasSubstr("1 module")), Not(HasSubstr("modules"))));
  }
}

TEST_F(CudaCalls, AKernelOfAPartThatIsNot) {
  EXPECT_EQ(onEmulator({},
                       [] {
                         CudaModel model;
                         model.inParts();
                         model.images[0].num_parts = 2;
                         return runOnce(model);
                       }),
            "kernel k1_sub is in part 2 of 2");
}
