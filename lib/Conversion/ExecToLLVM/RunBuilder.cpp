//===- RunBuilder.cpp - pieces of the function `run` ----------------------------------------------------------------------===//

#include "Patterns.h"
#include "nnccrt/abi.h"

using namespace mlir;
using namespace nncc;

RunBuilder::RunBuilder(OpBuilder &builder, Location loc, LLVM::LLVMFuncOp function)
    : builder(builder), loc(loc), function(function), frame(function.getBody().front().getArgument(0)),
      ptr(LLVM::LLVMPointerType::get(builder.getContext())), i64(builder.getI64Type()), i32(builder.getI32Type()) {}

Value RunBuilder::constant(int64_t value, unsigned bits) {
  return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(bits), value);
}

Value RunBuilder::loadField(Value base, int64_t offset, Type type) {
  Value address =
      LLVM::GEPOp::create(builder, loc, ptr, builder.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::LoadOp::create(builder, loc, type, address);
}

Value RunBuilder::advance(Value base, Value bytes) {
  return LLVM::GEPOp::create(builder, loc, ptr, builder.getI8Type(), base, ArrayRef<LLVM::GEPArg>{bytes});
}

Value RunBuilder::getArguments() { return *function.getBody().front().getOps<LLVM::AllocaOp>().begin(); }

void RunBuilder::storeArgument(int64_t slot, Value value) {
  if (value.getType().isFloat()) {
    unsigned bits = value.getType().getIntOrFloatBitWidth();
    value = LLVM::BitcastOp::create(builder, loc, builder.getIntegerType(bits), value);
  }
  if (value.getType() != i64 && value.getType() != ptr)
    value = LLVM::ZExtOp::create(builder, loc, i64, value);
  Value address = LLVM::GEPOp::create(builder, loc, ptr, i64, getArguments(), ArrayRef<LLVM::GEPArg>{int32_t(slot)});
  LLVM::StoreOp::create(builder, loc, value, address);
}

Value RunBuilder::callService(int64_t offset, Type result, ValueRange arguments) {
  Value services = loadField(frame, offsetof(nnccrt_frame, services), ptr);
  SmallVector<Value> operands = {loadField(services, offset, ptr), frame};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types(llvm::drop_begin(ValueRange(operands).getTypes()));
  Type returned = result ? result : LLVM::LLVMVoidType::get(builder.getContext());
  auto call = LLVM::CallOp::create(builder, loc, LLVM::LLVMFunctionType::get(returned, types), operands);
  return result ? call.getResult() : Value();
}

Block *RunBuilder::getEnd() { return &function.getBody().back(); }

void RunBuilder::endIfFailed(ConversionPatternRewriter &rewriter, Value returned) {
  bool isPointer = returned.getType() == ptr;
  Value limit = isPointer ? LLVM::ZeroOp::create(rewriter, loc, ptr).getResult() : constant(0, 32);
  Value status = isPointer ? constant(-1, 32) : returned;
  Value failed = LLVM::ICmpOp::create(rewriter, loc, isPointer ? LLVM::ICmpPredicate::eq : LLVM::ICmpPredicate::slt,
                                      returned, limit);
  Block *current = rewriter.getInsertionBlock();
  Block *next = rewriter.splitBlock(current, rewriter.getInsertionPoint());
  rewriter.setInsertionPointToEnd(current);
  LLVM::CondBrOp::create(rewriter, loc, failed, getEnd(), ValueRange(status), next, ValueRange());
  rewriter.setInsertionPointToStart(next);
}

SmallVector<Value> nncc::makeMemRef(Value address, ArrayRef<ValueRange> sizes) {
  SmallVector<Value> parts = {address};
  for (ValueRange size : sizes)
    parts.push_back(size.front());
  return parts;
}

Value MemRefParts::getSize(OpBuilder &builder, Location loc, unsigned dim) const {
  if (type.isDynamicDim(dim))
    return parts[1 + type.getDynamicDimIndex(dim)];
  return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), type.getDimSize(dim));
}

Value MemRefParts::getBytes(OpBuilder &builder, Location loc) const {
  int64_t bytes = exec::getElementBytes(type.getElementType());
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  Value product = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), bytes);
  for (Value size : parts.drop_front())
    product = LLVM::MulOp::create(builder, loc, product, size);
  return product;
}
