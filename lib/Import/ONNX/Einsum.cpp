//===- Einsum.cpp - import of Einstein sums -------------------------------------------------------------------------------===//
///
/// \file
/// Operands are combined from left to right. Dims that two of them share and that nothing needs afterwards make the product a matrix
/// product; without such dims it is a product element by element.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nncc::import {
namespace {

/// A letter, or (from kEllipsis on) a dim that `...` stands for, counted from the back.
using Label = int64_t;
using Labels = SmallVector<Label>;
constexpr Label kEllipsis = 256;

/// A value and what its dims are called.
struct Operand {
  Value value;
  Labels labels;

  SizeSource sizeOf(Label label) const { return {llvm::find(labels, label) - labels.begin(), value}; }
};

class Einsum {
public:
  explicit Einsum(NodeImporter &node) : node(node), b(node.builder()) {}
  LogicalResult run();

private:
  LogicalResult parse();
  FailureOr<Labels> parseTerm(StringRef term, int64_t ellipsisDims);
  LogicalResult takeDiagonal(Operand &operand);
  LogicalResult sumOut(Operand &operand, function_ref<bool(Label)> keep);
  LogicalResult arrange(Operand &operand, ArrayRef<Label> order);
  FailureOr<Operand> combine(Operand left, Operand right, function_ref<bool(Label)> keep);
  FailureOr<Operand> multiply(Operand left, Operand right);
  FailureOr<Operand> contract(const Operand &left, const Operand &right, ArrayRef<Label> batch, ArrayRef<Label> rows,
                              ArrayRef<Label> sums, ArrayRef<Label> columns);
  FailureOr<Value> merge(const Operand &operand, ArrayRef<Label> batch, ArrayRef<Label> first, ArrayRef<Label> second);

  NodeImporter &node;
  OpBuilder &b;
  SmallVector<Operand> operands;
  Labels output;
};

} // namespace

FailureOr<Labels> Einsum::parseTerm(StringRef term, int64_t ellipsisDims) {
  Labels labels;
  bool hasEllipsis = false;
  while (!term.empty()) {
    if (term.consume_front("...")) {
      if (hasEllipsis)
        return node.error("a term has '...' twice");
      hasEllipsis = true;
      for (int64_t i = ellipsisDims; i-- > 0;)
        labels.push_back(kEllipsis + i);
      continue;
    }
    if (!llvm::isAlpha(term.front()))
      return node.error("'" + term.take_front(1) + "' is no letter");
    labels.push_back(term.front());
    term = term.drop_front();
  }
  return labels;
}

LogicalResult Einsum::parse() {
  std::string equation = node.stringAttr("equation");
  llvm::erase_if(equation, [](char c) { return c == ' '; });
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.numInputs())
    return node.error("the equation has " + Twine(terms.size()) + " terms for " + Twine(node.numInputs()) + " inputs");
  int64_t mostDims = 0;
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t rank = node.inputType(i).getRank(), letters = llvm::count_if(term, [](char c) { return c != '.'; });
    int64_t ellipsisDims = term.contains("...") ? rank - letters : 0;
    FailureOr<Labels> labels = parseTerm(term, std::max<int64_t>(ellipsisDims, 0));
    if (failed(labels))
      return failure();
    if (int64_t(labels->size()) != rank)
      return node.error("term '" + term + "' does not fit an input of " + Twine(rank) + " dims");
    mostDims = std::max(mostDims, ellipsisDims);
    operands.push_back({node.input(i), *labels});
  }
  if (StringRef(equation).contains("->")) {
    FailureOr<Labels> labels = parseTerm(right, mostDims);
    if (failed(labels))
      return failure();
    output = *labels;
  } else { // `...`, then what occurs once, sorted
    for (int64_t i = mostDims; i-- > 0;)
      output.push_back(kEllipsis + i);
    for (Label letter = 0; letter < kEllipsis; ++letter) {
      int64_t times = 0;
      for (const Operand &operand : operands)
        times += llvm::count(operand.labels, letter);
      if (times == 1)
        output.push_back(letter);
    }
  }
  for (Label label : output) {
    if (llvm::count(output, label) > 1)
      return node.error("the output has a dim twice");
    if (llvm::none_of(operands, [&](const Operand &operand) { return llvm::is_contained(operand.labels, label); }))
      return node.error("the output has a dim that no input has");
  }
  return success();
}

/// Sums `x` where the places along two dims of one label are equal, and zero elsewhere.
LogicalResult Einsum::takeDiagonal(Operand &operand) {
  for (size_t i = 0; i < operand.labels.size(); ++i)
    for (size_t j = operand.labels.size(); --j > i;) {
      if (operand.labels[i] != operand.labels[j])
        continue;
      auto places = [&](size_t axis) {
        FailureOr<Value> size = makeShape(node, SizeSource{int64_t(axis), operand.value});
        FailureOr<nn::RangeOp> range =
            failed(size) ? FailureOr<nn::RangeOp>(failure())
                         : node.create<nn::RangeOp>(node.constantInts(0), *size, node.constantInts(1));
        SmallVector<SizeSource> sizes(operand.labels.size() - axis, SizeSource{1, {}});
        sizes[0] = {-1, {}};
        FailureOr<Value> result = failed(range) ? FailureOr<Value>(failure()) : reshapeTo(node, *range, sizes);
        return Chain(node, failed(result) ? Value() : *result);
      };
      Chain zero(node, node.constantScalar(nn::typeOf(operand.value).getElementType(), 0));
      Value masked = Chain(node, operand.value).where(places(i).with<nn::EqualOp>(places(j)), zero).get();
      if (!masked)
        return failure();
      FailureOr<nn::ReduceOp> sum =
          node.create<nn::ReduceOp>(masked, b.getDenseI64ArrayAttr(j), UnitAttr(), b.getStringAttr("sum"));
      if (failed(sum))
        return failure();
      operand.value = *sum;
      operand.labels.erase(operand.labels.begin() + j);
    }
  return success();
}

LogicalResult Einsum::sumOut(Operand &operand, function_ref<bool(Label)> keep) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [i, label] : llvm::enumerate(operand.labels)) {
    if (keep(label))
      kept.push_back(label);
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return success();
  FailureOr<nn::ReduceOp> sum =
      node.create<nn::ReduceOp>(operand.value, b.getDenseI64ArrayAttr(axes), UnitAttr(), b.getStringAttr("sum"));
  if (failed(sum))
    return failure();
  operand = {*sum, kept};
  return success();
}

/// Dims in the order of those of `order` that the operand has.
LogicalResult Einsum::arrange(Operand &operand, ArrayRef<Label> order) {
  SmallVector<int64_t> permutation;
  Labels labels;
  for (Label label : order)
    if (const auto *found = llvm::find(operand.labels, label); found != operand.labels.end()) {
      permutation.push_back(found - operand.labels.begin());
      labels.push_back(label);
    }
  if (labels == operand.labels)
    return success();
  FailureOr<nn::TransposeOp> result = node.create<nn::TransposeOp>(operand.value, ArrayRef<int64_t>(permutation));
  if (failed(result))
    return failure();
  operand = {*result, labels};
  return success();
}

/// Element by element, over the dims of both.
FailureOr<Operand> Einsum::multiply(Operand left, Operand right) {
  Labels all(left.labels);
  for (Label label : right.labels)
    if (!llvm::is_contained(all, label))
      all.push_back(label);
  auto spread = [&](Operand &operand) -> FailureOr<Value> {
    if (failed(arrange(operand, all)))
      return failure();
    SmallVector<SizeSource> sizes;
    for (Label label : all)
      sizes.push_back(llvm::is_contained(operand.labels, label) ? operand.sizeOf(label) : SizeSource{1, {}});
    return operand.labels == all ? FailureOr<Value>(operand.value) : reshapeTo(node, operand.value, sizes);
  };
  FailureOr<Value> x = spread(left), y = spread(right);
  if (failed(x) || failed(y))
    return failure();
  FailureOr<nn::MulOp> product = node.create<nn::MulOp>(*x, *y);
  return failed(product) ? FailureOr<Operand>(failure()) : FailureOr<Operand>(Operand{*product, all});
}

/// The operand as a batch of matrices whose rows and columns are several dims each. (Null when the sizes cannot be said.)
FailureOr<Value> Einsum::merge(const Operand &operand, ArrayRef<Label> batch, ArrayRef<Label> first,
                               ArrayRef<Label> second) {
  SmallVector<SizeSource> sizes;
  for (Label label : batch)
    sizes.push_back(operand.sizeOf(label));
  int64_t unsaid = 0;
  for (ArrayRef<Label> group : {first, second}) {
    SizeSource size{1, {}};
    for (Label label : group) {
      SizeSource one = operand.sizeOf(label);
      int64_t number = nn::typeOf(operand.value).getDimSize(one.number);
      if (group.size() == 1)
        size = one;
      else
        size.number = size.number < 0 || ShapedType::isDynamic(number) ? -1 : size.number * number;
    }
    unsaid += !size.tensor && size.number < 0;
    sizes.push_back(size);
  }
  return unsaid > 1 ? FailureOr<Value>(Value()) : reshapeTo(node, operand.value, sizes);
}

FailureOr<Operand> Einsum::contract(const Operand &left, const Operand &right, ArrayRef<Label> batch,
                                    ArrayRef<Label> rows, ArrayRef<Label> sums, ArrayRef<Label> columns) {
  auto joined = [&](ArrayRef<Label> x, ArrayRef<Label> y) {
    Labels all(batch);
    llvm::append_range(all, x);
    llvm::append_range(all, y);
    return all;
  };
  Operand lhs = left, rhs = right;
  if (failed(arrange(lhs, joined(rows, sums))) || failed(arrange(rhs, joined(sums, columns))))
    return failure();
  FailureOr<Value> x = merge(lhs, batch, rows, sums), y = merge(rhs, batch, sums, columns);
  if (failed(x) || failed(y))
    return failure();
  if (!*x || !*y)
    return multiply(left, right);
  FailureOr<nn::MatMulOp> product = node.create<nn::MatMulOp>(*x, *y);
  if (failed(product))
    return failure();
  Labels labels = joined(rows, columns);
  SmallVector<SizeSource> sizes;
  for (auto [i, label] : llvm::enumerate(labels)) {
    bool isBatch = i < batch.size(), fromLeft = llvm::is_contained(rows, label);
    sizes.push_back(isBatch ? SizeSource{int64_t(i), *product} : (fromLeft ? lhs : rhs).sizeOf(label));
  }
  FailureOr<Value> result = reshapeTo(node, *product, sizes);
  return failed(result) ? FailureOr<Operand>(failure()) : FailureOr<Operand>(Operand{*result, labels});
}

FailureOr<Operand> Einsum::combine(Operand left, Operand right, function_ref<bool(Label)> keep) {
  auto has = [](const Operand &operand, Label label) { return llvm::is_contained(operand.labels, label); };
  if (failed(sumOut(left, [&](Label label) { return keep(label) || has(right, label); })) ||
      failed(sumOut(right, [&](Label label) { return keep(label) || has(left, label); })))
    return failure();
  Labels batch, rows, sums, columns;
  bool sameSizes = true;
  for (Label label : left.labels) {
    (!has(right, label) ? rows : keep(label) ? batch : sums).push_back(label);
    if (!has(right, label) || keep(label))
      continue;
    int64_t x = nn::typeOf(left.value).getDimSize(left.sizeOf(label).number),
            y = nn::typeOf(right.value).getDimSize(right.sizeOf(label).number);
    sameSizes &= x == y || (x != 1 && y != 1);
  }
  for (Label label : right.labels)
    if (!has(left, label))
      columns.push_back(label);
  FailureOr<Operand> result =
      sums.empty() || !sameSizes ? multiply(left, right) : contract(left, right, batch, rows, sums, columns);
  if (failed(result) || failed(sumOut(*result, keep)))
    return failure();
  return result;
}

LogicalResult Einsum::run() {
  if (failed(parse()))
    return failure();
  for (Operand &operand : operands)
    if (failed(takeDiagonal(operand)))
      return failure();
  Operand result = operands.front();
  for (size_t i = 1; i < operands.size(); ++i) {
    auto keep = [&](Label label) {
      return llvm::is_contained(output, label) || llvm::any_of(ArrayRef(operands).drop_front(i + 1), [&](auto &later) {
               return llvm::is_contained(later.labels, label);
             });
    };
    FailureOr<Operand> next = combine(result, operands[i], keep);
    if (failed(next))
      return failure();
    result = *next;
  }
  if (failed(sumOut(result, [&](Label label) { return llvm::is_contained(output, label); })) ||
      failed(arrange(result, output)))
    return failure();
  node.setOutput(0, result.value);
  return success();
}

static LogicalResult importEinsum(NodeImporter &node) { return Einsum(node).run(); }

void registerEinsum(ImportTable &table) { table.add({{"", "Einsum", 12, importEinsum}}); }

} // namespace nncc::import
