//===- NarrowConvPhase.h - convolutions whose groups have few channels -----------------------------------*- C++ -*-===//
//
// A product for each group would fill a tile with zeros. Here a thread has some channels of some pixels that lie side by side, and reads
// what these have in common once; neighbours are channels. Depthwise convolutions take 4 channels a thread.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_NARROWCONVPHASE_H
#define NNCC_LIB_GPU_CONTRACTION_NARROWCONVPHASE_H

#include "../KernelWriter.h"
#include "ElementKind.h"
#include "Epilogue.h"
#include "nncc/Kernel/ConvShape.h"

namespace nncc::gpu {

using kernel::ConvOperands;
using kernel::ConvShape;

class NarrowConvPhase : public Phase {
public:
  /// Whether groups are narrower than the tiles of a product.
  static bool fits(const ConvShape &shape);
  NarrowConvPhase(ContractionSite site, const ConvShape &shape);

  unsigned getThreads() const override { return threads; }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  /// Units of work: `pixels` pixels of a line times `lanes` channels.
  mlir::Value getNumUnits(IndexMath &m, const ConvOperands &operands) const;

  static constexpr int64_t threads = 128;
  ContractionSite original;
  ElementKind kind;
  ConvShape shape;
  int64_t lanes, pixels;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_NARROWCONVPHASE_H
