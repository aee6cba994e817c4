//===- Recurrent.cpp - import of LSTM, GRU and RNN ----------------------------------------------------------------------===//
///
/// \file
/// A layer becomes the projection of its inputs at all times, one matrix product with all biases, and nn.recurrence, which is what has
/// to be done step by step. What is done to weights here (transposing, joining directions, adding biases) is done while
/// compiling when they are constants.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

namespace {

/// Where the operators have their inputs. GRU and RNN lack the last two.
enum Input { X, W, R, B, Lengths, InitialH, InitialC, Peepholes };

/// f, g and h of one direction.
struct Activations {
  SmallVector<StringRef> names;
  SmallVector<float> alpha, beta;
  bool operator==(const Activations &other) const {
    return names == other.names && alpha == other.alpha && beta == other.beta;
  }
};

/// Imports one layer. Values are null behind a failure, which has been reported.
class Layer {
public:
  Layer(NodeImporter &node, const nn::RecurrentCell &cell) : node(node), cell(cell) {}

  LogicalResult import(ArrayRef<StringRef> defaultActivations);

private:
  LogicalResult readAttributes(ArrayRef<StringRef> defaultActivations);
  LogicalResult readDirections();
  LogicalResult readActivations(ArrayRef<StringRef> defaults);
  LogicalResult readInputs();
  FailureOr<Value> readInput(unsigned index, StringRef name, ArrayRef<int64_t> shape);
  SmallVector<Value> importDirections(int64_t first, int64_t count);
  Value project(int64_t first, int64_t count);
  Value getBias(int64_t first, int64_t count);
  SmallVector<Value> getRecurrentWeights(int64_t first, int64_t count);
  Value getParameters(int64_t first, int64_t count);
  bool addInitialStates(SmallVectorImpl<Value> &states, int64_t first, int64_t count);

  template <typename OpTy, typename... Args> Value create(Value operand, Args &&...args) {
    if (!operand)
      return {};
    FailureOr<OpTy> op = node.create<OpTy>(operand, std::forward<Args>(args)...);
    return failed(op) ? Value() : Value((*op)->getResult(0));
  }
  Value slice(Value value, int64_t axis, int64_t first, int64_t count);
  Value reshape(Value value, ArrayRef<int64_t> shape);
  Value transpose(Value value, ArrayRef<int64_t> permutation) { return create<nn::TransposeOp>(value, permutation); }
  Value concat(ArrayRef<Value> values, int64_t axis);
  Value add(Value x, Value y) { return y ? create<nn::AddOp>(x, y) : Value(); }
  Value cast(Value value, Type element);
  /// Of all directions, those from `first` on.
  Value pick(Value value, int64_t axis, int64_t first, int64_t count) {
    return count == numDirections ? value : slice(value, axis, first, count);
  }

  NodeImporter &node;
  const nn::RecurrentCell &cell;
  bool isBatchMajor = false;
  int64_t hidden = 0, numDirections = 1;
  /// f32, unless the layer is in f64: its sums are long.
  Type computedType;
  SmallVector<bool> reverse;
  SmallVector<Activations> activations; // of each direction
  SmallVector<Value> inputs;            // of that type; null where there is none
};

} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------------------------------------------------------===//

LogicalResult Layer::readDirections() {
  std::string direction = node.stringAttr("direction", "forward");
  if (direction == "forward")
    reverse = {false};
  else if (direction == "reverse")
    reverse = {true};
  else if (direction == "bidirectional")
    reverse = {false, true};
  else
    return node.error("direction is '" + direction + "', not forward, reverse or bidirectional");
  numDirections = reverse.size();
  return success();
}

LogicalResult Layer::readActivations(ArrayRef<StringRef> defaults) {
  SmallVector<std::string> names;
  if (node.hasAttr("activations"))
    names = *node.stringsAttr("activations");
  else
    for (int64_t direction = 0; direction < numDirections; ++direction)
      names.append(defaults.begin(), defaults.end());
  // The default of RNN in ONNX is for two directions whatever the direction is, and exporters write it down.
  int64_t wanted = numDirections * cell.numActivations;
  if (int64_t(names.size()) < wanted || (int64_t(names.size()) > wanted && cell.name != "rnn"))
    return node.error("has " + Twine(names.size()) + " activations, expected " + Twine(wanted));
  SmallVector<float> alpha = node.floatsAttr("activation_alpha").value_or(SmallVector<float>());
  SmallVector<float> beta = node.floatsAttr("activation_beta").value_or(SmallVector<float>());
  // The lists have numbers for the functions that take one only.
  auto take = [](ArrayRef<float> numbers, size_t &next, bool has, float fallback) {
    return has && next < numbers.size() ? numbers[next++] : fallback;
  };
  size_t nextAlpha = 0, nextBeta = 0;
  activations.resize(numDirections);
  for (int64_t i = 0; i < wanted; ++i) {
    const nn::RecurrentActivation *known = nn::RecurrentActivation::find(StringRef(names[i]).lower());
    if (!known)
      return node.error("there is no activation '" + names[i] + "'");
    Activations &own = activations[i / cell.numActivations];
    own.names.push_back(known->name);
    own.alpha.push_back(take(alpha, nextAlpha, known->hasAlpha, known->alpha));
    own.beta.push_back(take(beta, nextBeta, known->hasBeta, known->beta));
  }
  return success();
}

LogicalResult Layer::readAttributes(ArrayRef<StringRef> defaultActivations) {
  if (failed(readDirections()) || failed(readActivations(defaultActivations)))
    return failure();
  int64_t layout = node.intAttr("layout");
  if (layout != 0 && layout != 1)
    return node.error("layout is " + Twine(layout) + ", not 0 or 1");
  isBatchMajor = layout == 1;
  if (node.hasAttr("clip") && !(node.floatAttr("clip") > 0))
    return node.error("clip is not positive");
  RankedTensorType type = node.inputType(R);
  if (type.getRank() != 3)
    return node.error("R must have 3 dims");
  if (node.hasAttr("hidden_size"))
    hidden = node.intAttr("hidden_size");
  else if (type.isDynamicDim(2))
    return node.unsupported("a hidden size that is only known at run time");
  else
    hidden = type.getDimSize(2);
  // Large enough for every layer, and for products of a few of them.
  if (hidden < 1 || hidden > (int64_t(1) << 24))
    return node.error("the hidden size is " + Twine(hidden));
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------------------------------------------------------===//

/// An input of this shape, where a negative size may be anything. Weights get it even if their own sizes are not known.
FailureOr<Value> Layer::readInput(unsigned index, StringRef name, ArrayRef<int64_t> shape) {
  if (!node.hasInput(index))
    return Value();
  RankedTensorType type = node.inputType(index);
  if (failed(verifyCompatibleShape(type.getShape(), shape))) {
    std::string given, wanted;
    llvm::raw_string_ostream(given) << type;
    llvm::raw_string_ostream(wanted) << RankedTensorType::get(shape, type.getElementType());
    return node.error(name + " is " + given + ", expected " + wanted);
  }
  bool isWeight = llvm::all_of(shape, ShapedType::isStatic);
  Value value = type.hasStaticShape() || !isWeight ? node.input(index) : reshape(node.input(index), shape);
  if (value && index != Lengths)
    value = cast(value, computedType);
  if (!value)
    return failure();
  return value;
}

LogicalResult Layer::readInputs() {
  RankedTensorType x = node.inputType(X);
  if (x.getRank() != 3 || node.inputType(W).getRank() != 3)
    return node.error("X and W must have 3 dims");
  computedType = x.getElementType().isF64() ? x.getElementType() : node.builder().getF32Type();
  int64_t gates = cell.getNumGates(), anything = ShapedType::kDynamic;
  int64_t numInputs = x.isDynamicDim(2) ? node.inputType(W).getShape().back() : x.getDimSize(2);
  SmallVector<int64_t> state = {numDirections, anything, hidden};
  if (isBatchMajor)
    std::swap(state[0], state[1]);
  const std::pair<StringRef, SmallVector<int64_t>> expected[] = {{"X", {anything, anything, numInputs}},
                                                                 {"W", {numDirections, gates * hidden, numInputs}},
                                                                 {"R", {numDirections, gates * hidden, hidden}},
                                                                 {"B", {numDirections, 2 * gates * hidden}},
                                                                 {"sequence_lens", {anything}},
                                                                 {"initial_h", state},
                                                                 {"initial_c", state},
                                                                 {"P", {numDirections, 3 * hidden}}};
  for (auto [index, input] : llvm::enumerate(expected)) {
    FailureOr<Value> value = readInput(index, input.first, input.second);
    if (failed(value))
      return failure();
    inputs.push_back(*value);
  }
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------------------------------------------------------===//

Value Layer::slice(Value value, int64_t axis, int64_t first, int64_t count) {
  return create<nn::SliceOp>(value, node.constantInts(first), node.constantInts(first + count), node.constantInts(1),
                             node.builder().getDenseI64ArrayAttr(axis));
}

Value Layer::reshape(Value value, ArrayRef<int64_t> shape) {
  return create<nn::ReshapeOp>(value, node.constantInts(shape), node.builder().getBoolAttr(true));
}

Value Layer::concat(ArrayRef<Value> values, int64_t axis) {
  if (llvm::is_contained(values, Value()))
    return {};
  if (values.size() == 1)
    return values.front();
  FailureOr<nn::ConcatOp> op = node.create<nn::ConcatOp>(ValueRange(values), node.builder().getI64IntegerAttr(axis));
  return failed(op) ? Value() : Value(*op);
}

Value Layer::cast(Value value, Type element) {
  if (!value || nn::typeOf(value).getElementType() == element)
    return value;
  return Chain(node, value).cast(element).get();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------------------------------------------------------===//

/// The biases of inputs and states added, count * gates * hidden; null when there are none. Where the reset gate scales a product with
/// its bias, that bias is left out.
Value Layer::getBias(int64_t first, int64_t count) {
  int64_t gates = cell.getNumGates(), width = gates * hidden;
  Value all = pick(inputs[B], 0, first, count);
  Value ofInputs = slice(all, 1, 0, width), ofStates = slice(all, 1, width, width);
  if (cell.name == "gru_reset_after") {
    Value zero = node.constantScalar(nn::typeOf(inputs[B]).getElementType(), 0);
    Value zeros = create<nn::ExpandOp>(zero, node.constantInts({count, hidden}));
    ofStates = concat({slice(all, 1, width, 2 * hidden), zeros}, 1);
  }
  return reshape(add(ofInputs, ofStates), {count * width});
}

/// What the gates get from the inputs at all times.
Value Layer::project(int64_t first, int64_t count) {
  int64_t width = count * cell.getNumGates() * hidden;
  Value weights = pick(inputs[W], 0, first, count);
  weights = transpose(reshape(weights, {width, nn::typeOf(weights).getDimSize(2)}), {1, 0});
  if (!weights)
    return {};
  Value product = create<nn::MatMulOp>(inputs[X], weights);
  return inputs[B] ? add(product, getBias(first, count)) : product;
}

/// directions x hidden x gates * hidden, one for each product of a step.
SmallVector<Value> Layer::getRecurrentWeights(int64_t first, int64_t count) {
  Value all = transpose(pick(inputs[R], 0, first, count), {0, 2, 1});
  SmallVector<Value> weights;
  int64_t start = 0;
  for (int64_t gates : cell.gates) {
    weights.push_back(gates == cell.getNumGates() ? all : slice(all, 2, start * hidden, gates * hidden));
    start += gates;
  }
  return weights;
}

/// Peepholes, or the bias that the reset gate scales. The layer has them.
Value Layer::getParameters(int64_t first, int64_t count) {
  Value source = inputs[Peepholes];
  if (cell.name == "gru_reset_after")
    source = slice(inputs[B], 1, 5 * hidden, hidden);
  return reshape(pick(source, 0, first, count), {count, cell.numParameters, hidden});
}

/// Of all states when one is given.
bool Layer::addInitialStates(SmallVectorImpl<Value> &states, int64_t first, int64_t count) {
  int64_t axis = isBatchMajor ? 1 : 0;
  Value h = inputs[InitialH], c = cell.numStates == 2 ? inputs[InitialC] : Value(), given = h ? h : c;
  if (!given)
    return true;
  Value zero = node.constantScalar(nn::typeOf(given).getElementType(), 0);
  const Value all[] = {h, c};
  for (Value state : ArrayRef(all).take_front(cell.numStates)) {
    if (!state)
      state = create<nn::FullOp>(create<nn::ShapeOfOp>(given), zero);
    state = pick(state, axis, first, count);
    if (!state)
      return false;
    states.push_back(state);
  }
  return true;
}

/// All results of the directions from `first` on; empty on failure.
SmallVector<Value> Layer::importDirections(int64_t first, int64_t count) {
  OpBuilder &b = node.builder();
  Value input = project(first, count), parameters;
  SmallVector<Value> weights = getRecurrentWeights(first, count), initial;
  bool hasParameters = cell.name == "lstm" ? bool(inputs[Peepholes]) : cell.numParameters > 0 && inputs[B];
  if (hasParameters)
    parameters = getParameters(first, count);
  if (!addInitialStates(initial, first, count) || !input || llvm::is_contained(weights, Value()) ||
      (hasParameters && !parameters))
    return {};
  const Activations &own = activations[first];
  FloatAttr clip = node.hasAttr("clip") ? b.getF32FloatAttr(node.floatAttr("clip")) : FloatAttr();
  FailureOr<nn::RecurrenceOp> op = node.create<nn::RecurrenceOp>(
      input, weights, parameters, initial, inputs[Lengths], b.getStringAttr(cell.name), b.getStrArrayAttr(own.names),
      b.getDenseF32ArrayAttr(own.alpha), b.getDenseF32ArrayAttr(own.beta), clip,
      node.intAttr("input_forget") ? b.getUnitAttr() : UnitAttr(),
      b.getDenseBoolArrayAttr(ArrayRef(reverse).slice(first, count)), isBatchMajor ? b.getUnitAttr() : UnitAttr());
  return failed(op) ? SmallVector<Value>() : SmallVector<Value>((*op)->getResults());
}

LogicalResult Layer::import(ArrayRef<StringRef> defaultActivations) {
  if (failed(readAttributes(defaultActivations)) || failed(readInputs()))
    return failure();
  // Directions that differ in more than their weights are layers of their own.
  int64_t together = llvm::all_equal(activations) ? numDirections : 1;
  SmallVector<SmallVector<Value>> parts;
  for (int64_t first = 0; first < numDirections; first += together) {
    parts.push_back(importDirections(first, together));
    if (parts.back().empty())
      return failure();
  }
  for (unsigned output = 0; output < parts.front().size(); ++output) {
    if (!node.wantsOutput(output))
      continue;
    int64_t axis = output == 0 ? (isBatchMajor ? 2 : 1) : (isBatchMajor ? 1 : 0);
    Value joined =
        concat(llvm::map_to_vector(parts, [&](const SmallVector<Value> &results) { return results[output]; }), axis);
    joined = cast(joined, node.inputType(X).getElementType());
    if (!joined)
      return failure();
    node.setOutput(output, joined);
  }
  return success();
}

static LogicalResult importLayer(NodeImporter &node, StringRef cell, ArrayRef<StringRef> activations) {
  std::optional<nn::RecurrentCell> known = nn::RecurrentCell::find(cell);
  return Layer(node, *known).import(activations);
}

static LogicalResult importLSTM(NodeImporter &node) { return importLayer(node, "lstm", {"Sigmoid", "Tanh", "Tanh"}); }

static LogicalResult importGRU(NodeImporter &node) {
  return importLayer(node, node.intAttr("linear_before_reset") ? "gru_reset_after" : "gru", {"Sigmoid", "Tanh"});
}

static LogicalResult importRNN(NodeImporter &node) { return importLayer(node, "rnn", {"Tanh"}); }

void registerRecurrent(ImportTable &table) {
  table.add({{"", "LSTM", 1, importLSTM}, {"", "GRU", 3, importGRU}, {"", "RNN", 1, importRNN}});
}

} // namespace nncc::import
