//===- RecurrenceTest.cpp - recurrent layers against plain loops --------------------------------------------------===//

#include "KernelRunner.h"
#include "KernelText.h"
#include "nnccrt/abi.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <random>

using llvm::formatv;

namespace nncc::cpu {
namespace {

using Numbers = std::vector<double>;

/// A cell as a kernel has it, and as a function of the arguments of a phase.
struct Cell {
  std::vector<int64_t> gates;
  int64_t parameters, states;
  std::string phases;
  std::function<Numbers(size_t phase, const Numbers &)> compute;

  int64_t numGates() const {
    int64_t sum = 0;
    for (int64_t own : gates)
      sum += own;
    return sum;
  }
};

const Cell plain{{1},
                 0,
                 1,
                 R"({
  ^bb0(%x: E, %s: E, %h: E):
    %0 = arith.addf %x, %s : E
    exec.yield %0 : E
  })",
                 [](size_t, const Numbers &a) { return Numbers{a[0] + a[1]}; }};

/// The second state remembers, the first forgets.
const Cell memory{{2},
                  1,
                  2,
                  R"({
  ^bb0(%x0: E, %x1: E, %s0: E, %s1: E, %p: E, %h: E, %c: E):
    %0 = arith.mulf %p, %c : E
    %1 = arith.addf %x0, %s0 : E
    %2 = arith.addf %0, %1 : E
    %3 = arith.addf %x1, %s1 : E
    %4 = arith.mulf %3, %2 : E
    exec.yield %4, %2 : E, E
  })",
                  [](size_t, const Numbers &a) {
                    double c = a[4] * a[6] + a[0] + a[2];
                    return Numbers{(a[1] + a[3]) * c, c};
                  }};

/// What the second phase multiplies is made by the first.
const Cell twoPhases{{2, 1},
                     0,
                     1,
                     R"({
  ^bb0(%x0: E, %x1: E, %x2: E, %s0: E, %s1: E, %h: E):
    %0 = arith.addf %x0, %s0 : E
    %1 = arith.mulf %0, %h : E
    %2 = arith.addf %x1, %s1 : E
    exec.yield %1, %2 : E, E
  }, {
  ^bb0(%x0: E, %x1: E, %x2: E, %s: E, %h: E, %q: E, %z: E):
    %0 = arith.addf %x2, %s : E
    %1 = arith.mulf %z, %h : E
    %2 = arith.addf %0, %1 : E
    exec.yield %2 : E
  })",
                     [](size_t phase, const Numbers &a) {
                       return phase == 0 ? Numbers{(a[0] + a[3]) * a[5], a[1] + a[4]}
                                         : Numbers{a[2] + a[3] + a[6] * a[4]};
                     }};

struct Layer {
  const Cell &cell;
  int64_t times, rows, hidden;
  std::vector<bool> reverse = {false};
  bool isBatchMajor = false, hasInitial = false;
  std::vector<int32_t> lengths = {};
  std::string element = "f32";

  int64_t directions() const { return reverse.size(); }
  /// Elements of the operands in the order of the kernel: input, weights, parameters, initial states.
  std::vector<int64_t> counts() const {
    std::vector<int64_t> result{times * rows * directions() * cell.numGates() * hidden};
    for (int64_t gates : cell.gates)
      result.push_back(directions() * hidden * gates * hidden);
    if (cell.parameters)
      result.push_back(directions() * cell.parameters * hidden);
    if (hasInitial)
      result.insert(result.end(), cell.states, directions() * rows * hidden);
    return result;
  }
  int64_t input(int64_t time, int64_t row, int64_t direction) const {
    int64_t line = isBatchMajor ? row * times + time : time * rows + row;
    return (line * directions() + direction) * cell.numGates() * hidden;
  }
  int64_t sequence(int64_t time, int64_t row, int64_t direction) const {
    return (isBatchMajor ? (row * times + time) * directions() + direction
                         : (time * directions() + direction) * rows + row) *
           hidden;
  }
  int64_t state(int64_t row, int64_t direction) const {
    return (isBatchMajor ? row * directions() + direction : direction * rows + row) * hidden;
  }
  /// T and B stand for sizes that may be dynamic.
  std::string text() const;
};

std::string Layer::text() const {
  int64_t d = directions(), h = hidden;
  std::string input = isBatchMajor ? "BxT" : "TxB",
              state = isBatchMajor ? formatv("Bx{0}x{1}xE", d, h).str() : formatv("{0}xBx{1}xE", d, h).str();
  std::string sequence = isBatchMajor ? formatv("BxTx{0}x{1}xE", d, h) : formatv("Tx{0}xBx{1}xE", d, h);
  std::string arguments = formatv("%in: tensor<{0}x{1}xE>", input, d * cell.numGates() * h), weights, weightTypes,
              gates, outs = "%e0", outTypes = formatv("tensor<{0}>", sequence), results = "%r#0", flags, more;
  std::string empties = formatv("  %e0 = empty<{0}>\n", sequence);
  auto join = [](std::string &list, const std::string &item) { list += (list.empty() ? "" : ", ") + item; };
  for (size_t i = 0; i < cell.gates.size(); ++i) {
    std::string type = formatv("tensor<{0}x{1}x{2}xE>", d, h, cell.gates[i] * h), name = formatv("%w{0}", i);
    join(arguments, name + ": " + type);
    join(weights, name);
    join(weightTypes, type);
    join(gates, std::to_string(cell.gates[i]));
  }
  if (cell.parameters) {
    std::string type = formatv("tensor<{0}x{1}x{2}xE>", d, cell.parameters, h);
    join(arguments, "%parameters: " + type);
    more += " parameters(%parameters : " + type + ")";
  }
  std::string initial, initialTypes;
  for (int64_t i = 0; i < cell.states; ++i) {
    if (hasInitial) {
      join(arguments, formatv("%initial{0}: tensor<{1}>", i, state));
      join(initial, formatv("%initial{0}", i));
      join(initialTypes, formatv("tensor<{0}>", state));
    }
    empties += formatv("  %e{0} = empty<{1}>\n", i + 1, state);
    join(outs, formatv("%e{0}", i + 1));
    join(outTypes, formatv("tensor<{0}>", state));
    join(results, formatv("%r#{0}", i + 1));
  }
  if (hasInitial)
    more += " initial(" + initial + " : " + initialTypes + ")";
  if (!lengths.empty()) {
    join(arguments, "%n: tensor<Bxi32>");
    more += " lengths(%n : tensor<Bxi32>)";
  }
  for (bool flag : reverse)
    join(flags, flag ? "true" : "false");
  return formatv(R"(
exec.kernel @k({0}, %B: index, %T: index) -> ({1}) {{
{2}  %r:{3} = exec.recurrence (%in : tensor<{4}x{5}xE>) weights({6} : {7}){8} outs({9} : {1})
    attributes {{gates = array<i64: {10}>, hidden = {11} : i64, reverse = array<i1: {12}>{13}} {14} -> {1}
  exec.yield {15} : {1}
})",
                 arguments, outTypes, empties, cell.states + 1, input, d * cell.numGates() * h, weights, weightTypes,
                 more, outs, gates, h, flags, isBatchMajor ? ", batch_major" : "", cell.phases, results);
}

std::vector<Numbers> makeOperands(const Layer &layer) {
  std::mt19937 random(7);
  std::vector<Numbers> operands;
  for (int64_t count : layer.counts()) {
    // Weights are small enough that nothing grows without bound.
    bool isWeight = !operands.empty() && operands.size() <= layer.cell.gates.size();
    std::uniform_real_distribution<float> numbers(-1, 1);
    operands.emplace_back();
    for (int64_t i = 0; i < count; ++i)
      operands.back().push_back(float(numbers(random) / (isWeight ? float(layer.hidden) : 1.25f)));
  }
  return operands;
}

/// What the layer means, in f64: one row in one direction after the other.
class Reference {
public:
  Reference(const Layer &layer, const std::vector<Numbers> &operands) : layer(layer), operands(operands) {}

  std::vector<Numbers> compute() {
    int64_t perTime = layer.rows * layer.directions() * layer.hidden;
    results.assign(1 + layer.cell.states, Numbers(perTime));
    results.front().resize(layer.times * perTime);
    for (direction = 0; direction < layer.directions(); ++direction)
      for (row = 0; row < layer.rows; ++row)
        computeRow();
    return results;
  }

private:
  size_t firstState() const { return 1 + layer.cell.gates.size() + (layer.cell.parameters ? 1 : 0); }

  void computeRow() {
    int64_t at = layer.state(row, direction), length = layer.lengths.empty() ? layer.times : layer.lengths[row];
    states.assign(layer.cell.states, Numbers(layer.hidden));
    for (size_t i = 0; layer.hasInitial && i < states.size(); ++i)
      std::copy_n(operands[firstState() + i].begin() + at, layer.hidden, states[i].begin());
    for (int64_t step = 0; step < length; ++step) {
      int64_t time = layer.reverse[direction] ? length - 1 - step : step;
      passed.clear();
      for (size_t phase = 0; phase < layer.cell.gates.size(); ++phase)
        passed = computePhase(phase, time);
      states = passed;
      std::copy(states[0].begin(), states[0].end(), results[0].begin() + layer.sequence(time, row, direction));
    }
    for (size_t i = 0; i < states.size(); ++i)
      std::copy(states[i].begin(), states[i].end(), results[1 + i].begin() + at);
  }

  std::vector<Numbers> computePhase(size_t phase, int64_t time) {
    std::vector<Numbers> values;
    for (int64_t unit = 0; unit < layer.hidden; ++unit) {
      Numbers computed = layer.cell.compute(phase, getArguments(phase, time, unit));
      values.resize(computed.size());
      for (size_t i = 0; i < computed.size(); ++i)
        values[i].push_back(computed[i]);
    }
    return values;
  }

  Numbers getArguments(size_t phase, int64_t time, int64_t unit) {
    int64_t hidden = layer.hidden, own = layer.cell.gates[phase];
    const Numbers &vector = phase == 0 ? states[0] : passed[0];
    Numbers arguments;
    for (int64_t gate = 0; gate < layer.cell.numGates(); ++gate)
      arguments.push_back(operands[0][layer.input(time, row, direction) + gate * hidden + unit]);
    for (int64_t gate = 0; gate < own; ++gate) {
      double sum = 0;
      for (int64_t k = 0; k < hidden; ++k)
        sum += vector[k] * operands[1 + phase][((direction * hidden + k) * own + gate) * hidden + unit];
      arguments.push_back(sum);
    }
    for (int64_t i = 0; i < layer.cell.parameters; ++i)
      arguments.push_back(operands[firstState() - 1][(direction * layer.cell.parameters + i) * hidden + unit]);
    for (const Numbers &state : states)
      arguments.push_back(state[unit]);
    for (const Numbers &value : passed)
      arguments.push_back(value[unit]);
    return arguments;
  }

  const Layer &layer;
  const std::vector<Numbers> &operands;
  int64_t direction = 0, row = 0;
  std::vector<Numbers> results, states, passed;
};

/// Operands and results in memory.
template <typename T> class Run {
public:
  Run(const Layer &layer, const std::vector<Numbers> &operands, bool isDynamic) : layer(layer), isDynamic(isDynamic) {
    std::string rows = layer.isBatchMajor ? "BT" : "TB", state = "B";
    size_t firstState = operands.size() - (layer.hasInitial ? layer.cell.states : 0);
    for (size_t i = 0; i < operands.size(); ++i) {
      T *memory = add<T>(operands[i].size(), i == 0 ? rows : i >= firstState ? state : "");
      std::copy(operands[i].begin(), operands[i].end(), memory);
    }
    if (!layer.lengths.empty())
      std::copy(layer.lengths.begin(), layer.lengths.end(), add<int32_t>(layer.lengths.size(), "B"));
    slots.push_back(layer.rows);
    slots.push_back(layer.times);
    firstResult = buffers.size();
    int64_t perRow = layer.rows * layer.directions() * layer.hidden;
    add<T>(layer.times * perRow, rows);
    for (int64_t i = 0; i < layer.cell.states; ++i)
      add<T>(perRow, state);
  }

  void execute(const RunnableKernel &kernel, bool backwards) {
    nnccrt_fault fault = {};
    std::vector<uint64_t> all{reinterpret_cast<uint64_t>(&fault)};
    all.insert(all.end(), slots.begin(), slots.end());
    Buffer scratch(kernel.getScratchBytes());
    int64_t tiles = kernel.countTiles(slots);
    for (int64_t i = 0; i < tiles; ++i)
      kernel.runTile(all.data(), backwards ? tiles - 1 - i : i, scratch.as<void>());
    EXPECT_TRUE(scratch.isIntact());
    for (const Buffer &buffer : buffers)
      EXPECT_TRUE(buffer.isIntact());
  }

  std::vector<std::vector<T>> getResults() const {
    std::vector<std::vector<T>> results;
    for (size_t i = firstResult; i < buffers.size(); ++i) {
      size_t count = buffers[i].size() / sizeof(T);
      const T *first = buffers[i].template as<T>();
      results.emplace_back(first, first + count);
    }
    return results;
  }

private:
  template <typename U> U *add(int64_t count, const std::string &dynamicDims) {
    buffers.emplace_back(count * sizeof(U));
    slots.push_back(buffers.back().address());
    for (char dim : dynamicDims)
      if (isDynamic)
        slots.push_back(dim == 'T' ? layer.times : layer.rows);
    return buffers.back().template as<U>();
  }

  const Layer &layer;
  bool isDynamic;
  std::vector<Buffer> buffers;
  std::vector<uint64_t> slots;
  size_t firstResult = 0;
};

std::unique_ptr<RunnableKernel> compile(const Layer &layer, bool isDynamic, const std::string &level,
                                        unsigned optLevel) {
  SizeMap sizes{{'T', layer.times}, {'B', layer.rows}};
  std::set<char> dynamic;
  if (isDynamic)
    dynamic = {'T', 'B'};
  std::string text = instantiate(layer.text(), sizes, dynamic, layer.element), error;
  auto kernel = RunnableKernel::compile(text, level, optLevel, error);
  EXPECT_TRUE(kernel) << error << text;
  return kernel;
}

/// All ways to run agree with the reference, and those with multiply-add in every bit.
template <typename T> void checkAs(const Layer &layer, double tolerance) {
  std::vector<Numbers> operands = makeOperands(layer), expected = Reference(layer, operands).compute();
  std::vector<std::vector<T>> first;
  for (const std::string &level : getRunnableLevels())
    for (bool isDynamic : {false, true}) {
      auto kernel = compile(layer, isDynamic, level, isDynamic ? 3 : 0);
      if (!kernel)
        return;
      Run<T> run(layer, operands, isDynamic);
      run.execute(*kernel, /*backwards=*/isDynamic);
      std::vector<std::vector<T>> results = run.getResults();
      for (size_t i = 0; i < expected.size(); ++i)
        for (size_t j = 0; j < expected[i].size(); ++j)
          ASSERT_NEAR(results[i][j], expected[i][j], tolerance) << level << ", result " << i << ", element " << j;
      if (level == "x86-64")
        continue;
      if (first.empty())
        first = results;
      EXPECT_EQ(results, first) << level << (isDynamic ? " dynamic" : " static");
    }
}

void check(const Layer &layer) {
  if (layer.element == "f32")
    checkAs<float>(layer, 2e-6);
  else
    checkAs<double>(layer, 1e-14);
}

TEST(Recurrence, OfOneRow) {
  for (int64_t hidden : {1, 16, 37})
    for (const Cell *cell : {&plain, &memory, &twoPhases})
      check({*cell, 7, 1, hidden});
}

TEST(Recurrence, OfManyRows) {
  for (int64_t rows : {3, 19})
    for (const Cell *cell : {&plain, &memory, &twoPhases})
      check({*cell, 3, rows, 20});
}

TEST(Recurrence, InBothDirections) {
  check({memory, 5, 3, 17, {true}});
  check({memory, 5, 3, 17, {false, true}, /*isBatchMajor=*/false, /*hasInitial=*/true});
  check({twoPhases, 5, 9, 17, {false, true}, /*isBatchMajor=*/true, /*hasInitial=*/true});
}

TEST(Recurrence, OfRowsThatEndEarly) {
  for (bool isBatchMajor : {false, true})
    for (const Cell *cell : {&memory, &twoPhases})
      check({*cell, 6, 5, 9, {false, true}, isBatchMajor, /*hasInitial=*/true, {6, 0, 3, 1, 5}});
  check({plain, 6, 3, 9, {true}, false, true, {2, 0, 1}});
}

TEST(Recurrence, InDoublePrecision) {
  check({memory, 4, 5, 11, {false, true}, false, true, {}, "f64"});
  check({twoPhases, 4, 1, 32, {false}, false, false, {}, "f64"});
}

TEST(Recurrence, WithoutTimesOrRows) {
  check({memory, 0, 3, 9, {false}, false, true});
  check({memory, 4, 0, 9, {false}, false, true});
}

} // namespace
} // namespace nncc::cpu
