//===- DiagnosticsTest.cpp - codes, exit codes, and how diagnostics are printed -------------------------------------------------===//

#include "nncc/Support/Diagnostics.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"

namespace nncc {
namespace {

std::string printed(const Diagnostics &diagnostics) {
  std::string text;
  llvm::raw_string_ostream os(text);
  diagnostics.print(os);
  return text;
}

TEST(Diagnostics, PrintsLikeACompiler) {
  Diagnostics diagnostics;
  diagnostics.error(DiagnosticCode::InvalidNode, "m.onnx", "/layer1/Conv_3", "wrong")
      .note("found 3")
      .note("expected 4");
  EXPECT_EQ(printed(diagnostics),
            "m.onnx:/layer1/Conv_3: error: wrong [NN4109]\n  note: found 3\n  note: expected 4\n");
}

TEST(Diagnostics, EndsWithTheGravest) {
  Diagnostics diagnostics;
  EXPECT_EQ(diagnostics.exitCode(), ExitCode::Ok);
  diagnostics.warning(DiagnosticCode::IgnoredTraining, "", "", "");
  EXPECT_EQ(diagnostics.exitCode(), ExitCode::Ok);
  diagnostics.error(DiagnosticCode::UnsupportedOperator, "", "", "");
  EXPECT_EQ(diagnostics.exitCode(), ExitCode::Unsupported);
  diagnostics.error(DiagnosticCode::InvalidNode, "", "", "");
  EXPECT_EQ(diagnostics.exitCode(), ExitCode::InvalidModel);
  diagnostics.error(DiagnosticCode::Internal, "", "", "");
  EXPECT_EQ(diagnostics.exitCode(), ExitCode::Internal);
}

TEST(Diagnostics, TheFirstDigitIsTheExitCode) {
  auto expected = [](int number) {
    constexpr int kByDigit[] = {-1, 0, 2, 3, 4, 5, 6, 70, 1};
    return kByDigit[number / 1000];
  };
#define NNCC_DIAGNOSTIC(NAME, NUMBER, MEANING)                                                                         \
  EXPECT_EQ(int(exitCode(DiagnosticCode::NAME)), expected(NUMBER)) << (NUMBER);                                        \
  EXPECT_FALSE(meaning(DiagnosticCode::NAME).empty());
#include "nncc/Support/Diagnostics.def"
#undef NNCC_DIAGNOSTIC
}

TEST(Diagnostics, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31m\n\0b"), "a\\x1b[31m\\x0a");
  EXPECT_EQ(printable(llvm::StringRef("nul\0nul", 7)), "nul\\x00nul");
  EXPECT_EQ(printable("grün \xff\xc3"), "grün \\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b"); // CSI
  EXPECT_EQ(printable(std::string(1000, 'x'), 10), "xxxxx[... 990 bytes ...]xxxxx");
}

TEST(Diagnostics, JSONIsValidWhateverTheNames) {
  Diagnostics diagnostics;
  diagnostics.error(DiagnosticCode::InvalidNode, "m.onnx", "\xff\x01\"", "wrong").note("n");
  std::string text;
  llvm::raw_string_ostream os(text);
  diagnostics.printJSON(os);
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  ASSERT_TRUE(bool(parsed)) << text;
  EXPECT_EQ(parsed->getAsArray()->front().getAsObject()->getString("code"), "NN4109");
}

} // namespace
} // namespace nncc
