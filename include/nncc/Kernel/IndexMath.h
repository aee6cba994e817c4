//===- IndexMath.h - index arithmetic that folds constants ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_INDEXMATH_H
#define NNCC_KERNEL_INDEXMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

namespace nncc::kernel {

/// Writes index arithmetic at the insertion point of `b`. All values are sizes or positions: not negative. What is
/// constant is folded, so that static shapes cost nothing and the emitters need no second version for them. Operands are
/// index or, both, another integer type; so is the result.
class IndexMath {
public:
  IndexMath(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &builder() { return b; }
  mlir::Location location() const { return loc; }

  mlir::Value constant(int64_t value);
  mlir::Value constant(int64_t value, mlir::Type type);
  static std::optional<int64_t> asConstant(mlir::Value value) { return mlir::getConstantIntValue(value); }
  static bool isConstant(mlir::Value value, int64_t wanted) { return asConstant(value) == wanted; }

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, constant(y, x.getType())); }
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, int64_t y) { return sub(x, constant(y, x.getType())); }
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, constant(y, x.getType())); }
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, int64_t y) { return div(x, constant(y, x.getType())); }
  mlir::Value rem(mlir::Value x, mlir::Value y);
  mlir::Value rem(mlir::Value x, int64_t y) { return rem(x, constant(y, x.getType())); }
  mlir::Value ceilDiv(mlir::Value x, int64_t y) { return div(add(x, y - 1), y); }
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, int64_t y) { return min(x, constant(y, x.getType())); }
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, int64_t y) { return max(x, constant(y, x.getType())); }
  /// x - y, or 0 where y is larger.
  mlir::Value subSaturating(mlir::Value x, mlir::Value y) { return sub(max(x, y), y); }
  /// x < y.
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);

  /// A size of a memref.
  mlir::Value dim(mlir::Value memref, int64_t index);
  /// A memref (row-major, contiguous) as a one-dimensional one.
  mlir::Value flatten(mlir::Value memref);

  /// `for (i = from; i < to; i += step)`; a loop of one step leaves only its body, one of none leaves nothing.
  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  void loop(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) { loop(constant(0), count, 1, body); }
  /// Carries values through `for (i = 0; i < count; ++i)` and gives the last ones.
  llvm::SmallVector<mlir::Value>
  reduce(mlir::Value count, mlir::ValueRange init,
         llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_INDEXMATH_H
