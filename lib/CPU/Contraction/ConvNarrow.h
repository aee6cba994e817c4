//===- ConvNarrow.h - depthwise convolutions, and others of small groups --------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_CONVNARROW_H
#define NNCC_LIB_CPU_CONTRACTION_CONVNARROW_H

#include "Emitters.h"
#include "nncc/Kernel/ConvShape.h"

namespace nncc::cpu {

/// A vector holds the outputs of several groups at one pixel.
class ConvNarrowEmitter : public ContractionEmitter {
public:
  ConvNarrowEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target);
  mlir::Value emitTiles(IndexMath &m) const override;
  void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const override;
  int64_t getScratchBytes() const override;
  void describe(llvm::raw_ostream &os) const override;

private:
  const ContractionSite &site;
  ConvShape shape;
  ElementKind kind;
  /// Pixels that are worked on at once.
  int64_t pixelsAtOnce;
  RowTiling lines;
  ColumnTiling columns;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_CONVNARROW_H
