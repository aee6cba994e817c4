//===- Lines.h - sorts and scans, whose lines many threads share ----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_LINES_H
#define NNCC_LIB_GPU_LINES_H

#include "KernelWriter.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::gpu {

/// Appends the phases of an op.
void addSort(KernelPlan &plan, exec::SortOp op);
void addScan(KernelPlan &plan, exec::ScanOp op);

/// The lines of an exec.sort or exec.scan.
class Lines {
public:
  template <typename Op> explicit Lines(Op op) : op(op), sizes(op.getSizes()), inputs(op.getInputs()) {
    length = op.getLength();
    axis = op.getAxis();
  }

  mlir::Location getLoc() const { return op->getLoc(); }
  std::optional<int64_t> getStaticLength() const { return IndexMath::asConstant(length); }
  mlir::Value getLength(Buffers &values) const { return values.values.lookup(length); }
  /// How many lines there are.
  mlir::Value getNumLines(mlir::OpBuilder &b, Buffers &values) const;
  /// The coordinates of line `number`.
  llvm::SmallVector<mlir::Value> getPoint(mlir::OpBuilder &b, Buffers &values, mlir::Value number) const;
  /// Writes a region for `leading`, which the inputs follow; gives what it yields.
  llvm::SmallVector<mlir::Value> write(mlir::OpBuilder &b, mlir::Region &region, llvm::ArrayRef<mlir::Value> leading,
                                       const Buffers &values) const;
  /// Stores an element of a result of the kernel, where it has memory.
  void store(mlir::OpBuilder &b, Buffers &values, unsigned result, mlir::Value value, llvm::ArrayRef<mlir::Value> point,
             mlir::Value at) const;

private:
  mlir::Operation *op;
  mlir::ValueRange sizes, inputs;
  mlir::Value length;
  int64_t axis;
};

/// Bytes from `offset` on as elements of `type`.
mlir::Value viewBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bytes, mlir::Value offset, mlir::Type type,
                      mlir::Value count);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_LINES_H
