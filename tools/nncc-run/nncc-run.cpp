//===- nncc-run.cpp - runs a model on given or made-up inputs -------------------------------------------------------------===//

#include "Compare.h"
#include "DeviceOptions.h"
#include "Inputs.h"
#include "OwnOptions.h"
#include "Program.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

namespace cl = llvm::cl;
using namespace nncc;
using llvm::StringRef;

namespace {

struct Options {
  std::string model, outputDir, outputFormat, trace;
  CompileOptions compile;
  InputOptions inputs;
  LoadOptions load;
  unsigned threads = 0, runs = 1;
  bool profile = false;
  Tolerance tolerance;
};

std::optional<Options> parseOptions(int argc, char **argv, Diagnostics &diagnostics) {
  forgetOptions();
  static cl::OptionCategory category("nncc-run options");
  static cl::opt<std::string> model(cl::Positional, cl::desc("model.onnx|.o|.so"), cl::Required, cl::cat(category));
  static cl::list<std::string> inputs(
      "input", cl::desc("A tensor for an input: --input=x=@x.npy (.npy, .pb, or the bare bytes)"),
      cl::value_desc("name=@file"), cl::cat(category));
  static cl::list<std::string> dims("dim", cl::desc("The value of a symbolic size"), cl::value_desc("name=n"),
                                    cl::cat(category));
  static cl::opt<std::string> testData(
      "test-data",
      cl::desc("A directory with input_I.pb and output_I.pb (not needed with --output), or "
               "with several such"),
      cl::value_desc("dir"), cl::cat(category));
  static cl::opt<double> rtol("rtol", cl::desc("Tolerance relative to the expected element"), cl::init(1e-3),
                              cl::cat(category));
  static cl::opt<double> atol("atol", cl::desc("Absolute tolerance"), cl::init(1e-5), cl::cat(category));
  static cl::opt<double> atolRel("atol-rel", cl::desc("Tolerance relative to the output's largest magnitude"),
                                 cl::init(0), cl::cat(category));
  static cl::opt<unsigned> threads("threads", cl::desc("Threads (default: as many as cores)"), cl::init(0),
                                   cl::cat(category));
  static cl::opt<unsigned> runs("runs", cl::desc("How often to run"), cl::init(1), cl::cat(category));
  static cl::opt<std::string> profile("profile", cl::desc("Print the time of each kernel, or write a Chrome trace"),
                                      cl::ValueOptional, cl::value_desc("trace.json"), cl::cat(category));
  static cl::opt<std::string> outputDir("output", cl::desc("Write the outputs here"), cl::value_desc("dir"),
                                        cl::cat(category));
  static cl::opt<std::string> outputFormat("output-format", cl::desc("pb (default) or npy"), cl::init("pb"),
                                           cl::cat(category));
  static cl::opt<char> optLevel("O", cl::desc("Optimisation level of a model compiled here"), cl::Prefix, cl::init('3'),
                                cl::cat(category));
  static cl::opt<std::string> weights("weights",
                                      cl::desc("The file of weights of an object without (default: beside it)"),
                                      cl::value_desc("file"), cl::cat(category));
  static cl::list<std::string> cpus("mcpu", cl::CommaSeparated, cl::desc("CPUs of a model compiled here"),
                                    cl::cat(category));
  static DeviceOptions devices(category);
  cl::HideUnrelatedOptions(category);
  if (!readOptions(argc, argv, "nncc-run", "nncc-run runs compiled models\n", diagnostics))
    return std::nullopt;

  Options options;
  options.model = model;
  options.inputs = {inputs, dims, testData};
  options.load.weights = weights;
  options.tolerance = {rtol, atol, atolRel};
  options.threads = threads;
  options.runs = runs;
  options.profile = profile.getNumOccurrences() != 0;
  options.trace = profile;
  options.outputDir = outputDir;
  options.outputFormat = outputFormat;
  options.compile.input = model;
  options.compile.optLevel = optLevel - '0';
  if (!cpus.empty())
    options.compile.cpus.assign(cpus.begin(), cpus.end());
  bool ok = devices.read("nncc-run", options.compile, options.load, diagnostics);
  forgetOptions();
  auto usage = [&](const llvm::Twine &message) {
    diagnostics.error(DiagnosticCode::BadOption, "nncc-run", "", message);
  };
  if (options.compile.optLevel > 3)
    usage("-O takes a level from 0 to 3");
  if (options.outputFormat != "pb" && options.outputFormat != "npy")
    usage("--output-format is pb or npy");
  if (!ok || diagnostics.hasErrors())
    return std::nullopt;
  return options;
}

/// One invocation, once the model is loaded.
class Runner {
public:
  Runner(const Options &options, const Program &program, Session &session, Diagnostics &diagnostics)
      : options(options), program(program), session(session), diagnostics(diagnostics) {}

  bool run() {
    if (!options.inputs.testData.empty())
      return runTestData();
    std::optional<std::vector<import::TensorData>> made =
        makeInputs(program.model(), program.path(), options.inputs, llvm::outs(), diagnostics);
    if (!made)
      return false;
    tensors = std::move(*made);
    return session.bind(tensors, diagnostics) && runOften() && printOutputs() && writeOutputs(options.outputDir) &&
           reportProfile();
  }

private:
  bool error(DiagnosticCode code, const llvm::Twine &message) {
    diagnostics.error(code, options.model, "", message);
    return false;
  }
  bool error(llvm::Error problem) { return error(DiagnosticCode::CannotRead, llvm::toString(std::move(problem))); }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Test data
  //===--------------------------------------------------------------------------------------------------------------------===//

  static std::string file(StringRef directory, StringRef kind, uint32_t index) {
    return (directory + "/" + kind + "_" + llvm::Twine(index) + ".pb").str();
  }

  bool runTestData() {
    std::vector<std::string> sets = findDataSets(options.inputs.testData);
    if (sets.empty())
      return error(DiagnosticCode::CannotRead, options.inputs.testData + " has no test data");
    bool same = true;
    for (const std::string &set : sets) {
      std::optional<bool> result = runSet(set);
      if (!result)
        return false;
      same &= *result;
    }
    if (!same)
      error(DiagnosticCode::OutputDiffers, "an output differs from its reference");
    return same && reportProfile();
  }

  std::optional<bool> runSet(const std::string &set) {
    const nnccrt_model &model = program.model();
    tensors.assign(model.num_inputs, {});
    for (uint32_t i = 0; i < model.num_inputs; ++i) {
      llvm::Expected<import::TensorData> tensor = import::readTensorFile(file(set, "input", i));
      if (!tensor)
        return error(tensor.takeError()), std::nullopt;
      tensors[i] = std::move(*tensor);
    }
    if (!session.bind(tensors, diagnostics) || !runOften())
      return std::nullopt;
    bool same = true;
    // What is only to be written needs no references.
    bool compares = options.outputDir.empty() || llvm::sys::fs::exists(file(set, "output", 0));
    for (uint32_t i = 0; compares && i < model.num_outputs; ++i) {
      llvm::Expected<import::TensorData> expected = import::readTensorFile(file(set, "output", i));
      if (!expected)
        return error(expected.takeError()), std::nullopt;
      std::optional<import::TensorData> actual = session.output(i, diagnostics);
      if (!actual)
        return std::nullopt;
      Comparison comparison = compareTensors(*actual, *expected, options.tolerance);
      llvm::outs() << llvm::sys::path::filename(set) << " '" << printable(model.outputs[i].name) << "' "
                   << describeTensor(*actual) << ": " << (comparison.same ? "ok, " : "DIFFERS: ") << comparison.text
                   << "\n";
      same &= comparison.same;
    }
    if (!options.outputDir.empty() && !writeOutputs(options.outputDir + "/" + llvm::sys::path::filename(set).str()))
      return std::nullopt;
    return same;
  }

  //===--------------------------------------------------------------------------------------------------------------------===//
  // Running and telling
  //===--------------------------------------------------------------------------------------------------------------------===//

  bool runOften() {
    for (unsigned i = 0; i < std::max(1u, options.runs); ++i) {
      session.launches.clear();
      if (!session.run(diagnostics))
        return false;
    }
    return true;
  }

  bool printOutputs() {
    const nnccrt_model &model = program.model();
    for (uint32_t i = 0; i < model.num_outputs; ++i) {
      std::optional<import::TensorData> output = session.output(i, diagnostics);
      if (!output)
        return false;
      llvm::outs() << "output '" << printable(model.outputs[i].name) << "': " << describeTensor(*output);
      if (output->dtype == NNCCRT_F32) {
        llvm::outs() << " =";
        const float *values = reinterpret_cast<const float *>(output->bytes.data());
        for (int64_t j = 0, shown = std::min<int64_t>(output->count(), 8); j < shown; ++j)
          llvm::outs() << llvm::format(" %.6g", values[j]);
        llvm::outs() << (output->count() > 8 ? " ..." : "");
      }
      llvm::outs() << "\n";
    }
    return true;
  }

  bool writeOutputs(const std::string &directory) {
    if (directory.empty())
      return true;
    if (std::error_code code = llvm::sys::fs::create_directories(directory))
      return error(DiagnosticCode::CannotWrite, directory + ": " + code.message());
    for (uint32_t i = 0; i < program.model().num_outputs; ++i) {
      std::optional<import::TensorData> output = session.output(i, diagnostics);
      if (!output)
        return false;
      std::string stem = directory + "/output_" + std::to_string(i);
      llvm::Error problem = options.outputFormat == "npy" ? writeNpy(stem + ".npy", *output)
                                                          : import::writeTensorFile(stem + ".pb", *output);
      if (problem)
        return error(DiagnosticCode::CannotWrite, llvm::toString(std::move(problem)));
    }
    return true;
  }

  bool reportProfile() {
    if (!options.profile)
      return true;
    if (options.trace.empty()) {
      printProfile();
      return true;
    }
    llvm::json::Array events;
    for (const Launch &launch : session.launches)
      events.push_back(llvm::json::Object{
          {"name", kernelOf(launch).name},
          {"ph", "X"},
          {"pid", 1},
          {"tid", 1},
          {"ts", double(launch.startNs) / 1000},
          {"dur", double(launch.endNs - launch.startNs) / 1000},
          {"args", llvm::json::Object{{"nodes", printable(kernelOf(launch).nodes)}, {"tiles", launch.tiles}}}});
    llvm::Error problem = writeOutputFile(options.trace, [&](llvm::raw_pwrite_stream &os) {
      os << llvm::json::Value(llvm::json::Object{{"traceEvents", std::move(events)}}) << "\n";
      return llvm::Error::success();
    });
    return !problem || error(DiagnosticCode::CannotWrite, llvm::toString(std::move(problem)));
  }

  /// Kernels by their share of the last run.
  void printProfile() {
    struct Entry {
      std::string name;
      uint64_t ns = 0;
      unsigned launches = 0;
    };
    std::vector<Entry> entries;
    uint64_t total = 0;
    for (const Launch &launch : session.launches) {
      auto found = llvm::find_if(entries, [&](const Entry &entry) { return entry.name == kernelOf(launch).name; });
      Entry &entry = found == entries.end() ? entries.emplace_back(Entry{kernelOf(launch).name}) : *found;
      entry.ns += launch.endNs - launch.startNs;
      ++entry.launches;
      total += launch.endNs - launch.startNs;
    }
    llvm::sort(entries, [](const Entry &a, const Entry &b) { return a.ns > b.ns; });
    for (const Entry &entry : entries)
      llvm::outs() << llvm::format("%10.1f us %5.1f %% %5u x  ", entry.ns / 1e3, total ? 100.0 * entry.ns / total : 0.0,
                                   entry.launches)
                   << entry.name << "\n";
  }

  const nnccrt_kernel_info &kernelOf(const Launch &launch) { return program.model().kernel_infos[launch.kernel]; }

  const Options &options;
  const Program &program;
  Session &session;
  Diagnostics &diagnostics;
  std::vector<import::TensorData> tensors;
};

} // namespace

static void run(const char *argv0, const Options &options, Diagnostics &diagnostics) {
  if (!options.load.emulate.empty() && !emulate(argv0, options.load.emulate, diagnostics))
    return;
  if (std::unique_ptr<Program> program = Program::load(options.compile, options.load, diagnostics))
    if (std::unique_ptr<Session> session =
            Session::create(*program, {.threads = options.threads, .profile = options.profile}, diagnostics))
      Runner(options, *program, *session, diagnostics).run();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Diagnostics diagnostics;
  if (std::optional<Options> options = parseOptions(argc, argv, diagnostics))
    run(argv[0], *options, diagnostics);
  flushStandardOutput(diagnostics);
  diagnostics.print(llvm::errs());
  return static_cast<int>(diagnostics.exitCode());
}
