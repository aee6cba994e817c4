//===- RootWriter.h - kernels that are one op with an emitter of its own --------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_ROOTWRITER_H
#define NNCC_LIB_CPU_ROOTWRITER_H

#include "Contraction/GemmBlock.h"
#include "KernelWriter.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::cpu {

/// What the values of `kernel`, which computes nothing but `root`, are in one of its functions.
mlir::FailureOr<mlir::IRMapping> mapValuesAround(mlir::Operation *root, mlir::OpBuilder &b, exec::KernelOp kernel,
                                                 const KernelFunction &function);

/// `Plan` is made of op and target alone: every function of the kernel finds the same. `Emitter::check` says, with a diagnostic, which ops it
/// cannot write.
template <typename Op, typename Plan, typename Emitter> class RootWriter : public KernelWriter {
public:
  RootWriter(exec::KernelOp kernel, Op op, const CPUTarget &target) : kernel(kernel), op(op), plan(op, target) {}

  mlir::FailureOr<mlir::Value> writeTileCount(mlir::OpBuilder &b, const KernelFunction &function) override {
    mlir::FailureOr<mlir::IRMapping> values = mapValues(b, function);
    if (failed(values))
      return mlir::failure();
    IndexMath m(b, op.getLoc());
    return Emitter(m, op, plan, *values).emitTiles();
  }

  mlir::FailureOr<int64_t> writeTile(mlir::OpBuilder &b, const KernelFunction &function) override {
    mlir::FailureOr<mlir::IRMapping> values = mapValues(b, function);
    if (failed(values))
      return mlir::failure();
    IndexMath m(b, op.getLoc());
    Scratch scratch(function.scratch);
    Emitter(m, op, plan, *values).emitTile(function.tile, scratch);
    return scratch.getBytes();
  }

  void describe(llvm::raw_ostream &os) const override { plan.describe(os); }

private:
  mlir::FailureOr<mlir::IRMapping> mapValues(mlir::OpBuilder &b, const KernelFunction &function) {
    if (failed(Emitter::check(op)))
      return mlir::failure();
    return mapValuesAround(op, b, kernel, function);
  }

  exec::KernelOp kernel;
  Op op;
  Plan plan;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_ROOTWRITER_H
