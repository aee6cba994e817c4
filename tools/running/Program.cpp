//===- Program.cpp - a model, loaded to run -------------------------------------------------------------------------------===//

#include "Program.h"
#include "KernelCost.h"
#include "nncc/Target/Link.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <chrono>

using llvm::StringRef;

namespace nncc {

/// The runtime's reason as a diagnostic.
static bool report(const nnccrt_status &status, StringRef file, Diagnostics &diagnostics) {
  DiagnosticCode code = DiagnosticCode::RunFailed;
  if (status.code == NNCCRT_UNSUPPORTED)
    code = DiagnosticCode::UnsupportedNode;
  else if (status.code == NNCCRT_IO || status.code == NNCCRT_DEVICE)
    code = DiagnosticCode::CannotRead;
  diagnostics.error(code, file, "", status.message);
  return false;
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool survives(llvm::function_ref<void()> read, StringRef file, Diagnostics &diagnostics) {
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext guarded;
  bool survived = guarded.RunSafely(read);
  llvm::CrashRecoveryContext::Disable();
  if (!survived)
    diagnostics.error(DiagnosticCode::CannotRead, file, "", "the file is damaged: to read it crashes");
  return survived;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------------------------------------------------------===//

/// An object as a shared object that can be opened.
static bool linkObject(StringRef input, StringRef output, Diagnostics &diagnostics) {
  auto buffer = llvm::MemoryBuffer::getFile(input, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    diagnostics.error(DiagnosticCode::CannotRead, input, "", buffer.getError().message());
    return false;
  }
  target::ObjectBytes object((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
  if (llvm::Error error = target::writeSharedObject(output, object, {})) {
    diagnostics.error(DiagnosticCode::CannotRead, input, "", llvm::toString(std::move(error)));
    return false;
  }
  return true;
}

bool Program::prepare(const CompileOptions &compiling, Diagnostics &diagnostics) {
  StringRef input = compiling.input;
  library = input.str();
  if (input.ends_with(".so"))
    return true;
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nncc-run", "so", path)) {
    diagnostics.error(DiagnosticCode::CannotWrite, input, "", error.message());
    return false;
  }
  library = temporary = path.str().str();
  if (input.ends_with(".o"))
    return linkObject(input, temporary, diagnostics);
  auto start = std::chrono::steady_clock::now();
  CompileOptions options = compiling;
  options.emit = EmitStage::SharedObject;
  options.output = temporary;
  options.header = "-";
  bool ok = compile(options, diagnostics).has_value();
  compileTime = secondsSince(start);
  return ok;
}

bool Program::open(const LoadOptions &options, Diagnostics &diagnostics) {
  auto start = std::chrono::steady_clock::now();
  nnccrt_status status = {};
  nnccrt_load_options load = {};
  load.size = sizeof(load);
  load.flags = options.describeOnly ? NNCCRT_DESCRIBE_ONLY : 0;
  load.device = options.device.empty() ? nullptr : options.device.c_str();
  load.memory_limit = options.memoryLimit;
  load.weights_path = options.weights.empty() ? nullptr : options.weights.c_str();
  // The object was linked elsewhere: its weights are still beside it.
  std::string directory = llvm::sys::path::parent_path(name).str();
  directory = directory.empty() ? "." : directory;
  if (!temporary.empty())
    load.weights_directory = directory.c_str();
  nnccrt_code code = NNCCRT_OK;
  if (!survives([&] { code = nnccrt_open(library.c_str(), nullptr, &load, &program, &status); }, name, diagnostics))
    return false;
  if (code)
    return report(status, name, diagnostics);
  loadTime = secondsSince(start);
  return true;
}

std::unique_ptr<Program> Program::load(const CompileOptions &compiling, const LoadOptions &options,
                                       Diagnostics &diagnostics) {
  std::unique_ptr<Program> program(new Program);
  program->name = compiling.input;
  return program->prepare(compiling, diagnostics) && program->open(options, diagnostics) ? std::move(program) : nullptr;
}

Program::~Program() {
  nnccrt_unload(program);
  if (!temporary.empty())
    llvm::consumeError(llvm::errorCodeToError(llvm::sys::fs::remove(temporary))); // a file left behind harms nobody
}

const nnccrt_level &Program::level() const {
  StringRef chosen = nnccrt_cpu_level(program);
  llvm::ArrayRef<nnccrt_level> levels(model().levels, model().num_levels);
  return *llvm::find_if(levels, [&](const nnccrt_level &level) { return chosen == level.cpu; });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------------------------------------------------------===//

bool Session::failed(Diagnostics &diagnostics) { return report(status, program.path(), diagnostics); }

static void keepLaunch(void *user, const nnccrt_launch_event *event) {
  static_cast<std::vector<Launch> *>(user)->push_back({event->kernel, event->start_ns, event->end_ns, event->tiles,
                                                       evaluateCost(event->operations, event->args),
                                                       evaluateCost(event->bytes, event->args)});
}

std::unique_ptr<Session> Session::create(const Program &program, const Options &given, Diagnostics &diagnostics) {
  std::unique_ptr<Session> session(new Session(program));
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  options.threads = given.threads;
  options.profiler = given.profile ? keepLaunch : nullptr;
  options.profiler_user = &session->launches;
  if (nnccrt_create(program.get(), &options, &session->context, &session->status)) {
    session->failed(diagnostics);
    return nullptr;
  }
  return session;
}

bool Session::bind(llvm::ArrayRef<import::TensorData> inputs, Diagnostics &diagnostics) {
  for (auto [index, data] : llvm::enumerate(inputs)) {
    nnccrt_tensor tensor = {};
    tensor.size = sizeof(tensor);
    tensor.kind = NNCCRT_TENSOR;
    tensor.dtype = data.dtype;
    tensor.rank = data.dims.size();
    tensor.dims = data.dims.data();
    tensor.data = const_cast<char *>(data.bytes.data());
    tensor.capacity = data.bytes.size();
    if (nnccrt_bind_input(context, index, &tensor, &status))
      return failed(diagnostics);
  }
  return true;
}

bool Session::run(Diagnostics &diagnostics) { return !nnccrt_run(context, &status) || failed(diagnostics); }

std::optional<import::TensorData> Session::output(uint32_t index, Diagnostics &diagnostics) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  if (nnccrt_output(context, index, &tensor, &status)) {
    failed(diagnostics);
    return std::nullopt;
  }
  import::TensorData data;
  data.name = program.model().outputs[index].name;
  data.dtype = tensor.dtype;
  data.dims.assign(tensor.dims, tensor.dims + tensor.rank);
  size_t bytes = llvm::divideCeil(data.count() * nnccrt_dtype_bits(data.dtype), 8);
  const char *first = static_cast<const char *>(tensor.data);
  data.bytes.assign(first, first + bytes);
  return data;
}

std::optional<uint64_t> Session::workspaceBytes(llvm::ArrayRef<import::TensorData> inputs) {
  const nnccrt_model &model = program.model();
  std::vector<int64_t> symbols(model.num_symbols, -1);
  for (auto [index, data] : llvm::enumerate(inputs))
    for (auto [dim, size] : llvm::enumerate(data.dims))
      if (int32_t symbol = model.inputs[index].dims[dim].symbol; symbol >= 0)
        symbols[symbol] = size;
  uint64_t bytes = 0;
  if (llvm::is_contained(symbols, -1) ||
      nnccrt_workspace_bytes(context, symbols.data(), symbols.size(), &bytes, &status))
    return std::nullopt;
  return bytes;
}

} // namespace nncc
