//===- ConvPointwise.h - 1x1 convolutions as matrix products --------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_CONVPOINTWISE_H
#define NNCC_LIB_CPU_CONTRACTION_CONVPOINTWISE_H

#include "Emitters.h"
#include "nncc/Kernel/ConvShape.h"

namespace nncc::cpu {

/// All pixels are rows of one product; a group is one of a batch.
class ConvPointwiseEmitter : public ContractionEmitter {
public:
  ConvPointwiseEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target);
  mlir::Value emitTiles(IndexMath &m) const override;
  void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const override;
  int64_t getScratchBytes() const override;
  void describe(llvm::raw_ostream &os) const override { plan.describe(os, kind); }

private:
  Product getProduct(IndexMath &m) const;

  const ContractionSite &site;
  ConvShape shape;
  ElementKind kind;
  ProductShape product;
  ProductPlan plan;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_CONVPOINTWISE_H
