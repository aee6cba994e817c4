//===- Recurrence.cpp - exec.recurrence -----------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace nncc::exec;

int64_t RecurrenceOp::getNumGates() { return std::accumulate(getGates().begin(), getGates().end(), int64_t(0)); }

FloatType RecurrenceOp::getElementType() {
  return cast<FloatType>(cast<RankedTensorType>(getInput().getType()).getElementType());
}

SmallVector<int64_t> RecurrenceOp::getWeightShape(unsigned phase) {
  int64_t hidden = getHidden();
  return {getNumDirections(), hidden, getGates()[phase] * hidden};
}

namespace {

class RecurrenceVerifier {
public:
  explicit RecurrenceVerifier(RecurrenceOp op)
      : op(op), element(cast<RankedTensorType>(op.getInput().getType()).getElementType()) {}

  LogicalResult verify();

private:
  LogicalResult verifyCounts();
  LogicalResult verifyShapes();
  LogicalResult verifyPhases();
  LogicalResult expect(Value tensor, StringRef what, ArrayRef<int64_t> shape, Type type);
  /// `shape` is that of rows that come before something else; the rows come first when they are major.
  SmallVector<int64_t> batchOrder(SmallVector<int64_t> shape, unsigned rows) const {
    if (op.getBatchMajor())
      std::rotate(shape.begin(), shape.begin() + rows, shape.begin() + rows + 1);
    return shape;
  }

  mutable RecurrenceOp op;
  Type element;
};

} // namespace

LogicalResult RecurrenceVerifier::expect(Value tensor, StringRef what, ArrayRef<int64_t> shape, Type type) {
  auto given = cast<RankedTensorType>(tensor.getType());
  auto wanted = RankedTensorType::get(shape, type);
  if (given.getElementType() != type || failed(verifyCompatibleShape(given, wanted)))
    return op.emitOpError("has ") << what << " of " << given << ", expected " << wanted;
  return success();
}

LogicalResult RecurrenceVerifier::verifyCounts() {
  if (!element.isF32() && !element.isF64())
    return op.emitOpError("computes in f32 or f64, not ") << element;
  size_t phases = op.getGates().size();
  if (phases < 1 || phases > 2 || op.getPhases().size() != phases || op.getWeights().size() != phases)
    return op.emitOpError("needs a region and weights for each of its one or two phases");
  if (int64_t(op.getHidden()) < 1 || llvm::any_of(op.getGates(), [](int64_t gates) { return gates < 1; }) ||
      op.getReverse().empty())
    return op.emitOpError("needs units, gates and directions");
  if (op.getInits().size() < 2 || TypeRange(op.getInits()) != TypeRange(op.getResults()))
    return op.emitOpError("needs outs of its results' types: a sequence and at least one state");
  if (!op.getInitial().empty() && int64_t(op.getInitial().size()) != op.getNumStates())
    return op.emitOpError("has initial values for some of its states only");
  if (cast<RankedTensorType>(op.getInput().getType()).getRank() != 3)
    return op.emitOpError("needs an input of rank 3");
  return success();
}

LogicalResult RecurrenceVerifier::verifyShapes() {
  ArrayRef<int64_t> input = cast<RankedTensorType>(op.getInput().getType()).getShape();
  int64_t hidden = op.getHidden(), directions = op.getNumDirections(), anything = ShapedType::kDynamic;
  int64_t times = input[op.getBatchMajor()], rows = input[!op.getBatchMajor()],
          width = 512 / element.getIntOrFloatBitWidth();
  if (failed(expect(op.getInput(), "an input", {anything, anything, directions * op.getNumGates() * hidden}, element)))
    return failure();
  for (auto [phase, weights] : llvm::enumerate(op.getWeights())) {
    SmallVector<int64_t> shape = op.getWeightShape(phase);
    if (op.getPacked())
      shape = {directions, int64_t(llvm::divideCeil(shape.back(), width)), hidden, width};
    if (failed(expect(weights, "weights", shape, element)))
      return failure();
  }
  if (Value parameters = op.getParameters())
    if (failed(expect(parameters, "parameters", {directions, anything, hidden}, element)) ||
        cast<RankedTensorType>(parameters.getType()).isDynamicDim(1))
      return failure();
  SmallVector<int64_t> state = batchOrder({directions, rows, hidden}, 1);
  for (Value initial : op.getInitial())
    if (failed(expect(initial, "an initial state", state, element)))
      return failure();
  if (Value lengths = op.getLengths())
    if (failed(expect(lengths, "lengths", rows, IntegerType::get(op.getContext(), 32))))
      return failure();
  if (failed(expect(op.getInits().front(), "a sequence", batchOrder({times, directions, rows, hidden}, 2), element)))
    return failure();
  for (Value last : op.getInits().drop_front())
    if (failed(expect(last, "a last state", state, element)))
      return failure();
  return success();
}

LogicalResult RecurrenceVerifier::verifyPhases() {
  int64_t parameters = 0, passed = 0;
  if (op.getParameters())
    parameters = cast<RankedTensorType>(op.getParameters().getType()).getDimSize(1);
  for (auto [phase, region] : llvm::enumerate(op.getPhases())) {
    Block &body = region.front();
    int64_t wanted = op.getNumGates() + op.getGates()[phase] + parameters + op.getNumStates() + passed;
    if (int64_t(body.getNumArguments()) != wanted)
      return op.emitOpError("has a phase of ") << body.getNumArguments() << " arguments, expected " << wanted;
    auto yield = dyn_cast<YieldOp>(body.getTerminator());
    bool isLast = phase + 1 == op.getPhases().size();
    if (!yield || yield.getNumOperands() == 0 || (isLast && yield.getNumOperands() != op.getNumStates()))
      return op.emitOpError("must have phases that end with exec.yield, the last one of all states");
    auto isElement = [&](Type type) { return type == element; };
    if (!llvm::all_of(body.getArgumentTypes(), isElement) || !llvm::all_of(yield.getOperandTypes(), isElement))
      return op.emitOpError("must have phases on scalars of ") << element;
    for (Operation &inner : body.without_terminator())
      if (!OpTrait::hasElementwiseMappableTraits(&inner) && !inner.hasTrait<OpTrait::ConstantLike>())
        return inner.emitOpError("is no arithmetic of one unit");
    passed = yield.getNumOperands();
  }
  return success();
}

LogicalResult RecurrenceVerifier::verify() {
  return failure(failed(verifyCounts()) || failed(verifyShapes()) || failed(verifyPhases()));
}

LogicalResult RecurrenceOp::verify() { return RecurrenceVerifier(*this).verify(); }
