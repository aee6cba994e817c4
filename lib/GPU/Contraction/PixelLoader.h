//===- PixelLoader.h - the left operand of a convolution --------------------------------------------------*- C++ -*-===//
//
// A row of the product is a pixel of the result, K runs over the taps of the filter and the channels of a group. The matrix is nowhere: each
// part of K is brought from the image, whose channels are adjacent.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_PIXELLOADER_H
#define NNCC_LIB_GPU_CONTRACTION_PIXELLOADER_H

#include "TileLoader.h"
#include "nncc/Kernel/ConvShape.h"

namespace nncc::gpu {

using kernel::ConvOperands;
using kernel::ConvShape;

/// The pixels that a tap sees from one pixel of the result.
struct Window {
  /// Of the input, i32: where the first tap is; may be outside, below 0 too.
  std::array<mlir::Value, 3> first;
  /// The address of channel 0 of the group there.
  mlir::Value pointer;
  /// A bit for each tap, in their order: whether it is in the image; i32. Null: all are, or there are more than bits.
  mlir::Value inside;

  /// `pixel` (index) counts the pixels of the result, `group` (index) the groups.
  static Window of(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, mlir::Value image,
                   mlir::Value pixel, mlir::Value group, mlir::Type element);
};

/// One element of K.
struct Tap {
  /// Its number, i32, and its distance from the first tap, i32.
  mlir::Value number;
  std::array<mlir::Value, 3> distance;
  /// The same and the channel in elements.
  mlir::Value offset;

  /// `k`, an i32, counts taps and channels of a group; unless `isKnown` it may lie behind the last one.
  static Tap of(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, mlir::Value k, bool isKnown);
  /// Whether the tap is in the image, seen from a window; null: always.
  mlir::Value isInside(IndexMath &m, const ConvShape &shape, const ConvOperands &operands, const Window &window) const;
};

class PixelLoader : public TileLoader {
public:
  /// `getPixel` gives the pixel of the result that a line of the tile (i32) stands for; an index.
  PixelLoader(const OperandTile &tile, OperandTile::Place place, mlir::Type element, const ConvShape &shape,
              const ConvOperands &operands, mlir::Value image, mlir::Value group,
              std::function<mlir::Value(IndexMath &, mlir::Value line)> getPixel)
      : TileLoader(tile, std::move(place), element), shape(shape), operands(operands), image(image), group(group),
        getPixel(std::move(getPixel)) {}

  llvm::SmallVector<mlir::Value> load(IndexMath &m, mlir::ValueRange state, mlir::Value valid) override;
  llvm::SmallVector<mlir::Value> advance(IndexMath &m, mlir::ValueRange state, mlir::Value count) override;

  bool canCopy() const override;
  void copy(IndexMath &m, mlir::ValueRange state, mlir::Value valid, mlir::ValueRange targets) override;

protected:
  llvm::SmallVector<mlir::Value> beginOperand(IndexMath &m) override;

private:
  /// The taps that the elements of a chunk, `step` apart, are of; by distance from `k`. `isKnown`: all are there.
  llvm::SmallDenseMap<int64_t, Tap> getTaps(IndexMath &m, mlir::Value k, int64_t step, bool isKnown) const;
  /// `count` channels from an element of K on, as `window` sees them.
  mlir::Value loadTap(IndexMath &m, const Tap &tap, const Window &window, mlir::Value exists, int64_t count);

  const ConvShape &shape;
  ConvOperands operands;
  mlir::Value image, group;
  std::function<mlir::Value(IndexMath &, mlir::Value)> getPixel;
  /// One for each place in `lineOffsets`.
  llvm::SmallDenseMap<int64_t, Window> windows;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_PIXELLOADER_H
