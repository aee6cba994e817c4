//===- Body.h - scalar code in a kernel body --------------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// The bodies of exec.grid and its like are loops, comparisons and loads. A Body writes them as they read: what an operator does follows from the type
/// of its operands (index and signless integers are signed here).
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_IR_BODY_H
#define NNCC_DIALECT_EXEC_IR_BODY_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace nncc {

class Body {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  Body(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value index(int64_t value);
  mlir::Value number(mlir::Type type, double value);
  mlir::Value yes() { return bit(true); }
  mlir::Value no() { return bit(false); }

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  /// Of integers towards zero; `y` must not be 0.
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value rem(mlir::Value x, mlir::Value y);
  /// Of floats NaN when either is.
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value lessEqual(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value either(mlir::Value x, mlir::Value y);
  mlir::Value isNot(mlir::Value x);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value toIndex(mlir::Value integer);
  mlir::Value toInteger(mlir::Value index);

  mlir::Value dim(mlir::Value memref, int64_t index);
  mlir::Value load(mlir::Value memref, mlir::ValueRange at);
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange at);

  void loop(mlir::Value from, mlir::Value to, llvm::function_ref<void(Body, mlir::Value)> body);
  /// A loop with carried values; `body` gives the next ones.
  Values loop(mlir::Value from, mlir::Value to, mlir::ValueRange start,
              llvm::function_ref<Values(Body, mlir::Value, mlir::ValueRange)> body);
  /// do { values = body(values) } while (the first of what body gives); its results are the others.
  Values repeat(mlir::ValueRange start, llvm::function_ref<Values(Body, mlir::ValueRange)> body);
  void when(mlir::Value condition, llvm::function_ref<void(Body)> body);
  Values choose(mlir::Value condition, llvm::function_ref<Values(Body)> then,
                llvm::function_ref<Values(Body)> otherwise);

private:
  mlir::Value bit(bool value);
};

} // namespace nncc

#endif // NNCC_DIALECT_EXEC_IR_BODY_H
