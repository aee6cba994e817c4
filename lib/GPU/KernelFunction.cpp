//===- KernelFunction.cpp - the functions that a kernel becomes ---------------------------------------------------===//

#include "KernelFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// The types of the slots: pointers for the fault word and for tensors, `word` for sizes and scalars.
static SmallVector<Type> getSlotTypes(exec::KernelOp kernel, Type pointer, Type word) {
  SmallVector<Type> types{pointer};
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    types.push_back(tensor ? pointer : word);
    if (tensor)
      types.append(tensor.getNumDynamicDims(), word);
  }
  return types;
}

/// Slots as the values that takeSlots expects: words become what they hold.
static SmallVector<Value> readSlots(OpBuilder &b, exec::KernelOp kernel, ValueRange slots) {
  SmallVector<Value> values{slots.front()};
  slots = slots.drop_front();
  auto toIndex = [&](Value word) -> Value {
    return arith::IndexCastOp::create(b, kernel.getLoc(), b.getIndexType(), word);
  };
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    Value word = slots.front();
    slots = slots.drop_front();
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      values.push_back(word);
      for (Value size : slots.take_front(tensor.getNumDynamicDims()))
        values.push_back(toIndex(size));
      slots = slots.drop_front(tensor.getNumDynamicDims());
    } else if (type.isIndex()) {
      values.push_back(toIndex(word));
    } else {
      unsigned width = type.getIntOrFloatBitWidth();
      Value low = word;
      if (width < 64)
        low = arith::TruncIOp::create(b, kernel.getLoc(), b.getIntegerType(width), word);
      values.push_back(isa<FloatType>(type) ? arith::BitcastOp::create(b, kernel.getLoc(), type, low).getResult()
                                            : low);
    }
  }
  return values;
}

//===----------------------------------------------------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------------------------------------------------===//

/// No two pointers meet, but those of a result and of the argument that it may alias. That tensors begin at multiples of 16 bytes is for the
/// emitters to use, not for LLVM to know: it would load four elements where three are asked for, and exist.
static void setPointerAttributes(OpBuilder &b, exec::KernelOp kernel, func::FuncOp function) {
  unsigned numArguments = kernel.getArgumentTypes().size(), index = 0, next = faultSlot + 1;
  llvm::SmallDenseSet<unsigned> shared;
  for (unsigned result = 0; result < kernel.getResultTypes().size(); ++result)
    if (int64_t argument = kernel.getAlias(result); argument >= 0)
      shared.insert_range(ArrayRef<unsigned>{unsigned(argument), numArguments + result});
  auto promise = [&](unsigned argument, bool isAlone, bool isRead) {
    if (isAlone)
      function.setArgAttr(argument, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    if (isRead)
      function.setArgAttr(argument, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
  };
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor)
      promise(next, !shared.contains(index), index < numArguments);
    next += 1 + (tensor ? tensor.getNumDynamicDims() : 0);
    ++index;
  }
  promise(next, /*isAlone=*/true, /*isRead=*/false); // the workspace
}

/// An array of no size with external linkage: an internal one LLVM makes one byte of static shared memory.
static Value getSharedMemory(OpBuilder &b, Location loc, func::FuncOp function) {
  constexpr unsigned sharedSpace = unsigned(NVVM::NVVMMemorySpace::Shared);
  std::string name = (function.getSymName() + "_shared").str();
  auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(function);
  LLVM::GlobalOp::create(b, loc, bytes, /*isConstant=*/false, LLVM::Linkage::External, name, Attribute(),
                         /*alignment=*/16, sharedSpace);
  b.setInsertionPointToStart(&function.getBody().front());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), sharedSpace);
  Value address = LLVM::AddressOfOp::create(b, loc, pointer, name);
  Value unknown = arith::ConstantIndexOp::create(b, loc, 0); // nobody asks for its size
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), AffineMap(), b.getI64IntegerAttr(sharedSpace));
  return UnrealizedConversionCastOp::create(b, loc, type, ValueRange{address, unknown}).getResult(0);
}

DeviceFunction nncc::gpu::createDeviceFunction(OpBuilder &b, exec::KernelOp kernel, StringRef name, unsigned threads) {
  Location loc = kernel.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), word = b.getI64Type(), number = b.getI32Type();
  SmallVector<Type> types = getSlotTypes(kernel, pointer, word);
  types.push_back(pointer);
  DeviceFunction result;
  result.function = func::FuncOp::create(b, loc, name, b.getFunctionType(types, {}));
  result.function->setAttr(threadsAttrName, b.getI32IntegerAttr(threads));
  setPointerAttributes(b, kernel, result.function);
  Block *body = result.function.addEntryBlock();
  b.setInsertionPointToEnd(body);
  takeSlots(b, kernel, readSlots(b, kernel, body->getArguments().drop_back()), result);
  Value unknown = arith::ConstantIndexOp::create(b, loc, 0);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  result.scratch =
      UnrealizedConversionCastOp::create(b, loc, bytes, ValueRange{body->getArguments().back(), unknown}).getResult(0);
  auto toIndex = [&](Value id) -> Value { return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), id); };
  auto below = [&](int64_t size) {
    return LLVM::ConstantRangeAttr::get(b.getContext(), APInt(32, 0), APInt(32, size));
  };
  result.thread = toIndex(NVVM::ThreadIdXOp::create(b, loc, number, below(threads)));
  result.block = toIndex(NVVM::BlockIdXOp::create(b, loc, number, below(std::numeric_limits<int32_t>::max())));
  result.shared = getSharedMemory(b, loc, result.function);
  b.setInsertionPointToEnd(body);
  b.setInsertionPoint(func::ReturnOp::create(b, loc));
  return result;
}

//===----------------------------------------------------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------------------------------------------------===//

void nncc::gpu::setBlocksPerProcessor(const DeviceFunction &function, int64_t blocks) {
  func::FuncOp written = function.function;
  if (blocks > 0)
    written->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), Builder(written.getContext()).getI32IntegerAttr(blocks));
}

static KernelFunction createHostFunction(OpBuilder &b, exec::KernelOp kernel, StringRef name, FunctionType type) {
  Location loc = kernel.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), word = b.getI64Type();
  KernelFunction result;
  result.function = func::FuncOp::create(b, loc, name, type);
  Block *body = result.function.addEntryBlock();
  b.setInsertionPointToEnd(body);
  SmallVector<Value> slots;
  for (auto [number, slotType] : llvm::enumerate(getSlotTypes(kernel, pointer, word))) {
    Value address =
        LLVM::GEPOp::create(b, loc, pointer, word, body->getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(number)});
    slots.push_back(LLVM::LoadOp::create(b, loc, slotType, address));
  }
  takeSlots(b, kernel, readSlots(b, kernel, slots), result);
  // What lies in the workspace is asked for its sizes only.
  Value nowhere = LLVM::ZeroOp::create(b, loc, pointer), unknown = arith::ConstantIndexOp::create(b, loc, 0);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  result.scratch = UnrealizedConversionCastOp::create(b, loc, bytes, ValueRange{nowhere, unknown}).getResult(0);
  return result;
}

KernelFunction nncc::gpu::createShapeFunction(OpBuilder &b, exec::KernelOp kernel, StringRef name) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  KernelFunction result = createHostFunction(b, kernel, name, b.getFunctionType({pointer, pointer}, {}));
  b.setInsertionPoint(func::ReturnOp::create(b, kernel.getLoc()));
  return result;
}

/// nnccrt_cuda_launch: i64 blocks, i32 threads, i32 shared_bytes.
void nncc::gpu::setShape(OpBuilder &b, KernelFunction &function, const LaunchShape &shape, unsigned threads) {
  Location loc = function.function.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto store = [&](Value value, int32_t offset) {
    Value address = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), function.function.getArgument(1),
                                        ArrayRef<LLVM::GEPArg>{offset});
    LLVM::StoreOp::create(b, loc, value, address);
  };
  store(arith::IndexCastOp::create(b, loc, b.getI64Type(), shape.blocks), 0);
  store(arith::ConstantIntOp::create(b, loc, threads, 32), 8);
  store(shape.sharedBytes ? arith::IndexCastOp::create(b, loc, b.getI32Type(), shape.sharedBytes).getResult()
                          : arith::ConstantIntOp::create(b, loc, 0, 32).getResult(),
        12);
}

KernelFunction nncc::gpu::createWorkspaceFunction(OpBuilder &b, exec::KernelOp kernel, StringRef name) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), word = b.getI64Type();
  KernelFunction result = createHostFunction(b, kernel, name, b.getFunctionType(pointer, word));
  Value zero = arith::ConstantIntOp::create(b, kernel.getLoc(), 0, 64);
  b.setInsertionPoint(func::ReturnOp::create(b, kernel.getLoc(), zero));
  return result;
}

void nncc::gpu::setWorkspaceBytes(OpBuilder &b, KernelFunction &function, Value bytes) {
  Value word = arith::IndexCastOp::create(b, function.function.getLoc(), b.getI64Type(), bytes);
  function.function.getBody().back().getTerminator()->setOperand(0, word);
}
