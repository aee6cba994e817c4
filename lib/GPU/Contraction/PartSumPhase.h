//===- PartSumPhase.h - the sums of parts of K are added ----------------------------------------------------*- C++ -*-===//
//
// A product with few tiles and a large K is cut along K, or most processors would stand idle. Each part leaves its sums in the workspace; here
// they are added, always in the same order, and what is fused behind the product is done.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_PARTSUMPHASE_H
#define NNCC_LIB_GPU_CONTRACTION_PARTSUMPHASE_H

#include "ProductPhase.h"

namespace nncc::gpu {

class PartSumPhase : public Phase {
public:
  explicit PartSumPhase(const ProductPhase &product) : product(product) {}

  unsigned getThreads() const override { return threads; }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  /// Units of work: `lanes` columns of a row.
  mlir::Value getNumUnits(IndexMath &m, const ProductSizes &sizes) const;

  static constexpr int64_t threads = 128, lanes = 4;
  const ProductPhase &product;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_PARTSUMPHASE_H
