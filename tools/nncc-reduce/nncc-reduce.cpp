//===- nncc-reduce.cpp - the smallest part of a model on which a command still fails --------------------------------------===//

#include "nncc/Import/ONNX/Reduce.h"
#include "nncc/Support/Diagnostics.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;
using namespace nncc;
using llvm::BitVector;
using llvm::StringRef;

static cl::OptionCategory category("nncc-reduce options");
static cl::opt<std::string> input(cl::Positional, cl::desc("model.onnx"), cl::Required, cl::cat(category));
static cl::opt<std::string> test("test", cl::Required, cl::value_desc("command"), cl::cat(category),
                                 cl::desc("A shell command that fails on the model, which {} stands for (or follows)"));
static cl::opt<std::string> output("o", cl::desc("Where the result goes (default: reduced.onnx)"),
                                   cl::init("reduced.onnx"), cl::cat(category));
static cl::opt<bool> keepWeights("keep-weights",
                                 cl::desc("Constants stay constants; without, they become inputs if they may"),
                                 cl::cat(category));
static cl::opt<unsigned> timeout("timeout", cl::desc("Seconds for one run of the command (default 60)"), cl::init(60),
                                 cl::cat(category));

namespace {

class Reduction {
public:
  Reduction(const import::ReducibleModel &model, Diagnostics &diagnostics)
      : model(model), best(model.parts()), diagnostics(diagnostics) {}

  bool run() {
    if (!makeCandidateFile())
      return false;
    std::optional<int> status = tryParts(best);
    if (status && *status == 0) {
      diagnostics.error(DiagnosticCode::BadOption, input, "", "the command does not fail on the whole model: " + test);
      return false;
    }
    wanted = status;
    if (wanted) {
      shrink(&import::ModelParts::nodes);
      if (!keepWeights)
        shrink(&import::ModelParts::weights);
    }
    llvm::consumeError(llvm::errorCodeToError(llvm::sys::fs::remove(candidate))); // a file left behind harms nobody
    return wanted && writeResult();
  }

private:
  bool failed(DiagnosticCode code, StringRef file, const llvm::Twine &why) {
    diagnostics.error(code, file, "", why);
    return false;
  }

  /// Beside the model where it has external data, which nncc looks for there.
  bool makeCandidateFile() {
    int descriptor = -1;
    llvm::SmallString<128> path;
    std::error_code code;
    if (model.hasExternalData()) {
      path = llvm::sys::path::parent_path(input);
      llvm::sys::path::append(path, "nncc-reduce-%%%%%%.onnx");
      code = llvm::sys::fs::createUniqueFile(path, descriptor, path);
    } else {
      code = llvm::sys::fs::createTemporaryFile("nncc-reduce", "onnx", descriptor, path);
    }
    if (code)
      return failed(DiagnosticCode::CannotWrite, path, code.message());
    llvm::raw_fd_ostream closing(descriptor, /*shouldClose=*/true);
    candidate = path.str().str();
    return true;
  }

  /// How the command ends on these parts; nothing after an error of our own.
  std::optional<int> tryParts(const import::ModelParts &parts) {
    std::string bytes = model.write(parts);
    if (llvm::Error problem = writeOutputFile(candidate, [&](llvm::raw_pwrite_stream &os) {
          os << bytes;
          return llvm::Error::success();
        })) {
      failed(DiagnosticCode::CannotWrite, candidate, llvm::toString(std::move(problem)));
      return std::nullopt;
    }
    std::string command = test;
    size_t place = command.find("{}");
    if (place == std::string::npos)
      command += " " + candidate;
    for (; place != std::string::npos; place = command.find("{}", place + candidate.size()))
      command.replace(place, 2, candidate);
    ++runs;
    std::optional<StringRef> nowhere[] = {"", "", ""}; // no input, and no output
    std::string message;
    int status = llvm::sys::ExecuteAndWait("/bin/sh", {"/bin/sh", "-c", command}, std::nullopt, nowhere, timeout,
                                           /*MemoryLimit=*/0, &message);
    return status;
  }

  bool stillFails(const import::ModelParts &parts) {
    std::optional<int> status = tryParts(parts);
    return status && *status == *wanted;
  }

  /// Leaves out ever smaller runs of one kind of parts, from the last to the first, as long as the command fails as it did.
  void shrink(BitVector import::ModelParts::*kind) {
    for (unsigned size = std::max(1u, (best.*kind).count()); size;
         size = size == 1 && !progress ? 0 : std::max(1u, size / 2)) {
      progress = false;
      llvm::SmallVector<unsigned> left((best.*kind).set_bits());
      for (size_t end = left.size(); end; end -= std::min<size_t>(end, size)) {
        import::ModelParts smaller = best;
        for (size_t i = end - std::min<size_t>(end, size); i < end; ++i)
          (smaller.*kind).reset(left[i]);
        if (!stillFails(smaller))
          continue;
        best = smaller;
        progress = true;
        llvm::errs() << "nncc-reduce: " << best.nodes.count() << " nodes, " << best.weights.count() << " constants\n";
      }
    }
  }

  bool writeResult() {
    std::string bytes = model.write(best);
    if (llvm::Error problem = writeOutputFile(output, [&](llvm::raw_pwrite_stream &os) {
          os << bytes;
          return llvm::Error::success();
        }))
      return failed(DiagnosticCode::CannotWrite, output, llvm::toString(std::move(problem)));
    llvm::outs() << output << ": " << best.nodes.count() << " of " << model.parts().nodes.size() << " nodes, "
                 << bytes.size() << " bytes; the command ends with " << *wanted << " on it, as on the whole (" << runs
                 << " runs)\n";
    return true;
  }

  const import::ReducibleModel &model;
  import::ModelParts best;
  Diagnostics &diagnostics;
  std::string candidate;
  std::optional<int> wanted; ///< how the command ends on the whole model
  bool progress = false;
  unsigned runs = 0;
};

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  std::string problem;
  llvm::raw_string_ostream os(problem);
  Diagnostics diagnostics;
  if (!cl::ParseCommandLineOptions(
          argc, argv, "nncc-reduce finds the smallest part of a model on which a command still fails\n", &os))
    diagnostics.error(DiagnosticCode::BadOption, "nncc-reduce", "", StringRef(problem).trim());
  else if (auto model = import::ReducibleModel::read(input); !model)
    diagnostics.error(DiagnosticCode::CannotRead, input, "", llvm::toString(model.takeError()));
  else if (checkOutputPaths(output.getValue(), input.getValue(), diagnostics))
    Reduction(**model, diagnostics).run();
  flushStandardOutput(diagnostics);
  diagnostics.print(llvm::errs());
  return static_cast<int>(diagnostics.exitCode());
}
