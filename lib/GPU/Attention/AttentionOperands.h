//===- AttentionOperands.h - where the operands of an attention are ----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_ATTENTIONOPERANDS_H
#define NNCC_LIB_GPU_ATTENTION_ATTENTIONOPERANDS_H

#include "../Contraction/Memory.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Kernel/Buffers.h"
#include "nncc/Support/AttentionMaps.h"

namespace nncc::gpu {

using kernel::Buffers;

/// One matrix of a tensor: its lines are rows (of query, masks and result) or keys (of key and value), its positions depth, columns, or keys of a
/// mask.
struct AttentionMatrix {
  /// Where it begins, in global memory.
  mlir::Value pointer;
  mlir::Type element;
  /// Elements from one to the next, index; null: it is not indexed by that.
  mlir::Value lineStride, positionStride;

  /// The address of an element; positions are index.
  mlir::Value getAddress(IndexMath &m, mlir::Value line, mlir::Value position) const;
};

/// What is known of an attention before any code is written; ShapedType::kDynamic where a size is not.
class AttentionShape {
public:
  explicit AttentionShape(exec::AttentionOp op);

  int64_t rows, keys, depth, columns;
  unsigned numMasks;
  /// A mask differs from row to row.
  bool hasRowMask = false;
  /// Of the operands, and what scores and sums have.
  mlir::Type element, sum;
  /// Elements of a tensor (0: query, 1: key, 2: value, the last: result) that follow each other along its positions: every line begins at, and is
  /// long, a multiple of this power of two, at most 16. 1: nothing is known, or they are not adjacent.
  int64_t getChunk(unsigned tensor) const { return chunks[tensor]; }
  bool isAdjacent(unsigned tensor) const { return adjacent[tensor]; }

private:
  llvm::SmallVector<int64_t> chunks;
  llvm::SmallVector<bool> adjacent;
};

/// An attention in one of the functions that are written for it.
class AttentionOperands {
public:
  AttentionOperands(IndexMath &m, exec::AttentionOp op, Buffers &values);

  mlir::Value getRows() { return getSize(maps.getRowDim()); }
  mlir::Value getKeys() { return getSize(maps.getKeyDim()); }
  mlir::Value getDepth() { return getSize(maps.getDepthDim()); }
  mlir::Value getColumns() { return getSize(maps.getColumnDim()); }
  llvm::SmallVector<mlir::Value> getBatchSizes();
  /// The matrix of tensor number `tensor` (query, key, value, masks, result) at a point of the batch.
  AttentionMatrix locate(unsigned tensor, mlir::ValueRange batch);
  unsigned getNumMasks() const { return types.size() - 4; }
  unsigned getResultNumber() const { return types.size() - 1; }

private:
  mlir::Value getSize(unsigned dim);
  mlir::Value getTensor(unsigned number) {
    return number == getResultNumber() ? op.getResult() : op->getOperand(number);
  }

  IndexMath &m;
  exec::AttentionOp op;
  Buffers &values;
  llvm::SmallVector<mlir::AffineMap> all;
  llvm::SmallVector<mlir::RankedTensorType> types;
  AttentionMaps maps;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_ATTENTIONOPERANDS_H
