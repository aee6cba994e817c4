//===- PackWeights.cpp - constant right operands in the order in which kernels read them ----------------------------===//

#include "Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "exec-pack-weights"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_PACKWEIGHTS
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

/// The right operand of a contraction as a batch of matrices, depth x columns.
struct RightOperand {
  int64_t matrices, depth, columns;
  bool isTransposed = false;
  /// Columns of a matrix in memory; fewer than `columns` when panels go across groups.
  int64_t matrixColumns;
  /// Runs of depth that start at a whole step: taps of a filter. Elements of a step.
  int64_t runs = 1, step;

  static RightOperand of(MatMulOp op) {
    RankedTensorType type = op.getRhs().getType();
    ArrayRef<int64_t> shape = type.getShape();
    RightOperand right;
    right.isTransposed = op.getTransposeRhs();
    right.depth = shape[shape.size() - (right.isTransposed ? 1 : 2)];
    right.columns = right.matrixColumns = shape[shape.size() - (right.isTransposed ? 2 : 1)];
    right.matrices = type.getNumElements() / (right.depth * right.columns);
    right.step = getElementsPerStep(op);
    return right;
  }
  static RightOperand of(ConvOp op) {
    RankedTensorType type = op.getFilter().getType();
    RightOperand right;
    right.matrices = op.getGroups();
    right.columns = right.matrixColumns = type.getShape().back();
    right.depth = type.getNumElements() / (right.matrices * right.columns);
    right.runs = right.depth / type.getShape().drop_back().back();
    right.step = getElementsPerStep(op);
    if (op.hasNarrowGroups()) {
      right.columns *= right.matrices;
      right.matrices = 1;
    }
    return right;
  }

  static RightOperand of(RecurrenceOp op, unsigned phase) {
    SmallVector<int64_t> shape = op.getWeightShape(phase);
    RightOperand right;
    right.matrices = shape[0];
    right.depth = shape[1];
    right.columns = right.matrixColumns = shape[2];
    right.step = 1;
    return right;
  }

  int64_t getRunDepth() const { return depth / runs; }
  int64_t getRunSteps() const { return llvm::divideCeil(getRunDepth(), step); }
  RankedTensorType getPanels(Type element) const {
    int64_t width = element.getIntOrFloatBitWidth() == 64 ? 8 : 16;
    SmallVector<int64_t> shape{matrices, int64_t(llvm::divideCeil(columns, width)), runs * getRunSteps(), width * step};
    return RankedTensorType::get(shape, element);
  }
};

class PackWeightsPass : public impl::PackWeightsBase<PackWeightsPass> {
public:
  void runOnOperation() override {
    weights = getOperation().lookupSymbol<func::FuncOp>("weights");
    if (!weights)
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function != weights)
        function.walk([&](Operation *op) {
          llvm::TypeSwitch<Operation *>(op)
              .Case([&](MatMulOp matmul) { packMatMul(matmul); })
              .Case([&](ConvOp conv) { packConv(conv); })
              .Case([&](RecurrenceOp recurrence) { packRecurrence(recurrence); });
        });
    dropUnused();
  }

private:
  void packMatMul(MatMulOp op);
  void packConv(ConvOp op);
  void packRecurrence(RecurrenceOp op);
  /// The number of the result of @weights that has the panels.
  int64_t getPacked(WeightOp weight, const RightOperand &right, RankedTensorType panels);
  Value emitPacking(Value source, const RightOperand &right, RankedTensorType panels);
  void dropUnused();

  func::FuncOp weights;
  /// (weight, shape of its matrices) -> result that has the panels.
  llvm::DenseMap<std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t>, int64_t> known;
};

} // namespace

void PackWeightsPass::packMatMul(MatMulOp op) {
  WeightOp weight = op.getPacked() ? nullptr : findWeight(op.getRhs());
  if (!weight)
    return;
  RightOperand right = RightOperand::of(op);
  RankedTensorType rhs = op.getRhs().getType(), panels = right.getPanels(rhs.getElementType());
  SmallVector<int64_t> shape(rhs.getShape());
  if (right.isTransposed)
    std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  OpBuilder b(op);
  Value packed = WeightOp::create(b, weight.getLoc(), panels, getPacked(weight, right, panels));
  op.getRhsMutable().assign(packed);
  op.setTransposeRhs(false);
  op.setPacked(shape);
}

void PackWeightsPass::packConv(ConvOp op) {
  WeightOp weight = op.getPacked() ? nullptr : findWeight(op.getFilter());
  if (!weight)
    return;
  RightOperand right = RightOperand::of(op);
  RankedTensorType filter = op.getFilter().getType(), panels = right.getPanels(filter.getElementType());
  OpBuilder b(op);
  Value packed = WeightOp::create(b, weight.getLoc(), panels, getPacked(weight, right, panels));
  op.getFilterMutable().assign(packed);
  op.setPacked(filter.getShape());
}

/// All weights, or none.
void PackWeightsPass::packRecurrence(RecurrenceOp op) {
  if (op.getPacked() || !llvm::all_of(op.getWeights(), [&](Value operand) { return bool(findWeight(operand)); }))
    return;
  OpBuilder b(op);
  for (auto [phase, operand] : llvm::enumerate(op.getWeightsMutable())) {
    WeightOp weight = findWeight(operand.get());
    RightOperand right = RightOperand::of(op, phase);
    RankedTensorType panels = right.getPanels(op.getElementType());
    operand.set(WeightOp::create(b, weight.getLoc(), panels, getPacked(weight, right, panels)));
  }
  op.setPacked(true);
}

int64_t PackWeightsPass::getPacked(WeightOp weight, const RightOperand &right, RankedTensorType panels) {
  auto key = std::make_tuple(int64_t(weight.getIndex()), right.matrices, right.depth, right.columns,
                             int64_t(right.isTransposed));
  auto [it, isNew] = known.try_emplace(key, weights.getNumResults());
  if (isNew) {
    Operation *end = weights.getBody().front().getTerminator();
    addWeight(weights, emitPacking(end->getOperand(weight.getIndex()), right, panels));
  }
  return it->second;
}

/// The element of `panels` at the indices of the surrounding linalg.generic.
static Value emitElement(OpBuilder &b, Location loc, Value matrix, const RightOperand &right, RankedTensorType panels) {
  auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto add = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, loc, x, y); };
  auto mul = [&](Value x, int64_t y) -> Value { return arith::MulIOp::create(b, loc, x, constant(y)); };
  auto div = [&](Value x, int64_t y) -> Value { return arith::DivUIOp::create(b, loc, x, constant(y)); };
  auto rem = [&](Value x, int64_t y) -> Value { return arith::RemUIOp::create(b, loc, x, constant(y)); };
  // Behind the last column and the last element of a run the panels are zero: `exists` collects that.
  Value exists;
  auto clamp = [&](Value x, int64_t size) -> Value {
    Value isBelow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, constant(size));
    exists = exists ? arith::AndIOp::create(b, loc, exists, isBelow).getResult() : isBelow;
    return arith::MinUIOp::create(b, loc, x, constant(size - 1));
  };
  Value number = linalg::IndexOp::create(b, loc, 0), panel = linalg::IndexOp::create(b, loc, 1);
  Value depth = linalg::IndexOp::create(b, loc, 2), lane = linalg::IndexOp::create(b, loc, 3);
  Value column = clamp(add(mul(panel, panels.getShape().back() / right.step), div(lane, right.step)), right.columns);
  if (right.step > 1) {
    Value inRun = add(mul(rem(depth, right.getRunSteps()), right.step), rem(lane, right.step));
    depth = add(mul(div(depth, right.getRunSteps()), right.getRunDepth()), clamp(inRun, right.getRunDepth()));
  }
  if (right.matrixColumns != right.columns) { // one matrix of panels, many of groups
    number = div(column, right.matrixColumns);
    column = rem(column, right.matrixColumns);
  }
  SmallVector<Value> position{number, depth, column};
  if (right.isTransposed)
    std::swap(position[1], position[2]);
  Value element = tensor::ExtractOp::create(b, loc, matrix, position);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(panels.getElementType()));
  return arith::SelectOp::create(b, loc, exists, element, zero);
}

Value PackWeightsPass::emitPacking(Value source, const RightOperand &right, RankedTensorType panels) {
  Location loc = source.getLoc();
  OpBuilder b(weights.getBody().front().getTerminator());
  int64_t matrixColumns = right.matrixColumns, matrices = right.matrices * right.columns / matrixColumns;
  SmallVector<int64_t> shape{matrices, right.depth, matrixColumns};
  if (right.isTransposed)
    std::swap(shape[1], shape[2]);
  Value matrix = withShape(b, loc, source, shape);
  Value init = tensor::EmptyOp::create(b, loc, panels.getShape(), panels.getElementType());
  AffineMap identity = b.getMultiDimIdentityMap(4);
  SmallVector<utils::IteratorType> parallel(4, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, panels, ValueRange(), init, identity, parallel, [&](OpBuilder &b, Location loc, ValueRange) {
        linalg::YieldOp::create(b, loc, emitElement(b, loc, matrix, right, panels));
      });
  return generic.getResult(0);
}

/// Removes the results of @weights that nothing reads any more.
void PackWeightsPass::dropUnused() {
  SmallVector<WeightOp> users;
  llvm::BitVector isUsed(weights.getNumResults());
  getOperation().walk([&](WeightOp weight) {
    if (weight.use_empty())
      return;
    users.push_back(weight);
    isUsed.set(weight.getIndex());
  });
  SmallVector<int64_t> renumbered(weights.getNumResults());
  int64_t next = 0;
  for (auto [index, number] : llvm::enumerate(renumbered))
    number = isUsed[index] ? next++ : -1;
  getOperation().walk([&](WeightOp weight) {
    if (weight.use_empty())
      weight.erase();
  });
  for (WeightOp weight : users)
    weight.setIndex(renumbered[weight.getIndex()]);
  isUsed.flip();
  weights.getBody().front().getTerminator()->eraseOperands(isUsed);
  (void)weights.eraseResults(isUsed);
}

} // namespace nncc::exec
