//===- KernelFunction.cpp - the functions that a kernel becomes ---------------------------------------------------===//

#include "KernelFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// Writes the two functions for one part of a kernel.
class FunctionBuilder {
public:
  FunctionBuilder(OpBuilder &b, exec::KernelOp kernel, KernelPart part)
      : b(b), kernel(kernel), loc(kernel.getLoc()), part(part), pointer(LLVM::LLVMPointerType::get(b.getContext())) {}

  KernelFunction build();

private:
  bool isRun() const { return part == KernelPart::Run; }
  SmallVector<Type> getInnerTypes();
  func::FuncOp createInner();
  void setPointerAttributes(func::FuncOp inner);
  void createEntry(func::FuncOp inner);
  Value loadSlot(Value slots, unsigned slot, Type type);

  OpBuilder &b;
  exec::KernelOp kernel;
  Location loc;
  KernelPart part;
  LLVM::LLVMPointerType pointer;
};

} // namespace

/// The fault word, a pointer and the dynamic dims a tensor, a value a scalar; to run also the tile and the scratch
/// memory.
SmallVector<Type> FunctionBuilder::getInnerTypes() {
  SmallVector<Type> types{pointer};
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    types.push_back(tensor ? Type(pointer) : type);
    if (tensor)
      types.append(tensor.getNumDynamicDims(), b.getIndexType());
  }
  if (isRun())
    types.append({b.getIndexType(), pointer});
  return types;
}

func::FuncOp FunctionBuilder::createInner() {
  std::string name = (kernel.getSymName() + (isRun() ? ".body" : ".tiles.body")).str();
  auto type = b.getFunctionType(getInnerTypes(), isRun() ? TypeRange() : TypeRange(b.getIndexType()));
  auto inner = func::FuncOp::create(b, loc, name, type);
  inner.setPrivate();
  inner->setAttr("llvm.linkage", LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  setPointerAttributes(inner);
  return inner;
}

/// No two pointers meet, but those of a result and of the argument that it may alias.
void FunctionBuilder::setPointerAttributes(func::FuncOp inner) {
  unsigned numArguments = kernel.getArgumentTypes().size(), index = 0, next = faultSlot + 1;
  llvm::SmallDenseSet<unsigned> shared;
  for (auto [result, argument] : llvm::enumerate(kernel.getMayAlias().value_or(ArrayRef<int64_t>())))
    if (argument >= 0)
      shared.insert_range(ArrayRef<unsigned>{unsigned(argument), unsigned(numArguments + result)});
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && !shared.contains(index))
      inner.setArgAttr(next, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    if (tensor && index < numArguments)
      inner.setArgAttr(next, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
    next += 1 + (tensor ? tensor.getNumDynamicDims() : 0);
    ++index;
  }
  if (isRun())
    inner.setArgAttr(next + 1, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
}

Value FunctionBuilder::loadSlot(Value slots, unsigned slot, Type type) {
  Type word = b.getI64Type();
  Value address = LLVM::GEPOp::create(b, loc, pointer, word, slots, ArrayRef<LLVM::GEPArg>{int32_t(slot)});
  if (isa<LLVM::LLVMPointerType>(type) || type.isInteger(64) || type.isF64())
    return LLVM::LoadOp::create(b, loc, type, address);
  Value bits = LLVM::LoadOp::create(b, loc, word, address);
  if (type.isIndex())
    return arith::IndexCastOp::create(b, loc, type, bits);
  Value low = arith::TruncIOp::create(b, loc, b.getIntegerType(type.getIntOrFloatBitWidth()), bits);
  return isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, type, low).getResult() : low;
}

void FunctionBuilder::createEntry(func::FuncOp inner) {
  std::string name = (kernel.getSymName() + (isRun() ? "" : ".tiles")).str();
  Type word = b.getI64Type();
  auto type = isRun() ? LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, word, pointer})
                      : LLVM::LLVMFunctionType::get(word, {pointer});
  auto entry = LLVM::LLVMFuncOp::create(b, loc, name, type);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry.addEntryBlock(b));
  SmallVector<Value> arguments;
  size_t numSlots = inner.getArgumentTypes().size() - (isRun() ? 2 : 0);
  for (auto [slot, slotType] : llvm::enumerate(inner.getArgumentTypes().take_front(numSlots)))
    arguments.push_back(loadSlot(entry.getArgument(0), slot, slotType));
  if (isRun()) {
    arguments.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), entry.getArgument(1)));
    arguments.push_back(entry.getArgument(2));
  }
  auto call = func::CallOp::create(b, loc, inner, arguments);
  if (isRun())
    LLVM::ReturnOp::create(b, loc, ValueRange());
  else
    LLVM::ReturnOp::create(b, loc, ValueRange(arith::IndexCastOp::create(b, loc, word, call.getResult(0))));
}

KernelFunction FunctionBuilder::build() {
  KernelFunction result;
  result.function = createInner();
  createEntry(result.function);
  Block *body = result.function.addEntryBlock();
  b.setInsertionPointToEnd(body);
  unsigned next = takeSlots(b, kernel, body->getArguments(), result);
  if (isRun()) {
    result.tile = body->getArgument(next);
    // Its size is the model's business, not the kernel's: nobody asks for it.
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    Value unknown = arith::ConstantIndexOp::create(b, loc, 0);
    Value address = body->getArgument(next + 1);
    result.scratch = UnrealizedConversionCastOp::create(b, loc, type, ValueRange{address, unknown}).getResult(0);
  }
  auto end = isRun() ? func::ReturnOp::create(b, loc)
                     : func::ReturnOp::create(b, loc, ValueRange(arith::ConstantIndexOp::create(b, loc, 1)));
  b.setInsertionPoint(end);
  return result;
}

KernelFunction cpu::createKernelFunction(OpBuilder &b, exec::KernelOp kernel, KernelPart part) {
  return FunctionBuilder(b, kernel, part).build();
}

void cpu::setTileCount(KernelFunction &function, Value count) {
  function.function.getBody().back().getTerminator()->setOperand(0, count);
}
