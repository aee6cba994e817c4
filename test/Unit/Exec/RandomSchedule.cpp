//===- RandomSchedule.cpp - schedules to test PlanMemory with -------------------------------------------------------------===//

#include "RandomSchedule.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <random>
#include <vector>

using llvm::formatv;
using namespace nncc::exec;

namespace {

/// A one-dimensional tensor of i64. `size` is a number, or the name of an index value when the type has `?`.
struct Tensor {
  std::string name, type, size;
  bool isDynamic() const { return type == "tensor<?xi64>"; }
};

class Generator {
public:
  Generator(unsigned seed, ScheduleFeatures features) : random(seed), features(features) {}
  std::string generate();

private:
  unsigned draw(unsigned limit) { return random() % limit; }
  bool chance(unsigned percent) { return draw(100) < percent; }
  std::string newName() { return "%v" + std::to_string(numValues++); }
  void line(const std::string &text) { body += std::string(indent, ' ') + text + "\n"; }
  const Tensor &pick() { return scope[draw(scope.size())]; }
  Tensor pickOfType(const std::string &type);
  std::string newSize();
  static std::string typeFor(const std::string &size) {
    return size[0] == '%' ? "tensor<?xi64>" : "tensor<" + size + "xi64>";
  }

  Tensor launch();
  Tensor view();
  std::string readScalar();
  void makeStatements(unsigned count);
  void makeStatement();
  void makeIf();
  void makeFor();
  void makeWhile();
  std::vector<Tensor> pickCarried();
  Tensor enter(const std::string &name, const std::string &type);
  std::string makeBody(unsigned count, llvm::ArrayRef<Tensor> arguments, llvm::ArrayRef<std::string> wanted);

  std::mt19937 random;
  ScheduleFeatures features;
  std::string kernels, body;
  std::vector<Tensor> scope;
  std::vector<std::string> sizes; // index values of the scope
  unsigned indent = 2, depth = 0, numValues = 0, numKernels = 0;
};

} // namespace

std::string Generator::newSize() {
  static const char *const numbers[] = {"1", "3", "8", "8", "20", "0"};
  if (!sizes.empty() && chance(60))
    return sizes[draw(sizes.size())];
  return numbers[draw(std::size(numbers))];
}

/// A kernel of its own for every launch: sometimes over an argument, sometimes with two results.
Tensor Generator::launch() {
  std::vector<Tensor> inputs = {pick()};
  if (chance(50))
    inputs.push_back(pick());
  std::vector<std::string> results = {chance(60) ? inputs[0].size : newSize()};
  if (chance(20))
    results.push_back(chance(50) ? inputs[0].size : newSize());
  std::string parameters, arguments, argumentTypes, resultTypes, empties, yielded, may, must;
  auto append = [](std::string &list, const std::string &text) { list += (list.empty() ? "" : ", ") + text; };
  for (auto [index, input] : llvm::enumerate(inputs)) {
    append(parameters, formatv("%a{0}: {1}", index, input.type));
    append(arguments, input.name);
    append(argumentTypes, input.type);
  }
  bool mustAlias = chance(15) && results[0] == inputs[0].size;
  for (auto [index, size] : llvm::enumerate(results)) {
    if (size[0] == '%') {
      append(parameters, formatv("%s{0}: index", index));
      append(arguments, size);
      append(argumentTypes, "index");
    }
    append(resultTypes, typeFor(size));
    std::string sizeOperand = size[0] == '%' ? "%s" + std::to_string(index) : "";
    empties += formatv("  %r{0} = tensor.empty({1}) : {2}\n", index, sizeOperand, typeFor(size));
    append(yielded, formatv("%r{0}", index));
    append(must, index == 0 && mustAlias ? "0" : "-1");
    append(may, index == 0 && !mustAlias && size == inputs[0].size && chance(80) ? "0" : "-1");
  }
  kernels += formatv(
      "exec.kernel @k{0}({1}) -> ({2}) attributes {{may_alias = array<i64: {3}>, must_alias = array<i64: {4}>} {{\n{5}"
      "  exec.yield {6} : {2}\n}\n",
      numKernels, parameters, resultTypes, may, must, empties, yielded);
  std::string name = newName();
  line(formatv("{0}{1} = exec.launch @k{2}({3}) : ({4}) -> ({5})", name, results.size() > 1 ? ":2" : "", numKernels++,
               arguments, argumentTypes, resultTypes));
  if (results.size() > 1) {
    scope.push_back({name + "#1", typeFor(results[1]), results[1]});
    name += "#0";
  }
  scope.push_back({name, typeFor(results[0]), results[0]});
  return scope.back();
}

/// The same elements under another type.
Tensor Generator::view() {
  Tensor source = pick();
  std::string name = newName();
  if (source.type == "tensor<8xi64>" && chance(70)) {
    std::string middle = newName();
    line(formatv("{0} = tensor.expand_shape {1} [[0, 1]] output_shape [2, 4] : tensor<8xi64> into tensor<2x4xi64>",
                 middle, source.name));
    line(formatv("{0} = tensor.collapse_shape {1} [[0, 1]] : tensor<2x4xi64> into tensor<8xi64>", name, middle));
    scope.push_back({name, source.type, source.size});
  } else if (!source.isDynamic()) {
    std::string size = newName();
    line(formatv("{0} = arith.constant {1} : index", size, source.size));
    line(formatv("{0} = tensor.cast {1} : {2} to tensor<?xi64>", name, source.name, source.type));
    scope.push_back({name, "tensor<?xi64>", size});
  } else {
    return source;
  }
  return scope.back();
}

/// An element of a tensor that has one.
std::string Generator::readScalar() {
  std::vector<Tensor> full;
  llvm::copy_if(scope, std::back_inserter(full), [](const Tensor &t) { return !t.isDynamic() && t.size != "0"; });
  const Tensor &source = full[draw(full.size())];
  std::string name = newName();
  line(formatv("{0} = tensor.extract {1}[%c0] : {2}", name, source.name, source.type));
  return name;
}

/// A tensor of the scope of this type; if there is none, a new one.
Tensor Generator::pickOfType(const std::string &type) {
  std::vector<Tensor> fitting;
  llvm::copy_if(scope, std::back_inserter(fitting), [&](const Tensor &t) { return t.type == type; });
  if (!fitting.empty()) // The later the better: what was computed here.
    return fitting[std::max(draw(fitting.size()), draw(fitting.size()))];
  std::string name = newName(), size = type.substr(7, type.size() - 7 - 5);
  line(formatv("{0} = tensor.empty({1}) : {2}", name, size == "?" ? "%c3" : "", type));
  std::string filled = newName();
  kernels +=
      formatv("exec.kernel @k{0}(%s: index) -> {1} {{\n  %r = tensor.empty({2}) : {1}\n  exec.yield %r : {1}\n}\n",
              numKernels, type, size == "?" ? "%s" : "");
  line(formatv("{0} = exec.launch @k{1}(%c3) : (index) -> {2}", filled, numKernels++, type));
  return {filled, type, size == "?" ? "%c3" : size};
}

/// What control flow gives: of a size that is asked for.
Tensor Generator::enter(const std::string &name, const std::string &type) {
  Tensor tensor{name, type, type.substr(7, type.size() - 7 - 5)};
  if (tensor.isDynamic()) {
    tensor.size = newName();
    line(formatv("{0} = tensor.dim {1}, %c0 : {2}", tensor.size, name, type));
  }
  return tensor;
}

/// A region with values of the wanted types at its end: the names.
std::string Generator::makeBody(unsigned count, llvm::ArrayRef<Tensor> arguments, llvm::ArrayRef<std::string> wanted) {
  auto outerScope = scope;
  auto outerSizes = sizes;
  for (const Tensor &argument : arguments) {
    scope.push_back(enter(argument.name, argument.type));
    if (scope.back().isDynamic() && features.runTimeSizes)
      sizes.push_back(scope.back().size);
  }
  makeStatements(count);
  std::string names;
  for (const std::string &type : wanted)
    names += (names.empty() ? "" : ", ") + pickOfType(type).name;
  scope = outerScope;
  sizes = outerSizes;
  return names;
}

void Generator::makeIf() {
  std::string element = readScalar(), condition = newName(), name = newName();
  line(formatv("{0} = arith.trunci {1} : i64 to i1", condition, element));
  std::vector<std::string> types = {pick().type};
  if (chance(40))
    types.push_back(pick().type);
  std::string list = llvm::join(types, ", ");
  line(formatv("{0}:{1} = scf.if {2} -> ({3}) {{", name, types.size(), condition, list));
  for (bool last : {false, true}) {
    indent += 2;
    std::string yielded = makeBody(draw(3), {}, types);
    line(formatv("scf.yield {0} : {1}", yielded, list));
    indent -= 2;
    line(last ? "}" : "} else {");
  }
  for (auto [index, type] : llvm::enumerate(types))
    scope.push_back(enter(formatv("{0}#{1}", name, index), type));
}

std::vector<Tensor> Generator::pickCarried() {
  std::vector<Tensor> carried = {pick()};
  while (carried.size() < 3 && chance(50))
    carried.push_back(pick());
  return carried;
}

void Generator::makeFor() {
  std::vector<Tensor> inits = pickCarried(), arguments;
  std::vector<std::string> types;
  std::string name = newName(), list, bindings;
  for (const Tensor &init : inits) {
    arguments.push_back({newName(), init.type, ""});
    types.push_back(init.type);
    bindings += (bindings.empty() ? "" : ", ") + arguments.back().name + " = " + init.name;
  }
  list = llvm::join(types, ", ");
  line(formatv("{0}:{1} = scf.for {2} = %c0 to %c{3} step %c1 iter_args({4}) -> ({5}) {{", name, types.size(),
               newName(), chance(20) ? "0" : "3", bindings, list));
  indent += 2;
  std::string yielded = makeBody(1 + draw(4), arguments, types);
  line(formatv("scf.yield {0} : {1}", yielded, list));
  indent -= 2;
  line("}");
  for (auto [index, type] : llvm::enumerate(types))
    scope.push_back(enter(formatv("{0}#{1}", name, index), type));
}

/// Up to three iterations; what goes on to the second region may be computed in the first.
void Generator::makeWhile() {
  std::vector<Tensor> inits = pickCarried(), before, after;
  std::vector<std::string> types, forwardedTypes;
  std::string name = newName(), list, bindings, count = newName(), countAfter = newName(), condition = newName(),
              next = newName();
  for (const Tensor &init : inits) {
    before.push_back({newName(), init.type, ""});
    types.push_back(init.type);
    bindings += ", " + before.back().name + " = " + init.name;
  }
  list = llvm::join(types, ", ");
  for (unsigned i = 0, e = 1 + draw(2); i < e; ++i) {
    forwardedTypes.push_back(types[draw(types.size())]);
    after.push_back({newName(), forwardedTypes.back(), ""});
  }
  std::string forwardedList = llvm::join(forwardedTypes, ", "), parameters;
  for (const Tensor &argument : after)
    parameters += ", " + argument.name + ": " + argument.type;
  line(formatv("{0}:{1} = scf.while ({2} = %c0{3}) : (index, {4}) -> (index, {5}) {{", name, forwardedTypes.size() + 1,
               count, bindings, list, forwardedList));
  indent += 2;
  line(formatv("{0} = arith.cmpi slt, {1}, %c3 : index", condition, count));
  std::string forwarded = makeBody(draw(2), before, forwardedTypes);
  line(formatv("scf.condition({0}) {1}, {2} : index, {3}", condition, count, forwarded, forwardedList));
  indent -= 2;
  line("} do {");
  line(formatv("^bb0({0}: index{1}):", countAfter, parameters));
  indent += 2;
  line(formatv("{0} = arith.addi {1}, %c1 : index", next, countAfter));
  std::string yielded = makeBody(draw(3), after, types);
  line(formatv("scf.yield {0}, {1} : index, {2}", next, yielded, list));
  indent -= 2;
  line("}");
  for (auto [index, type] : llvm::enumerate(forwardedTypes))
    scope.push_back(enter(formatv("{0}#{1}", name, index + 1), type));
}

void Generator::makeStatement() {
  unsigned kind = draw(100);
  if (features.controlFlow && depth < 3 && kind < 20) {
    ++depth;
    kind < 7 ? makeIf() : kind < 14 ? makeFor() : makeWhile();
    --depth;
  } else if (kind < 30) {
    view();
  } else if (kind < 36) {
    std::string a = readScalar(), b = readScalar(), name = newName();
    line(formatv("{0} = tensor.from_elements {1}, {2}, {1} : tensor<3xi64>", name, a, b));
    scope.push_back({name, "tensor<3xi64>", "3"});
  } else if (kind < 40) {
    std::string name = newName();
    line(formatv("{0} = arith.constant dense<[{1}, 2, 3]> : tensor<3xi64>", name, draw(3)));
    scope.push_back({name, "tensor<3xi64>", "3"});
  } else if (kind < 50 && features.runTimeSizes) {
    std::string element = readScalar(), small = newName(), size = newName();
    line(formatv("{0} = arith.andi {1}, %seven : i64", small, element));
    line(formatv("{0} = arith.index_cast {1} : i64 to index", size, small));
    sizes.push_back(size);
  } else {
    launch();
  }
}

void Generator::makeStatements(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    makeStatement();
}

std::string Generator::generate() {
  scope.push_back({"%arg0", "tensor<8xi64>", "8"});
  line("%c0 = arith.constant 0 : index");
  line("%c1 = arith.constant 1 : index");
  line("%c3 = arith.constant 3 : index");
  line("%seven = arith.constant 7 : i64");
  if (features.symbols) {
    line("%n = exec.symbol \"n\"");
    line("%m = exec.symbol \"m\"");
    line("%n2 = arith.addi %n, %n : index");
    line("%nm = arith.muli %n, %m : index");
    line("%x = exec.input %arg1(%n) : tensor<?xi64>");
    scope.push_back({"%x", "tensor<?xi64>", "%n"});
    sizes = {"%n", "%n2", "%nm"};
  } else {
    scope.push_back({"%arg1", "tensor<8xi64>", "8"});
  }
  makeStatements(4 + draw(16));
  std::string names, types;
  for (unsigned i = 0, e = 1 + draw(4); i < e; ++i) {
    const Tensor &result = chance(70) ? scope[scope.size() - 1 - draw(std::min<size_t>(scope.size(), 4))] : pick();
    names += (i ? ", " : "") + result.name;
    types += (i ? ", " : "") + result.type;
  }
  line(formatv("return {0} : {1}", names, types));
  return formatv("module attributes {{exec.symbols = [\"n\", \"m\"]} {{\n{0}func.func @main(%arg0: tensor<8xi64>, "
                 "%arg1: {1}) -> ({2}) {{\n{3}}\n}\n",
                 kernels, features.symbols ? "tensor<?xi64>" : "tensor<8xi64>", types, body);
}

std::string nncc::exec::makeRandomSchedule(unsigned seed, ScheduleFeatures features) {
  return Generator(seed, features).generate();
}
