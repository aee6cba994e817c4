//===- Conv.h - exec.conv on a GPU, as a matrix product -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_CONV_H
#define NNCC_LIB_GPU_CONTRACTION_CONV_H

#include "PixelLoader.h"
#include "ProductPhase.h"

namespace nncc::gpu {

/// A product of pixels and the filter, for each group.
ProductShape getProductShape(const ConvShape &conv);

/// A product for each group: pixels of the result times taps and channels, by taps and channels times channels of the result.
class ConvPhase : public ProductPhase {
public:
  ConvPhase(KernelPlan &plan, ContractionSite site, const ConvShape &conv);

protected:
  ProductSizes getSizes(IndexMath &m, const ContractionSite &site) const override;
  std::unique_ptr<TileLoader> createLeft(IndexMath &m, const Loading &loading) const override;
  std::unique_ptr<TileLoader> createRight(IndexMath &m, const Loading &loading) const override;
  std::pair<mlir::Value, mlir::Value> getOrigin(IndexMath &m, const ProductSizes &sizes,
                                                mlir::Value batch) const override;

private:
  ConvShape conv;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_CONV_H
