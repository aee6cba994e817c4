//===- Reduction.cpp - import of reductions -------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Reduction.h"
#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

/// Reduces along the axes that the node states: an attribute, an input (also one that is known only at run time), or all axes.
static FailureOr<Value> reduce(NodeImporter &node, Value value, StringRef kind, int axesInputSince, bool keepdims) {
  OpBuilder &b = node.builder();
  int64_t rank = nn::typeOf(value).getRank();
  bool asInput = node.opset() >= axesInputSince;
  StringAttr kindAttr = b.getStringAttr(kind);
  if (asInput && node.hasInput(1) && !node.constantInput(1)) {
    RankedTensorType axesType = node.inputType(1);
    if (axesType.getRank() > 1 || !axesType.hasStaticShape())
      return FailureOr<Value>(node.unsupported("a number of axes that is known only at run time"));
    FailureOr<nn::ReduceAxesOp> kept = node.create<nn::ReduceAxesOp>(value, node.input(1), kindAttr);
    if (failed(kept) || keepdims)
      return failed(kept) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*kept));
    FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(*kept);
    if (failed(shape))
      return failure();
    FailureOr<nn::DropAxesOp> dropped = node.create<nn::DropAxesOp>(*shape, node.input(1));
    if (failed(dropped))
      return failure();
    FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(*kept, *dropped, b.getBoolAttr(true));
    return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
  }
  auto axes = importAxes(node, axesInputSince, rank);
  if (failed(axes))
    return failure();
  SmallVector<int64_t> chosen = axes->value_or(SmallVector<int64_t>());
  if (chosen.empty()) {
    if (node.intAttr("noop_with_empty_axes") && asInput)
      return value;
    chosen = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  llvm::sort(chosen);
  FailureOr<nn::ReduceOp> result = node.create<nn::ReduceOp>(value, b.getDenseI64ArrayAttr(chosen),
                                                             keepdims ? b.getUnitAttr() : UnitAttr(), kindAttr);
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

/// ReduceSum has had its axes as an input since 13, the others since 18.
template <int axesInputSince> static FailureOr<Value> reduceAs(NodeImporter &node, Value value, StringRef kind) {
  return reduce(node, value, kind, axesInputSince, node.intAttr("keepdims", 1) != 0);
}

static LogicalResult becomes(NodeImporter &node, FailureOr<Value> value) {
  if (failed(value) || !*value)
    return failure();
  node.setOutput(0, *value);
  return success();
}

static LogicalResult importReduceSum(NodeImporter &node) {
  return becomes(node, reduceAs<13>(node, node.input(0), "sum"));
}
static LogicalResult importReduceMean(NodeImporter &node) {
  return becomes(node, reduceAs<18>(node, node.input(0), "mean"));
}
static LogicalResult importReduceProd(NodeImporter &node) {
  return becomes(node, reduceAs<18>(node, node.input(0), "prod"));
}
static LogicalResult importReduceMax(NodeImporter &node) {
  return becomes(node, reduceAs<18>(node, node.input(0), "max"));
}
static LogicalResult importReduceMin(NodeImporter &node) {
  return becomes(node, reduceAs<18>(node, node.input(0), "min"));
}

static LogicalResult importReduceL1(NodeImporter &node) {
  Chain x = Chain(node, node.input(0)).apply<nn::AbsOp>();
  return x.get() ? becomes(node, reduceAs<18>(node, x.get(), "sum")) : failure();
}

static LogicalResult importReduceSumSquare(NodeImporter &node) {
  Chain x(node, node.input(0));
  Chain squares = x.with<nn::MulOp>(x);
  return squares.get() ? becomes(node, reduceAs<18>(node, squares.get(), "sum")) : failure();
}

/// The root is taken in a float type; integers come back rounded towards zero.
static LogicalResult importReduceL2(NodeImporter &node) {
  Type type = node.inputType(0).getElementType();
  Chain x(node, node.input(0));
  if (isa<IntegerType>(type))
    x = x.cast(node.builder().getF64Type());
  Chain squares = x.with<nn::MulOp>(x);
  if (!squares.get())
    return failure();
  FailureOr<Value> sum = reduceAs<18>(node, squares.get(), "sum");
  if (failed(sum))
    return failure();
  Chain root = Chain(node, *sum).apply<nn::SqrtOp>();
  return (isa<IntegerType>(type) ? root.cast(type) : root).becomesOutput();
}

static LogicalResult importReduceLogSum(NodeImporter &node) {
  Type type = node.inputType(0).getElementType();
  FailureOr<Value> sum = reduceAs<18>(node, node.input(0), "sum");
  if (failed(sum))
    return failure();
  Chain x(node, *sum);
  if (isa<IntegerType>(type))
    return x.cast(node.builder().getF64Type()).apply<nn::LogOp>().cast(type).becomesOutput();
  return x.apply<nn::LogOp>().becomesOutput();
}

/// max + log(sum(e^(x - max))): no power overflows. Where the maximum is infinite, 0 stands for it.
static LogicalResult importReduceLogSumExp(NodeImporter &node) {
  Type type = node.inputType(0).getElementType();
  Chain x(node, node.input(0));
  if (isa<IntegerType>(type))
    x = x.cast(node.builder().getF64Type());
  if (!x.get())
    return failure();
  FailureOr<Value> keptMaximum = reduce(node, x.get(), "max", 18, /*keepdims=*/true);
  if (failed(keptMaximum))
    return failure();
  Chain maximum(node, *keptMaximum);
  FailureOr<nn::IsInfOp> isInf = node.create<nn::IsInfOp>(*keptMaximum, true, true);
  if (failed(isInf))
    return failure();
  Chain zero(node, node.constantScalar(nn::typeOf(*keptMaximum).getElementType(), 0));
  Chain shift = zero.where(Chain(node, *isInf), maximum);
  Chain powers = x.with<nn::SubOp>(shift).apply<nn::ExpOp>();
  if (!powers.get())
    return failure();
  FailureOr<Value> sum = reduceAs<18>(node, powers.get(), "sum");
  // The shift along the same axes, with the dims that the result has.
  FailureOr<Value> added = reduceAs<18>(node, shift.get(), "max");
  if (failed(sum) || failed(added))
    return failure();
  Chain result = Chain(node, *sum).apply<nn::LogOp>().with<nn::AddOp>(*added);
  return (isa<IntegerType>(type) ? result.cast(type) : result).becomesOutput();
}

template <bool isMax> static LogicalResult importArg(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank(), axis = node.intAttr("axis");
  if (axis < -rank || axis >= rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  OpBuilder &b = node.builder();
  auto flag = [&](bool value) { return value ? b.getUnitAttr() : UnitAttr(); };
  return node.becomes<nn::ArgReduceOp>(node.input(0), b.getStringAttr(isMax ? "max" : "min"),
                                       b.getI64IntegerAttr(axis < 0 ? axis + rank : axis),
                                       flag(node.intAttr("keepdims", 1)), flag(node.intAttr("select_last_index")));
}

/// The spatial dims, all of those behind the channels.
static LogicalResult importGlobalPool(NodeImporter &node, StringRef kind) {
  int64_t rank = node.inputType(0).getRank();
  if (rank < 2)
    return node.error("needs at least 2 dims");
  OpBuilder &b = node.builder();
  return node.becomes<nn::ReduceOp>(node.input(0), b.getDenseI64ArrayAttr(llvm::to_vector(llvm::seq<int64_t>(2, rank))),
                                    b.getUnitAttr(), b.getStringAttr(kind));
}

static LogicalResult importGlobalAveragePool(NodeImporter &node) { return importGlobalPool(node, "mean"); }
static LogicalResult importGlobalMaxPool(NodeImporter &node) { return importGlobalPool(node, "max"); }

/// (sum of |x|^p)^(1/p) along axes, which stay as dims of size 1.
static Chain lpNorm(NodeImporter &node, double p, ArrayRef<int64_t> axes) {
  OpBuilder &b = node.builder();
  Chain powers = Chain(node, node.input(0)).apply<nn::AbsOp>();
  powers = p == 1 ? powers : p == 2 ? powers.with<nn::MulOp>(powers) : powers.with<nn::PowOp>(p);
  if (!powers.get())
    return powers;
  FailureOr<nn::ReduceOp> sum =
      node.create<nn::ReduceOp>(powers.get(), b.getDenseI64ArrayAttr(axes), b.getUnitAttr(), b.getStringAttr("sum"));
  Chain norm(node, failed(sum) ? Value() : Value(*sum));
  return p == 1 ? norm : p == 2 ? norm.apply<nn::SqrtOp>() : norm.with<nn::PowOp>(1 / p);
}

static LogicalResult importGlobalLpPool(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank();
  if (rank < 2)
    return node.error("needs at least 2 dims");
  double p = node.opset() < 2 ? double(node.floatAttr("p", 2)) : double(node.intAttr("p", 2));
  return lpNorm(node, p, llvm::to_vector(llvm::seq<int64_t>(2, rank))).becomesOutput();
}

/// Divided by the norm; where that is 0, so is the result.
static LogicalResult importLpNormalization(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank(), axis = node.intAttr("axis", -1), p = node.intAttr("p", 2);
  if (axis < -rank || axis >= rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  if (p != 1 && p != 2)
    return node.error("p is " + Twine(p) + ", not 1 or 2");
  Chain norm = lpNorm(node, double(p), axis < 0 ? axis + rank : axis);
  Chain zero(node, node.constantScalar(node.inputType(0).getElementType(), 0));
  return zero.where(norm.with<nn::EqualOp>(zero), Chain(node, node.input(0)).with<nn::DivOp>(norm)).becomesOutput();
}

void registerReduction(ImportTable &table) {
  table.add({
      {"", "ReduceSum", 1, importReduceSum},
      {"", "ReduceMean", 1, importReduceMean},
      {"", "ReduceProd", 1, importReduceProd},
      {"", "ReduceMax", 1, importReduceMax},
      {"", "ReduceMin", 1, importReduceMin},
      {"", "ReduceL1", 1, importReduceL1},
      {"", "ReduceL2", 1, importReduceL2},
      {"", "ReduceSumSquare", 1, importReduceSumSquare},
      {"", "ReduceLogSum", 1, importReduceLogSum},
      {"", "ReduceLogSumExp", 1, importReduceLogSumExp},
      {"", "ArgMax", 1, importArg<true>},
      {"", "ArgMin", 1, importArg<false>},
      {"", "GlobalAveragePool", 1, importGlobalAveragePool},
      {"", "GlobalMaxPool", 1, importGlobalMaxPool},
      {"", "GlobalLpPool", 1, importGlobalLpPool},
      {"", "LpNormalization", 1, importLpNormalization},
  });
}

} // namespace nncc::import
