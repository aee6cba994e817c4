//===- Tensors.h - the tensors of a model -----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_TENSORS_H
#define NNCC_LIB_IMPORT_ONNX_TENSORS_H

#include "Reporter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Types.h"
#include "nncc/Support/SourceFiles.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>

namespace onnx {
class SparseTensorProto;
class TensorProto;
} // namespace onnx

namespace nncc::import {

/// How ONNX stores elements of a type.
struct ElementFormat {
  enum Field { Floats, Int32s, Strings, Int64s, Doubles, UInt64s } field; ///< where they are when not in raw_data
  unsigned bits;     ///< of an element in raw_data, where sub-byte elements are packed; 0 for text
  unsigned perEntry; ///< elements in an entry of the typed field
  unsigned entries;  ///< entries that an element needs (complex: 2)
  const char *name;  ///< as in tensor(name)
};
/// Null when there is no such type.
const ElementFormat *elementFormat(int dataType);
mlir::Type elementType(mlir::MLIRContext *context, int dataType);
/// The ONNX data type of an element type of nn; 0 when there is none.
int dataTypeOf(mlir::Type elementType);

/// The number of elements; nothing when a size is negative, or when their product, of those that are not 0, overflows
/// with `bits` an element, or when there are too many dims.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> dims, unsigned bits);
constexpr size_t kMaxRank = 64;
/// Sparse tensors are stored densely up to this size.
constexpr int64_t kMaxSparseBytes = int64_t(64) << 20;

/// Checks all that can be wrong with a tensor; external data is opened and mapped.
void checkTensor(const onnx::TensorProto &tensor, const llvm::Twine &place, SourceFiles &files, Reporter &reporter);
void checkSparseTensor(const onnx::SparseTensorProto &tensor, const llvm::Twine &place, SourceFiles &files,
                       Reporter &reporter);

/// Where the bytes of a tensor are, when they are in a file in the layout of raw_data.
struct TensorBytes {
  std::string file; ///< as nn.weight names it
  uint64_t offset;
  uint64_t length;
};
std::optional<TensorBytes> bytesInFile(const onnx::TensorProto &tensor, SourceFiles &files);

/// The elements of a tensor that was checked; null only when a file changed.
mlir::DenseElementsAttr readTensor(mlir::MLIRContext *context, const onnx::TensorProto &tensor, SourceFiles &files);
mlir::DenseElementsAttr readSparseTensor(mlir::MLIRContext *context, const onnx::SparseTensorProto &tensor,
                                         SourceFiles &files);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_TENSORS_H
