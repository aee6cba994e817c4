//===- Shapes.h - shapes made of the dims of other tensors ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_SHAPES_H
#define NNCC_LIB_IMPORT_ONNX_SHAPES_H

#include "nncc/Import/ONNX/NodeImporter.h"

namespace nncc::import {

/// One size of a shape: a number, a dim of a tensor, or (-1) what is left.
struct SizeSource {
  int64_t number = 0;
  mlir::Value tensor; ///< null: `number` is the size; else the size is that of dim `number`
};

/// A 1-D i64 tensor with these sizes, as a constant when all are known.
mlir::FailureOr<mlir::Value> makeShape(NodeImporter &node, llvm::ArrayRef<SizeSource> sizes);
/// `value` under that shape.
mlir::FailureOr<mlir::Value> reshapeTo(NodeImporter &node, mlir::Value value, llvm::ArrayRef<SizeSource> sizes);

/// The axes of an operator that has them as an attribute (before version `inputSince`) or as input 1, counted from the front, and
/// checked against `rank`. Nothing when they are not stated; a failure when they are known only at run time.
mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>> importAxes(NodeImporter &node, int inputSince, int64_t rank);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_SHAPES_H
