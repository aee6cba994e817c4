//===- AttentionMaps.h - which elements an attention combines ---------------------------------------------------*- C++ -*-===//
///
/// \file
/// nn.attention and exec.attention reach their operands as linalg.generic does, by maps: heads that stand behind the rows, a third of a
/// joint projection, or keys that several heads share are indices, and no transpose, slice or copy.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_SUPPORT_ATTENTIONMAPS_H
#define NNCC_SUPPORT_ATTENTIONMAPS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypes.h"
#include <string>

namespace nncc {

/// The dims of an attention are the batch dims, then rows m (queries), keys n, depth d, and columns e (of the values). The maps are those
/// of query, key, value, the masks, and the result. Query is indexed by m and d, key by n and d, value by n and e, a mask by m and n or
/// less, the result by m and e; all by batch dims besides. An index is a dim, a number, or (but in the result) a batch dim `floordiv` a
/// number: each so many heads share what is there.
class AttentionMaps {
public:
  explicit AttentionMaps(llvm::ArrayRef<mlir::AffineMap> maps) : maps(maps) {}

  unsigned getNumDims() const { return maps.front().getNumDims(); }
  unsigned getNumBatchDims() const { return getNumDims() - 4; }
  unsigned getRowDim() const { return getNumDims() - 4; }
  unsigned getKeyDim() const { return getNumDims() - 3; }
  unsigned getDepthDim() const { return getNumDims() - 2; }
  unsigned getColumnDim() const { return getNumDims() - 1; }

  /// What is wrong with the maps for tensors of these types, the result's last; empty: nothing. Checked first.
  std::string findMistake(llvm::ArrayRef<mlir::RankedTensorType> types) const;

  /// Where the size of `dim` stands: a tensor and one of its dims, if possible a static one.
  std::pair<unsigned, unsigned> findSize(unsigned dim, llvm::ArrayRef<mlir::RankedTensorType> types) const;
  /// All places at which the plain index `dim` stands.
  llvm::SmallVector<std::pair<unsigned, unsigned>> findUses(unsigned dim) const;

private:
  std::string findMistakeOf(unsigned tensor, mlir::RankedTensorType type, llvm::ArrayRef<unsigned> wanted,
                            llvm::ArrayRef<unsigned> allowed) const;

  llvm::ArrayRef<mlir::AffineMap> maps;
};

/// An index of such a map: a dim (divided), or a number.
struct AttentionIndex {
  std::optional<unsigned> dim;
  int64_t divisor = 1, number = 0;

  /// Nothing when `expr` is no such index.
  static std::optional<AttentionIndex> of(mlir::AffineExpr expr);
  bool isPlain(unsigned wanted) const { return dim == wanted && divisor == 1; }
};

} // namespace nncc

#endif // NNCC_SUPPORT_ATTENTIONMAPS_H
