//===- OutputFileTest.cpp - files that appear together --------------------------------------------------------------------===//

#include "nncc/Support/OutputFile.h"
#include "nncc/Support/BracketDepth.h"
#include "gmock/gmock.h"
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
using llvm::Error;

namespace nncc {
namespace {

class OutputFileTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nncc-output-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top = pattern;
    std::ofstream(top / "old") << "old";
  }
  void TearDown() override { fs::remove_all(top); }

  std::string path(const char *name) const { return (top / name).string(); }
  std::string content(const char *name) const {
    std::ifstream file(top / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t countFiles() const { return std::distance(fs::directory_iterator(top), {}); }
  bool writes(OutputFiles &files, const char *name) {
    Error error = files.write(path(name), [](llvm::raw_pwrite_stream &out) {
      out << "new";
      return Error::success();
    });
    bool ok = !error;
    llvm::consumeError(std::move(error));
    return ok;
  }
  bool accepts(const std::vector<std::string> &outputs, const std::vector<std::string> &inputs) {
    Diagnostics diagnostics;
    return checkOutputPaths(outputs, inputs, diagnostics);
  }

  fs::path top;
};

TEST_F(OutputFileTest, AppearTogether) {
  OutputFiles files;
  EXPECT_TRUE(writes(files, "old"));
  EXPECT_TRUE(writes(files, "other"));
  EXPECT_EQ(content("old"), "old");
  EXPECT_FALSE(fs::exists(top / "other"));
  EXPECT_FALSE(bool(files.commit()));
  EXPECT_EQ(content("old"), "new");
  EXPECT_EQ(content("other"), "new");
  EXPECT_EQ(countFiles(), 2u);
}

TEST_F(OutputFileTest, OrNotAtAll) {
  {
    OutputFiles files;
    EXPECT_TRUE(writes(files, "old"));
    EXPECT_FALSE(writes(files, "none/other"));
  }
  EXPECT_EQ(content("old"), "old");
  EXPECT_EQ(countFiles(), 1u);
}

TEST_F(OutputFileTest, FollowLinks) {
  fs::create_symlink("old", top / "link");
  OutputFiles files;
  EXPECT_TRUE(writes(files, "link"));
  EXPECT_FALSE(bool(files.commit()));
  EXPECT_TRUE(fs::is_symlink(top / "link"));
  EXPECT_EQ(content("old"), "new");
}

TEST_F(OutputFileTest, DoNotReplaceWhatIsRead) {
  fs::create_symlink("old", top / "link");
  fs::create_hard_link(top / "old", top / "hard");
  for (const char *name : {"old", "./old", "link", "hard"})
    EXPECT_FALSE(accepts({path("new"), path(name)}, {path("other"), path("old")})) << name;
  EXPECT_FALSE(accepts({path("new"), path("./new")}, {}));
  EXPECT_TRUE(accepts({path("new"), "", "-", "-", "/dev/null", "/dev/null"}, {path("old")}));
}

TEST(BracketDepth, CountsWhatIsOpen) {
  EXPECT_EQ(bracketDepth("a(b[c]{d}) -> (e) => <f>", "//"), 2u);
  EXPECT_EQ(bracketDepth("\"((((\" // ((((\n(", "//"), 1u);
  EXPECT_EQ(bracketDepth("\"\\\"((\"", "//"), 0u);
  EXPECT_EQ(bracketDepth("#a<(#b<(", "//"), 4u);
  EXPECT_EQ(bracketDepth("# ((((\n(", "#"), 1u);
  EXPECT_EQ(bracketDepth(std::string(1000, '('), "//"), 1000u);
}

} // namespace
} // namespace nncc
