//===- VectorBody.cpp - the body and the operands of a linalg op, as scalars or vectors ---------------------------===//

#include "nncc/Kernel/VectorBody.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Kernel/LaneValue.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

//===----------------------------------------------------------------------------------------------------------------===//
// What can be vectorised
//===----------------------------------------------------------------------------------------------------------------===//

bool kernel::isVectorizable(linalg::GenericOp op) {
  return llvm::all_of(*op.getBody(), [](Operation &inner) {
    return OpTrait::hasElementwiseMappableTraits(&inner) ||
           isa<arith::ConstantOp, linalg::IndexOp, tensor::ExtractOp, tensor::DimOp, affine::AffineApplyOp,
               exec::FaultOp, linalg::YieldOp>(inner);
  });
}

SmallVector<Value> kernel::findVarying(linalg::GenericOp op, unsigned loop) {
  llvm::SetVector<Value> varying;
  // Sums are vectors along the loop that they go over.
  for (OpOperand &operand : op->getOpOperands())
    if (op.isDpsInit(&operand) || op.getMatchingIndexingMap(&operand).isFunctionOfDim(loop))
      varying.insert(op.getMatchingBlockArgument(&operand));
  for (Operation &inner : *op.getBody()) {
    auto index = dyn_cast<linalg::IndexOp>(inner);
    bool varies = index ? index.getDim() == loop
                        : llvm::any_of(inner.getOperands(), [&](Value operand) { return varying.contains(operand); });
    if (varies)
      varying.insert_range(inner.getResults());
  }
  return varying.takeVector();
}

int64_t kernel::getNaturalLanes(linalg::GenericOp op, unsigned loop) {
  unsigned widest = 8;
  for (Value value : findVarying(op, loop))
    if (value.getType().isIntOrFloat())
      widest = std::max(widest, value.getType().getIntOrFloatBitWidth());
  return std::max<int64_t>(512 / llvm::PowerOf2Ceil(widest), 1);
}

Value kernel::toVector(OpBuilder &b, Location loc, Value value, int64_t lanes) {
  return lanes == 1 ? value : LaneBuilder(b, loc, lanes).toVector({value});
}

//===----------------------------------------------------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------------------------------------------------===//

/// The indices of the loops at `point`.
static SmallVector<LaneValue> getLoopIndices(const LoopPoint &point) {
  SmallVector<LaneValue> indices;
  for (auto [dim, iv] : llvm::enumerate(point.ivs))
    indices.push_back({iv, int64_t(dim) == point.dim ? 1 : 0});
  return indices;
}

static SmallVector<LaneValue> applyMap(LaneBuilder &lanes, AffineMap map, const LoopPoint &point) {
  SmallVector<LaneValue> loops = getLoopIndices(point);
  return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) { return lanes.apply(expr, loops); });
}

Value kernel::loadOperand(OpBuilder &b, Location loc, Value memref, AffineMap map, const LoopPoint &point) {
  LaneBuilder lanes(b, loc, point.lanes, point.mask);
  return lanes.load(memref, applyMap(lanes, map, point)).value;
}

void kernel::storeOperand(OpBuilder &b, Location loc, Value value, Value memref, AffineMap map,
                          const LoopPoint &point) {
  LaneBuilder lanes(b, loc, point.lanes, point.mask);
  lanes.store({value}, memref, applyMap(lanes, map, point));
}

//===----------------------------------------------------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// Clones one body at one point.
class BodyCloner {
public:
  BodyCloner(OpBuilder &b, const LoopPoint &point, const IRMapping &outer)
      : b(b), point(point), outer(outer), loops(getLoopIndices(point)) {}

  SmallVector<Value> clone(Block &body, ValueRange args);

private:
  LaneValue get(Value value) const;
  SmallVector<LaneValue> getAll(ValueRange values) const {
    return llvm::map_to_vector(values, [&](Value value) { return get(value); });
  }
  void cloneOp(Operation &op);
  /// The result when it is the same for all lanes, or steps from lane to lane.
  std::optional<LaneValue> cloneStrided(Operation &op);
  void cloneElementwise(Operation &op);
  void cloneNested(Operation &op);
  void cloneFault(exec::FaultOp op);

  OpBuilder &b;
  const LoopPoint &point;
  const IRMapping &outer;
  SmallVector<LaneValue> loops;
  llvm::DenseMap<Value, LaneValue> values;
};

} // namespace

LaneValue BodyCloner::get(Value value) const {
  auto it = values.find(value);
  return it != values.end() ? it->second : LaneValue{outer.lookupOrDefault(value)};
}

SmallVector<Value> BodyCloner::clone(Block &body, ValueRange args) {
  for (auto [parameter, arg] : llvm::zip_equal(body.getArguments(), args))
    values[parameter] = {arg};
  for (Operation &op : body.without_terminator())
    cloneOp(op);
  LaneBuilder lanes(b, body.getTerminator()->getLoc(), point.lanes);
  return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value value) {
    LaneValue result = get(value);
    return result.isUniform() ? result.value : lanes.toVector(result);
  });
}

void BodyCloner::cloneOp(Operation &op) {
  LaneBuilder lanes(b, op.getLoc(), point.lanes, point.mask);
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    values[index] = loops[index.getDim()];
  else if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    values[extract] = lanes.load(get(extract.getTensor()).value, getAll(extract.getIndices()));
  else if (auto apply = dyn_cast<affine::AffineApplyOp>(op); apply && apply.getAffineMap().getNumSymbols() == 0)
    values[apply] = lanes.apply(apply.getAffineMap().getResult(0), getAll(apply.getMapOperands()));
  else if (auto fault = dyn_cast<exec::FaultOp>(op))
    cloneFault(fault);
  else if (auto dim = dyn_cast<tensor::DimOp>(op))
    values[dim] = {b.createOrFold<memref::DimOp>(op.getLoc(), get(dim.getSource()).value, get(dim.getIndex()).value)};
  else if (std::optional<LaneValue> strided = cloneStrided(op))
    values[op.getResult(0)] = *strided;
  else if (op.getNumRegions() == 0)
    cloneElementwise(op);
  else
    cloneNested(op);
}

std::optional<LaneValue> BodyCloner::cloneStrided(Operation &op) {
  if (op.getNumResults() != 1 || op.getNumOperands() == 0 || !op.getResult(0).getType().isIntOrIndex() ||
      (op.getResult(0).getType().isInteger() && !op.getResult(0).getType().isInteger(64)))
    return std::nullopt;
  SmallVector<LaneValue> operands = getAll(op.getOperands());
  LaneBuilder lanes(b, op.getLoc(), point.lanes);
  if (isa<arith::AddIOp>(op))
    return lanes.add(operands[0], operands[1]);
  if (isa<arith::SubIOp>(op))
    return lanes.sub(operands[0], operands[1]);
  if (isa<arith::MulIOp>(op))
    return lanes.mul(operands[0], operands[1]);
  if (isa<arith::IndexCastOp>(op) && operands[0].isStrided() &&
      (op.getOperand(0).getType().isIndex() || op.getOperand(0).getType().isInteger(64)))
    return LaneValue{b.createOrFold<arith::IndexCastOp>(op.getLoc(), op.getResult(0).getType(), operands[0].value),
                     operands[0].stride};
  return std::nullopt;
}

/// A scalar op when all operands are the same for all lanes, else the same op on vectors.
void BodyCloner::cloneElementwise(Operation &op) {
  SmallVector<LaneValue> operands = getAll(op.getOperands());
  bool isUniform = llvm::all_of(operands, [](LaneValue value) { return value.isUniform(); });
  LaneBuilder lanes(b, op.getLoc(), point.lanes);
  SmallVector<Value> mapped;
  for (auto [number, operand] : llvm::enumerate(operands)) {
    bool keepsScalar = isUniform || (isa<arith::SelectOp>(op) && number == 0 && operand.isUniform());
    mapped.push_back(keepsScalar ? operand.value : lanes.toVector(operand));
  }
  Operation *copy = b.clone(op);
  copy->setOperands(mapped);
  for (auto [before, after] : llvm::zip_equal(op.getResults(), copy->getResults())) {
    if (!isUniform)
      after.setType(VectorType::get(point.lanes, after.getType()));
    values[before] = {after};
  }
}

/// An op with regions, in a scalar body.
void BodyCloner::cloneNested(Operation &op) {
  IRMapping mapping(outer);
  for (auto &[before, after] : values)
    mapping.map(before, after.value);
  Operation *copy = b.clone(op, mapping);
  for (auto [before, after] : llvm::zip_equal(op.getResults(), copy->getResults()))
    values[before] = {after};
  SmallVector<Operation *> nested;
  copy->walk([&](Operation *inner) { nested.push_back(inner); });
  // Their first operands are memrefs by now, which the accessors of the tensor dialect do not take.
  for (Operation *inner : nested) {
    OpBuilder at(inner);
    Value replacement;
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      replacement = point.ivs[index.getDim()];
    else if (auto extract = dyn_cast<tensor::ExtractOp>(inner))
      replacement = memref::LoadOp::create(at, extract.getLoc(), extract->getOperand(0), extract.getIndices());
    else if (auto dim = dyn_cast<tensor::DimOp>(inner))
      replacement = memref::DimOp::create(at, dim.getLoc(), dim->getOperand(0), dim.getIndex());
    else
      continue;
    inner->getResult(0).replaceAllUsesWith(replacement);
    inner->erase();
  }
}

void BodyCloner::cloneFault(exec::FaultOp op) {
  LaneValue condition = get(op.getCondition()), value = get(op.getValue());
  if (condition.isUniform() && value.isUniform()) {
    exec::FaultOp::create(b, op.getLoc(), condition.value, op.getCode(), value.value);
    return;
  }
  LaneBuilder lanes(b, op.getLoc(), point.lanes);
  Value hits = lanes.toVector(condition), candidates = lanes.toVector(value);
  if (point.mask)
    hits = arith::AndIOp::create(b, op.getLoc(), hits, point.mask);
  Value any = vector::ReductionOp::create(b, op.getLoc(), vector::CombiningKind::OR, hits);
  // The first lane that is hit, searched only when there is one.
  auto branch = scf::IfOp::create(b, op.getLoc(), any, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value found = vector::ExtractOp::create(b, op.getLoc(), candidates, point.lanes - 1);
  for (int64_t lane = point.lanes - 2; lane >= 0; --lane) {
    Value hit = vector::ExtractOp::create(b, op.getLoc(), hits, lane);
    found = arith::SelectOp::create(b, op.getLoc(), hit, vector::ExtractOp::create(b, op.getLoc(), candidates, lane),
                                    found);
  }
  exec::FaultOp::create(b, op.getLoc(), any, op.getCode(), found);
}

SmallVector<Value> kernel::cloneBody(OpBuilder &b, linalg::GenericOp op, ValueRange args, const LoopPoint &point,
                                     const IRMapping &outer) {
  return BodyCloner(b, point, outer).clone(*op.getBody(), args);
}

SmallVector<Value> kernel::cloneArithmetic(OpBuilder &b, Block &body, ValueRange args, int64_t lanes,
                                           const IRMapping &outer) {
  LoopPoint point;
  point.lanes = lanes;
  return llvm::map_to_vector(BodyCloner(b, point, outer).clone(body, args),
                             [&](Value value) { return toVector(b, body.getTerminator()->getLoc(), value, lanes); });
}
