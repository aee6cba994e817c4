//===- Fragments.h - operands of tensor cores in registers --------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_FRAGMENTS_H
#define NNCC_LIB_GPU_ATTENTION_FRAGMENTS_H

#include "TileCopy.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

/// Products of f16 or bf16 matrices of 16 x 16 elements by `mma.sync`, added in f32. Operands are in registers of two elements, i32.
class Fragments {
public:
  static bool canMultiply(mlir::Type element, const GPUTarget &target) {
    return element.isF16() ? target.hasMma() : element.isBF16() && target.hasAmpereMma();
  }
  Fragments(IndexMath &m, mlir::Type element, const GPUTarget &target);

  static constexpr int64_t size = 16, halfSize = 8;

  /// Where a lane of a warp points to in a tile, i32, elements: the other offsets of load are the same for all lanes.
  mlir::Value getLaneOffset(mlir::Value lane, int64_t pitch) const;
  /// The four 8 x 8 parts of the matrix at `pointer`, moved by so many elements: first those of the first 8 columns.
  llvm::SmallVector<mlir::Value> load(mlir::Value pointer, int64_t offset, bool isTransposed) const;
  /// Sums (4 a lane) of 16 rows x 8 columns: left is 16 x 16, right the registers of 8 columns.
  void multiplyAdd(mlir::ValueRange left, mlir::ValueRange right, llvm::MutableArrayRef<mlir::Value> sums) const;
  /// Two f32 as a register of two elements.
  mlir::Value pack(mlir::Value low, mlir::Value high) const;

private:
  mlir::Value asOperand(mlir::Value word) const;

  IndexMath &m;
  mlir::Type element;
  /// m16n8k16; else m16n8k8.
  bool isDeep;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_FRAGMENTS_H
