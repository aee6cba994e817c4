//===- PointPhases.h - phases of one thread a point -----------------------------------------------------*- C++ -*-===//
//
// The simplest way to write anything: a thread has one point of an index space, in row-major order, and nothing to do with
// the others.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_POINTPHASES_H
#define NNCC_LIB_GPU_POINTPHASES_H

#include "KernelWriter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Kernel/VectorBody.h"

namespace nncc::gpu {

class PointPhase : public Phase {
public:
  unsigned getThreads() const override { return 128; }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

protected:
  virtual mlir::Location getLoc() const = 0;
  /// The sizes of the index space, index.
  virtual llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) = 0;
  virtual void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) = 0;
};

/// The element of an operand at a point of the op's loops.
mlir::Value loadElement(mlir::OpBuilder &b, mlir::linalg::GenericOp op, mlir::OpOperand &operand, Buffers &values,
                        const LoopPoint &point);
/// What a result starts with there.
mlir::Value loadStart(mlir::OpBuilder &b, mlir::linalg::GenericOp op, mlir::OpOperand &init, Buffers &values,
                      const LoopPoint &point);

/// A result starts with a scalar.
class FillPhase : public PointPhase {
public:
  FillPhase(mlir::Value result, mlir::Value scalar) : result(result), scalar(scalar) {}

protected:
  mlir::Location getLoc() const override { return result.getLoc(); }
  llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) override;
  void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) override;

private:
  mlir::Value result, scalar;
};

/// A result starts with what another tensor holds.
class CopyPhase : public PointPhase {
public:
  CopyPhase(mlir::Value result, mlir::Value source) : result(result), source(source) {}

protected:
  mlir::Location getLoc() const override { return result.getLoc(); }
  llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) override;
  void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) override;

private:
  mlir::Value result, source;
};

/// Copies what the kernel yields to its result `number`.
class YieldPhase : public PointPhase {
public:
  YieldPhase(exec::KernelOp kernel, unsigned number) : kernel(kernel), number(number) {}

protected:
  mlir::Location getLoc() const override { return yielded().getLoc(); }
  llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) override;
  void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) override;

private:
  mlir::Value yielded() const { return kernel.getBody().front().getTerminator()->getOperand(number); }

  mutable exec::KernelOp kernel; // a handle, none of whose methods is const
  unsigned number;
};

/// A linalg.generic: a thread sums what its point of the parallel loops sums, in order.
class GenericPhase : public PointPhase {
public:
  explicit GenericPhase(mlir::linalg::GenericOp op) : op(op) {}

protected:
  mlir::Location getLoc() const override { return op->getLoc(); }
  llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) override;
  void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) override;

private:
  mutable mlir::linalg::GenericOp op;
};

/// The points of an exec.grid; without a grid there is one. Steps of loops that are independent are points as well: neighbouring threads then have
/// neighbouring elements.
class GridPhase : public PointPhase {
public:
  explicit GridPhase(exec::GridOp grid);
  unsigned getThreads() const override {
    return grid.getSizes().empty() && loops.empty() && innerLoops.empty() ? 32 : 128;
  }

protected:
  mlir::Location getLoc() const override { return grid->getLoc(); }
  llvm::SmallVector<mlir::Value> getSizes(mlir::OpBuilder &b, Buffers &values) override;
  void writePoint(mlir::OpBuilder &b, Buffers &values, mlir::ValueRange point) override;

private:
  /// How many steps a loop has, in front of the grid.
  mlir::Value getSteps(mlir::OpBuilder &b, Buffers &values, mlir::scf::ForOp loop) const;
  mutable exec::GridOp grid;
  /// Those in the body itself whose steps are points, all along one dim.
  llvm::SmallVector<mlir::scf::ForOp> loops;
  /// How many elements a point has of each loop: more than one where all loops copy runs that are aligned to so many.
  int64_t lanes = 1;
  /// Those of a grid without such loops, at any depth, that are dims of their own.
  llvm::SmallVector<mlir::scf::ForOp> innerLoops;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_POINTPHASES_H
