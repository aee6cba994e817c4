//===- Recurrent.cpp - LSTM, GRU and RNN of nn --------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include <numeric>

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Recurrent.cpp.inc"

int64_t RecurrentCell::getNumGates() const { return std::accumulate(gates.begin(), gates.end(), int64_t(0)); }

std::optional<RecurrentCell> RecurrentCell::find(StringRef name) {
  const RecurrentCell cells[] = {
      {"rnn", {1}, 1, 1, 0}, {"lstm", {4}, 2, 3, 3}, {"gru", {2, 1}, 1, 2, 0}, {"gru_reset_after", {3}, 1, 2, 1}};
  for (const RecurrentCell &cell : cells)
    if (cell.name == name)
      return cell;
  return std::nullopt;
}

const RecurrentActivation *RecurrentActivation::find(StringRef name) {
  static constexpr RecurrentActivation activations[] = {
      {"relu", false, false, 0, 0},         {"tanh", false, false, 0, 0},
      {"sigmoid", false, false, 0, 0},      {"affine", true, true, 1, 0},
      {"leakyrelu", true, false, 0.01f, 0}, {"thresholdedrelu", true, false, 1, 0},
      {"scaledtanh", true, true, 1, 1},     {"hardsigmoid", true, true, 0.2f, 0.5f},
      {"elu", true, false, 1, 0},           {"softsign", false, false, 0, 0},
      {"softplus", false, false, 0, 0},
  };
  for (const RecurrentActivation &activation : activations)
    if (activation.name == name)
      return &activation;
  return nullptr;
}

/// `what` must be a tensor of `element` and of these sizes, as far as they are known.
static LogicalResult expect(std::optional<Location> loc, Value tensor, StringRef what, ArrayRef<Dim> dims,
                            Type element) {
  RankedTensorType given = typeOf(tensor), wanted = makeTensorType(dims, element);
  if (given.getElementType() != element || failed(verifyCompatibleShape(given, wanted)))
    return emitOptionalError(loc, what, " of a recurrence is ", given, ", expected ", wanted);
  return success();
}

static LogicalResult verifyActivations(std::optional<Location> loc, RecurrenceOp::Adaptor op,
                                       const RecurrentCell &cell) {
  size_t count = cell.numActivations;
  if (op.getActivations().size() != count || op.getAlpha().size() != count || op.getBeta().size() != count)
    return emitOptionalError(loc, "a recurrence of '", cell.name, "' needs ", count, " activations");
  for (Attribute name : op.getActivations())
    if (!RecurrentActivation::find(cast<StringAttr>(name)))
      return emitOptionalError(loc, "there is no activation ", name);
  return success();
}

LogicalResult RecurrenceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  std::optional<RecurrentCell> cell = RecurrentCell::find(op.getCell());
  if (!cell)
    return emitOptionalError(loc, "there is no recurrence of '", op.getCell(), "'");
  if (failed(verifyActivations(loc, op, *cell)))
    return failure();
  RankedTensorType input = typeOf(op.getInput());
  Type element = input.getElementType();
  if (input.getRank() != 3 || !(element.isF32() || element.isF64()))
    return emitOptionalError(loc, "the input of a recurrence is ", input, ", expected rank 3 of f32 or f64");
  if (op.getWeights().size() != cell->gates.size() || typeOf(op.getWeights().front()).getRank() != 3 ||
      typeOf(op.getWeights().front()).isDynamicDim(1))
    return emitOptionalError(loc, "a recurrence of '", cell->name, "' needs ", cell->gates.size(),
                             " weights of rank 3 and a known number of units");
  if (op.getReverse().empty() || (!op.getInitial().empty() && int64_t(op.getInitial().size()) != cell->numStates))
    return emitOptionalError(loc, "a recurrence needs a direction, and initial values for all states or none");

  bool isBatchMajor = op.getBatchMajor();
  int64_t hidden = typeOf(op.getWeights().front()).getDimSize(1), directions = op.getReverse().size();
  Dim times = Dim::of(input, isBatchMajor), rows = Dim::of(input, !isBatchMajor);
  if (hidden == 0)
    return emitOptionalError(loc, "a recurrence has no units");
  if (failed(expect(loc, op.getInput(), "the input",
                    {Dim::unknown(), Dim::unknown(), directions * cell->getNumGates() * hidden}, element)))
    return failure();
  for (auto [weights, gates] : llvm::zip_equal(op.getWeights(), cell->gates))
    if (failed(expect(loc, weights, "a weight", {directions, hidden, gates * hidden}, element)))
      return failure();
  if (Value parameters = op.getParameters())
    if (failed(expect(loc, parameters, "parameters", {directions, cell->numParameters, hidden}, element)))
      return failure();
  if (op.getParameters() && cell->numParameters == 0)
    return emitOptionalError(loc, "a recurrence of '", cell->name, "' has no parameters");
  SmallVector<Dim> state = {directions, rows, hidden}, sequence = {times, directions, rows, hidden};
  if (isBatchMajor) {
    state = {rows, directions, hidden};
    sequence = {rows, times, directions, hidden};
  }
  for (Value initial : op.getInitial())
    if (failed(expect(loc, initial, "an initial state", state, element)))
      return failure();
  if (Value lengths = op.getLengths())
    if (failed(expect(loc, lengths, "lengths", rows, IntegerType::get(context, 32))))
      return failure();
  results.push_back(makeTensorType(sequence, element));
  results.append(cell->numStates, makeTensorType(state, element));
  return success();
}
