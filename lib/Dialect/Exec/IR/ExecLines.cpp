//===- ExecLines.cpp - exec.sort and exec.scan --------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace nncc::exec;

#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/IR/ExecLines.cpp.inc"

static MemRefType memrefOf(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

/// The arguments of a region: coordinates and numbers, scalars, inputs.
static SmallVector<Type> getArgumentTypes(OpBuilder &b, size_t indices, TypeRange scalars, ValueRange inputs) {
  SmallVector<Type> types(indices, b.getIndexType());
  llvm::append_range(types, scalars);
  for (Value input : inputs)
    types.push_back(memrefOf(input.getType()));
  return types;
}

static SmallVector<Type> twice(TypeRange types) {
  SmallVector<Type> result(types);
  llvm::append_range(result, types);
  return result;
}

static void addRegion(OpBuilder &b, OperationState &state, ArrayRef<Type> types, LineBuilder write) {
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(state.addRegion(), {}, types, SmallVector<Location>(types.size(), state.location));
  YieldOp::create(b, state.location, write(b, state.location, block->getArguments()));
}

static LogicalResult verifyRegion(Operation *op, StringRef name, Region &region, ArrayRef<Type> arguments,
                                  TypeRange results) {
  Block &block = region.front();
  if (block.getArgumentTypes() != TypeRange(arguments))
    return op->emitOpError("has a region '")
           << name << "' for " << block.getArgumentTypes() << ", expected " << TypeRange(arguments);
  auto yield = dyn_cast_if_present<YieldOp>(block.empty() ? nullptr : &block.back());
  if (!yield || yield.getOperandTypes() != results)
    return op->emitOpError("must have a region '") << name << "' that ends with exec.yield of " << results;
  return success();
}

/// Of a result with a dim for each size and one more at `axis`.
static LogicalResult verifyResult(Operation *op, Type result, size_t numSizes, int64_t axis) {
  int64_t rank = cast<RankedTensorType>(result).getRank();
  if (rank != int64_t(numSizes) + 1 || axis < 0 || axis >= rank)
    return op->emitOpError("has ") << numSizes << " sizes and the axis " << axis << " for a result " << result;
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// SortOp
//===----------------------------------------------------------------------------------------------------------------------===//

void SortOp::build(OpBuilder &b, OperationState &state, ValueRange sizes, Value length, int64_t axis, ValueRange inputs,
                   ValueRange inits, TypeRange keys, LineBuilder key, LineBuilder before) {
  state.addOperands(sizes);
  state.addOperands(length);
  state.addOperands(inputs);
  state.addOperands(inits);
  state.addTypes(inits.getTypes());
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {int32_t(sizes.size()), 1, int32_t(inputs.size()), int32_t(inits.size())};
  properties.axis = b.getI64IntegerAttr(axis);
  addRegion(b, state, getArgumentTypes(b, sizes.size() + 1, {}, inputs), key);
  addRegion(b, state, getArgumentTypes(b, sizes.size() + 2, twice(keys), inputs), before);
}

LogicalResult SortOp::verify() {
  if (getInits().getTypes() != getResultTypes())
    return emitOpError("has results of other types than outs");
  OpBuilder b(getContext());
  size_t numSizes = getSizes().size();
  auto yield = dyn_cast_if_present<YieldOp>(getKey().front().empty() ? nullptr : &getKey().front().back());
  if (!yield)
    return emitOpError("must have a region 'key' that ends with exec.yield");
  SmallVector<Type> keys(yield.getOperandTypes());
  if (!llvm::all_of(keys, [](Type type) { return type.isIntOrFloat(); }))
    return emitOpError("has keys that are no numbers: ") << TypeRange(keys);
  if (failed(verifyRegion(*this, "key", getKey(), getArgumentTypes(b, numSizes + 1, {}, getInputs()), keys)) ||
      failed(verifyRegion(*this, "before", getBefore(), getArgumentTypes(b, numSizes + 2, twice(keys), getInputs()),
                          TypeRange(ArrayRef<Type>(b.getI1Type())))))
    return failure();
  SmallVector<Type> elements{b.getI64Type()};
  if (getNumResults() != 1)
    llvm::append_range(elements, keys);
  if (getNumResults() != elements.size())
    return emitOpError("has ") << getNumResults() << " results; one, or " << elements.size() << ", were expected";
  for (auto [result, element] : llvm::zip_equal(getResultTypes(), elements)) {
    if (failed(verifyResult(*this, result, numSizes, getAxis())))
      return failure();
    if (cast<RankedTensorType>(result).getElementType() != element)
      return emitOpError("has a result ") << result << " of " << element;
    if (cast<RankedTensorType>(result).getShape() != cast<RankedTensorType>(getResultTypes().front()).getShape())
      return emitOpError("has results of different shapes");
  }
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------------------------------------------------------===//

void ScanOp::build(OpBuilder &b, OperationState &state, ValueRange sizes, Value length, int64_t axis, ValueRange inputs,
                   Value init, TypedAttr neutral, bool exclusive, bool reverse, LineBuilder element,
                   LineBuilder combine) {
  state.addOperands(sizes);
  state.addOperands(length);
  state.addOperands(inputs);
  state.addOperands(init);
  state.addTypes(init.getType());
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {int32_t(sizes.size()), 1, int32_t(inputs.size()), 1};
  properties.axis = b.getI64IntegerAttr(axis);
  properties.neutral = neutral;
  if (exclusive)
    properties.exclusive = b.getUnitAttr();
  if (reverse)
    properties.reverse = b.getUnitAttr();
  Type type = neutral.getType();
  addRegion(b, state, getArgumentTypes(b, sizes.size() + 1, {}, inputs), element);
  addRegion(b, state, {type, type}, combine);
}

LogicalResult ScanOp::verify() {
  if (getInit().getType() != getType())
    return emitOpError("has a result of another type than outs");
  OpBuilder b(getContext());
  Type type = getType().getElementType();
  if (getNeutral().getType() != type)
    return emitOpError("has a neutral element of ") << getNeutral().getType() << " for a result of " << type;
  if (failed(verifyRegion(*this, "element", getElement(), getArgumentTypes(b, getSizes().size() + 1, {}, getInputs()),
                          type)) ||
      failed(verifyRegion(*this, "combine", getCombine(), {type, type}, type)))
    return failure();
  return verifyResult(*this, getType(), getSizes().size(), getAxis());
}
