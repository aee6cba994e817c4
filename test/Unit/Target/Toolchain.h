//===- Toolchain.h - compilers and linkers in a folder of their own -------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_TARGET_TOOLCHAIN_H
#define NNCC_TEST_UNIT_TARGET_TOOLCHAIN_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "gtest/gtest.h"

namespace nncc::target {

/// A folder that is removed at the end, and programs run in it.
class Toolchain : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("nncc-target", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(const llvm::Twine &name) { return (folder + "/" + name).str(); }
  std::string read(const llvm::Twine &name) {
    auto buffer = llvm::MemoryBuffer::getFile(path(name), false, false);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  /// What the program prints; when it fails, its exit code and messages.
  std::string run(llvm::StringRef program, llvm::ArrayRef<std::string> arguments) {
    std::vector<llvm::StringRef> all = {program};
    llvm::append_range(all, arguments);
    std::string out = path("out"), err = path("err");
    llvm::sys::fs::remove(out); // LLVM does not truncate
    llvm::sys::fs::remove(err);
    llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName(program);
    if (!found)
      return "not installed";
    int code = llvm::sys::ExecuteAndWait(*found, all, std::nullopt, {"", llvm::StringRef(out), llvm::StringRef(err)});
    return code ? "exit " + std::to_string(code) + ": " + read("err") : read("out");
  }
  /// Inputs/`source`, compiled to driver.o.
  void compileDriver(llvm::StringRef source, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"-I" NNCC_TEST_INCLUDE, "-fPIC", "-c", (NNCC_TEST_INPUTS "/" + source).str(), "-o",
                               path("driver.o")});
    ASSERT_EQ(run(NNCC_TEST_CLANG, flags), "");
  }
  std::string linkAndRun(llvm::StringRef compiler, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"-o", path("program")});
    std::string messages = run(compiler, flags);
    return messages.empty() ? run(path("program"), {}) : messages;
  }

  llvm::SmallString<128> folder;
};

} // namespace nncc::target

#endif // NNCC_TEST_UNIT_TARGET_TOOLCHAIN_H
