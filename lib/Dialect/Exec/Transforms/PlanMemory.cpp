//===- PlanMemory.cpp - the schedule goes from tensors to memrefs ---------------------------------------------------------===//

#include "Buffers.h"
#include "ScheduleSizes.h"
#include "ScheduleToMemRefs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"

#define DEBUG_TYPE "exec-plan-memory"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_PLANMEMORY
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

class PlanMemoryPass : public impl::PlanMemoryBase<PlanMemoryPass> {
public:
  using PlanMemoryBase::PlanMemoryBase;
  void runOnOperation() override {
    auto schedules = getOperation().getOps<func::FuncOp>();
    for (func::FuncOp second : llvm::drop_begin(schedules)) {
      second.emitError("memory is planned for one schedule, and this is the second of the module");
      return signalPassFailure();
    }
    if (!schedules.empty() && failed(plan(*schedules.begin())))
      signalPassFailure();
  }

private:
  LogicalResult plan(func::FuncOp schedule);
  PlannedPlaces place(BufferAssignment &assignment, MemoryPlan &plan);
  void createSizes(func::FuncOp schedule, BufferAssignment &assignment, SizeAnalysis &sizes,
                   const PlannedPlaces &places);
};

/// What the analyses take for granted.
LogicalResult checkSchedule(func::FuncOp schedule) {
  if (!schedule.getBody().hasOneBlock())
    return schedule.emitError("a schedule has one block");
  for (BlockArgument argument : schedule.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return schedule.emitError("argument #") << argument.getArgNumber() << " of a schedule is no ranked tensor";
    if (!type.hasStaticShape() && !llvm::all_of(argument.getUsers(), llvm::IsaPred<InputOp>))
      return schedule.emitError("argument #")
             << argument.getArgNumber() << " has dynamic sizes but is not used by exec.input alone";
  }
  auto walked = schedule.walk([](Operation *op) -> WalkResult {
    for (Type type : op->getResultTypes())
      if (isa<TensorType>(type) && !isa<RankedTensorType>(type))
        return op->emitOpError("has a result without rank in a schedule");
    if (op->getNumRegions() > 0 && !isa<func::FuncOp, scf::IfOp, scf::ForOp, scf::WhileOp>(op))
      return op->emitOpError("is no control flow that a schedule has");
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

} // namespace

LogicalResult PlanMemoryPass::plan(func::FuncOp schedule) {
  if (failed(checkSchedule(schedule)))
    return failure();
  expandAffine(schedule); // Canonicalisation of views leaves it behind.
  SizeAnalysis sizes(schedule);
  BufferAssignment assignment(schedule, sizes, separate);
  MemoryPlan plan;
  plan.numCarries = assignment.getNumGrowing();
  PlannedPlaces places = place(assignment, plan);
  if (!places.isStatic)
    createSizes(schedule, assignment, sizes, places);
  plan.setOn(getOperation());
  return convertToMemRefs(schedule, assignment, sizes, places);
}

/// Offsets if all sizes are numbers, else slots.
PlannedPlaces PlanMemoryPass::place(BufferAssignment &assignment, MemoryPlan &plan) {
  PlannedPlaces places;
  for (unsigned id = 0; id < assignment.getNumBuffers(); ++id) {
    const Buffer &buffer = assignment.getBuffer(id);
    if (assignment.find(id) != id || buffer.kind != BufferKind::Planned)
      continue;
    std::optional<int64_t> bytes = buffer.bytes.getConstant();
    places.isStatic &= bytes.has_value();
    places.places[id] = plan.slots.size();
    plan.slots.push_back({bytes.value_or(-1), buffer.first, buffer.last});
  }
  plan.isStatic = places.isStatic;
  if (!places.isStatic)
    return places;
  Packing packing = packBuffers(plan.slots);
  for (auto &[id, place] : places.places)
    place = packing.offsets[place];
  plan.arenaBytes = packing.bytes;
  plan.boundBytes = getLowerBound(plan.slots);
  plan.slots.clear();
  return places;
}

/// The function @sizes: the bytes of each slot from the symbols.
void PlanMemoryPass::createSizes(func::FuncOp schedule, BufferAssignment &assignment, SizeAnalysis &sizes,
                                 const PlannedPlaces &places) {
  OpBuilder builder(schedule);
  Location loc = schedule.getLoc();
  SmallVector<SizeExpr> bytes(places.places.size());
  for (auto [id, slot] : places.places)
    bytes[slot] = assignment.getBuffer(id).bytes;
  auto type = builder.getFunctionType({}, SmallVector<Type>(bytes.size(), builder.getIndexType()));
  auto function = func::FuncOp::create(builder, loc, "sizes", type);
  builder.setInsertionPointToEnd(function.addEntryBlock());
  func::ReturnOp::create(builder, loc, materializeChecked(builder, loc, sizes, bytes));
}

} // namespace nncc::exec
