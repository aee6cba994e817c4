//===- KernelFunction.cpp - what the functions of a kernel are made of --------------------------------------------===//

#include "nncc/Kernel/KernelFunction.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

//===----------------------------------------------------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------------------------------------------------===//

static KernelValue takeValue(OpBuilder &b, Location loc, Type type, ValueRange slots, unsigned &next) {
  Value first = slots[next++];
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return {first, {}};
  auto memref = MemRefType::get(tensor.getShape(), tensor.getElementType());
  Sizes sizes;
  SmallVector<Value> parts{first};
  for (int64_t size : memref.getShape()) {
    if (ShapedType::isDynamic(size))
      parts.push_back(slots[next++]);
    sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(parts.back()) : b.getIndexAttr(size));
  }
  return {UnrealizedConversionCastOp::create(b, loc, memref, parts).getResult(0), sizes};
}

unsigned kernel::takeSlots(OpBuilder &b, exec::KernelOp op, ValueRange slots, KernelFunction &function) {
  unsigned next = faultSlot + 1;
  for (Type type : op.getArgumentTypes())
    function.arguments.push_back(takeValue(b, op.getLoc(), type, slots, next));
  for (Type type : op.getResultTypes())
    function.results.push_back(takeValue(b, op.getLoc(), type, slots, next));
  return next;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------------------------------------------------===//

/// nnccrt_fault: a code, which the first fault sets, and at this offset a value.
static constexpr int32_t faultValueOffset = 8;

static void lowerFault(exec::FaultOp fault, Value word) {
  OpBuilder b(fault);
  Location loc = fault.getLoc();
  auto isTrue = scf::IfOp::create(b, loc, fault.getCondition(), /*withElseRegion=*/false);
  b.setInsertionPointToStart(isTrue.thenBlock());
  Value none = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(0));
  Value code = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(fault.getCode()));
  Value exchange = LLVM::AtomicCmpXchgOp::create(b, loc, word, none, code, LLVM::AtomicOrdering::acq_rel,
                                                 LLVM::AtomicOrdering::monotonic);
  Value isFirst = LLVM::ExtractValueOp::create(b, loc, exchange, 1);
  auto first = scf::IfOp::create(b, loc, isFirst, /*withElseRegion=*/false);
  b.setInsertionPointToStart(first.thenBlock());
  Value value = fault.getValue();
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
  Value target =
      LLVM::GEPOp::create(b, loc, word.getType(), b.getI8Type(), word, ArrayRef<LLVM::GEPArg>{faultValueOffset});
  LLVM::StoreOp::create(b, loc, value, target);
  fault.erase();
}

/// Steps that are written out say the same of what they share: between their loads, such branches would keep each waiting for the last.
static SmallVector<exec::FaultOp> findFaults(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
  SmallVector<exec::FaultOp> faults;
  llvm::DenseMap<Block *, llvm::SmallDenseSet<std::tuple<Value, Value, uint64_t>>> known;
  function.walk([&](exec::FaultOp fault) {
    if (known[fault->getBlock()].insert({fault.getCondition(), fault.getValue(), fault.getCode()}).second)
      faults.push_back(fault);
    else
      fault.erase();
  });
  return faults;
}

void kernel::lowerFaults(func::FuncOp function) {
  bool hasAny = function.walk([](exec::FaultOp) { return WalkResult::interrupt(); }).wasInterrupted();
  if (!hasAny)
    return;
  for (exec::FaultOp fault : findFaults(function))
    lowerFault(fault, function.getArgument(faultSlot));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------===//

/// The descriptor of a row-major memref at `address`.
static Value createDescriptor(OpBuilder &b, Location loc, MemRefType type, Value address, ValueRange dynamicSizes) {
  LLVMTypeConverter converter(b.getContext());
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(value));
  };
  SmallVector<Value> sizes, strides(type.getRank());
  for (int64_t size : type.getShape()) {
    bool isDynamic = ShapedType::isDynamic(size);
    sizes.push_back(isDynamic ? arith::IndexCastOp::create(b, loc, b.getI64Type(), dynamicSizes.front())
                              : constant(size));
    dynamicSizes = dynamicSizes.drop_front(isDynamic);
  }
  Value stride = constant(1);
  for (int64_t dim = type.getRank(); dim-- > 0;) {
    strides[dim] = stride;
    stride = LLVM::MulOp::create(b, loc, stride, sizes[dim]);
  }
  SmallVector<Value> fields{address, address, constant(0)};
  fields.append(sizes);
  fields.append(strides);
  return MemRefDescriptor::pack(b, loc, converter, type, fields);
}

void kernel::lowerAddresses(func::FuncOp function) {
  SmallVector<UnrealizedConversionCastOp> casts;
  function.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
  for (UnrealizedConversionCastOp cast : casts) {
    auto type = dyn_cast<MemRefType>(cast.getResult(0).getType());
    if (!type || !isa<LLVM::LLVMPointerType>(cast.getOperand(0).getType()))
      continue;
    OpBuilder b(cast);
    cast->setOperands(createDescriptor(b, cast.getLoc(), type, cast.getOperand(0), cast.getOperands().drop_front()));
  }
}
