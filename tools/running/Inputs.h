//===- Inputs.h - tensors for a model's inputs ------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_INPUTS_H
#define NNCC_TOOLS_RUNNING_INPUTS_H

#include "nncc/Import/ONNX/TensorFile.h"
#include "nncc/Support/Diagnostics.h"
#include "nnccrt/abi.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

namespace nncc {

/// What a command line says about inputs.
struct InputOptions {
  std::vector<std::string> inputs; ///< --input: "x=@x.npy" (.npy, .pb, or the bare bytes)
  std::vector<std::string> dims;   ///< --dim: "batch=4"
  std::string testData;            ///< a directory with input_I.pb; then the two above do not count
};

/// A tensor for each input of the model, in its order. What no option names has values from a seed (floats in [0, 1), integers in [0, 8)),
/// which is said on `out`. Nothing, with the reason in `diagnostics`, when an option or a file is wrong.
std::optional<std::vector<import::TensorData>> makeInputs(const nnccrt_model &model, llvm::StringRef file,
                                                          const InputOptions &options, llvm::raw_ostream &out,
                                                          Diagnostics &diagnostics);

/// The directories with input_I.pb or output_I.pb: `directory` itself, or those named test_data_set... in it, in order.
std::vector<std::string> findDataSets(const std::string &directory);

/// "f32[1x3x224x224]".
std::string describeTensor(const import::TensorData &tensor);

/// NumPy's format; an error for a type that NumPy lacks.
llvm::Error writeNpy(llvm::StringRef path, const import::TensorData &tensor);

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_INPUTS_H
