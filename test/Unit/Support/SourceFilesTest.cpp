//===- SourceFilesTest.cpp - a model reads its own directory and nothing else ---------------------------------------------------===//

#include "nncc/Support/SourceFiles.h"
#include "gmock/gmock.h"
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace nncc {
namespace {

namespace fs = std::filesystem;

/// A directory with a model in it and a secret beside it.
class SourceFilesTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nncc-source-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top = pattern;
    fs::create_directories(top / "model" / "sub");
    write("model/model.onnx", "model");
    write("model/data.bin", "0123456789");
    write("model/sub/data.bin", "sub");
    write("secret", "secret");
  }
  void TearDown() override { fs::remove_all(top); }

  void write(const char *name, const char *content) { std::ofstream(top / name) << content; }
  SourceFiles files(const std::string &root = "") { return SourceFiles((top / "model/model.onnx").string(), root); }
  void expectRefused(SourceFiles files, llvm::StringRef name, DiagnosticCode code) {
    FileError error;
    EXPECT_FALSE(files.open(name, error)) << name.str();
    EXPECT_EQ(error.code, code) << name.str() << ": " << error.message;
  }

  fs::path top;
};

TEST_F(SourceFilesTest, ReadsTheDirectoryOfTheModel) {
  SourceFiles source = files();
  FileError error;
  EXPECT_EQ(source.model(error), "model");
  EXPECT_EQ(source.open("model.onnx", error), "model");
  EXPECT_EQ(source.open("data.bin", error), "0123456789");
  EXPECT_EQ(source.open("./sub/data.bin", error), "sub");
  EXPECT_EQ(source.read("data.bin", 2, 3, error), "234");
  EXPECT_EQ(source.read("data.bin", 10, 0, error), "");
}

TEST_F(SourceFilesTest, WhatWasOpenedIsWhatIsRead) {
  SourceFiles source = files();
  FileError error;
  EXPECT_EQ(source.open("data.bin", error), "0123456789");
  fs::remove(top / "model/data.bin"); // between the check and the use
  fs::create_symlink(top / "secret", top / "model/data.bin");
  EXPECT_EQ(source.read("data.bin", 2, 3, error), "234");
  expectRefused(files(), "data.bin", DiagnosticCode::ExternalDataOutside);
}

TEST_F(SourceFilesTest, RefusesNamesThatLeadOutside) {
  for (const char *name : {"../secret", "sub/../../secret", "sub/../data.bin"})
    expectRefused(files(), name, DiagnosticCode::ExternalDataOutside);
  expectRefused(files(), (top / "secret").string(), DiagnosticCode::ExternalDataOutside);
  expectRefused(files(), "", DiagnosticCode::BadExternalData);
  expectRefused(files(), llvm::StringRef("data.bin\0x", 10), DiagnosticCode::BadExternalData);
}

TEST_F(SourceFilesTest, RefusesLinks) {
  fs::create_symlink(top / "secret", top / "model/link");
  fs::create_symlink("data.bin", top / "model/inner");
  fs::create_directory_symlink(top, top / "model/up");
  fs::create_hard_link(top / "secret", top / "model/hard");
  for (const char *name : {"link", "inner", "up/secret", "hard"})
    expectRefused(files(), name, DiagnosticCode::ExternalDataOutside);
}

TEST_F(SourceFilesTest, RefusesWhatIsNoFile) {
  ASSERT_EQ(mkfifo((top / "model/fifo").c_str(), 0600), 0);
  expectRefused(files(), "fifo", DiagnosticCode::NotAFile); // and does not wait for a writer
  expectRefused(files(), "sub", DiagnosticCode::NotAFile);
  expectRefused(files(), "missing", DiagnosticCode::CannotReadExternal);
}

TEST_F(SourceFilesTest, RefusesPartsBeyondTheEnd) {
  SourceFiles source = files();
  for (auto [offset, length] : {std::pair<uint64_t, uint64_t>{0, 11}, {11, 0}, {5, UINT64_MAX}, {UINT64_MAX, 1}}) {
    FileError error;
    EXPECT_FALSE(source.read("data.bin", offset, length, error));
    EXPECT_EQ(error.code, DiagnosticCode::BadExternalData);
  }
}

TEST_F(SourceFilesTest, ARootAllowsLinksBelowIt) {
  fs::create_directory(top / "blobs");
  write("blobs/b", "blob");
  fs::create_symlink("../blobs/b", top / "model/link");
  FileError error;
  SourceFiles source = files(top.string());
  EXPECT_EQ(source.open("link", error), "blob") << error.message;
}

TEST_F(SourceFilesTest, ARootIsALimitToo) {
  fs::create_symlink(top / "secret", top / "model/link");
  expectRefused(files((top / "model").string()), "link", DiagnosticCode::ExternalDataOutside);
}

} // namespace
} // namespace nncc
