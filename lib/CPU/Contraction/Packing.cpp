//===- Packing.cpp - copies of operands in the order in which the inner loop reads them
//-----------------------------===//

#include "Packing.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===--------------------------------------------------------------------------------------------------------------===//
// Right operand
//===--------------------------------------------------------------------------------------------------------------===//

/// Exchanges rows and columns of a square of vectors: in each round the blocks off the diagonal of squares of twice the
/// size.
static void transpose(IndexMath &m, MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t half = 1; half < size; half *= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < size; ++lane) {
      bool isHigh = lane & half;
      low.push_back(isHigh ? size + lane - half : lane);
      high.push_back(isHigh ? size + lane : lane + half);
    }
    for (int64_t i = 0; i < size; ++i) {
      if (i & half)
        continue;
      Value x = rows[i], y = rows[i + half];
      rows[i] = vector::ShuffleOp::create(m.builder(), m.location(), x, y, low);
      rows[i + half] = vector::ShuffleOp::create(m.builder(), m.location(), x, y, high);
    }
  }
}

int64_t cpu::getPackedElements(const ElementKind &kind, int64_t depth, int64_t columns) {
  return llvm::alignTo(depth, kind.lanes) * columns;
}

static void packRows(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, Value column,
                     ArrayRef<Value> masks) {
  int64_t width = masks.size() * kind.lanes;
  m.loop(matrix.packedDepth, [&](Value depth) {
    Value from = m.add(m.add(matrix.base, m.mul(depth, matrix.stride)), column), to = m.mul(depth, width);
    for (auto [vector, mask] : llvm::enumerate(masks)) {
      Value elements = kind.loadRight(m, matrix.memref, m.add(from, vector * kind.lanes), mask);
      vector::StoreOp::create(m.builder(), m.location(), elements, matrix.packed, m.add(to, vector * kind.lanes));
    }
  });
}

static void packTransposed(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, Value column,
                           Value numColumns, ArrayRef<Value> masks) {
  int64_t lanes = kind.lanes, width = masks.size() * lanes;
  auto packSquare = [&](Value depth, int64_t vector, Value mask) {
    SmallVector<Value> square;
    for (int64_t i = 0; i < lanes; ++i) {
      // A column that does not exist is read from the last one: nothing stores it.
      Value source = m.add(column, vector * lanes + i);
      if (masks[vector])
        source = m.min(source, m.sub(numColumns, 1));
      Value from = m.add(m.add(matrix.base, m.mul(source, matrix.stride)), depth);
      square.push_back(kind.loadRight(m, matrix.memref, from, mask));
    }
    transpose(m, square);
    for (auto [i, elements] : llvm::enumerate(square)) {
      Value to = m.add(m.mul(m.add(depth, i), width), vector * lanes);
      vector::StoreOp::create(m.builder(), m.location(), elements, matrix.packed, to);
    }
  };
  Value full = m.mul(m.div(matrix.packedDepth, lanes), lanes);
  for (int64_t vector = 0; vector < int64_t(masks.size()); ++vector) {
    m.loop(m.constant(0), full, lanes, [&](Value depth) { packSquare(depth, vector, nullptr); });
    m.ifThen(m.less(full, matrix.packedDepth),
             [&] { packSquare(full, vector, createColumnMask(m, full, matrix.packedDepth, lanes)); });
  }
}

void cpu::emitPackRight(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, Value column,
                        Value numColumns, ArrayRef<Value> masks) {
  if (matrix.kind == RightMatrix::Transposed)
    packTransposed(m, kind, matrix, column, numColumns, masks);
  else
    packRows(m, kind, matrix, column, masks);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Runs of elements
//===--------------------------------------------------------------------------------------------------------------===//

void cpu::emitCopy(IndexMath &m, Value source, Value from, Value target, Value to, Value count, int64_t lanes) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto type = VectorType::get(lanes, cast<MemRefType>(source.getType()).getElementType());
  Value full = m.mul(m.div(count, lanes), lanes);
  m.loop(m.constant(0), full, lanes, [&](Value i) {
    Value elements = vector::LoadOp::create(b, loc, type, source, m.add(from, i));
    vector::StoreOp::create(b, loc, elements, target, m.add(to, i));
  });
  m.loop(full, count, 1, [&](Value i) {
    Value element = memref::LoadOp::create(b, loc, source, m.add(from, i));
    memref::StoreOp::create(b, loc, element, target, m.add(to, i));
  });
}

void cpu::emitFill(IndexMath &m, Value value, Value target, Value to, Value count, int64_t lanes) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Value full = m.mul(m.div(count, lanes), lanes);
  if (!IndexMath::isConstant(full, 0)) {
    Value elements = vector::BroadcastOp::create(b, loc, VectorType::get(lanes, value.getType()), value);
    m.loop(m.constant(0), full, lanes,
           [&](Value i) { vector::StoreOp::create(b, loc, elements, target, m.add(to, i)); });
  }
  m.loop(full, count, 1, [&](Value i) { memref::StoreOp::create(b, loc, value, target, m.add(to, i)); });
}
