//===- TensorFile.h - tensors in ONNX's files -------------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// `input_0.pb` and its like: one TensorProto a file, as ONNX's test data has them.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_IMPORT_ONNX_TENSORFILE_H
#define NNCC_IMPORT_ONNX_TENSORFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace nncc::import {

/// A tensor in memory: row-major, little endian, 4- and 2-bit elements packed with the first in the low bits.
struct TensorData {
  std::string name;
  uint32_t dtype = 0; ///< ONNX's number
  std::vector<int64_t> dims;
  std::vector<char> bytes;

  int64_t count() const;
};

/// Reads a TensorProto; an OptionalProto that holds a tensor counts as that tensor. Text, sequences and maps are an error.
llvm::Expected<TensorData> readTensorFile(llvm::StringRef path);
llvm::Error writeTensorFile(llvm::StringRef path, const TensorData &tensor);

} // namespace nncc::import

#endif // NNCC_IMPORT_ONNX_TENSORFILE_H
