//===- Control.cpp - If, Loop and Scan to scf -----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// Between the types of nn and those behind the conversion
//===----------------------------------------------------------------------------------------------------------------------===//

RankedTensorType convertedType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), convertElementType(tensor.getElementType()));
}

Value castBetween(OpBuilder &b, Location loc, Type type, Value value) {
  return value.getType() == type ? value : UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

Value toConverted(OpBuilder &b, Location loc, Value value) {
  return castBetween(b, loc, convertedType(value.getType()), value);
}

/// A value behind the conversion as one of nn, of which more or less sizes may be known.
Value toNN(OpBuilder &b, Location loc, Type type, Value converted) {
  if (RankedTensorType wanted = convertedType(type); converted.getType() != wanted)
    converted = tensor::CastOp::create(b, loc, wanted, converted);
  return castBetween(b, loc, type, converted);
}

/// The same with another type of nn.
Value withType(OpBuilder &b, Location loc, Type type, Value value) {
  return value.getType() == type ? value : toNN(b, loc, type, toConverted(b, loc, value));
}

/// The only element of a condition.
Value readCondition(OpBuilder &b, Location loc, Value condition) {
  SmallVector<int64_t> origin(nn::typeOf(condition).getRank(), 0);
  return toBit(b, loc, readElement(b, loc, toConverted(b, loc, condition), origin));
}

void lowerIf(nn::IfOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto branch = scf::IfOp::create(b, loc, op.getResultTypes(), readCondition(b, loc, op.getCondition()),
                                  /*addThenBlock=*/false, /*addElseBlock=*/false);
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), branch->getRegions())) {
    to.takeBody(from);
    Operation *yield = to.front().getTerminator();
    b.setInsertionPoint(yield);
    SmallVector<Value> values;
    for (auto [value, type] : llvm::zip_equal(yield->getOperands(), op.getResultTypes()))
      values.push_back(withType(b, loc, type, value));
    scf::YieldOp::create(b, loc, values);
    yield->erase();
  }
  op.replaceAllUsesWith(branch.getResults());
  op.erase();
}

void lowerExpect(nn::ExpectOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value bit = readCondition(b, loc, op.getCondition());
  Value wanted = arith::ConstantOp::create(b, loc, b.getBoolAttr(op.getValue()));
  Value holds = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, bit, wanted);
  exec::CheckOp::create(b, loc, holds, op.getMessageAttr());
  op.erase();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Stacks of what the iterations yield
//===----------------------------------------------------------------------------------------------------------------------===//

/// A tensor that gets one element an iteration, behind the conversion. Where its size is known before the loop it is filled in place, else
/// it grows: each iteration makes a larger one.
class Stack {
public:
  /// `trips`: how many elements there will be, if that is known.
  Stack(OpBuilder &b, Location loc, RankedTensorType element, std::optional<OpFoldResult> trips);

  Value create(OpBuilder &b, Location loc) const;
  /// `stack` with element `number`.
  Value push(OpBuilder &b, Location loc, Value stack, Value element, Value number) const;

  bool doesGrow() const { return grows; }

  RankedTensorType type;

private:
  void checkShape(OpBuilder &b, Location loc, Value stack, Value element, Value number) const;

  Sizes sizes; // before the loop
  bool grows;
};

Stack::Stack(OpBuilder &b, Location loc, RankedTensorType element, std::optional<OpFoldResult> trips) {
  SmallVector<nn::Dim> dims = nn::getDims(element);
  grows = !trips || llvm::any_of(dims, [](const nn::Dim &dim) { return dim.isUnknown(); });
  sizes.push_back(grows ? OpFoldResult(b.getIndexAttr(0)) : *trips);
  std::optional<int64_t> count = getConstantIntValue(sizes.front());
  SmallVector<int64_t> shape{grows || !count ? ShapedType::kDynamic : *count};
  for (const nn::Dim &dim : dims) {
    sizes.push_back(dim.isUnknown() ? OpFoldResult(b.getIndexAttr(0)) : materialize(b, loc, dim));
    shape.push_back(dim.isStatic() ? dim.getStatic() : ShapedType::kDynamic);
  }
  type = RankedTensorType::get(shape, convertElementType(element.getElementType()));
}

Value Stack::create(OpBuilder &b, Location loc) const {
  SmallVector<Value> dynamic;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (type.isDynamicDim(i))
      dynamic.push_back(asIndex(b, loc, size));
  return tensor::EmptyOp::create(b, loc, type, dynamic);
}

/// All elements have the shape of the first.
void Stack::checkShape(OpBuilder &b, Location loc, Value stack, Value element, Value number) const {
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, number, constantIndex(b, loc, 0));
  for (int64_t i = 1; i < type.getRank(); ++i)
    if (type.isDynamicDim(i)) {
      Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, tensor::DimOp::create(b, loc, stack, i),
                                         tensor::DimOp::create(b, loc, element, i - 1));
      exec::CheckOp::create(b, loc, arith::OrIOp::create(b, loc, isFirst, same),
                            b.getStringAttr("what a loop yields in two iterations differs in shape"));
    }
}

/// The elements are taken for matrices: rows in parallel, each of them contiguous.
Value Stack::push(OpBuilder &b, Location loc, Value stack, Value element, Value number) const {
  SmallVector<OpFoldResult> dims = tensor::getMixedSizes(b, loc, element);
  OpFoldResult rows = b.getIndexAttr(1), columns = dims.empty() ? OpFoldResult(b.getIndexAttr(1)) : dims.back();
  for (OpFoldResult size : ArrayRef(dims).drop_back(!dims.empty()))
    rows = mulSizes(b, loc, rows, size);
  Value one = constantIndex(b, loc, 1), count = arith::AddIOp::create(b, loc, number, one);
  OpFoldResult have = grows ? OpFoldResult(number) : sizes.front();
  Sizes all{grows ? OpFoldResult(count) : have};
  llvm::append_range(all, dims);
  if (grows)
    checkShape(b, loc, stack, element, number);
  Value flatStack = reshapeTensor(b, loc, stack, {have, rows, columns});
  Value flat = reshapeTensor(b, loc, element, {rows, columns});
  auto copyRow = [&](OpBuilder &nested, Location nestedLoc, Value from, ValueRange fromRow, Value to,
                     ValueRange toRow) {
    Value width = memref::DimOp::create(nested, nestedLoc, from, fromRow.size());
    emitLoops(nested, nestedLoc, width, [&](OpBuilder &inner, Location innerLoc, ValueRange column) {
      SmallVector<Value> source(fromRow), target(toRow);
      source.push_back(column[0]);
      target.push_back(column[0]);
      Value moved = memref::LoadOp::create(inner, innerLoc, from, source);
      memref::StoreOp::create(inner, innerLoc, moved, to, target);
    });
  };
  exec::GridOp grid;
  if (grows) {
    Value larger = emptyTensor(b, loc, {count, rows, columns}, type.getElementType());
    grid = exec::GridOp::create(
        b, loc, {count, asIndex(b, loc, rows)}, {flatStack, flat}, larger,
        [&](OpBuilder &nested, Location nestedLoc, ValueRange point, ValueRange ins, ValueRange outs) {
          Value isOld = arith::CmpIOp::create(nested, nestedLoc, arith::CmpIPredicate::ult, point[0], number);
          auto branch = scf::IfOp::create(nested, nestedLoc, isOld, /*withElseRegion=*/true);
          OpBuilder old = branch.getThenBodyBuilder(), fresh = branch.getElseBodyBuilder();
          copyRow(old, nestedLoc, ins[0], point, outs[0], point);
          copyRow(fresh, nestedLoc, ins[1], point[1], outs[0], point);
        });
  } else {
    grid = exec::GridOp::create(
        b, loc, asIndex(b, loc, rows), flat, flatStack,
        [&](OpBuilder &nested, Location nestedLoc, ValueRange point, ValueRange ins, ValueRange outs) {
          copyRow(nested, nestedLoc, ins[0], point, outs[0], {number, point[0]});
        });
  }
  Value result = reshapeTensor(b, loc, grid.getResult(0), all);
  return result.getType() == type ? result : tensor::CastOp::create(b, loc, type, result).getResult();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------------------------------------------------------===//

class LoopLowering {
public:
  explicit LoopLowering(nn::LoopOp op)
      : op(op), b(op), loc(op.getLoc()), zero(constantIndex(b, loc, 0)), one(constantIndex(b, loc, 1)) {}

  void run() {
    std::optional<OpFoldResult> trips = readTrips();
    makeStacks(op.isCounted() ? trips : std::nullopt);
    ValueRange results = op.isCounted() && keepsSizes() ? lowerCounted(*trips) : lowerConditional(trips);
    b.setInsertionPoint(op);
    for (auto [i, result] : llvm::enumerate(op.getResults()))
      result.replaceAllUsesWith(toNN(b, loc, result.getType(), toConverted(b, loc, results[i])));
    op.erase();
  }

private:
  std::optional<OpFoldResult> readTrips();
  void makeStacks(std::optional<OpFoldResult> trips);
  bool keepsSizes();
  ValueRange lowerCounted(OpFoldResult trips);
  ValueRange lowerConditional(std::optional<OpFoldResult> trips);
  SmallVector<Value> moveBody(Block *into, Value number, ValueRange carried, Value &condition);

  nn::LoopOp op;
  OpBuilder b;
  Location loc;
  Value zero, one;
  SmallVector<Stack> stacks;
  SmallVector<Value> starts; // carried values, then stacks
};

/// How often the loop may run, not below 0; nothing: without a limit. A condition that does not hold at first counts.
std::optional<OpFoldResult> LoopLowering::readTrips() {
  if (!op.getTrips())
    return std::nullopt;
  OpFoldResult trips = elementAsSize(b, loc, op.getTrips(), toConverted(b, loc, op.getTrips()), 0);
  if (std::optional<int64_t> number = getConstantIntValue(trips))
    trips = b.getIndexAttr(std::max<int64_t>(*number, 0));
  else
    trips = arith::MaxSIOp::create(b, loc, asIndex(b, loc, trips), zero).getResult();
  if (!op.getCondition())
    return trips;
  if (std::optional<SmallVector<int64_t>> known = nn::getConstantInts(op.getCondition()))
    return known->front() ? trips : OpFoldResult(b.getIndexAttr(0));
  Value holds = readCondition(b, loc, op.getCondition());
  return OpFoldResult(arith::SelectOp::create(b, loc, holds, asIndex(b, loc, trips), zero).getResult());
}

void LoopLowering::makeStacks(std::optional<OpFoldResult> trips) {
  Block &body = op.getBody().front();
  for (auto [init, argument] : llvm::zip_equal(op.getInits(), body.getArguments().drop_front()))
    starts.push_back(withType(b, loc, argument.getType(), init));
  for (Value element : op.getYield().getOperands().drop_front(1 + op.getNumCarried())) {
    stacks.emplace_back(b, loc, nn::typeOf(element), trips);
    starts.push_back(stacks.back().create(b, loc));
  }
}

/// Whether all that is carried has the sizes in each iteration that it had at first. scf.for is for such loops alone: its patterns give what
/// it carries the type that the initial value turns out to have.
bool LoopLowering::keepsSizes() {
  auto isKnown = [](Type type) {
    return llvm::none_of(nn::getDims(cast<RankedTensorType>(type)), [](const nn::Dim &dim) { return dim.isUnknown(); });
  };
  return llvm::all_of(llvm::drop_begin(op.getBody().getArgumentTypes()), isKnown) &&
         llvm::none_of(stacks, [](const Stack &stack) { return stack.doesGrow(); });
}

/// Moves the body to the end of a block, without its terminator; what the next iteration gets.
SmallVector<Value> LoopLowering::moveBody(Block *into, Value number, ValueRange carried, Value &condition) {
  Block &body = op.getBody().front();
  b.setInsertionPointToEnd(into);
  RankedTensorType counter = nn::typeOf(body.getArgument(0));
  Value count = arith::IndexCastOp::create(b, loc, b.getI64Type(), number);
  auto oneElement = RankedTensorType::get(SmallVector<int64_t>(counter.getRank(), 1), b.getI64Type());
  Value iteration = tensor::FromElementsOp::create(b, loc, oneElement, count);
  body.getArgument(0).replaceAllUsesWith(toNN(b, loc, counter, iteration));
  for (auto [argument, value] : llvm::zip(body.getArguments().drop_front(), carried))
    argument.replaceAllUsesWith(value);
  nn::YieldOp yield = op.getYield();
  SmallVector<Value> yielded(yield.getOperands()), next;
  into->getOperations().splice(into->end(), body.getOperations());
  b.setInsertionPoint(yield);
  condition = yielded.front();
  for (unsigned i = 0; i < op.getNumCarried(); ++i)
    next.push_back(withType(b, loc, starts[i].getType(), yielded[i + 1]));
  for (auto [i, stack] : llvm::enumerate(stacks)) {
    unsigned at = op.getNumCarried() + i;
    next.push_back(stack.push(b, loc, carried[at], toConverted(b, loc, yielded[at + 1]), number));
  }
  yield.erase();
  b.setInsertionPointToEnd(into);
  return next;
}

ValueRange LoopLowering::lowerCounted(OpFoldResult trips) {
  auto loop = scf::ForOp::create(b, loc, zero, asIndex(b, loc, trips), one, starts);
  if (starts.empty()) // The builder made the terminator.
    loop.getBody()->getTerminator()->erase();
  Value condition;
  SmallVector<Value> next = moveBody(loop.getBody(), loop.getInductionVar(), loop.getRegionIterArgs(), condition);
  scf::YieldOp::create(b, loc, next);
  return loop.getResults();
}

/// Carries the number of the iteration and the condition too.
ValueRange LoopLowering::lowerConditional(std::optional<OpFoldResult> trips) {
  Value limit = trips ? asIndex(b, loc, *trips) : Value();
  Value holds = op.getCondition() ? readCondition(b, loc, op.getCondition())
                                  : arith::ConstantOp::create(b, loc, b.getBoolAttr(true)).getResult();
  SmallVector<Value> inits{zero, holds};
  llvm::append_range(inits, starts);
  SmallVector<Type> types(ValueRange(starts).getTypes());
  types.push_back(b.getIndexType()); // behind the results of the op
  auto loop = scf::WhileOp::create(b, loc, types, inits);

  SmallVector<Location> locs(inits.size(), loc);
  Block *before = b.createBlock(&loop.getBefore(), {}, ValueRange(inits).getTypes(), locs);
  ValueRange arguments = before->getArguments();
  Value goes = arguments[1];
  if (limit) {
    Value isBelow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, arguments[0], limit);
    goes = arith::AndIOp::create(b, loc, goes, isBelow);
  }
  SmallVector<Value> forwarded(arguments.drop_front(2));
  forwarded.push_back(arguments[0]);
  scf::ConditionOp::create(b, loc, goes, forwarded);

  Block *after = b.createBlock(&loop.getAfter(), {}, types, SmallVector<Location>(types.size(), loc));
  Value number = after->getArguments().back(), condition;
  SmallVector<Value> next = moveBody(after, number, after->getArguments().drop_back(), condition);
  SmallVector<Value> again{arith::AddIOp::create(b, loc, number, one), readCondition(b, loc, condition)};
  llvm::append_range(again, next);
  scf::YieldOp::create(b, loc, again);
  return loop.getResults();
}

} // namespace

void lowerControl(ModuleOp module) {
  SmallVector<Operation *> control;
  module.walk([&](Operation *op) { // Inner ones first.
    if (isa<nn::IfOp, nn::LoopOp, nn::ExpectOp>(op))
      control.push_back(op);
  });
  for (Operation *op : control) {
    if (auto branch = dyn_cast<nn::IfOp>(op))
      lowerIf(branch);
    else if (auto expect = dyn_cast<nn::ExpectOp>(op))
      lowerExpect(expect);
    else
      LoopLowering(cast<nn::LoopOp>(op)).run();
  }
}

} // namespace nncc
