//===- NestPhase.h - linalg ops whose loops fit together, as one phase ----------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_NESTPHASE_H
#define NNCC_LIB_GPU_NESTPHASE_H

#include "NestPlan.h"

namespace nncc::gpu {

class NestPhase : public Phase {
public:
  NestPhase(KernelGraph graph, NestPlan plan) : graph(std::move(graph)), plan(std::move(plan)) {}

  unsigned getThreads() const override { return plan.team.getThreads(); }
  mlir::FailureOr<LaunchShape> writeShape(mlir::OpBuilder &b, Buffers &values) override;
  llvm::LogicalResult writeBody(mlir::OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  KernelGraph graph;
  NestPlan plan;
};

/// Appends the phase of `ops`, in block order. False: their loops do not fit together.
bool addNests(KernelPlan &plan, llvm::ArrayRef<mlir::linalg::GenericOp> ops);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_NESTPHASE_H
