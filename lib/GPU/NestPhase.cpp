//===- NestPhase.cpp - linalg ops whose loops fit together, as one phase ------------------------------------------===//

#include "NestPhase.h"
#include "NestEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Vectors begin at multiples of their size: rows are as long, and tensors begin at 16 bytes.
static void alignVectors(func::FuncOp function) {
  auto getBytes = [](VectorType type) { return uint64_t(type.getNumElements() * type.getElementTypeBitWidth() / 8); };
  function.walk([&](Operation *op) {
    if (auto load = dyn_cast<vector::LoadOp>(op))
      load.setAlignment(getBytes(load.getVectorType()));
    else if (auto store = dyn_cast<vector::StoreOp>(op))
      store.setAlignment(getBytes(store.getVectorType()));
  });
}

FailureOr<LaunchShape> NestPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, graph.nests.back().op.getLoc());
  NestEmitter emitter(b, values, graph, plan);
  if (plan.tileClass >= 0)
    return LaunchShape{emitter.getNumTiles(), m.constant(emitter.getTileBytes())};
  Value points = emitter.getNumPoints();
  return LaunchShape{m.ceilDiv(points, plan.team.points), m.constant(getReductionBytes(plan.team))};
}

LogicalResult NestPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  NestEmitter(b, values, graph, plan).emit(function);
  alignVectors(function.function);
  return success();
}

bool nncc::gpu::addNests(KernelPlan &plan, ArrayRef<linalg::GenericOp> ops) {
  FailureOr<KernelGraph> graph = KernelGraph::build(ops);
  if (failed(graph))
    return false;
  graph->collapse();
  NestPlan nests = NestPlan::create(*graph, plan.kernel);
  for (Value tensor : nests.kept)
    plan.workspace.keep(tensor);
  plan.add<NestPhase>(std::move(*graph), std::move(nests));
  return true;
}
