//===- SizeAnalysis.cpp - the sizes of a schedule on tensors --------------------------------------------------------------===//

#include "SizeExpr.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace nncc::exec;

struct SizeAnalysis::Scope {
  LaunchOp launch;
  llvm::DenseMap<Value, SizeExpr> scalars;
};

SizeAnalysis::SizeAnalysis(func::FuncOp schedule) { findLoopVariantDims(schedule); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------------------------------------------------------===//

bool SizeAnalysis::isInvariant(BlockArgument argument, Value init, Value yielded) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  bool invariant = true;
  for (int64_t i = 0, e = type ? type.getRank() : 0; i < e; ++i)
    if (type.isDynamicDim(i) && !variant.contains({argument, i}) && getDim(init, i) != getDim(yielded, i)) {
      variant.insert({argument, i});
      invariant = false;
    }
  return invariant;
}

bool SizeAnalysis::isLoopVariant(BlockArgument argument) const {
  return llvm::any_of(llvm::seq<unsigned>(0, cast<RankedTensorType>(argument.getType()).getRank()),
                      [&](unsigned index) { return variant.contains({argument, index}); });
}

/// At first every loop-carried size is taken to stay what it was at the start; where the loop then gives another one, it is not, which
/// may change others.
void SizeAnalysis::findLoopVariantDims(func::FuncOp schedule) {
  bool changed = true;
  while (changed) {
    changed = false;
    scalars.clear();
    dims.clear();
    schedule.walk([&](Operation *op) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        for (auto [argument, init, yielded] :
             llvm::zip_equal(loop.getRegionIterArgs(), loop.getInitArgs(), loop.getYieldedValues()))
          changed |= !isInvariant(argument, init, yielded);
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        for (auto [argument, init, yielded] :
             llvm::zip_equal(loop.getBeforeArguments(), loop.getInits(), loop.getYieldOp().getOperands()))
          changed |= !isInvariant(argument, init, yielded);
      }
    });
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------------------------------------------------------===//

SizeExpr SizeAnalysis::getScalar(Value value) { return scalar(value, nullptr); }

SizeExpr SizeAnalysis::scalar(Value value, Scope *scope) {
  auto &known = scope ? scope->scalars : scalars;
  if (auto it = known.find(value); it != known.end())
    return it->second;
  SizeExpr expr = computeScalar(value, scope);
  known.insert({value, expr});
  return expr;
}

SizeExpr SizeAnalysis::computeScalar(Value value, Scope *scope) {
  if (scope)
    if (auto argument = dyn_cast<BlockArgument>(value))
      return scalar(scope->launch.getInputs()[argument.getArgNumber()], nullptr);
  Operation *op = value.getDefiningOp();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)) && constant.getBitWidth() > 1)
    return constant.getSExtValue();
  if (!op)
    return runTimeLeaf(value);
  if (auto symbol = dyn_cast<SymbolOp>(op))
    return symbolLeaf(symbol.getNameAttr());
  if (auto size = dyn_cast<tensor::DimOp>(op))
    if (std::optional<int64_t> index = size.getConstantIndex())
      return dim(size.getSource(), *index, scope);
  bool wide = value.getType().isIndex() || value.getType().isInteger(64);
  bool pure = isPure(op) && op->getNumRegions() == 0 && op->getNumResults() == 1 &&
              llvm::all_of(op->getOperandTypes(), [](Type type) { return type.isIntOrIndexOrFloat(); });
  if (!pure)
    return runTimeLeaf(value);
  SmallVector<SizeExpr> operands;
  for (Value operand : op->getOperands())
    operands.push_back(scalar(operand, scope));
  std::optional<SizeExpr> result;
  if (isa<arith::IndexCastOp>(op) &&
      (wide && (op->getOperand(0).getType().isIndex() || op->getOperand(0).getType().isInteger(64))))
    result = operands[0];
  else if (wide && isa<arith::AddIOp>(op))
    result = SizeExpr::add(operands[0], operands[1]);
  else if (wide && isa<arith::SubIOp>(op))
    result = SizeExpr::add(operands[0], operands[1], -1);
  else if (wide && isa<arith::MulIOp>(op))
    result = SizeExpr::multiply(operands[0], operands[1]);
  return result ? *result : opaqueLeaf(op, operands);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sizes of tensors
//===----------------------------------------------------------------------------------------------------------------------===//

SizeExpr SizeAnalysis::getDim(Value tensor, unsigned index) { return dim(tensor, index, nullptr); }

SmallVector<SizeExpr> SizeAnalysis::getDims(Value tensor) {
  SmallVector<SizeExpr> result;
  for (int64_t i = 0, e = cast<RankedTensorType>(tensor.getType()).getRank(); i < e; ++i)
    result.push_back(getDim(tensor, i));
  return result;
}

SizeExpr SizeAnalysis::getBytes(Value tensor) {
  // No fallback when a coefficient overflows: the product of all sizes that are numbers is that of a tensor in memory.
  SizeExpr bytes = getElementBytes(cast<RankedTensorType>(tensor.getType()).getElementType());
  for (const SizeExpr &size : getDims(tensor)) {
    auto product = SizeExpr::multiply(bytes, size);
    bytes = product ? *product : runTimeLeaf(tensor, 0);
  }
  return bytes;
}

SizeExpr SizeAnalysis::dim(Value tensor, unsigned index, Scope *scope) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(index))
    return type.getDimSize(index);
  if (scope)
    return computeDim(tensor, index, scope);
  if (auto it = dims.find({tensor, index}); it != dims.end())
    return it->second;
  SizeExpr expr = computeDim(tensor, index, scope);
  dims.insert({{tensor, index}, expr});
  return expr;
}

SizeExpr SizeAnalysis::computeDim(Value tensor, unsigned index, Scope *scope) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return dimOfArgument(argument, index, scope);
  auto result = cast<OpResult>(tensor);
  Operation *op = result.getOwner();
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    Scope inside;
    inside.launch = launch;
    return dim(launch.lookupKernel().getBody().front().getTerminator()->getOperand(result.getResultNumber()), index,
               &inside);
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return scalar(empty.getDynamicSize(index), scope);
  if (auto input = dyn_cast<InputOp>(op))
    return scalar(input.getSizes()[cast<ShapedType>(input.getType()).getDynamicDimIndex(index)], scope);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dim(cast.getSource(), index, scope);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return scalar(expand.getOutputShape()[expand.getResultType().getDynamicDimIndex(index)], scope);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    SizeExpr product = 1;
    SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices(); // lives as long as the loop
    for (int64_t part : groups[index])
      if (auto next = SizeExpr::multiply(product, dim(collapse.getSrc(), part, scope)))
        product = *next;
      else
        return runTimeLeaf(tensor, index);
    return product;
  }
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
    if (auto elements = reshape.getShape().getDefiningOp<tensor::FromElementsOp>())
      return scalar(elements.getElements()[index], scope);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dim(destination.getDpsInits()[result.getResultNumber()], index, scope);
  if (auto grid = dyn_cast<GridOp>(op))
    return dim(grid.getInits()[result.getResultNumber()], index, scope);
  if (auto conv = dyn_cast<ConvOp>(op))
    return dim(conv.getInit(), index, scope);
  if (auto matmul = dyn_cast<MatMulOp>(op))
    return dim(matmul.getInit(), index, scope);
  if (isa<scf::IfOp, scf::ForOp, scf::WhileOp, arith::SelectOp>(op))
    return dimOfControlFlow(result, index);
  return runTimeLeaf(tensor, index);
}

SizeExpr SizeAnalysis::dimOfArgument(BlockArgument argument, unsigned index, Scope *scope) {
  if (scope)
    return dim(scope->launch.getInputs()[argument.getArgNumber()], index, nullptr);
  Operation *parent = argument.getOwner()->getParentOp();
  if (variant.contains({argument, index}))
    return runTimeLeaf(argument, index);
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    return dim(loop.getTiedLoopInit(argument)->get(), index, nullptr);
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (argument.getOwner() == loop.getBeforeBody())
      return dim(loop.getInits()[argument.getArgNumber()], index, nullptr);
    SizeExpr size = dim(loop.getConditionOp().getArgs()[argument.getArgNumber()], index, nullptr);
    return isKnownBefore(size, loop) ? size : runTimeLeaf(argument, index);
  }
  return runTimeLeaf(argument, index);
}

SizeExpr SizeAnalysis::dimOfControlFlow(OpResult result, unsigned index) {
  Operation *op = result.getOwner();
  unsigned number = result.getResultNumber();
  std::optional<SizeExpr> size;
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    size = getDim(branch.thenYield().getOperand(number), index);
    if (getDim(branch.elseYield().getOperand(number), index) != *size)
      size.reset();
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (BlockArgument argument = loop.getRegionIterArg(number); !variant.contains({argument, index}))
      size = getDim(argument, index);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    size = getDim(loop.getConditionOp().getArgs()[number], index);
  } else if (auto select = dyn_cast<arith::SelectOp>(op)) {
    size = getDim(select.getTrueValue(), index);
    if (getDim(select.getFalseValue(), index) != *size)
      size.reset();
  }
  return size && isKnownBefore(*size, op) ? *size : runTimeLeaf(result, index);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------------------------------------------------------===//

SizeExpr SizeAnalysis::addLeaf(Leaf leaf) {
  leaves.push_back(std::move(leaf));
  return SizeExpr::leaf(leaves.size() - 1);
}

SizeExpr SizeAnalysis::runTimeLeaf(Value value, unsigned dim) {
  for (auto [index, leaf] : llvm::enumerate(leaves))
    if (leaf.value == value && leaf.dim == dim)
      return SizeExpr::leaf(index);
  Leaf leaf;
  leaf.value = value;
  leaf.dim = dim;
  leaf.runTimeValues.insert(value);
  return addLeaf(std::move(leaf));
}

SizeExpr SizeAnalysis::symbolLeaf(StringAttr name) {
  for (auto [index, leaf] : llvm::enumerate(leaves))
    if (leaf.symbol == name)
      return SizeExpr::leaf(index);
  Leaf leaf;
  leaf.symbol = name;
  return addLeaf(std::move(leaf));
}

SizeExpr SizeAnalysis::opaqueLeaf(Operation *op, ArrayRef<SizeExpr> operands) {
  for (auto [index, leaf] : llvm::enumerate(leaves))
    if (leaf.op && leaf.op->getName() == op->getName() && leaf.op->getResultTypes() == op->getResultTypes() &&
        leaf.op->getAttrDictionary() == op->getAttrDictionary() && ArrayRef(leaf.operands) == operands)
      return SizeExpr::leaf(index);
  Leaf leaf;
  leaf.op = op;
  leaf.operands.assign(operands.begin(), operands.end());
  for (const SizeExpr &operand : operands)
    for (const auto &[monomial, coefficient] : operand.getTerms())
      for (unsigned index : monomial)
        leaf.runTimeValues.insert_range(leaves[index].runTimeValues);
  return addLeaf(std::move(leaf));
}

bool SizeAnalysis::allRunTimeValues(const SizeExpr &expr, function_ref<bool(Value)> holds) const {
  for (const auto &[monomial, coefficient] : expr.getTerms())
    for (unsigned index : monomial)
      if (!llvm::all_of(leaves[index].runTimeValues, holds))
        return false;
  return true;
}

bool SizeAnalysis::isKnownBeforeRun(const SizeExpr &expr) const {
  return allRunTimeValues(expr, [](Value) { return false; });
}

bool SizeAnalysis::isKnownBefore(const SizeExpr &expr, Operation *op) const {
  return allRunTimeValues(expr, [&](Value value) {
    Operation *ancestor = value.getParentBlock()->findAncestorOpInBlock(*op);
    return ancestor && (!value.getDefiningOp() || value.getDefiningOp()->isBeforeInBlock(ancestor));
  });
}
