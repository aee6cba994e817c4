//===- Buffers.cpp - where the tensors of a kernel live while its code is written ---------------------------------===//

#include "nncc/Kernel/Buffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

bool kernel::isReshape(Operation *op) {
  return op && isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op);
}

Buffers::Buffers(OpBuilder &b, exec::KernelOp kernel, const KernelFunction &function)
    : b(b), kernel(kernel), function(function) {
  for (auto [before, after] : llvm::zip_equal(kernel.getBody().getArguments(), function.arguments))
    values.map(before, after.value);
}

void Buffers::assignResults() {
  Operation *yield = kernel.getBody().front().getTerminator();
  for (auto [yielded, result] : llvm::zip_equal(yield->getOperands(), function.results)) {
    Value source = yielded;
    while (isReshape(source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    if (values.contains(source) || !source.getDefiningOp() || isa<tensor::EmptyOp>(source.getDefiningOp()))
      copies.push_back({yielded, result.value});
    else
      values.map(source,
                 view(yield->getLoc(), result.value, cast<RankedTensorType>(source.getType()), getSizes(source)));
  }
}

SmallVector<std::pair<Value, Value>> Buffers::getCopies() const {
  SmallVector<std::pair<Value, Value>> result;
  for (auto [yielded, target] : copies)
    if (values.contains(yielded)) // An empty tensor holds nothing to copy.
      result.push_back({values.lookup(yielded), target});
  return result;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------------------------------------------------===//

OpFoldResult Buffers::map(OpFoldResult size) const {
  auto value = dyn_cast<Value>(size);
  if (!value)
    return size;
  Value mapped = values.lookupOrDefault(value);
  if (std::optional<int64_t> number = getConstantIntValue(mapped))
    return b.getIndexAttr(*number);
  return mapped;
}

Value Buffers::toIndex(OpFoldResult size) { return getValueOrCreateConstantIndexOp(b, kernel.getLoc(), size); }

Sizes Buffers::getSizes(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.hasStaticShape())
    return llvm::map_to_vector(type.getShape(), [&](int64_t size) { return OpFoldResult(b.getIndexAttr(size)); });
  Sizes sizes;
  Operation *producer = tensor.getDefiningOp();
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    sizes = function.arguments[argument.getArgNumber()].sizes;
  } else if (auto empty = dyn_cast<tensor::EmptyOp>(producer)) {
    sizes = llvm::map_to_vector(empty.getMixedSizes(), [&](OpFoldResult size) { return map(size); });
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(producer)) {
    sizes = llvm::map_to_vector(expand.getMixedOutputShape(), [&](OpFoldResult size) { return map(size); });
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(producer)) {
    Sizes source = getSizes(collapse.getSrc());
    for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
      Value product = toIndex(b.getIndexAttr(1));
      for (int64_t dim : group)
        product = b.createOrFold<arith::MulIOp>(collapse.getLoc(), product, toIndex(source[dim]));
      sizes.push_back(getAsOpFoldResult(product));
    }
  } else if (auto castOp = dyn_cast<tensor::CastOp>(producer)) {
    sizes = getSizes(castOp.getSource());
  } else if (auto grid = dyn_cast<exec::GridOp>(producer)) {
    sizes = getSizes(grid.getInits()[cast<OpResult>(tensor).getResultNumber()]);
  } else if (auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(producer)) {
    sizes = getSizes(destinationStyle.getDpsInits()[cast<OpResult>(tensor).getResultNumber()]);
  } else if (auto matmul = dyn_cast<exec::MatMulOp>(producer)) {
    sizes = getSizes(matmul.getInit());
  } else {
    sizes = getSizes(cast<exec::ConvOp>(producer).getInit());
  }
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isStatic(size))
      sizes[dim] = b.getIndexAttr(size);
  return sizes;
}

Sizes Buffers::getLoopSizes(linalg::LinalgOp op) {
  Sizes sizes(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    Sizes operandSizes = getSizes(operand.get());
    for (auto [expr, size] : llvm::zip_equal(op.getMatchingIndexingMap(&operand).getResults(), operandSizes))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        if (OpFoldResult &known = sizes[loop.getPosition()]; !known || isa<Value>(known))
          known = size;
  }
  return sizes;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------===//

Value Buffers::view(Location loc, Value memref, RankedTensorType type, const Sizes &sizes) {
  auto target = MemRefType::get(type.getShape(), type.getElementType());
  if (memref.getType() == target)
    return memref;
  SmallVector<OpFoldResult> strides(sizes.size());
  Value stride = toIndex(b.getIndexAttr(1));
  for (size_t dim = sizes.size(); dim-- > 0;) {
    strides[dim] = getAsOpFoldResult(stride);
    stride = b.createOrFold<arith::MulIOp>(loc, stride, toIndex(sizes[dim]));
  }
  return memref::ReinterpretCastOp::create(b, loc, target, memref, b.getIndexAttr(0), sizes, strides);
}

Value Buffers::allocateScratch(Location loc, MemRefType type) {
  constexpr int64_t alignment = 64;
  Value offset = arith::ConstantIndexOp::create(b, loc, scratchBytes);
  scratchBytes += llvm::alignTo(type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8), alignment);
  return memref::ViewOp::create(b, loc, type, function.scratch, offset, ValueRange());
}

LogicalResult Buffers::allocate(Value tensor) {
  if (values.contains(tensor))
    return success();
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.hasStaticShape())
    return tensor.getDefiningOp()->emitError("has no bound on its size and so cannot be kept inside of a kernel");
  values.map(tensor, allocateScratch(tensor.getLoc(), MemRefType::get(type.getShape(), type.getElementType())));
  return success();
}

bool Buffers::visitSimpleOp(Operation *op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> index = getConstantIntValue(dim.getIndex());
    Value size =
        index ? toIndex(getSizes(dim.getSource())[*index])
              : memref::DimOp::create(b, op->getLoc(), values.lookup(dim.getSource()), values.lookup(dim.getIndex()))
                    .getResult();
    values.map(dim.getResult(), size);
    return true;
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    SmallVector<Value> indices =
        llvm::map_to_vector(extract.getIndices(), [&](Value index) { return values.lookup(index); });
    Value element = memref::LoadOp::create(b, op->getLoc(), values.lookup(extract.getTensor()), indices);
    values.map(extract.getResult(), element);
    return true;
  }
  if (isReshape(op)) {
    if (Value source = values.lookupOrNull(op->getOperand(0)); source && !values.contains(op->getResult(0))) {
      Value result = op->getResult(0);
      values.map(result, view(op->getLoc(), source, cast<RankedTensorType>(result.getType()), getSizes(result)));
    }
    return true;
  }
  if (isa<tensor::EmptyOp, exec::YieldOp>(op))
    return true;
  if (op->getNumRegions() != 0 || llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType, MemRefType>))
    return false;
  b.clone(*op, values);
  return true;
}

void kernel::cloneGridBody(OpBuilder &b, exec::GridOp grid, ValueRange point, const Buffers &buffers) {
  IRMapping mapping(buffers.values);
  SmallVector<Value> arguments(point);
  for (Value tensor : llvm::concat<Value>(SmallVector<Value>(grid.getInputs()), SmallVector<Value>(grid.getResults())))
    arguments.push_back(buffers.values.lookup(tensor));
  Block &body = grid.getBody().front();
  mapping.map(body.getArguments(), ValueRange(arguments));
  for (Operation &op : body.without_terminator())
    b.clone(op, mapping);
}
