//===- Place.cpp - which part of a schedule for a device runs on the host -------------------------------------------------===//

#include "Placement.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "exec-place"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_PLACE
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

/// Gives each use of a tensor the tensor on the side where it is used.
class PlacementRewriter {
public:
  PlacementRewriter(ModuleOp module, func::FuncOp schedule, Placement &placement)
      : module(module), schedule(schedule), placement(placement), builder(schedule.getContext()) {}

  void run();

private:
  void markKernels();
  void placeOperands(Operation *op);
  void placeExtract(tensor::ExtractOp extract);
  Value get(Value tensor, bool onHost, Operation *user);
  Value makeOnHost(Value tensor, Operation *user);
  Value makeOnDevice(Value tensor);
  Value makeWeight(arith::ConstantOp constant);
  Value transfer(Value tensor, bool toHost);
  func::FuncOp getWeights();

  ModuleOp module;
  func::FuncOp schedule;
  Placement &placement;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> onHostToo, onDeviceToo; // the same tensor on the other side
  llvm::DenseMap<Attribute, Value> constants;          // on the device
};

class PlacePass : public impl::PlaceBase<PlacePass> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    module->setAttr(deviceAttrName, StringAttr::get(&getContext(), "cuda"));
    auto schedule = module.lookupSymbol<func::FuncOp>("main");
    if (!schedule)
      return;
    Placement placement(schedule);
    PlacementRewriter(module, schedule, placement).run();
  }
};

} // namespace

void PlacementRewriter::run() {
  markKernels();
  SmallVector<Operation *> order;
  schedule.walk<WalkOrder::PreOrder>([&](Operation *op) { order.push_back(op); });
  for (Operation *op : order) {
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      placeExtract(extract);
    else
      placeOperands(op);
  }
}

static std::string describe(Value tensor) {
  return std::to_string(cast<RankedTensorType>(tensor.getType()).getNumElements()) + " elements";
}

/// A kernel that both sides launch becomes two.
void PlacementRewriter::markKernels() {
  llvm::MapVector<KernelOp, std::pair<SmallVector<LaunchOp>, unsigned>> launches; // on the host; how many on the device
  schedule.walk([&](LaunchOp launch) {
    auto &[onHost, onDevice] = launches[launch.lookupKernel()];
    if (placement.isHostLaunch(launch))
      onHost.push_back(launch);
    else
      ++onDevice;
  });
  for (auto &[kernel, sides] : launches) {
    auto &[onHost, onDevice] = sides;
    if (onHost.empty())
      continue;
    KernelOp host = kernel;
    if (onDevice) {
      builder.setInsertionPointAfter(kernel);
      host = cast<KernelOp>(builder.clone(*kernel));
      host.setSymName((kernel.getSymName() + "_host").str());
    }
    host.setHost(true);
    for (LaunchOp launch : onHost) {
      launch.setKernelAttr(FlatSymbolRefAttr::get(host.getSymNameAttr()));
      remark::passed(launch.getLoc(), remark::RemarkOpts::name("HostKernel").category("placement"))
          << "kernel " << host.getSymName() << " runs on the host: the schedule needs what it computes";
    }
  }
}

void PlacementRewriter::placeOperands(Operation *op) {
  for (OpOperand &operand : op->getOpOperands())
    if (isa<RankedTensorType>(operand.get().getType()))
      if (std::optional<bool> side = placement.getSide(operand))
        operand.set(get(operand.get(), *side, op));
}

/// Small tensors come whole: the next element is there then.
void PlacementRewriter::placeExtract(tensor::ExtractOp extract) {
  Value tensor = extract.getTensor();
  if (placement.isOnHost(tensor))
    return;
  if (placement.canBeOnHost(tensor) || Placement::isSmall(tensor.getType(), Placement::kMaxDownload))
    extract.getTensorMutable().set(get(tensor, /*onHost=*/true, extract));
  else
    remark::missed(extract.getLoc(), remark::RemarkOpts::name("HostRead").category("placement"))
        << "the schedule reads an element from the device, and waits for it";
}

Value PlacementRewriter::get(Value tensor, bool onHost, Operation *user) {
  if (placement.isOnHost(tensor) == onHost)
    return tensor;
  auto &made = onHost ? onHostToo : onDeviceToo;
  if (Value other = made.lookup(tensor))
    return other;
  return made[tensor] = onHost ? makeOnHost(tensor, user) : makeOnDevice(tensor);
}

/// Inputs and weights are on both sides; a tensor.empty is wherever it is wanted.
Value PlacementRewriter::makeOnHost(Value tensor, Operation *user) {
  builder.setInsertionPointToStart(&schedule.getBody().front());
  if (auto argument = dyn_cast<BlockArgument>(tensor); argument && argument.getOwner()->getParentOp() == schedule)
    return HostInputOp::create(builder, user->getLoc(), tensor.getType(), argument.getArgNumber());
  Operation *op = tensor.getDefiningOp();
  if (auto weight = dyn_cast_if_present<WeightOp>(op))
    return WeightOp::create(builder, weight.getLoc(), weight.getType(), weight.getIndex(), /*host=*/true);
  if (auto empty = dyn_cast_if_present<tensor::EmptyOp>(op)) {
    builder.setInsertionPoint(empty);
    Operation *host = builder.clone(*empty);
    host->setAttr(hostAttrName, builder.getUnitAttr());
    return host->getResult(0);
  }
  remark::missed(user->getLoc(), remark::RemarkOpts::name("HostRead").category("placement"))
      << ("the schedule reads a tensor of " + describe(tensor) + " from the device, and waits for it");
  return transfer(tensor, /*toHost=*/true);
}

Value PlacementRewriter::makeOnDevice(Value tensor) {
  if (auto constant = tensor.getDefiningOp<arith::ConstantOp>())
    return makeWeight(constant);
  Operation *op = tensor.getDefiningOp();
  remark::passed(op ? op->getLoc() : tensor.getLoc(), remark::RemarkOpts::name("Upload").category("placement"))
      << ("a tensor of " + describe(tensor) + " goes from the host to the device");
  return transfer(tensor, /*toHost=*/false);
}

Value PlacementRewriter::transfer(Value tensor, bool toHost) {
  builder.setInsertionPointAfterValue(tensor);
  return TransferOp::create(builder, tensor.getLoc(), tensor, toHost);
}

/// What the device reads of constants goes there with the weights, once.
Value PlacementRewriter::makeWeight(arith::ConstantOp constant) {
  Value &weight = constants[constant.getValueAttr()];
  if (weight)
    return weight;
  func::FuncOp weights = getWeights();
  auto end = cast<func::ReturnOp>(weights.getBody().front().getTerminator());
  builder.setInsertionPoint(end);
  int64_t number = end.getNumOperands();
  end->insertOperands(number, builder.clone(*constant)->getResult(0));
  weights.setFunctionType(builder.getFunctionType(weights.getArgumentTypes(), end.getOperandTypes()));
  Operation *inner = weights->getParentOp();
  SmallVector<Attribute> outputs(inner->getAttrOfType<ArrayAttr>("exec.outputs").getValue());
  outputs.push_back(
      builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr("weight" + Twine(number))),
                                 builder.getNamedAttr("type", TypeAttr::get(constant.getType()))}));
  inner->setAttr("exec.outputs", builder.getArrayAttr(outputs));
  builder.setInsertionPointToStart(&schedule.getBody().front());
  return weight = WeightOp::create(builder, constant.getLoc(), constant.getType(), number);
}

/// The function of the module @weights, which is new where the model has none.
func::FuncOp PlacementRewriter::getWeights() {
  if (auto inner = module.lookupSymbol<ModuleOp>("weights"))
    return inner.lookupSymbol<func::FuncOp>("main");
  builder.setInsertionPointToStart(module.getBody());
  auto inner = ModuleOp::create(builder, module.getLoc(), StringRef("weights"));
  for (StringRef list : {"exec.symbols", "exec.inputs", "exec.outputs"})
    inner->setAttr(list, builder.getArrayAttr({}));
  builder.setInsertionPointToStart(inner.getBody());
  auto weights = func::FuncOp::create(builder, module.getLoc(), "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(weights.addEntryBlock());
  func::ReturnOp::create(builder, module.getLoc());
  return weights;
}

} // namespace nncc::exec
