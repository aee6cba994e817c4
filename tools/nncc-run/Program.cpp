//===- Program.cpp - a model, loaded to run -------------------------------------------------------------------------------===//

#include "Program.h"
#include "nncc/Target/Link.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using llvm::StringRef;

namespace nncc {

static bool makeTemporary(std::string &path, Diagnostics &diagnostics, StringRef model) {
  llvm::SmallString<128> name;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nncc-run", "so", name)) {
    diagnostics.error(DiagnosticCode::CannotWrite, model, "", error.message());
    return false;
  }
  path = name.str().str();
  return true;
}

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

std::unique_ptr<Program> Program::load(const CompileOptions &options, uint32_t threads, Diagnostics &diagnostics) {
  std::unique_ptr<Program> program(new Program);
  program->path = options.input;
  StringRef input = options.input;
  if (input.ends_with(".so"))
    return program->open(options.input, threads, diagnostics) ? std::move(program) : nullptr;
  if (!makeTemporary(program->temporary, diagnostics, input))
    return nullptr;
  if (input.ends_with(".o")) {
    if (!linkObject(input, program->temporary, diagnostics))
      return nullptr;
  } else {
    CompileOptions compiling = options;
    compiling.emit = EmitStage::SharedObject;
    compiling.output = program->temporary;
    compiling.header = "-";
    if (!compile(compiling, diagnostics))
      return nullptr;
  }
  return program->open(program->temporary, threads, diagnostics) ? std::move(program) : nullptr;
}

Program::~Program() {
  nnccrt_destroy(context);
  nnccrt_unload(program);
  if (!temporary.empty())
    llvm::sys::fs::remove(temporary);
}

/// The runtime's reason as a diagnostic.
bool Program::failed(Diagnostics &diagnostics) {
  DiagnosticCode code = DiagnosticCode::RunFailed;
  if (status.code == NNCCRT_UNSUPPORTED)
    code = DiagnosticCode::UnsupportedNode;
  else if (status.code == NNCCRT_IO)
    code = DiagnosticCode::CannotRead;
  diagnostics.error(code, path, "", status.message);
  return false;
}

static void keepLaunch(void *user, const nnccrt_launch_event *event) {
  static_cast<std::vector<Program::Launch> *>(user)->push_back(
      {event->name, event->nodes, event->start_ns, event->end_ns, event->tiles});
}

bool Program::open(const std::string &file, uint32_t threads, Diagnostics &diagnostics) {
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  options.profiler = keepLaunch;
  options.profiler_user = &launches;
  if (nnccrt_open(file.find('/') == std::string::npos ? ("./" + file).c_str() : file.c_str(), nullptr, nullptr,
                  &program, &status) ||
      nnccrt_create(program, &options, &context, &status))
    return failed(diagnostics);
  return true;
}

bool Program::bind(uint32_t index, const import::TensorData &data, Diagnostics &diagnostics) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  tensor.kind = NNCCRT_TENSOR;
  tensor.dtype = data.dtype;
  tensor.rank = data.dims.size();
  tensor.dims = data.dims.data();
  tensor.data = const_cast<char *>(data.bytes.data());
  tensor.capacity = data.bytes.size();
  return !nnccrt_bind_input(context, index, &tensor, &status) || failed(diagnostics);
}

bool Program::run(Diagnostics &diagnostics) { return !nnccrt_run(context, &status) || failed(diagnostics); }

std::optional<import::TensorData> Program::output(uint32_t index, Diagnostics &diagnostics) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  if (nnccrt_output(context, index, &tensor, &status)) {
    failed(diagnostics);
    return std::nullopt;
  }
  import::TensorData data;
  data.name = model().outputs[index].name;
  data.dtype = tensor.dtype;
  data.dims.assign(tensor.dims, tensor.dims + tensor.rank);
  size_t bytes = llvm::divideCeil(data.count() * nnccrt_dtype_bits(data.dtype), 8);
  const char *first = static_cast<const char *>(tensor.data);
  data.bytes.assign(first, first + bytes);
  return data;
}

} // namespace nncc
