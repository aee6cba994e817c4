//===- Recurrent.cpp - LSTM, GRU and RNN to linalg and exec -------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nnccrt/abi.h"

using namespace mlir;

namespace nncc {
namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// Arithmetic of one unit
//===----------------------------------------------------------------------------------------------------------------------===//

/// A scalar with the arithmetic that activations are written in.
struct Number {
  OpBuilder *b;
  Location loc;
  Value value;

  template <typename Op, typename... Args> Number make(Args... args) const {
    return {b, loc, Op::create(*b, loc, args...).getResult()};
  }
  Number constant(double number) const { return {b, loc, constantOf(*b, loc, value.getType(), number)}; }
  Number operator+(Number other) const { return make<arith::AddFOp>(value, other.value); }
  Number operator-(Number other) const { return make<arith::SubFOp>(value, other.value); }
  Number operator*(Number other) const { return make<arith::MulFOp>(value, other.value); }
  Number operator/(Number other) const { return make<arith::DivFOp>(value, other.value); }
  Number operator*(double number) const { return *this * constant(number); }
  Number operator+(double number) const { return *this + constant(number); }
  Number atLeast(double bound) const {
    return {b, loc, maxScalar(*b, loc, value, constant(bound).value, value.getType())};
  }
  Number atMost(double bound) const {
    return {b, loc, minScalar(*b, loc, value, constant(bound).value, value.getType())};
  }
  /// This where `condition` > `bound`, else `other`.
  Number whereAbove(Number condition, double bound, Number other) const {
    Number isAbove = make<arith::CmpFOp>(arith::CmpFPredicate::OGT, condition.value, constant(bound).value);
    return make<arith::SelectOp>(isAbove.value, value, other.value);
  }
  Number absolute() const { return make<math::AbsFOp>(value); }
  Number tanh() const { return make<math::TanhOp>(value); }
  Number exp() const { return make<math::ExpOp>(value); }
  Number expm1() const { return make<math::ExpM1Op>(value); }
  Number log1p() const { return make<math::Log1pOp>(value); }
};

/// `name` is one that inference knows.
Number activate(StringRef name, Number x, double alpha, double beta) {
  if (name == "relu")
    return x.atLeast(0);
  if (name == "tanh")
    return x.tanh();
  if (name == "sigmoid")
    return {x.b, x.loc, sigmoidScalar(*x.b, x.loc, x.value)};
  if (name == "affine")
    return x * alpha + beta;
  if (name == "leakyrelu")
    return x.whereAbove(x, 0, x * alpha);
  if (name == "thresholdedrelu")
    return x.whereAbove(x, alpha, x.constant(0));
  if (name == "scaledtanh")
    return (x * beta).tanh() * alpha;
  if (name == "hardsigmoid")
    return (x * alpha + beta).atLeast(0).atMost(1);
  if (name == "elu")
    return x.whereAbove(x, 0, x.expm1() * alpha);
  if (name == "softsign")
    return x / (x.absolute() + 1);
  // softplus: log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which does not overflow.
  return x.atLeast(0) + (x.absolute() * -1).exp().log1p();
}

/// Writes the phases of a cell: see nn.recurrence for what they compute.
class CellWriter {
public:
  CellWriter(OpBuilder &b, nn::RecurrenceOp op, exec::RecurrenceOp recurrence, const nn::RecurrentCell &cell)
      : b(b), op(op), recurrence(recurrence), cell(cell) {}

  void write() {
    for (unsigned phase = 0; phase < cell.gates.size(); ++phase)
      writePhase(phase);
  }

private:
  void writePhase(unsigned phase);
  void yield(ArrayRef<Number> values) {
    exec::YieldOp::create(b, op.getLoc(), llvm::map_to_vector(values, [](Number number) { return number.value; }));
  }
  Number take() { return {&b, op.getLoc(), arguments[next++]}; }
  SmallVector<Number> take(int64_t count) {
    SmallVector<Number> numbers;
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(take());
    return numbers;
  }
  /// Activation `index`: 0 is f, 1 is g, 2 is h.
  Number activate(unsigned index, Number x) const {
    if (op.getClip()) {
      double bound = op.getClip()->convertToDouble();
      x = x.atLeast(-bound).atMost(bound);
    }
    StringRef name = cast<StringAttr>(op.getActivations()[index]);
    return nncc::activate(name, x, op.getAlpha()[index], op.getBeta()[index]);
  }
  void writeLSTM();
  void writeGRU(unsigned phase);

  OpBuilder &b;
  mutable nn::RecurrenceOp op; // a handle, none of whose methods is const
  exec::RecurrenceOp recurrence;
  const nn::RecurrentCell &cell;

  // Of a phase.
  ValueRange arguments;
  unsigned next = 0;
  SmallVector<Number> inputs, sums, parameters, states, passed;
};

void CellWriter::writePhase(unsigned phase) {
  int64_t numParameters = op.getParameters() ? cell.numParameters : 0, numPassed = phase == 0 ? 0 : 2;
  int64_t count = cell.getNumGates() + cell.gates[phase] + numParameters + cell.numStates + numPassed;
  SmallVector<Type> types(count, recurrence.getElementType());
  OpBuilder::InsertionGuard guard(b);
  Block *block =
      b.createBlock(&recurrence.getPhases()[phase], {}, types, SmallVector<Location>(types.size(), op.getLoc()));
  arguments = block->getArguments();
  next = 0;
  inputs = take(cell.getNumGates());
  sums = take(cell.gates[phase]);
  parameters = take(numParameters);
  states = take(cell.numStates);
  passed = take(numPassed);
  if (cell.name == "lstm")
    writeLSTM();
  else if (cell.name == "rnn")
    yield({activate(0, inputs[0] + sums[0])});
  else
    writeGRU(phase);
}

void CellWriter::writeLSTM() {
  Number c = states[1];
  auto gate = [&](unsigned number, Number state) {
    Number sum = inputs[number] + sums[number];
    return activate(0, parameters.empty() ? sum : sum + parameters[number] * state);
  };
  Number i = gate(0, c);
  Number f = op.getInputForget() ? i.constant(1) - i : gate(2, c);
  Number newC = f * c + i * activate(1, inputs[3] + sums[3]);
  Number o = gate(1, newC);
  yield({o * activate(2, newC), newC});
}

void CellWriter::writeGRU(unsigned phase) {
  auto mix = [&](Number z, Number candidate, Number h) { yield({(z.constant(1) - z) * candidate + z * h}); };
  if (cell.name == "gru_reset_after") {
    Number z = activate(0, inputs[0] + sums[0]), r = activate(0, inputs[1] + sums[1]);
    Number product = parameters.empty() ? sums[2] : sums[2] + parameters[0];
    return mix(z, activate(1, inputs[2] + r * product), states[0]);
  }
  if (phase == 1)
    return mix(passed[1], activate(1, inputs[2] + sums[0]), states[0]);
  Number z = activate(0, inputs[0] + sums[0]), r = activate(0, inputs[1] + sums[1]);
  yield({r * states[0], z});
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------------------------------------------------------===//

struct RecurrenceLowering : Lowering<nn::RecurrenceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::RecurrenceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    std::optional<nn::RecurrentCell> cell = nn::RecurrentCell::find(op.getCell()); // Inference has found it.
    if (!cell)
      return rewriter.notifyMatchFailure(op, "an unknown cell");
    Sizes input = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    bool isBatchMajor = op.getBatchMajor();
    int64_t hidden = nn::typeOf(op.getWeights().front()).getDimSize(1);
    OpFoldResult times = input[isBatchMajor], rows = input[!isBatchMajor], units = rewriter.getIndexAttr(hidden),
                 directions = rewriter.getIndexAttr(op.getReverse().size());
    Sizes state{directions, rows, units}, sequence{times, directions, rows, units};
    if (isBatchMajor) {
      state = {rows, directions, units};
      sequence = {rows, times, directions, units};
    }
    checkSizes(op, adaptor, *cell, state, rows, rewriter);
    Value lengths = op.getLengths() ? checkLengths(adaptor.getLengths(), rows, times, rewriter) : Value();
    Type element = getElementTypeOrSelf(adaptor.getInput().getType());
    SmallVector<Value> inits{emptyTensor(rewriter, loc, sequence, element)};
    for (int64_t i = 0; i < cell->numStates; ++i)
      inits.push_back(emptyTensor(rewriter, loc, state, element));
    auto recurrence = exec::RecurrenceOp::create(
        rewriter, loc, ValueRange(inits).getTypes(), adaptor.getInput(), adaptor.getWeights(), adaptor.getParameters(),
        adaptor.getInitial(), lengths, inits, rewriter.getDenseI64ArrayAttr(cell->gates),
        rewriter.getI64IntegerAttr(hidden), op.getReverseAttr(), op.getBatchMajorAttr(), /*packed=*/UnitAttr(),
        /*phasesCount=*/cell->gates.size());
    CellWriter(rewriter, op, recurrence, *cell).write();
    replace(op, recurrence.getResults(), rewriter);
    return success();
  }

private:
  /// A length that is not in [0, times] is a fault of the run, and 0 here.
  static Value checkLengths(Value lengths, OpFoldResult rows, OpFoldResult times, OpBuilder &b) {
    Location loc = lengths.getLoc();
    Value longest = asIndex(b, loc, times);
    AffineMap identity = b.getMultiDimIdentityMap(1);
    return mapElements(b, loc, rows, b.getI32Type(), LoopOperand{lengths, identity},
                       [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
                         Value length = arith::IndexCastOp::create(b, loc, b.getIndexType(), arguments.front());
                         // A negative one is a large one.
                         Value isBad = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, length, longest);
                         exec::FaultOp::create(b, loc, isBad, NNCCRT_FAULT_SIZE, length);
                         Value zero = constantOf(b, loc, b.getI32Type(), 0);
                         return arith::SelectOp::create(b, loc, isBad, zero, arguments.front());
                       });
  }

  /// What inference could not see is compared at run time.
  static void checkSizes(nn::RecurrenceOp op, OpAdaptor adaptor, const nn::RecurrentCell &cell, const Sizes &state,
                         OpFoldResult rows, OpBuilder &b) {
    Location loc = op.getLoc();
    auto check = [&](Value original, Value converted, int64_t dim, const nn::Dim &known, OpFoldResult wanted,
                     StringRef message) {
      if (nn::Dim::of(nn::typeOf(original), dim) == known)
        return;
      Value given = asIndex(b, loc, sizeOf(b, loc, original, converted, dim));
      Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, given, asIndex(b, loc, wanted));
      exec::CheckOp::create(b, loc, same, b.getStringAttr(message));
    };
    auto checkNumbers = [&](Value original, Value converted, ArrayRef<int64_t> wanted, StringRef message) {
      for (auto [dim, number] : llvm::enumerate(wanted))
        if (number >= 0)
          check(original, converted, dim, number, b.getIndexAttr(number), message);
    };
    int64_t hidden = nn::typeOf(op.getWeights().front()).getDimSize(1), directions = op.getReverse().size();
    checkNumbers(op.getInput(), adaptor.getInput(), {-1, -1, directions * cell.getNumGates() * hidden},
                 "a recurrence has an input of a wrong size");
    for (auto [original, converted, gates] : llvm::zip_equal(op.getWeights(), adaptor.getWeights(), cell.gates))
      checkNumbers(original, converted, {directions, hidden, gates * hidden},
                   "a recurrence has weights of a wrong size");
    if (op.getParameters())
      checkNumbers(op.getParameters(), adaptor.getParameters(), {directions, cell.numParameters, hidden},
                   "a recurrence has parameters of a wrong size");
    nn::Dim knownRows = nn::Dim::of(nn::typeOf(op.getInput()), op.getBatchMajor() ? 0 : 1);
    SmallVector<nn::Dim> known{directions, knownRows, hidden};
    if (op.getBatchMajor())
      std::swap(known[0], known[1]);
    for (auto [original, converted] : llvm::zip_equal(op.getInitial(), adaptor.getInitial()))
      for (int64_t dim = 0; dim < 3; ++dim)
        check(original, converted, dim, known[dim], state[dim], "a recurrence has an initial state of a wrong size");
    if (op.getLengths())
      check(op.getLengths(), adaptor.getLengths(), 0, knownRows, rows, "a recurrence needs a length for each row");
  }
};

} // namespace

void populateRecurrent(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<RecurrenceLowering>(converter, patterns.getContext());
}

} // namespace nncc
