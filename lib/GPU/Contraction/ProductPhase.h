//===- ProductPhase.h - one or many matrix products as blocks of threads ---------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_PRODUCTPHASE_H
#define NNCC_LIB_GPU_CONTRACTION_PRODUCTPHASE_H

#include "../KernelWriter.h"
#include "BlockProduct.h"
#include "Epilogue.h"
#include "Tiling.h"

namespace nncc::gpu {

/// The sizes of a product in a function; index.
struct ProductSizes {
  mlir::Value batch, rows, columns, depth;
};

/// Which part of the result a block computes: number of the product, first row and column, part of K; index.
struct BlockPlace {
  mlir::Value batch, row, column, part;
};

/// A contraction that is a batch of matrix products. Those that derive from it say where the operands are.
class ProductPhase : public Phase {
public:
  unsigned getThreads() const override { return product->getThreads(); }
  /// Whether a PartSumPhase has to follow.
  bool leavesParts() const { return hasParts() && !joinsParts(); }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

protected:
  ProductPhase(KernelPlan &plan, ContractionSite site, const ProductShape &shape, bool isRightAlongDepth);

  /// What the loader of an operand is made for.
  struct Loading {
    const ContractionSite &site;
    const ProductSizes &sizes;
    const BlockPlace &block;
    const OperandTile &tile;
    mlir::Value thread;
  };
  virtual ProductSizes getSizes(IndexMath &m, const ContractionSite &site) const = 0;
  virtual std::unique_ptr<TileLoader> createLeft(IndexMath &m, const Loading &loading) const = 0;
  virtual std::unique_ptr<TileLoader> createRight(IndexMath &m, const Loading &loading) const = 0;
  /// Row and column of the result, seen as a matrix, at which the product begins.
  virtual std::pair<mlir::Value, mlir::Value> getOrigin(IndexMath &m, const ProductSizes &sizes,
                                                        mlir::Value batch) const = 0;

  /// A matrix with its elements of K one behind the other in each line, of which the block has those from `firstLine` on. `matrix` points to it.
  MatrixLoader::Matrix getLinesAlongDepth(IndexMath &m, mlir::Value matrix, mlir::Type element, mlir::Value firstLine,
                                          mlir::Value numLines, const Loading &loading) const;
  /// A right operand with lines side by side.
  MatrixLoader::Matrix getLinesAcross(IndexMath &m, mlir::Value matrix, const Loading &loading) const;

  ContractionSite original;
  ElementKind kind;
  ProductShape shape;

private:
  friend class PartSumPhase;
  bool hasParts() const { return numParts > 1; }
  /// Whether the last block of a tile adds its parts: there are as many tiles as counters, or fewer.
  bool joinsParts() const { return numTiles > 0; }
  void reserveParts();
  void joinParts(IndexMath &m, mlir::Value parts, const DeviceFunction &function, mlir::ValueRange sums,
                 llvm::function_ref<void(mlir::ValueRange)> finish) const;
  ContractionSite getSite(Buffers &values) const;
  BlockPlace getPlace(IndexMath &m, const ProductSizes &sizes, mlir::Value block) const;
  /// Where the sums of parts are: part, product, row, column.
  mlir::Value getPartSums(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) const;
  void writeResults(IndexMath &m, const ContractionSite &site, const ProductSizes &sizes, const BlockPlace &block,
                    mlir::Value thread, mlir::ValueRange sums) const;
  void writePartSums(IndexMath &m, mlir::Value memory, const ProductSizes &sizes, const BlockPlace &block,
                     mlir::Value thread, mlir::ValueRange sums) const;

  KernelPlan &plan;
  std::unique_ptr<BlockProduct> product;
  /// Parts of K that different blocks take, elements of each but the last, and where in the workspace their sums are.
  int64_t numParts = 1, partDepth = 0;
  unsigned reserved = 0;
  /// Of all products, where it is known and the last block of each adds its parts; else 0.
  int64_t numTiles = 0;
};

/// A multiple of `chunk`, known while compiling: rows of that many elements are aligned for chunks.
inline bool isMultiple(int64_t size, int64_t chunk) { return !mlir::ShapedType::isDynamic(size) && size % chunk == 0; }

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_PRODUCTPHASE_H
