//===- Lines.cpp - sorts and scans, whose lines many threads share ------------------------------------------------===//

#include "Lines.h"
#include "Points.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static SmallVector<Value> mapAll(ValueRange sizes, Buffers &values) {
  return llvm::map_to_vector(sizes, [&](Value size) { return values.values.lookup(size); });
}

Value Lines::getNumLines(OpBuilder &b, Buffers &values) const {
  return getNumPoints(b, getLoc(), mapAll(sizes, values));
}

SmallVector<Value> Lines::getPoint(OpBuilder &b, Buffers &values, Value number) const {
  return nncc::gpu::getPoint(b, getLoc(), number, mapAll(sizes, values));
}

SmallVector<Value> Lines::write(OpBuilder &b, Region &region, ArrayRef<Value> leading, const Buffers &values) const {
  IRMapping mapping(values.values);
  SmallVector<Value> arguments(leading);
  for (Value input : inputs)
    arguments.push_back(values.values.lookup(input));
  Block &block = region.front();
  mapping.map(block.getArguments(), ValueRange(arguments).take_front(block.getNumArguments()));
  for (Operation &inner : block.without_terminator())
    b.clone(inner, mapping);
  return llvm::map_to_vector(block.getTerminator()->getOperands(), [&](Value value) { return mapping.lookup(value); });
}

void Lines::store(OpBuilder &b, Buffers &values, unsigned result, Value value, ArrayRef<Value> point, Value at) const {
  Value memory = values.values.lookupOrNull(op->getResult(result));
  if (!memory)
    return;
  SmallVector<Value> position(point);
  position.insert(position.begin() + axis, at);
  memref::StoreOp::create(b, getLoc(), value, memory, position);
}

Value nncc::gpu::viewBytes(OpBuilder &b, Location loc, Value bytes, Value offset, Type type, Value count) {
  auto space = cast<MemRefType>(bytes.getType()).getMemorySpace();
  std::optional<int64_t> known = IndexMath::asConstant(count);
  auto memref = MemRefType::get({known.value_or(ShapedType::kDynamic)}, type, AffineMap(), space);
  return memref::ViewOp::create(b, loc, memref, bytes, offset, known ? ValueRange() : ValueRange(count));
}
