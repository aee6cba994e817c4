//===- Inputs.h - tensors for a model's inputs ------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_RUN_INPUTS_H
#define NNCC_TOOLS_NNCC_RUN_INPUTS_H

#include "nncc/Import/ONNX/TensorFile.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/StringMap.h"

namespace nncc {

/// The sizes of an input when symbols have these values (1 where there is none).
std::vector<int64_t> inputDims(const nnccrt_model &model, const nnccrt_value &value,
                               const llvm::StringMap<int64_t> &symbols);

/// A tensor from a file: .pb, .npy, or the bare bytes, which take type and dims from the model.
llvm::Expected<import::TensorData> readInput(llvm::StringRef path, const nnccrt_model &model, const nnccrt_value &value,
                                             const llvm::StringMap<int64_t> &symbols);

/// Values from a seed: floats in [0, 1), integers in [0, 8), booleans of both kinds.
import::TensorData makeInput(const nnccrt_model &model, const nnccrt_value &value,
                             const llvm::StringMap<int64_t> &symbols, uint64_t seed);

/// NumPy's format; an error for a type that NumPy lacks.
llvm::Error writeNpy(llvm::StringRef path, const import::TensorData &tensor);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_RUN_INPUTS_H
