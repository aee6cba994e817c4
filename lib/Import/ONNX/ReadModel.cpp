//===- ReadModel.cpp - from a file to a protobuf message ------------------------------------------------------------------===//

#include "ReadModel.h"
#include "WireScan.h"
#include "nncc/Support/BracketDepth.h"
#include "onnx/defs/parser.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

using namespace llvm;

namespace nncc::import {

// Messages in messages. 32 nested graphs need 100; parsers recurse.
static constexpr int kMaxMessageDepth = 200;
static constexpr unsigned kMaxTextDepth = 400; // brackets: the parsers of text recurse
static constexpr uint64_t kMaxText = uint64_t(1) << 30;

namespace {
class FirstError : public google::protobuf::io::ErrorCollector {
public:
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string &message) override {
    if (text.empty())
      text = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message;
  }
  std::string text;
};
} // namespace

static bool readBinary(StringRef bytes, onnx::ModelProto &model, Reporter &reporter) {
  if (bytes.empty()) {
    reporter.error(DiagnosticCode::NotAModel, "", "not an ONNX model: the file is empty");
    return false;
  }
  std::string skeleton;
  switch (copyWithoutWeights(bytes, skeleton)) {
  case ScanResult::Ok:
    break;
  case ScanResult::Malformed:
    reporter.error(DiagnosticCode::NotAModel, "", "not an ONNX model: the bytes are not a protobuf message")
        .note("the file may be truncated (" + Twine(bytes.size()) + " bytes)");
    return false;
  case ScanResult::TooDeep:
    reporter.error(DiagnosticCode::TooDeep, "", "graphs are nested too deeply").note("at most 32 graphs may be nested");
    return false;
  case ScanResult::TooLarge:
    reporter.error(DiagnosticCode::TooLarge, "", "the model without its large tensors is over 2 GiB")
        .note("store tensors as raw_data, or as external data");
    return false;
  }
  google::protobuf::io::ArrayInputStream stream(skeleton.data(), skeleton.size());
  google::protobuf::io::CodedInputStream input(&stream);
  input.SetRecursionLimit(kMaxMessageDepth);
  if (model.ParsePartialFromCodedStream(&input) && input.ConsumedEntireMessage())
    return true;
  reporter.error(DiagnosticCode::NotAModel, "", "not an ONNX model: the bytes are not the message ModelProto");
  return false;
}

static std::string oneLine(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, /*KeepEmpty=*/false);
  return llvm::join(lines, ": ");
}

static bool readText(StringRef text, bool protobufText, onnx::ModelProto &model, Reporter &reporter) {
  if (text.size() > kMaxText) {
    reporter.error(DiagnosticCode::TooLarge, "", "a model in text form may have at most 1 GiB")
        .note("use the binary form");
    return false;
  }
  if (bracketDepth(text, "#") > kMaxTextDepth) {
    reporter.error(DiagnosticCode::TooDeep, "", "the text is nested too deeply");
    return false;
  }
  if (protobufText) {
    google::protobuf::TextFormat::Parser parser;
    FirstError errors;
    parser.RecordErrorsTo(&errors);
    parser.SetRecursionLimit(kMaxMessageDepth);
    google::protobuf::io::ArrayInputStream stream(text.data(), text.size());
    if (parser.Parse(&stream, &model))
      return true;
    reporter.error(DiagnosticCode::TextSyntax, "", errors.text);
    return false;
  }
  bool parsed = false;
  return reporter.guarded(DiagnosticCode::TextSyntax, "", [&] {
    onnx::OnnxParser parser(std::string_view(text.data(), text.size()));
    onnx::Common::Status status = parser.Parse(model);
    parsed = status.IsOK() && parser.EndOfInput();
    if (!status.IsOK())
      reporter.error(DiagnosticCode::TextSyntax, "", oneLine(status.ErrorMessage()));
    else if (!parsed)
      reporter.error(DiagnosticCode::TextSyntax, "", "text after the model");
  }) && parsed;
}

bool readModel(SourceFiles &files, onnx::ModelProto &model, Reporter &reporter) {
  FileError problem;
  std::optional<StringRef> bytes = files.model(problem);
  if (!bytes) {
    reporter.fileError(problem, "");
    return false;
  }
  StringRef name = files.modelPath();
  auto hasExtension = [&](StringRef extension) { return name.ends_with(extension); };
  if (hasExtension(".onnxtxt"))
    return readText(*bytes, /*protobufText=*/false, model, reporter);
  if (llvm::any_of(ArrayRef<StringRef>{".textproto", ".pbtxt", ".prototxt", ".txtpb"}, hasExtension))
    return readText(*bytes, /*protobufText=*/true, model, reporter);
  return readBinary(*bytes, model, reporter);
}

} // namespace nncc::import
