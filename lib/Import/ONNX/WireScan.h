//===- WireScan.h - a model without its weights, from the bytes of the model ------------------------------------*- C++ -*-===//
///
/// \file
/// Protobuf would copy every tensor into a string, and refuses models of 2 GiB. This scan copies a serialised
/// ModelProto without the large data of its tensors (anywhere: initializers, attributes, functions) and leaves a marker
/// instead that says where it is.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_IMPORT_ONNX_WIRESCAN_H
#define NNCC_LIB_IMPORT_ONNX_WIRESCAN_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace nncc::import {

/// Data larger than this stays in the file.
constexpr uint64_t kMaxInlineBytes = 1024;

enum class ScanResult { Ok, Malformed, TooDeep, TooLarge };

/// Writes the model without its weights to `out`. TooLarge means that even this is beyond protobuf's 2 GiB.
ScanResult copyWithoutWeights(llvm::StringRef model, std::string &out);

/// Where the scan left a tensor's data.
struct LocatedData {
  enum Field { Raw = 9, Floats = 4, Doubles = 10 } field;
  uint64_t offset; ///< in the model's file
  uint64_t length;
};
std::optional<LocatedData> locatedData(const onnx::TensorProto &tensor);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_WIRESCAN_H
