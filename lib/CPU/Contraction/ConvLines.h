//===- ConvLines.h - convolutions as matrix products of image lines -------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_CONVLINES_H
#define NNCC_LIB_CPU_CONTRACTION_CONVLINES_H

#include "Emitters.h"
#include "nncc/Kernel/ConvShape.h"

namespace nncc::cpu {

/// How a convolution is cut: a block is some lines of one image plane and group, some pixels of each, some columns (channels).
struct ConvLinesPlan {
  ConvLinesPlan(const ConvShape &shape, const ElementKind &kind, const CPUTarget &target);

  const ConvShape &shape;
  RegisterShape registers;
  /// Register tiles along a line; one when lines are joined.
  RowTiling pixels;
  /// Lines, or tiles of joined lines.
  RowTiling lines;
  ColumnTiling columns;
  /// Lines of one register tile, 0: lines are not joined.
  int64_t joinedLines = 0;
  /// The input of a block is copied to scratch.
  bool isCopied = false;
  /// The copy has only the pixels that are read.
  bool skipsPixels = false;
  /// Elements from one pixel of the copy to the next.
  int64_t copiedPixel = 0;
  bool prefetch = false;
  /// Elements of K that are multiplied at once.
  int64_t step = 1;

  /// Channels of a pixel, filled up to whole steps, and K.
  int64_t getSteppedInputs() const;
  int64_t getDepth() const;
  int64_t getInputLines(int64_t count) const;
  int64_t getInputWidth(int64_t count) const;
  /// Pixels of the copy between two pixels of the result.
  int64_t getPixelStep() const { return skipsPixels ? 1 : shape.stride[2]; }
  /// Each line of the result has copies of its own, one a tap, for lack of lines that taps share.
  bool separatesLines() const;
  int64_t getPixelsPerBlock() const;
  /// Elements from one copied line to the next, and all of them (upper bounds).
  int64_t getLineStride() const;
  int64_t getNumCopied() const;
  int64_t getScratchBytes(const ElementKind &kind) const;

private:
  void joinLines(const ElementKind &kind, const CPUTarget &target);
  void choosePixelStride(int64_t elementBytes);
  void chooseBlocks(int64_t elementBytes, const CPUTarget &target);
};

class ConvLinesEmitter : public ContractionEmitter {
public:
  ConvLinesEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target);
  ConvLinesEmitter(const ConvLinesEmitter &) = delete;
  mlir::Value emitTiles(IndexMath &m) const override;
  void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const override;
  int64_t getScratchBytes() const override;
  void describe(llvm::raw_ostream &os) const override;

private:
  const ContractionSite &site;
  ConvShape shape;
  ElementKind kind;
  ConvLinesPlan plan;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_CONVLINES_H
