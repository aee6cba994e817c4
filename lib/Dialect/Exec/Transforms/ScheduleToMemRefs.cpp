//===- ScheduleToMemRefs.cpp - writes a planned schedule on memrefs -------------------------------------------------------===//

#include "ScheduleToMemRefs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::exec;

static MemRefType memrefOf(Type type, Attribute space = {}) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType(), MemRefLayoutAttrInterface(), space);
}

static MemRefType memrefOf(Value tensor) {
  return memrefOf(tensor.getType(), isOnHost(tensor) ? getHostSpace(tensor.getContext()) : Attribute());
}

namespace {

/// Builds the new body from the old one, which stays until the end: the sizes are expressions of its values.
class ScheduleRewriter {
public:
  ScheduleRewriter(func::FuncOp schedule, BufferAssignment &assignment, SizeAnalysis &sizes,
                   const PlannedPlaces &places)
      : schedule(schedule), assignment(assignment), sizes(sizes), places(places), builder(schedule.getContext()) {}

  LogicalResult run();

private:
  LogicalResult convert(Block &block);
  LogicalResult convert(Operation *op);
  LogicalResult convertScalar(Operation *op);
  LogicalResult convertLaunch(LaunchOp launch);
  LogicalResult convertReturn(func::ReturnOp op);
  LogicalResult convertIf(scf::IfOp branch);
  LogicalResult convertFor(scf::ForOp loop);
  LogicalResult convertWhile(scf::WhileOp loop);
  void convertView(Operation *op);
  void convertElements(tensor::FromElementsOp op);
  void convertConstant(arith::ConstantOp op);

  SmallVector<Value> startLoop(Operation *loop, ValueRange inits);
  void mapSpares(Operation *loop, ValueRange carried);
  BlockArgument loopArgument(Operation *loop, unsigned number);
  SmallVector<Value> nextIteration(Operation *loop, ValueRange yielded, ValueRange carried);
  bool allocatesIn(function_ref<bool(Operation *)> contains, ValueRange escaping = {});

  Value bufferFor(unsigned id, Value tensor);
  Value viewAs(Value base, Value tensor, ArrayRef<SizeExpr> baseSizes);
  Value createOutput(unsigned index);
  Value size(const SizeExpr &expr);
  void noteSizes(Operation *op);
  SmallVector<Value> dynamicSizes(Value tensor);
  Value lookup(Value value) { return mapping.lookupOrDefault(value); }
  SmallVector<Value> lookup(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return lookup(value); });
  }

  func::FuncOp schedule;
  BufferAssignment &assignment;
  SizeAnalysis &sizes;
  const PlannedPlaces &places;
  OpBuilder builder;
  Location loc = builder.getUnknownLoc();
  Block *entry = nullptr;
  IRMapping mapping; // tensors to memrefs, scalars to scalars
  struct Base {
    Value memref;
    SmallVector<SizeExpr> sizes;
  };
  std::map<std::map<SizeExpr::Monomial, int64_t>, SmallVector<Value>> knownSizes;
  llvm::DenseMap<unsigned, Base> bases;                           // of buffers that are allocated at run time
  llvm::DenseMap<std::pair<Operation *, unsigned>, Value> spares; // of what loops carry
};

} // namespace

LogicalResult nncc::exec::convertToMemRefs(func::FuncOp schedule, BufferAssignment &assignment, SizeAnalysis &sizes,
                                           const PlannedPlaces &places) {
  return ScheduleRewriter(schedule, assignment, sizes, places).run();
}

LogicalResult ScheduleRewriter::run() {
  Block &old = schedule.getBody().front();
  SmallVector<Type> types;
  for (Type type : schedule.getArgumentTypes())
    types.push_back(isa<RankedTensorType>(type) ? memrefOf(type) : type);
  entry = builder.createBlock(&schedule.getBody(), {}, types,
                              llvm::map_to_vector(old.getArguments(), [](auto a) { return a.getLoc(); }));
  mapping.map(old.getArguments(), entry->getArguments());
  if (failed(convert(old)))
    return failure();
  if (ArrayAttr attributes = schedule.getResAttrsAttr()) // A function on memrefs returns nothing.
    schedule->setAttr("exec.results", attributes);
  schedule.removeResAttrsAttr();
  schedule.setFunctionType(builder.getFunctionType(types, {}));
  old.dropAllReferences();
  old.erase();
  return success();
}

LogicalResult ScheduleRewriter::convert(Block &block) {
  for (Operation &op : block) {
    loc = op.getLoc();
    if (failed(convert(&op)))
      return failure();
  }
  return success();
}

LogicalResult ScheduleRewriter::convert(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LaunchOp launch) { return convertLaunch(launch); })
      .Case([&](func::ReturnOp ret) { return convertReturn(ret); })
      .Case([&](scf::IfOp branch) { return convertIf(branch); })
      .Case([&](scf::ForOp loop) { return convertFor(loop); })
      .Case([&](scf::WhileOp loop) { return convertWhile(loop); })
      .Case<scf::YieldOp, scf::ConditionOp>([&](Operation *) { return success(); }) // The ops around them see to these.
      .Case<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>([&](Operation *view) {
        convertView(view);
        return success();
      })
      .Case([&](tensor::FromElementsOp elements) {
        convertElements(elements);
        return success();
      })
      .Case([&](tensor::EmptyOp empty) {
        mapping.map(empty.getResult(), bufferFor(*assignment.lookupId(empty), empty));
        return success();
      })
      .Case([&](tensor::DimOp dim) {
        mapping.map(dim.getResult(),
                    memref::DimOp::create(builder, loc, lookup(dim.getSource()), lookup(dim.getIndex())));
        noteSizes(dim);
        return success();
      })
      .Case([&](tensor::ExtractOp extract) {
        mapping.map(extract.getResult(),
                    memref::LoadOp::create(builder, loc, lookup(extract.getTensor()), lookup(extract.getIndices())));
        return success();
      })
      .Case<InputOp, HostInputOp, WeightOp, arith::SelectOp>([&](Operation *leaf) {
        Operation *copy = builder.clone(*leaf, mapping);
        if (isa<RankedTensorType>(leaf->getResult(0).getType()))
          copy->getResult(0).setType(memrefOf(leaf->getResult(0)));
        return success();
      })
      .Case([&](TransferOp transfer) {
        Value memref = bufferFor(*assignment.lookupId(transfer), transfer);
        CopyOp::create(builder, loc, lookup(transfer.getSource()), memref);
        mapping.map(transfer.getResult(), memref);
        return success();
      })
      .Case([&](arith::ConstantOp constant) {
        if (isa<RankedTensorType>(constant.getType()))
          convertConstant(constant);
        else
          return convertScalar(constant);
        return success();
      })
      .Default([&](Operation *other) { return convertScalar(other); });
}

LogicalResult ScheduleRewriter::convertScalar(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor))
    return op->emitOpError("computes with tensors outside of a kernel");
  builder.clone(*op, mapping);
  noteSizes(op);
  return success();
}

/// Makes the results of a scalar operation known to size().
void ScheduleRewriter::noteSizes(Operation *op) {
  for (Value result : op->getResults())
    if (result.getType().isIndex())
      knownSizes[sizes.getScalar(result).getTerms()].push_back(lookup(result));
}

LogicalResult ScheduleRewriter::convertLaunch(LaunchOp launch) {
  KernelOp kernel = launch.lookupKernel();
  SmallVector<Value> inputs = lookup(launch.getInputs()), outputs;
  for (OpResult result : launch.getResults()) {
    unsigned id = *assignment.lookupId(result), number = result.getResultNumber();
    int64_t alias = kernel.getAlias(number);
    Value memref;
    if (alias >= 0 && assignment.lookupId(launch.getInputs()[alias]) == id) {
      memref = viewAs(inputs[alias], result, sizes.getDims(launch.getInputs()[alias]));
    } else {
      memref = bufferFor(id, result);
      if (auto must = kernel.getMustAlias(); must && (*must)[number] >= 0) {
        CopyOp::create(builder, loc, inputs[alias], memref);
        inputs[alias] = memref;
      }
    }
    mapping.map(result, memref);
    outputs.push_back(memref);
  }
  LaunchOp::create(builder, loc, TypeRange(), launch.getKernelAttr(), inputs, outputs);
  return success();
}

LogicalResult ScheduleRewriter::convertReturn(func::ReturnOp op) {
  for (auto [index, value] : llvm::enumerate(op.getOperands())) {
    if (!isa<RankedTensorType>(value.getType()))
      return op.emitOpError("returns a ") << value.getType() << " from a schedule, not a tensor";
    auto id = assignment.lookupId(value);
    if (id && assignment.getBuffer(*id).kind == BufferKind::Output && assignment.getBuffer(*id).index == index)
      continue;
    CopyOp::create(builder, loc, lookup(value), createOutput(index));
  }
  func::ReturnOp::create(builder, loc);
  return success();
}

void ScheduleRewriter::convertView(Operation *op) {
  Value source = op->getOperand(0), result = op->getResult(0);
  if (source.getType() == result.getType())
    return mapping.map(result, lookup(source));
  mapping.map(result, ViewOp::create(builder, loc, memrefOf(result), lookup(source), dynamicSizes(result)));
}

void ScheduleRewriter::convertElements(tensor::FromElementsOp op) {
  if (llvm::all_of(op->getUsers(), [](Operation *user) { return isa<tensor::ReshapeOp>(user); }))
    return; // Sizes of a view, which has them as values.
  Value memref = bufferFor(*assignment.lookupId(op), op);
  mapping.map(op.getResult(), memref);
  ArrayRef<int64_t> shape = op.getType().getShape();
  for (auto [number, element] : llvm::enumerate(op.getElements())) {
    SmallVector<Value> indices(shape.size());
    int64_t rest = number;
    for (int64_t dim = shape.size() - 1; dim >= 0; rest /= shape[dim], --dim)
      indices[dim] = arith::ConstantIndexOp::create(builder, loc, rest % shape[dim]);
    memref::StoreOp::create(builder, loc, lookup(element), memref, indices);
  }
}

void ScheduleRewriter::convertConstant(arith::ConstantOp op) {
  auto module = schedule->getParentOfType<ModuleOp>();
  MemRefType type = memrefOf(op.getResult());
  memref::GlobalOp global;
  for (auto other : module.getOps<memref::GlobalOp>())
    if (other.getInitialValueAttr() == op.getValueAttr() && other.getType() == type)
      global = other;
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(schedule);
    size_t number = llvm::range_size(module.getOps<memref::GlobalOp>());
    global =
        memref::GlobalOp::create(builder, loc, ("constant_" + Twine(number)).str(), builder.getStringAttr("private"),
                                 type, op.getValue(), /*constant=*/true, builder.getI64IntegerAttr(64));
  }
  mapping.map(op.getResult(), memref::GetGlobalOp::create(builder, loc, type, global.getSymName()));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------------------------------------------------------===//

/// A size as a value: one that is there already, or new arithmetic.
Value ScheduleRewriter::size(const SizeExpr &expr) {
  SmallVector<Value> &known = knownSizes[expr.getTerms()];
  Region *here = builder.getInsertionBlock()->getParent();
  for (Value value : known) // What was written before in a region around this one dominates.
    if (value.getParentRegion()->isAncestor(here))
      return value;
  Value value = materialize(builder, loc, sizes, expr, [&](const SizeAnalysis::Leaf &leaf) -> Value {
    if (isa<RankedTensorType>(leaf.value.getType()))
      return memref::DimOp::create(builder, loc, lookup(leaf.value), leaf.dim);
    return lookup(leaf.value);
  });
  known.push_back(value);
  return value;
}

SmallVector<Value> ScheduleRewriter::dynamicSizes(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Value> result;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      result.push_back(size(sizes.getDim(tensor, dim)));
  return result;
}

Value ScheduleRewriter::viewAs(Value base, Value tensor, ArrayRef<SizeExpr> baseSizes) {
  MemRefType type = memrefOf(tensor);
  if (base.getType() == type && ArrayRef<SizeExpr>(sizes.getDims(tensor)) == baseSizes)
    return base;
  return ViewOp::create(builder, loc, type, base, dynamicSizes(tensor));
}

/// Buffer `id` with the type of `tensor`, allocated if this is its first use.
Value ScheduleRewriter::bufferFor(unsigned id, Value tensor) {
  const Buffer &buffer = assignment.getBuffer(id);
  MemRefType type = memrefOf(tensor);
  id = assignment.find(id);
  if (buffer.kind == BufferKind::Spare)
    return viewAs(spares.lookup({buffer.loop, buffer.index}), tensor,
                  sizes.getDims(loopArgument(buffer.loop, buffer.index)));
  if (buffer.kind == BufferKind::Planned) {
    IntegerAttr place = builder.getI64IntegerAttr(places.places.lookup(id));
    return BufferOp::create(builder, loc, type, places.isStatic ? place : IntegerAttr(),
                            places.isStatic ? IntegerAttr() : place, dynamicSizes(tensor));
  }
  Base &base = bases[id];
  if (!base.memref && buffer.kind == BufferKind::Output) {
    base.memref = createOutput(buffer.index);
    base.sizes = sizes.getDims(schedule.getBody().front().getTerminator()->getOperand(buffer.index));
  } else if (!base.memref) {
    base.memref = AllocOp::create(builder, loc, type, dynamicSizes(tensor));
    base.sizes = sizes.getDims(tensor);
  }
  return viewAs(base.memref, tensor, base.sizes);
}

/// The buffer of output `index`, which the schedule gets once, outside of all control flow.
Value ScheduleRewriter::createOutput(unsigned index) {
  OpBuilder::InsertionGuard guard(builder);
  if (builder.getInsertionBlock() != entry)
    builder.setInsertionPoint(entry->findAncestorOpInBlock(*builder.getInsertionBlock()->getParentOp()));
  Value returned = schedule.getBody().front().getTerminator()->getOperand(index);
  return OutputOp::create(builder, loc, memrefOf(returned.getType()), index, dynamicSizes(returned));
}

/// Whether a buffer is allocated at run time by an operation for which `contains` holds, and is in none of `escaping`.
bool ScheduleRewriter::allocatesIn(function_ref<bool(Operation *)> contains, ValueRange escaping) {
  bool allocates = false;
  for (unsigned id = 0; id < assignment.getNumBuffers(); ++id) {
    const Buffer &buffer = assignment.getBuffer(id);
    if (assignment.find(id) != id || buffer.kind != BufferKind::RunTime || !contains(buffer.firstOp))
      continue;
    allocates = true;
    if (llvm::any_of(escaping, [&](Value value) { return assignment.mayBeIn(value, id); }))
      return false;
  }
  return allocates;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------------------------------------------------------===//

LogicalResult ScheduleRewriter::convertIf(scf::IfOp branch) {
  SmallVector<Type> types;
  for (Value result : branch.getResults())
    types.push_back(isa<RankedTensorType>(result.getType()) ? memrefOf(result) : result.getType());
  auto copy = scf::IfOp::create(builder, loc, types, lookup(branch.getCondition()), /*addThenBlock=*/true,
                                /*addElseBlock=*/!branch.getElseRegion().empty());
  for (auto [from, to] : llvm::zip_equal(branch->getRegions(), copy->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&to.front());
    ValueRange yielded = from.front().getTerminator()->getOperands();
    bool release = allocatesIn([&](Operation *op) { return from.isAncestor(op->getParentRegion()); }, yielded);
    Value mark = release ? MarkOp::create(builder, loc, builder.getIndexType()).getResult() : Value();
    if (failed(convert(from.front())))
      return failure();
    if (release)
      ReleaseOp::create(builder, loc, mark);
    scf::YieldOp::create(builder, loc, lookup(yielded));
  }
  mapping.map(branch.getResults(), copy.getResults());
  return success();
}

BlockArgument ScheduleRewriter::loopArgument(Operation *loop, unsigned number) {
  if (auto counted = dyn_cast<scf::ForOp>(loop))
    return counted.getRegionIterArg(number);
  return cast<scf::WhileOp>(loop).getBeforeArguments()[number];
}

/// What the loop starts with: one value for each that the old one had, then the spare buffers.
SmallVector<Value> ScheduleRewriter::startLoop(Operation *loop, ValueRange inits) {
  SmallVector<Value> values, spare;
  for (auto [number, carry, init] : llvm::enumerate(assignment.getCarries(loop), inits)) {
    Value value = lookup(init), argument = loopArgument(loop, number);
    if (carry.kind == LoopCarry::Growing) {
      value = CarryOp::create(builder, loc, memrefOf(argument.getType()), carry.id, value);
    } else if (carry.kind == LoopCarry::InPlace || carry.kind == LoopCarry::Spare) {
      if (assignment.lookupId(init) != assignment.find(carry.current)) {
        Value buffer = bufferFor(carry.current, argument);
        CopyOp::create(builder, loc, value, buffer);
        value = buffer;
      }
      if (carry.kind == LoopCarry::Spare)
        spare.push_back(bufferFor(carry.spare, argument));
    }
    values.push_back(value);
  }
  values.append(spare);
  return values;
}

/// Inside the loop, `carried` are the values that startLoop gave at first.
void ScheduleRewriter::mapSpares(Operation *loop, ValueRange carried) {
  ArrayRef<LoopCarry> carries = assignment.getCarries(loop);
  size_t next = carries.size();
  for (auto [number, carry] : llvm::enumerate(carries))
    if (carry.kind == LoopCarry::Spare)
      spares[{loop, number}] = carried[next++];
}

SmallVector<Value> ScheduleRewriter::nextIteration(Operation *loop, ValueRange yielded, ValueRange carried) {
  SmallVector<Value> values, spare;
  for (auto [number, carry, next] : llvm::enumerate(assignment.getCarries(loop), yielded)) {
    Value value = lookup(next);
    if (carry.kind == LoopCarry::Constant || carry.kind == LoopCarry::InPlace) {
      value = carried[number];
    } else if (carry.kind == LoopCarry::Growing) {
      value = CarryOp::create(builder, loc, carried[number].getType(), carry.id, value);
    } else if (carry.kind == LoopCarry::Spare) {
      auto id = assignment.lookupId(next);
      const Buffer *buffer = id ? &assignment.getBuffer(*id) : nullptr;
      if (!buffer || buffer->kind != BufferKind::Spare || buffer->loop != loop || buffer->index != number) {
        CopyOp::create(builder, loc, value, spares.lookup({loop, number}));
        value = spares.lookup({loop, number});
      }
      spare.push_back(carried[number]);
    }
    values.push_back(value);
  }
  values.append(spare);
  return values;
}

LogicalResult ScheduleRewriter::convertFor(scf::ForOp loop) {
  SmallVector<Value> starts = startLoop(loop, loop.getInitArgs());
  auto copy = scf::ForOp::create(builder, loc, lookup(loop.getLowerBound()), lookup(loop.getUpperBound()),
                                 lookup(loop.getStep()), starts);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(copy.getBody());
    mapping.map(loop.getInductionVar(), copy.getInductionVar());
    ValueRange carried = copy.getRegionIterArgs();
    mapping.map(loop.getRegionIterArgs(), carried.take_front(loop.getNumRegionIterArgs()));
    mapSpares(loop, carried);
    bool release = allocatesIn([&](Operation *op) { return loop->isProperAncestor(op); });
    Value mark = release ? MarkOp::create(builder, loc, builder.getIndexType()).getResult() : Value();
    if (failed(convert(*loop.getBody())))
      return failure();
    SmallVector<Value> next = nextIteration(loop, loop.getYieldedValues(), carried);
    if (release)
      ReleaseOp::create(builder, loc, mark);
    if (starts.empty()) // The builder made the terminator.
      copy.getBody()->getTerminator()->erase();
    scf::YieldOp::create(builder, loc, next);
  }
  mapping.map(loop.getResults(), copy.getResults().take_front(loop.getNumResults()));
  return success();
}

/// Before the condition and behind it are regions that see nothing of each other: all that is carried goes through the condition.
LogicalResult ScheduleRewriter::convertWhile(scf::WhileOp loop) {
  SmallVector<Value> starts = startLoop(loop, loop.getInits());
  bool release = allocatesIn([&](Operation *op) { return loop->isProperAncestor(op); });
  SmallVector<Type> types;
  for (Value result : loop.getResults())
    types.push_back(isa<RankedTensorType>(result.getType()) ? memrefOf(result) : result.getType());
  llvm::append_range(types, ValueRange(starts).getTypes());
  if (release)
    types.push_back(builder.getIndexType());
  auto copy = scf::WhileOp::create(builder, loc, types, starts);
  OpBuilder::InsertionGuard guard(builder);

  SmallVector<Location> startLocs(starts.size(), loc), resultLocs(types.size(), loc);
  Block *before = builder.createBlock(&copy.getBefore(), {}, ValueRange(starts).getTypes(), startLocs);
  Value mark = release ? MarkOp::create(builder, loc, builder.getIndexType()).getResult() : Value();
  ValueRange carried = before->getArguments();
  mapping.map(loop.getBeforeArguments(), carried.take_front(loop.getBeforeArguments().size()));
  mapSpares(loop, carried);
  if (failed(convert(*loop.getBeforeBody())))
    return failure();
  SmallVector<Value> forwarded = lookup(loop.getConditionOp().getArgs());
  llvm::append_range(forwarded, carried);
  if (release)
    forwarded.push_back(mark);
  scf::ConditionOp::create(builder, loc, lookup(loop.getConditionOp().getCondition()), forwarded);

  Block *after = builder.createBlock(&copy.getAfter(), {}, types, resultLocs);
  ValueRange arguments = after->getArguments();
  size_t numForwarded = loop.getAfterArguments().size();
  mapping.map(loop.getAfterArguments(), arguments.take_front(numForwarded));
  carried = arguments.slice(numForwarded, starts.size());
  mapSpares(loop, carried);
  if (failed(convert(*loop.getAfterBody())))
    return failure();
  SmallVector<Value> next = nextIteration(loop, loop.getYieldOp().getOperands(), carried);
  if (release)
    ReleaseOp::create(builder, loc, arguments.back());
  scf::YieldOp::create(builder, loc, next);
  mapping.map(loop.getResults(), copy.getResults().take_front(loop.getNumResults()));
  return success();
}
