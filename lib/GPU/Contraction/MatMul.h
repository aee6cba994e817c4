//===- MatMul.h - exec.matmul on a GPU --------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MATMUL_H
#define NNCC_LIB_GPU_CONTRACTION_MATMUL_H

#include "ProductPhase.h"

namespace nncc::gpu {

class MatMulPhase : public ProductPhase {
public:
  MatMulPhase(KernelPlan &plan, const ContractionSite &site);

protected:
  ProductSizes getSizes(IndexMath &m, const ContractionSite &site) const override;
  std::unique_ptr<TileLoader> createLeft(IndexMath &m, const Loading &loading) const override;
  std::unique_ptr<TileLoader> createRight(IndexMath &m, const Loading &loading) const override;
  std::pair<mlir::Value, mlir::Value> getOrigin(IndexMath &m, const ProductSizes &sizes,
                                                mlir::Value batch) const override;

private:
  exec::MatMulOp getOp() const { return mlir::cast<exec::MatMulOp>(original.root); }
  /// The matrix of an operand that belongs to the block's product.
  mlir::Value getMatrix(IndexMath &m, const Loading &loading, mlir::Value operand, llvm::ArrayRef<int64_t> batchShape,
                        mlir::Value elements) const;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MATMUL_H
