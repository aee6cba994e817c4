//===- Program.h - a model, loaded to run -----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_PROGRAM_H
#define NNCC_TOOLS_RUNNING_PROGRAM_H

#include "nncc/Compiler/Compiler.h"
#include "nncc/Import/ONNX/TensorFile.h"
#include "nnccrt/nnccrt.h"
#include <memory>

namespace nncc {

struct LoadOptions {
  std::string weights;       ///< the file of weights; empty: what the model names, beside it
  std::string device{};      ///< "cuda:0"; empty: auto
  uint64_t memoryLimit = 0;  ///< bytes on a GPU; 0: none
  std::string emulate{};     ///< the card that the emulator poses as; empty: no emulator
  bool describeOnly = false; ///< for model() alone: neither weights nor this machine's CPU are asked for
};

/// Runs what follows the pointers of a file that anything may have happened to; false, with an error, if that crashes.
bool survives(llvm::function_ref<void()> read, llvm::StringRef file, Diagnostics &diagnostics);

class Program {
public:
  /// Loads a shared object; an object is linked to one first, a model (.onnx, .onnxtxt, .mlir) is compiled first, with these options.
  /// Nothing, with the reason in `diagnostics`, when that fails.
  static std::unique_ptr<Program> load(const CompileOptions &compiling, const LoadOptions &options,
                                       Diagnostics &diagnostics);
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  const nnccrt_model &model() const { return *nnccrt_describe(program); }
  /// The CPU level whose kernels run.
  const nnccrt_level &level() const;
  bool isOnDevice() const { return llvm::StringRef(nnccrt_device(program)) != "cpu"; }
  /// As the user named it.
  llvm::StringRef path() const { return name; }
  nnccrt_program *get() const { return program; }
  double compileSeconds() const { return compileTime; }
  double loadSeconds() const { return loadTime; }

private:
  Program() = default;
  bool prepare(const CompileOptions &compiling, Diagnostics &diagnostics);
  bool open(const LoadOptions &options, Diagnostics &diagnostics);

  std::string name;
  std::string library;   ///< what is opened
  std::string temporary; ///< a file to remove
  nnccrt_program *program = nullptr;
  double compileTime = 0, loadTime = 0;
};

/// One launch of a kernel.
struct Launch {
  uint32_t kernel;
  uint64_t startNs, endNs;
  int64_t tiles;
  double operations, bytes; ///< negative: unknown
};

/// A context of a program. Used by one thread at a time.
class Session {
public:
  struct Options {
    uint32_t threads = 0; ///< 0: all of the pool
    bool profile = false; ///< keep every launch
  };
  static std::unique_ptr<Session> create(const Program &program, const Options &options, Diagnostics &diagnostics);
  ~Session() { nnccrt_destroy(context); }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// The tensors must stay until the last run.
  bool bind(llvm::ArrayRef<import::TensorData> inputs, Diagnostics &diagnostics);
  bool run(Diagnostics &diagnostics);
  std::optional<import::TensorData> output(uint32_t index, Diagnostics &diagnostics);
  /// Bytes that a run on these bound inputs takes beside the weights; nothing where they do not tell the value of each symbol.
  std::optional<uint64_t> workspaceBytes(llvm::ArrayRef<import::TensorData> inputs);

  std::vector<Launch> launches;

private:
  explicit Session(const Program &program) : program(program) {}
  bool failed(Diagnostics &diagnostics);

  const Program &program;
  nnccrt_context *context = nullptr;
  nnccrt_status status = {};
};

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_PROGRAM_H
