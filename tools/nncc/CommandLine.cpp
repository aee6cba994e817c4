//===- CommandLine.cpp - what the user asked for --------------------------------------------------------------------------===//

#include "CommandLine.h"
#include "LaterOptions.h"
#include "OwnOptions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Regex.h"

namespace cl = llvm::cl;
using llvm::StringRef;

namespace nncc {
namespace {

cl::OptionCategory category("nncc options");

cl::SubCommand checkCommand("check", "Say whether the model would compile, and every reason why not");
cl::SubCommand infoCommand("info", "Describe a model, an object or a shared object");
cl::SubCommand gpusCommand("gpus", "List the GPUs that -gpu= knows");

/// Options of compiling and of checking.
struct ModelOptions {
  explicit ModelOptions(cl::SubCommand &command)
      : input(cl::Positional, cl::desc("model.onnx"), cl::Required, cl::sub(command), cl::cat(category)),
        shapes("shape", cl::desc("Sizes of an input: --shape=input:1x3x224x224"), cl::value_desc("input:sizes"),
               cl::sub(command), cl::cat(category)),
        dims("dim", cl::desc("A symbolic size: --dim=batch=8, or its bounds --dim=seq=1..512"),
             cl::value_desc("name=n|m..n"), cl::sub(command), cl::cat(category)),
        keepInputs("keep-input", cl::desc("Keep an input that is also an initializer"), cl::value_desc("name"),
                   cl::sub(command), cl::cat(category)),
        externalDataRoot("external-data-root", cl::desc("A directory where external data may be, also behind links"),
                         cl::value_desc("dir"), cl::sub(command), cl::cat(category)),
        diagnosticsFormat("diagnostics-format", cl::desc("How errors are told"), cl::init("text"),
                          cl::value_desc("text|json"), cl::sub(command), cl::cat(category)) {}

  cl::opt<std::string> input;
  cl::list<std::string> shapes, dims, keepInputs;
  cl::opt<std::string> externalDataRoot, diagnosticsFormat;
};

ModelOptions compileModel(cl::SubCommand::getTopLevel());
ModelOptions checkModel(checkCommand);
ModelOptions infoModel(infoCommand);
cl::opt<bool> libs("libs", cl::desc("Print what to link with the object"), cl::sub(infoCommand), cl::cat(category));

cl::opt<std::string> output("o", cl::desc("Output file (- for text on standard output)"), cl::value_desc("file"),
                            cl::cat(category));
cl::opt<EmitStage> emit("emit", cl::desc("What to write"), cl::init(EmitStage::Object), cl::cat(category),
                        cl::values(clEnumValN(EmitStage::Object, "obj", "object file (default)"),
                                   clEnumValN(EmitStage::SharedObject, "so", "shared object"),
                                   clEnumValN(EmitStage::Assembly, "asm", "assembly"),
                                   clEnumValN(EmitStage::PTX, "ptx", "the code for GPUs"),
                                   clEnumValN(EmitStage::LLVM, "llvm", "LLVM IR"),
                                   clEnumValN(EmitStage::Vector, "vector", "kernels as loops and vectors"),
                                   clEnumValN(EmitStage::Tiled, "tiled", "kernels on tensors, and how each is cut"),
                                   clEnumValN(EmitStage::Exec, "exec", "kernels, and the schedule on memory"),
                                   clEnumValN(EmitStage::Linalg, "linalg", "kernels, and the schedule on tensors"),
                                   clEnumValN(EmitStage::NNOpt, "nn-opt", "nn, optimised"),
                                   clEnumValN(EmitStage::NN, "nn", "nn, as imported")));
cl::opt<std::string> target("target",
                            cl::desc("What the model runs on; cuda,cpu: a GPU where there is one (default cpu)"),
                            cl::value_desc("cpu|cuda|cuda,cpu"), cl::init("cpu"), cl::cat(category));
cl::list<std::string> gpus("gpu", cl::CommaSeparated, cl::value_desc("gpu,..."), cl::cat(category),
                           cl::desc("GPUs: cards (nncc gpus), sm_80, all (default sm_50,sm_75,sm_80,sm_90)"));
cl::list<std::string> cubins("cubin", cl::CommaSeparated, cl::ValueOptional, cl::value_desc("gpu,..."),
                             cl::cat(category), cl::desc("Machine code beside the PTX of these images (or of all)"));
cl::opt<std::string> ptxas("ptxas", cl::desc("NVIDIA's assembler, for --cubin"), cl::value_desc("path"),
                           cl::cat(category));
cl::opt<bool> tf32("tf32", cl::cat(category),
                   cl::desc("Products and convolutions of f32 on GPUs with operands rounded to tf32 (from sm_80 on)"));
cl::list<std::string> cpus("mcpu", cl::CommaSeparated, cl::value_desc("cpu,..."), cl::cat(category),
                           cl::desc("CPUs; several in one object, picked at load (default x86-64-v3,x86-64-v4)"));
cl::alias march("march", cl::aliasopt(cpus), cl::desc("Alias of -mcpu"));
cl::opt<char> optLevel("O", cl::desc("Optimisation level 0 to 3"), cl::Prefix, cl::init('3'), cl::cat(category));
cl::opt<std::string> name("name", cl::desc("Name of the model (default: the file's)"), cl::cat(category));
cl::opt<std::string> cppNamespace("namespace", cl::desc("C++ namespace of the header"), cl::cat(category));
cl::opt<std::string> header("header", cl::desc("Header file (- for none)"), cl::value_desc("file"), cl::cat(category));
cl::opt<std::string> weights("weights", cl::desc("Where weights go: embed (default) or file"), cl::init("embed"),
                             cl::cat(category));
cl::opt<bool> debugInfo("g", cl::desc("Debug information: lines are ONNX nodes"), cl::cat(category));
cl::opt<unsigned> jobs("j", cl::desc("Threads (default: as many as cores)"), cl::Prefix, cl::init(0),
                       cl::cat(category));
cl::opt<bool> verbose("v", cl::desc("Print the stages and their time"), cl::cat(category));
cl::opt<bool> verify("verify-each", cl::desc("Verify the IR after every pass and every LLVM module"),
                     cl::cat(category));
cl::opt<bool> noFusion("fno-fusion", cl::desc("One kernel for each operation"), cl::cat(category));
cl::opt<std::string> report("report", cl::desc("Write what was done, as JSON (docs/Report.md)"),
                            cl::value_desc("file.json"), cl::cat(category));
cl::opt<std::string> remarksMade("Rpass", cl::ValueOptional, cl::value_desc("regex"), cl::cat(category),
                                 cl::desc("Say which operations became one kernel (of ONNX nodes that match)"));
cl::opt<std::string> remarksMissed("Rpass-missed", cl::ValueOptional, cl::value_desc("regex"), cl::cat(category),
                                   cl::desc("Say which did not, and why"));
cl::opt<bool> noWinograd("fno-winograd", cl::desc("3x3 convolutions as sums in order, not by transforms"),
                         cl::cat(category));
cl::opt<std::string> sanitize("sanitize", cl::desc("Instrument the kernels: address or thread"), cl::cat(category));
cl::opt<bool> dependencies("MD", cl::desc("Write a file of dependencies for make"), cl::cat(category));
cl::opt<std::string> dependencyFile("MF", cl::desc("Where -MD writes"), cl::value_desc("file"), cl::cat(category));

//===----------------------------------------------------------------------------------------------------------------------===//
// Values with a grammar of their own
//===----------------------------------------------------------------------------------------------------------------------===//

/// input:1x3x?x?. Names contain colons, so the last one splits.
bool parseShape(StringRef text, import::ShapeOverride &shape) {
  auto [input, sizes] = text.rsplit(':');
  if (input.empty() || input.size() == text.size())
    return false;
  shape.input = input.str();
  llvm::SmallVector<StringRef> parts;
  sizes.split(parts, 'x');
  if (sizes.empty())
    return true; // rank 0
  for (StringRef part : parts) {
    int64_t size = 0;
    if (part == "?" || part == "*")
      shape.sizes.push_back(std::nullopt);
    else if (!part.getAsInteger(10, size) && size >= 0)
      shape.sizes.push_back(size);
    else
      return false;
  }
  return true;
}

/// batch=8 or seq=1..512. Names contain equal signs, so the last one splits.
bool parseDim(StringRef text, import::DimOverride &dim) {
  auto [symbol, value] = text.rsplit('=');
  if (symbol.empty() || symbol.size() == text.size())
    return false;
  dim.symbol = symbol.str();
  size_t dots = value.find("..");
  StringRef low = value.substr(0, dots), high = dots == StringRef::npos ? value : value.substr(dots + 2);
  return !low.getAsInteger(10, dim.min) && !high.getAsInteger(10, dim.max) && dim.min >= 0 && dim.min <= dim.max;
}

class Reader {
public:
  explicit Reader(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  void usage(const llvm::Twine &message) { diagnostics.error(DiagnosticCode::BadOption, "nncc", "", message); }

  void read(const ModelOptions &from, CommandLine &line) {
    line.compile.input = from.input;
    line.compile.externalDataRoot = from.externalDataRoot;
    line.compile.import.keepInputs.assign(from.keepInputs.begin(), from.keepInputs.end());
    for (const std::string &text : from.shapes)
      if (import::ShapeOverride shape; parseShape(text, shape))
        line.compile.import.shapes.push_back(shape);
      else
        usage("--shape=" + text + " is not of the form input:1x3x224x224");
    for (const std::string &text : from.dims)
      if (import::DimOverride dim; parseDim(text, dim))
        line.compile.import.dims.push_back(dim);
      else
        usage("--dim=" + text + " is not of the form name=8 or name=1..512");
    line.jsonDiagnostics = from.diagnosticsFormat == "json";
    if (!line.jsonDiagnostics && from.diagnosticsFormat != "text")
      usage("--diagnostics-format is text or json");
  }

  void readCompile(CommandLine &line) {
    CompileOptions &options = line.compile;
    options.output = output;
    options.emit = emit;
    options.name = name;
    options.cppNamespace = cppNamespace;
    options.header = header;
    options.debugInfo = debugInfo;
    options.jobs = jobs;
    options.timing = verbose;
    options.verify = verify;
    options.fuse = !noFusion;
    options.winograd = !noWinograd;
    options.progress = !verbose && llvm::sys::Process::StandardErrIsDisplayed();
    if (!cpus.empty())
      options.cpus.assign(cpus.begin(), cpus.end());
    if (optLevel < '0' || optLevel > '3')
      usage("-O takes a level from 0 to 3");
    options.optLevel = optLevel - '0';
    if (weights != "embed" && weights != "file")
      usage("--weights is embed or file");
    options.weightsInFile = weights == "file";
    options.report = report;
    if (!report.empty() && !StringRef(report).ends_with(".json"))
      usage("--report=" + report + ": a report is a .json file");
    options.remarksMade = readRegex(remarksMade);
    options.remarksMissed = readRegex(remarksMissed);
    readTarget(options);
    if (sanitize == "address")
      options.sanitizer = target::Sanitizer::Address;
    else if (sanitize == "thread")
      options.sanitizer = target::Sanitizer::Thread;
    else if (!sanitize.empty())
      usage("--sanitize is address or thread");
    line.dependencies = dependencies || !dependencyFile.empty();
    line.dependencyFile = dependencyFile;
  }

private:
  void readTarget(CompileOptions &options) {
    if (target == "cuda")
      options.target = TargetKind::CUDA;
    else if (target == "cuda,cpu" || target == "cpu,cuda")
      options.target = TargetKind::CUDAAndCPU;
    else if (target != "cpu")
      usage("-target=" + target + " is not supported: it is cpu (Linux, x86-64), cuda or cuda,cpu");
    options.gpus.assign(gpus.begin(), gpus.end());
    options.cubins = cubins.getNumOccurrences() != 0;
    for (const std::string &gpu : cubins)
      if (!gpu.empty())
        options.cubinGPUs.push_back(gpu);
    options.ptxas = ptxas;
    options.tf32 = tf32;
    bool forGPUs = options.target != TargetKind::CPU;
    for (auto [name, isGiven] :
         {std::pair("-gpu", gpus.getNumOccurrences() != 0), {"--cubin", options.cubins}, {"--tf32", options.tf32}})
      if (isGiven && !forGPUs)
        usage(StringRef(name) + " is for -target=cuda");
    if (!ptxas.empty() && !options.cubins)
      usage("--ptxas is for --cubin");
    if (emit == EmitStage::PTX && !forGPUs)
      usage("--emit=ptx is for -target=cuda");
    if ((emit == EmitStage::Tiled || emit == EmitStage::LLVM) && forGPUs)
      usage("--emit=" + StringRef(emit == EmitStage::Tiled ? "tiled" : "llvm") +
            " shows code for CPUs: for -target=cuda there are --emit=vector and --emit=ptx");
    if (sanitize.getNumOccurrences() && forGPUs)
      usage("--sanitize instruments code for CPUs; on a GPU compute-sanitizer does it");
  }

  std::optional<std::string> readRegex(const cl::opt<std::string> &option) {
    if (!option.getNumOccurrences())
      return std::nullopt;
    if (option.empty())
      return ".*";
    std::string problem;
    if (!llvm::Regex(option).isValid(problem))
      usage("-" + option.ArgStr + "=" + option + " is no regular expression: " + problem);
    return option;
  }

  Diagnostics &diagnostics;
};

/// lld registers options of its own, some of the same names, when it first links.
void forgetOwnOptions() {
  for (cl::SubCommand *command : {&cl::SubCommand::getTopLevel(), &checkCommand, &infoCommand, &gpusCommand}) {
    llvm::SmallVector<cl::Option *> ours;
    for (auto &entry : cl::getRegisteredOptions(*command))
      if (llvm::is_contained(entry.second->Categories, &category))
        ours.push_back(entry.second);
    for (cl::Option *option : ours)
      option->removeArgument();
  }
}

} // namespace

std::optional<CommandLine> parseCommandLine(int argc, char **argv, Diagnostics &diagnostics) {
  cl::HideUnrelatedOptions(category);
  cl::HideUnrelatedOptions(category, checkCommand);
  cl::HideUnrelatedOptions(category, infoCommand);
  cl::HideUnrelatedOptions(category, gpusCommand);
  std::string problem;
  llvm::raw_string_ostream os(problem);
  Reader reader(diagnostics);
  if (std::optional<std::string> reason = findLaterOption({argv, size_t(argc)})) {
    reader.usage(*reason);
    return std::nullopt;
  }
  if (!cl::ParseCommandLineOptions(argc, argv, "nncc compiles ONNX models to object files\n", &os)) {
    reportUsage("nncc", problem, diagnostics);
    return std::nullopt;
  }
  CommandLine line;
  if (gpusCommand) {
    line.command = Command::GPUs;
  } else if (checkCommand) {
    line.command = Command::Check;
    reader.read(checkModel, line);
  } else if (infoCommand) {
    line.command = Command::Info;
    line.libs = libs;
    reader.read(infoModel, line);
  } else {
    reader.read(compileModel, line);
    reader.readCompile(line);
  }
  forgetOwnOptions();
  if (diagnostics.hasErrors())
    return std::nullopt;
  return line;
}

} // namespace nncc
