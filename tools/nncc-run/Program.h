//===- Program.h - a model, loaded to run -----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_RUN_PROGRAM_H
#define NNCC_TOOLS_NNCC_RUN_PROGRAM_H

#include "nncc/Compiler/Compiler.h"
#include "nncc/Import/ONNX/TensorFile.h"
#include "nnccrt/nnccrt.h"
#include <memory>

namespace nncc {

/// A program and one context of it.
class Program {
public:
  /// Loads a shared object; an object is linked to one first, a model (.onnx, .onnxtxt, .mlir) is compiled first, with these options.
  /// Nothing, with the reason in `diagnostics`, when that fails.
  static std::unique_ptr<Program> load(const CompileOptions &options, uint32_t threads, Diagnostics &diagnostics);
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  const nnccrt_model &model() const { return *nnccrt_describe(program); }

  bool bind(uint32_t index, const import::TensorData &tensor, Diagnostics &diagnostics);
  bool run(Diagnostics &diagnostics);
  std::optional<import::TensorData> output(uint32_t index, Diagnostics &diagnostics);

  /// From now on every launch is kept.
  struct Launch {
    std::string name, nodes;
    uint64_t startNs, endNs;
    int64_t tiles;
  };
  std::vector<Launch> launches;

private:
  Program() = default;
  bool open(const std::string &path, uint32_t threads, Diagnostics &diagnostics);
  bool failed(Diagnostics &diagnostics);

  std::string path;      ///< as the user named it
  std::string temporary; ///< a file to remove
  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
  nnccrt_status status = {};
};

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_RUN_PROGRAM_H
