//===- Memory.h - addresses, loads and stores of one thread ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MEMORY_H
#define NNCC_LIB_GPU_CONTRACTION_MEMORY_H

#include "nncc/Kernel/IndexMath.h"

namespace mlir::scf {
class ForOp;
} // namespace mlir::scf

namespace nncc::gpu {

using kernel::IndexMath;

/// What a load may assume.
enum class ReadKind {
  Constant, ///< nobody writes there while the kernel runs: ld.global.nc
  Plain,
};

/// All threads of the block, and what they wrote to shared memory.
void emitBarrier(IndexMath &m);
/// The same, and whether `condition` holds for a thread of the block; i1.
mlir::Value emitBarrierAny(IndexMath &m, mlir::Value condition);
/// What the thread wrote before is seen by threads of other blocks before what it writes next; what it reads next is not older.
void emitFence(IndexMath &m);
/// Adds to an integer in global memory at once; what was there before.
mlir::Value addAtomically(IndexMath &m, mlir::Value pointer, mlir::Value value);

/// The address of a kernel's memref, in global memory.
mlir::Value getGlobalPointer(IndexMath &m, mlir::Value memref);
/// The address of the dynamic shared memory of a block.
mlir::Value getSharedPointer(IndexMath &m, mlir::Value memref);
/// `pointer` moved by `count` elements; an index, i32 or i64.
mlir::Value movePointer(IndexMath &m, mlir::Value pointer, mlir::Value count, mlir::Type element);
mlir::Value moveBytes(IndexMath &m, mlir::Value pointer, int64_t bytes);
/// A pointer, an i32 or an i64 of which neither LLVM nor ptxas sees what it is made of.
mlir::Value keepWhole(IndexMath &m, mlir::Value value);
/// The same for the pointers among values. For what a loop starts with: LLVM would split each into what it has in common with others and the rest, and
/// add them up again in each round (f16 product: 33 of 139 instructions of the main loop).
llvm::SmallVector<mlir::Value> keepWhole(IndexMath &m, mlir::ValueRange values);
/// Neither LLVM nor ptxas unrolls a loop: what would be under way at once takes more registers than there are.
void keepRolled(mlir::scf::ForOp loop);
/// IndexMath::reduce as such a loop.
llvm::SmallVector<mlir::Value>
reduceRolled(IndexMath &m, mlir::Value count, mlir::ValueRange init,
             llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);

/// `count` adjacent elements, a vector; 1: a scalar. The address is a multiple of their size or of 16 bytes.
mlir::Value loadElements(IndexMath &m, mlir::Value pointer, mlir::Type element, int64_t count,
                         ReadKind kind = ReadKind::Plain);
/// The same for a vector or a scalar.
void storeElements(IndexMath &m, mlir::Value value, mlir::Value pointer);

/// Starts to copy 16 bytes from global to shared memory; where `exists` (null: always) does not hold, zeros. From sm_80 on.
void copyAsync(IndexMath &m, mlir::Value target, mlir::Value source, mlir::Value exists);
/// The same, but where `exists` does not hold `otherwise` is written, 16 bytes, and `source` need not be an address.
void copyAsyncOr(IndexMath &m, mlir::Value target, mlir::Value source, mlir::Value exists, mlir::Value otherwise);
inline constexpr int64_t asyncBytes = 16;

/// The elements of a vector of `count`, or the scalar.
llvm::SmallVector<mlir::Value> splitVector(IndexMath &m, mlir::Value value);
mlir::Value joinVector(IndexMath &m, mlir::ValueRange elements);
/// A vector of `element` whose parts are scalars or shorter vectors, all alike.
mlir::Value joinParts(IndexMath &m, mlir::ValueRange parts, mlir::Type element);

/// What `body` gives where `condition` holds, else `otherwise`. Without a condition: what `body` gives.
mlir::Value select(IndexMath &m, mlir::Value condition, mlir::Value otherwise, llvm::function_ref<mlir::Value()> body);
/// The same for several values of these types; otherwise zeros.
llvm::SmallVector<mlir::Value> selectAll(IndexMath &m, mlir::Value condition, mlir::TypeRange types,
                                         llvm::function_ref<llvm::SmallVector<mlir::Value>()> body);
/// x < y and both not negative, by one comparison where `x` may be below zero.
mlir::Value isInside(IndexMath &m, mlir::Value x, mlir::Value y);
mlir::Value both(IndexMath &m, mlir::Value x, mlir::Value y);
mlir::Value toI32(IndexMath &m, mlir::Value value);
mlir::Value toIndex(IndexMath &m, mlir::Value value);
/// A zero of a scalar or vector type.
mlir::Value getZero(IndexMath &m, mlir::Type type);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MEMORY_H
