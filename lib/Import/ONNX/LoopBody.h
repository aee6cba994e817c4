//===- LoopBody.h - the body of an ONNX Loop or Scan becomes that of an nn.loop ---------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_LOOPBODY_H
#define NNCC_LIB_IMPORT_ONNX_LOOPBODY_H

#include "nncc/Import/ONNX/NodeImporter.h"

namespace nncc::import {

/// How a message names a type.
std::string describe(mlir::Type type);
/// Two ways give one value different types: wrong where the element types differ, else not supported.
mlir::LogicalResult reportDifference(NodeImporter &node, mlir::Type a, mlir::Type b, const llvm::Twine &message);

/// Imports the graph `body` of a node. Its inputs are some of `leading` types, the carried values, some of `trailing` types; its outputs
/// some that come first, the next carried values, and those that the loop stacks.
class LoopBody {
public:
  LoopBody(NodeImporter &node, llvm::ArrayRef<mlir::Value> inits);

  /// A tensor of one element for the graph's input `index`: of rank 1 where the graph declares that, else of rank 0.
  mlir::RankedTensorType scalarType(unsigned index, mlir::Type element) const;

  /// The sizes of a carried value stay what they are at first as far as the body leaves them; those that it changes are unknown in it.
  mlir::LogicalResult import(llvm::ArrayRef<mlir::Type> leading, llvm::ArrayRef<mlir::Type> trailing,
                             unsigned numFirstOutputs);

  mlir::Block &block() { return region->front(); }
  /// What the graph gives.
  llvm::SmallVector<mlir::Value> outputs;
  /// Puts a value in the place of an argument, which goes away.
  void replaceArgument(unsigned index, mlir::Value value);

  /// The nn.loop around the body, whose arguments are the number of the iteration and the carried values now. `again` is its condition.
  mlir::FailureOr<mlir::ValueRange> finish(mlir::Value trips, mlir::Value condition, mlir::Value again,
                                           mlir::ValueRange yielded);

private:
  mlir::LogicalResult importOnce(llvm::ArrayRef<mlir::Type> leading, llvm::ArrayRef<mlir::Type> trailing);
  mlir::LogicalResult checkCounts(unsigned numOthers, unsigned numFirstOutputs);
  mlir::FailureOr<bool> relaxCarried(unsigned numFirstOutputs);

  NodeImporter &node;
  llvm::SmallVector<mlir::Value> inits;
  llvm::SmallVector<mlir::Type> carried;
  std::unique_ptr<mlir::Region> region;
};

/// The nn.loop around a region with one block, whose arguments are the number of the iteration and the carried values.
mlir::FailureOr<mlir::ValueRange> createLoop(NodeImporter &node, mlir::Value trips, mlir::Value condition,
                                             mlir::Value again, llvm::ArrayRef<mlir::Value> inits,
                                             std::unique_ptr<mlir::Region> region, mlir::ValueRange yielded);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_LOOPBODY_H
