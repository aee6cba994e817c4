//===- Options.cpp - what the user of nncc-bench asked for ----------------------------------------------------------------===//

#include "Options.h"
#include "DeviceOptions.h"
#include "OwnOptions.h"

namespace cl = llvm::cl;

namespace nncc {

std::optional<BenchOptions> parseBenchOptions(int argc, char **argv, Diagnostics &diagnostics) {
  forgetOptions();
  static cl::OptionCategory category("nncc-bench options");
  auto in = cl::cat(category);
  static cl::opt<std::string> model(cl::Positional, cl::desc("model.onnx|.o|.so"), cl::Required, in);
  static cl::list<std::string> inputs("input",
                                      cl::desc("A tensor for an input: --input=x=@x.npy (.npy, .pb, or bytes)"),
                                      cl::value_desc("name=@file"), in);
  static cl::list<std::string> dims("dim", cl::desc("The value of a symbolic size"), cl::value_desc("name=n"), in);
  static cl::opt<std::string> testData("test-data", cl::desc("A directory with input_I.pb"), cl::value_desc("dir"), in);
  static cl::opt<std::string> weights("weights", cl::desc("The file of weights of an object without"),
                                      cl::value_desc("file"), in);
  static cl::opt<unsigned> threads("threads", cl::desc("Threads of a run (default: as many as cores)"), in);
  static cl::opt<unsigned> streams("streams", cl::desc("Runs at once, each in a context of its own"), cl::init(1), in);
  static cl::opt<unsigned> warmup("warmup", cl::desc("Runs before the clock starts (default 3)"), cl::init(3), in);
  static cl::opt<double> seconds("seconds", cl::desc("How long to run (default 1), once at least"), cl::init(1), in);
  static cl::opt<bool> json("json", cl::desc("Print JSON"), in);
  static cl::opt<bool> kernels("kernels", cl::desc("Measure each kernel, too (default)"), cl::init(true), in);
  static cl::opt<bool> isStatic("static",
                                cl::desc("Run nothing: show what the machine code of kernels for GPUs can reach "
                                         "(--gpu; needs python3 and NVIDIA's ptxas and nvdisasm)"),
                                in);
  static cl::opt<char> optLevel("O", cl::desc("Optimisation level of a model compiled here"), cl::Prefix, cl::init('3'),
                                in);
  static cl::list<std::string> cpus("mcpu", cl::CommaSeparated, cl::desc("CPUs of a model compiled here"), in);
  static DeviceOptions devices(category);
  cl::HideUnrelatedOptions(category);
  if (!readOptions(argc, argv, "nncc-bench", "nncc-bench measures how fast a model runs, and each of its kernels\n",
                   diagnostics))
    return std::nullopt;

  BenchOptions options;
  options.compile.input = model;
  options.compile.optLevel = optLevel - '0';
  if (!cpus.empty())
    options.compile.cpus = cpus;
  options.load.weights = weights;
  options.inputs = {inputs, dims, testData};
  options.measure = {.threads = threads, .streams = streams, .warmup = warmup, .seconds = seconds};
  options.json = json;
  options.kernels = kernels;
  options.isStatic = isStatic;
  devices.read("nncc-bench", options.compile, options.load, diagnostics);
  forgetOptions();
  auto usage = [&](const llvm::Twine &message) {
    diagnostics.error(DiagnosticCode::BadOption, "nncc-bench", "", message);
  };
  if (options.compile.optLevel > 3)
    usage("-O takes a level from 0 to 3");
  if (!options.measure.streams)
    usage("--streams=0 would run nothing");
  if (!(options.measure.seconds >= 0))
    usage("--seconds must not be negative");
  if (diagnostics.hasErrors())
    return std::nullopt;
  return options;
}

} // namespace nncc
