//===- Shapes.cpp - from the dims of inputs to symbols and back -------------------------------------------------===//

#include "Shapes.h"
#include <cstdlib>

namespace nncc::rt {

enum { kSymbol = -1, kAtEnd = -2, kExpression = -3 };

static bool failExpression(Evaluation problem, const char *what, const nnccrt_value &value, uint32_t index,
                           Report &report) {
  const char *text = value.dims[index].text;
  if (problem == Evaluation::Overflow)
    return report.fail(NNCCRT_MISMATCH,
                       "%s '%.160s' dim %u: %.128s is beyond 64 bits or divides by zero for these sizes", what,
                       value.name, index, text);
  return report.fail(NNCCRT_INTERNAL, "%s '%.160s' dim %u: cannot evaluate '%.128s'", what, value.name, index, text);
}

bool computeDims(const Symbols &symbols, const char *what, const nnccrt_value &value, int64_t *dims, Report &report) {
  for (uint32_t i = 0; i < value.rank; ++i) {
    const nnccrt_dim &dim = value.dims[i];
    dims[i] = dim.size >= 0 ? dim.size : -1;
    if (dim.size == kSymbol)
      dims[i] = symbols.values[dim.symbol];
    if (dim.size != kExpression)
      continue;
    int32_t unknown = -1;
    Evaluation result = evaluate(dim.text, symbols, dims[i], unknown);
    if (result != Evaluation::Done)
      return failExpression(result, what, value, i, report);
    if (dims[i] < 0)
      return report.fail(NNCCRT_MISMATCH, "%s '%.160s' dim %u: %.128s is %lld for these sizes", what, value.name, i,
                         dim.text, static_cast<long long>(dims[i]));
  }
  return true;
}

bool checkSymbols(const nnccrt_model &model, const int64_t *values, uint32_t count, Report &report) {
  if (count != model.num_symbols)
    return report.fail(NNCCRT_INVALID, "model '%.160s' has %u symbols, got %u values", model.name, model.num_symbols,
                       count);
  if (count && !values)
    return report.fail(NNCCRT_INVALID, "the values of the symbols are a null pointer");
  for (uint32_t i = 0; i < count; ++i)
    if (values[i] < 0)
      return report.fail(NNCCRT_MISMATCH, "symbol '%.160s': %lld is negative", model.symbols[i],
                         static_cast<long long>(values[i]));
  return true;
}

namespace {
class Solver {
public:
  Solver(const nnccrt_model &model, const int64_t *const *inputDims, int64_t *values, Report &report)
      : model(model), inputDims(inputDims), symbols{&model, values}, report(report) {}

  bool run(const int64_t *defaults) {
    for (uint32_t i = 0; i < model.num_symbols; ++i)
      symbols.values[i] = -1;
    return bindPlain() && (solveExpressions(), useDefaults(defaults)) && checkExpressions();
  }

private:
  /// Symbols that are dims by themselves.
  bool bindPlain() {
    for (uint32_t input = 0; input < model.num_inputs; ++input) {
      const nnccrt_value &value = model.inputs[input];
      for (uint32_t i = 0; inputDims[input] && i < value.rank; ++i) {
        if (value.dims[i].size != kSymbol)
          continue;
        int64_t &symbol = symbols.values[value.dims[i].symbol];
        if (symbol >= 0 && symbol != inputDims[input][i])
          return failPlain(input, i, symbol);
        symbol = inputDims[input][i];
      }
    }
    return true;
  }

  bool failPlain(uint32_t input, uint32_t index, int64_t expected) {
    // Whichever dim named the symbol first.
    int32_t symbol = model.inputs[input].dims[index].symbol;
    for (uint32_t other = 0; other <= input; ++other)
      for (uint32_t i = 0; inputDims[other] && i < model.inputs[other].rank; ++i)
        if (const nnccrt_dim &dim = model.inputs[other].dims[i]; dim.size == kSymbol && dim.symbol == symbol)
          return report.fail(NNCCRT_MISMATCH,
                             "input '%.160s' dim %u (%.64s): expected %lld, as input '%.160s' dim %u is, got %lld",
                             model.inputs[input].name, index, model.symbols[symbol], static_cast<long long>(expected),
                             model.inputs[other].name, i, static_cast<long long>(inputDims[input][index]));
    return false;
  }

  template <typename Function> bool forEachExpression(const Function &function) {
    for (uint32_t input = 0; input < model.num_inputs; ++input)
      for (uint32_t i = 0; inputDims[input] && i < model.inputs[input].rank; ++i)
        if (model.inputs[input].dims[i].size == kExpression && !function(model.inputs[input], i, inputDims[input][i]))
          return false;
    return true;
  }

  /// Symbols that occur in expressions only: each round may make another expression solvable.
  void solveExpressions() {
    for (bool progress = true; progress;) {
      progress = false;
      forEachExpression([&](const nnccrt_value &value, uint32_t i, int64_t size) {
        progress |= solve(value.dims[i].text, symbols, size);
        return true;
      });
    }
  }

  bool useDefaults(const int64_t *defaults) {
    for (uint32_t i = 0; i < model.num_symbols; ++i) {
      if (symbols.values[i] >= 0)
        continue;
      if (!defaults)
        return report.fail(NNCCRT_MISMATCH, "symbol '%.160s' has no value: bind the inputs that have it, or resize",
                           model.symbols[i]);
      symbols.values[i] = defaults[i];
    }
    return true;
  }

  bool checkExpressions() {
    return forEachExpression([&](const nnccrt_value &value, uint32_t i, int64_t size) {
      int64_t expected = 0;
      int32_t unknown = -1;
      Evaluation result = evaluate(value.dims[i].text, symbols, expected, unknown);
      if (result != Evaluation::Done)
        return failExpression(result, "input", value, i, report);
      return expected == size ||
             report.fail(NNCCRT_MISMATCH, "input '%.160s' dim %u (%.128s): expected %lld, got %lld", value.name, i,
                         value.dims[i].text, static_cast<long long>(expected), static_cast<long long>(size));
    });
  }

  const nnccrt_model &model;
  const int64_t *const *inputDims;
  Symbols symbols;
  Report &report;
};
} // namespace

bool solveSymbols(const nnccrt_model &model, const int64_t *const *inputDims, const int64_t *defaults, int64_t *values,
                  Report &report) {
  return Solver(model, inputDims, values, report).run(defaults);
}

} // namespace nncc::rt
