//===- Memory.cpp - addresses, loads and stores of one thread -------------------------------------------------------===//

#include "Memory.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Address space of global memory, and the widest access.
static constexpr unsigned globalSpace = 1;
static constexpr int64_t accessBytes = 16;

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

void nncc::gpu::emitBarrier(IndexMath &m) { NVVM::BarrierOp::create(m.builder(), m.location()); }

Value nncc::gpu::emitBarrierAny(IndexMath &m, Value condition) {
  OpBuilder &b = m.builder();
  Type word = b.getI32Type();
  Value own = arith::ExtUIOp::create(b, m.location(), word, condition);
  auto any = NVVM::BarrierReductionAttr::get(b.getContext(), NVVM::BarrierReduction::OR);
  Value joined = NVVM::BarrierOp::create(b, m.location(), word, Value(), Value(), any, own).getRes();
  return arith::CmpIOp::create(b, m.location(), arith::CmpIPredicate::ne, joined, m.constant(0, word));
}

void nncc::gpu::emitFence(IndexMath &m) { NVVM::MembarOp::create(m.builder(), m.location(), NVVM::MemScopeKind::GPU); }

Value nncc::gpu::addAtomically(IndexMath &m, Value pointer, Value value) {
  return LLVM::AtomicRMWOp::create(m.builder(), m.location(), LLVM::AtomicBinOp::add, pointer, value,
                                   LLVM::AtomicOrdering::monotonic, "device");
}

//===----------------------------------------------------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------------------------------------------------===//

void nncc::gpu::keepRolled(scf::ForOp loop) {
  Builder b(loop.getContext());
  auto never = LLVM::LoopUnrollAttr::get(b.getContext(), /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  // SCFToControlFlow hands it to the branch back, the NVPTX back end makes `.pragma "nounroll"` of it.
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {}, never, {}, {}, {}, {}, {},
                                                                 {}, {}, {}, {}, {}, {}));
}

SmallVector<Value> nncc::gpu::reduceRolled(IndexMath &m, Value count, ValueRange init,
                                           function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  SmallVector<Value> results = m.reduce(count, init, body);
  if (!m.isConstant(count, 1))
    keepRolled(results.front().getDefiningOp<scf::ForOp>());
  return results;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------------------------------------------------===//

/// The pointer that a memref was made of, moved to where a view begins.
static Value getPointer(IndexMath &m, Value memref) {
  if (auto cast = memref.getDefiningOp<UnrealizedConversionCastOp>())
    return cast.getOperand(0);
  auto view = memref.getDefiningOp<ViewLikeOpInterface>();
  assert(view && "not the memory of an argument or a result");
  Value source = getPointer(m, view.getViewSource());
  if (auto part = dyn_cast<memref::ViewOp>(view.getOperation()))
    return movePointer(m, source, part.getByteShift(), m.builder().getI8Type());
  return source; // a reshape: elements stay where they are
}

Value nncc::gpu::getGlobalPointer(IndexMath &m, Value memref) {
  OpBuilder &b = m.builder();
  Value pointer = getPointer(m, memref);
  auto global = LLVM::LLVMPointerType::get(b.getContext(), globalSpace);
  return pointer.getType() == global ? pointer
                                     : LLVM::AddrSpaceCastOp::create(b, m.location(), global, pointer).getResult();
}

Value nncc::gpu::getSharedPointer(IndexMath &m, Value memref) { return getPointer(m, memref); }

Value nncc::gpu::movePointer(IndexMath &m, Value pointer, Value count, Type element) {
  OpBuilder &b = m.builder();
  if (m.isConstant(count, 0))
    return pointer;
  if (count.getType().isIndex())
    count = arith::IndexCastOp::create(b, m.location(), b.getI64Type(), count);
  return LLVM::GEPOp::create(b, m.location(), pointer.getType(), element, pointer, ArrayRef<LLVM::GEPArg>{count});
}

Value nncc::gpu::moveBytes(IndexMath &m, Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  OpBuilder &b = m.builder();
  Value count = arith::ConstantIntOp::create(b, m.location(), bytes, 64);
  return LLVM::GEPOp::create(b, m.location(), pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{count});
}

Value nncc::gpu::keepWhole(IndexMath &m, Value value) {
  bool isWord = value.getType().isInteger(32);
  return LLVM::InlineAsmOp::create(m.builder(), m.location(), value.getType(), value,
                                   isWord ? "mov.b32 $0, $1;" : "mov.b64 $0, $1;", isWord ? "=r,r" : "=l,l",
                                   /*has_side_effects=*/false, /*is_align_stack=*/false,
                                   LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

SmallVector<Value> nncc::gpu::keepWhole(IndexMath &m, ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return isa<LLVM::LLVMPointerType>(value.getType()) ? keepWhole(m, value) : value; });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------------------------------------------------===//

static unsigned getAlignment(Type element, int64_t count) {
  return std::min<int64_t>(llvm::divideCeil(element.getIntOrFloatBitWidth(), 8) * count, accessBytes);
}

Value nncc::gpu::loadElements(IndexMath &m, Value pointer, Type element, int64_t count, ReadKind kind) {
  Type type = count == 1 ? element : VectorType::get(count, element);
  return LLVM::LoadOp::create(m.builder(), m.location(), type, pointer, getAlignment(element, count),
                              /*isVolatile=*/false, /*isNonTemporal=*/false,
                              /*isInvariant=*/kind == ReadKind::Constant);
}

void nncc::gpu::storeElements(IndexMath &m, Value value, Value pointer) {
  auto vector = dyn_cast<VectorType>(value.getType());
  unsigned alignment = getAlignment(getElementTypeOrSelf(value), vector ? vector.getNumElements() : 1);
  LLVM::StoreOp::create(m.builder(), m.location(), value, pointer, alignment);
}

void nncc::gpu::copyAsync(IndexMath &m, Value target, Value source, Value exists) {
  OpBuilder &b = m.builder();
  Value bytes;
  if (exists)
    bytes = arith::SelectOp::create(b, m.location(), exists, m.constant(asyncBytes, b.getI32Type()),
                                    m.constant(0, b.getI32Type()));
  // Past the first level: that is for what a thread reads again.
  NVVM::CpAsyncOp::create(b, m.location(), target, source, asyncBytes, NVVM::LoadCacheModifierKind::CG, bytes);
}

void nncc::gpu::copyAsyncOr(IndexMath &m, Value target, Value source, Value exists, Value otherwise) {
  OpBuilder &b = m.builder();
  auto branch = scf::IfOp::create(b, m.location(), exists, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  copyAsync(m, target, source, nullptr);
  b.setInsertionPointToStart(branch.elseBlock());
  storeElements(m, otherwise, target);
}

SmallVector<Value> nncc::gpu::splitVector(IndexMath &m, Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return {value};
  SmallVector<Value> elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(vector::ExtractOp::create(m.builder(), m.location(), value, i));
  return elements;
}

Value nncc::gpu::joinVector(IndexMath &m, ValueRange elements) {
  if (elements.size() == 1)
    return elements.front();
  auto type = VectorType::get(int64_t(elements.size()), elements.front().getType());
  return vector::FromElementsOp::create(m.builder(), m.location(), type, elements);
}

Value nncc::gpu::joinParts(IndexMath &m, ValueRange parts, Type element) {
  auto type = dyn_cast<VectorType>(parts.front().getType());
  if (!type || parts.size() == 1)
    return joinVector(m, parts);
  OpBuilder &b = m.builder();
  Type bits = b.getIntegerType(type.getNumElements() * element.getIntOrFloatBitWidth());
  Value joined = joinVector(m, llvm::map_to_vector(parts, [&](Value part) -> Value {
                              return LLVM::BitcastOp::create(b, m.location(), bits, part);
                            }));
  auto whole = VectorType::get(type.getNumElements() * int64_t(parts.size()), element);
  return LLVM::BitcastOp::create(b, m.location(), whole, joined);
}

//===----------------------------------------------------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------------------------------------------------===//

Value nncc::gpu::select(IndexMath &m, Value condition, Value otherwise, function_ref<Value()> body) {
  if (!condition)
    return body();
  OpBuilder &b = m.builder();
  auto branch = scf::IfOp::create(b, m.location(), otherwise.getType(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, m.location(), body());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, m.location(), otherwise);
  return branch.getResult(0);
}

SmallVector<Value> nncc::gpu::selectAll(IndexMath &m, Value condition, TypeRange types,
                                        function_ref<SmallVector<Value>()> body) {
  if (!condition)
    return body();
  OpBuilder &b = m.builder();
  auto branch = scf::IfOp::create(b, m.location(), types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, m.location(), body());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, m.location(), llvm::map_to_vector(types, [&](Type type) { return getZero(m, type); }));
  return SmallVector<Value>(branch.getResults());
}

Value nncc::gpu::isInside(IndexMath &m, Value x, Value y) {
  return arith::CmpIOp::create(m.builder(), m.location(), arith::CmpIPredicate::ult, x, y);
}

Value nncc::gpu::both(IndexMath &m, Value x, Value y) {
  return !x || !y ? (x ? x : y) : arith::AndIOp::create(m.builder(), m.location(), x, y).getResult();
}

Value nncc::gpu::toI32(IndexMath &m, Value value) {
  OpBuilder &b = m.builder();
  if (value.getType().isInteger(32))
    return value;
  return b.createOrFold<arith::IndexCastOp>(m.location(), b.getI32Type(), value);
}

Value nncc::gpu::toIndex(IndexMath &m, Value value) {
  OpBuilder &b = m.builder();
  if (value.getType().isIndex())
    return value;
  return b.createOrFold<arith::IndexCastOp>(m.location(), b.getIndexType(), value);
}

Value nncc::gpu::getZero(IndexMath &m, Type type) {
  return arith::ConstantOp::create(m.builder(), m.location(), m.builder().getZeroAttr(type));
}
