//===- Compiler.h - the library behind nncc: options in, files or diagnostics out -------------------------------*- C++ -*-===//

#ifndef NNCC_COMPILER_COMPILER_H
#define NNCC_COMPILER_COMPILER_H

#include "nncc/Import/ONNX/Import.h"
#include "nncc/Support/Diagnostics.h"
#include "nncc/Target/Codegen.h"
#include "nncc/Target/ModelDescription.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nncc {

/// How far to go, and what the output holds.
enum class EmitStage { NN, NNOpt, Linalg, Exec, Tiled, Vector, LLVM, Assembly, PTX, Object, SharedObject };

/// What the model runs on. With both, the application takes a GPU where there is one.
enum class TargetKind { CPU, CUDA, CUDAAndCPU };

struct CompileOptions {
  std::string input;  ///< .onnx, .onnxtxt, or .mlir as a stage printed it
  std::string output; ///< empty: beside the working directory, named after the input; "-": standard output (text only)
  std::string header; ///< empty: beside the output; "-": none
  std::string name;   ///< of the model; empty: from the input's file name
  std::string cppNamespace; ///< empty: the name
  EmitStage emit = EmitStage::Object;
  unsigned optLevel = 3;
  bool fuse = true;
  bool winograd = true; ///< 3x3 convolutions by transforms, where that is faster
  TargetKind target = TargetKind::CPU;
  std::vector<std::string> cpus = {"x86-64-v3", "x86-64-v4"};
  std::vector<std::string> gpus;      ///< as resolveGPUs takes them; none: images for sm_50, 75, 80 and 90
  bool tf32 = false;                  ///< f32 products for GPUs that have it, their operands rounded to tf32
  bool cubins = false;                ///< machine code beside the PTX
  std::vector<std::string> cubinGPUs; ///< of which of these images; none: of all
  std::string ptxas;                  ///< the assembler that makes it; empty: that on PATH
  bool weightsInFile = false;         ///< NAME.weights beside the output
  bool debugInfo = false;
  target::Sanitizer sanitizer = target::Sanitizer::None;
  unsigned jobs = 0;     ///< threads; 0: as many as cores
  bool verify = false;   ///< every pass and every LLVM module
  bool timing = false;   ///< -v: the stages and their time, to standard error
  bool progress = false; ///< a line on the terminal that says what goes on
  std::string report;    ///< a JSON file (docs/Report.md); empty: none
  /// Regular expressions: fusions that were made and refused are told of nodes that match. Nothing: of none.
  std::optional<std::string> remarksMade, remarksMissed;
  std::string externalDataRoot;
  import::ImportOptions import;
};

/// Files that were written.
struct CompileResult {
  std::string output, header, weights;
  std::vector<std::string> remarks; ///< lines that remarksMade and remarksMissed asked for
  std::vector<std::string> inputs;  ///< files that were read: the model and its external data, for depfiles
};

/// Compiles one model. Nothing is written when `diagnostics` has errors.
std::optional<CompileResult> compile(const CompileOptions &options, Diagnostics &diagnostics);

/// What `nncc info` shows of a model or of an object.
struct ModelInfo {
  target::ModelDescription model;
  std::map<std::string, unsigned> operations; ///< of nn, as imported; none of an object
};

/// Compiles as far as needed to describe the model: no code, no output. Scratch memory is not known then.
std::optional<ModelInfo> describe(const CompileOptions &options, Diagnostics &diagnostics);
void printInfo(const ModelInfo &info, llvm::raw_ostream &out);
/// What a linker needs beside the object (or shared object) `file`: "-lnnccrt -lpthread -ldl".
/// `usesGPU`: the model has a program for GPUs.
std::optional<std::string> linkFlags(llvm::StringRef file, bool usesGPU, Diagnostics &diagnostics);

/// The GPUs that CompileOptions::gpus may name, as the table of docs/GPUs.md.
void printGPUs(llvm::raw_ostream &out);

/// Tells every reason why the model would not compile. Generates no code.
void check(const CompileOptions &options, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_COMPILER_COMPILER_H
