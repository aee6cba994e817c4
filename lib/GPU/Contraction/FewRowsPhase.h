//===- FewRowsPhase.h - products of a few rows, which read the right operand once ------------------------*- C++ -*-===//
//
// With up to 8 rows a product waits for memory. Each block takes some columns, and its threads share K: each adds what falls to it, then the
// sums of all are added in the order of the threads. No tile, no pass over zeros.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_FEWROWSPHASE_H
#define NNCC_LIB_GPU_CONTRACTION_FEWROWSPHASE_H

#include "../KernelWriter.h"
#include "ElementKind.h"
#include "Epilogue.h"
#include "ProductPhase.h"
#include "nncc/Kernel/ConvShape.h"
#include "nncc/Kernel/MatMulShape.h"

namespace nncc::gpu {

class FewRowsPhase : public Phase {
public:
  /// Whether `site` is a product that has so few rows, or a pointwise convolution of so few pixels.
  static bool canWrite(const ContractionSite &site);
  explicit FewRowsPhase(ContractionSite site);

  unsigned getThreads() const override { return threads; }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  /// A thread's place and the operands that it reads.
  struct Work;
  Work getWork(IndexMath &m, const ContractionSite &site, const DeviceFunction &function) const;
  /// Pointers to what is multiplied: the matrices of one product of the batch, or pixels and the filter of a convolution.
  std::pair<mlir::Value, mlir::Value> getMatrices(IndexMath &m, const ContractionSite &site, const ProductSizes &sizes,
                                                  mlir::Value batch) const;
  ProductSizes getSizes(IndexMath &m, const ContractionSite &site) const;
  ContractionSite getSite(Buffers &values) const;
  int64_t getSharedBytes() const { return shape.rows * threads * lanes * kind.getSumBytes(); }
  /// One row after the other, `lanes` columns each.
  llvm::SmallVector<mlir::Value> addProducts(IndexMath &m, const Work &work) const;
  llvm::SmallVector<mlir::Value> addStep(IndexMath &m, const Work &work, mlir::Value k, mlir::ValueRange sums) const;
  llvm::SmallVector<mlir::Value> addRest(IndexMath &m, const Work &work, mlir::Value from, mlir::ValueRange sums) const;
  mlir::Value loadRight(IndexMath &m, const Work &work, mlir::Value k) const;
  void writeSums(IndexMath &m, const ContractionSite &site, const Work &work, mlir::ValueRange sums) const;

  static constexpr int64_t threads = 256;
  ContractionSite original;
  ElementKind kind;
  ProductShape shape;
  /// Of the right operand.
  bool isTransposed;
  /// Columns that a thread works on, and threads along columns.
  int64_t lanes, columnThreads;
  /// Elements of K that a thread takes one after the other.
  int64_t chunk;
  bool isAligned;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_FEWROWSPHASE_H
