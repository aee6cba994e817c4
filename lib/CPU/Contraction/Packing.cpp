//===- Packing.cpp - copies of operands in the order in which the inner loop reads them ---------------------------===//

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
  return llvm::alignTo(depth, std::max(kind.lanes, kind.getStepSize())) * columns;
}

Type cpu::getPackedType(const ElementKind &kind) { return kind.steps == StepKind::Single ? kind.sum : kind.right; }

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

/// Steps of several elements: whole steps are interleaved from rows, or copied as they lie in columns.
static void packSteps(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, Value column, Value numColumns,
                      ArrayRef<Value> masks) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  int64_t step = kind.getStepSize(), width = masks.size() * kind.lanes;
  auto vectorOf = [&](int64_t count) { return VectorType::get(count, kind.right); };
  Value wholeSteps = m.div(matrix.packedDepth, step);
  m.loop(wholeSteps, [&](Value number) {
    Value to = m.mul(number, width * step);
    if (matrix.kind == RightMatrix::Transposed) {
      m.loop(m.constant(width), [&](Value i) {
        Value source = m.min(m.add(column, i), m.sub(numColumns, 1));
        Value from = m.add(m.add(matrix.base, m.mul(source, matrix.stride)), m.mul(number, step));
        Value elements = vector::LoadOp::create(b, loc, vectorOf(step), matrix.memref, from);
        vector::StoreOp::create(b, loc, elements, matrix.packed, m.add(to, m.mul(i, step)));
      });
      return;
    }
    for (auto [i, mask] : llvm::enumerate(masks)) {
      SmallVector<Value> rows;
      for (int64_t row = 0; row < step; ++row) {
        Value from = m.add(m.add(matrix.base, m.mul(m.add(m.mul(number, step), row), matrix.stride)), column);
        from = m.add(from, i * kind.lanes);
        Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(vectorOf(kind.lanes)));
        rows.push_back(mask
                           ? vector::MaskedLoadOp::create(b, loc, vectorOf(kind.lanes), matrix.memref, from, mask, none)
                                 .getResult()
                           : vector::LoadOp::create(b, loc, vectorOf(kind.lanes), matrix.memref, from).getResult());
      }
      // Rounds of interleaving: of rows, then of pairs.
      for (int64_t size = 1; rows.size() > 1; size *= 2) {
        SmallVector<int64_t> order;
        for (int64_t lane = 0; lane < kind.lanes; ++lane)
          for (int64_t half : {int64_t(0), kind.lanes * size})
            for (int64_t j = 0; j < size; ++j)
              order.push_back(half + lane * size + j);
        for (size_t pair = 0; pair < rows.size() / 2; ++pair)
          rows[pair] = vector::ShuffleOp::create(b, loc, rows[2 * pair], rows[2 * pair + 1], order);
        rows.resize(rows.size() / 2);
      }
      vector::StoreOp::create(b, loc, rows.front(), matrix.packed, m.add(to, i * kind.lanes * step));
    }
  });
  // The last step, if it is not whole, element by element.
  Value rest = m.rem(matrix.packedDepth, step);
  m.ifThen(m.less(m.constant(0), rest), [&] {
    Value first = m.mul(wholeSteps, step), zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(kind.right));
    m.loop(m.constant(width), [&](Value i) {
      Value to = m.add(m.mul(first, width), m.mul(i, step)), source = m.min(m.add(column, i), m.sub(numColumns, 1));
      m.loop(m.constant(step), [&](Value j) { memref::StoreOp::create(b, loc, zero, matrix.packed, m.add(to, j)); });
      m.loop(rest, [&](Value j) {
        bool isTransposed = matrix.kind == RightMatrix::Transposed;
        Value depth = m.add(first, j);
        Value from = m.add(m.mul(isTransposed ? source : depth, matrix.stride), isTransposed ? depth : source);
        Value element = memref::LoadOp::create(b, loc, matrix.memref, m.add(matrix.base, from));
        memref::StoreOp::create(b, loc, element, matrix.packed, m.add(to, j));
      });
    });
  });
}

void cpu::emitPackRight(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, Value column,
                        Value numColumns, ArrayRef<Value> masks) {
  if (kind.steps != StepKind::Single)
    packSteps(m, kind, matrix, column, numColumns, masks);
  else if (matrix.kind == RightMatrix::Transposed)
    packTransposed(m, kind, matrix, column, numColumns, masks);
  else
    packRows(m, kind, matrix, column, masks);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Left operand
//===--------------------------------------------------------------------------------------------------------------===//

void cpu::emitPackLeft(IndexMath &m, const ElementKind &kind, Value source, Value from, Value rowStride, Value numRows,
                       Value depth, Value target, int64_t targetStride) {
  int64_t step = kind.getStepSize();
  Type element = kind.getCopiedLeft();
  Value zero = arith::ConstantOp::create(m.builder(), m.location(), m.builder().getZeroAttr(element));
  m.loop(numRows, [&](Value row) {
    Value to = m.mul(row, targetStride);
    emitCopyLeft(m, kind, source, m.add(from, m.mul(row, rowStride)), target, to, depth);
    m.loop(depth, m.mul(m.ceilDiv(depth, step), step), 1,
           [&](Value i) { memref::StoreOp::create(m.builder(), m.location(), zero, target, m.add(to, i)); });
  });
}

//===--------------------------------------------------------------------------------------------------------------===//
// Runs of elements
//===--------------------------------------------------------------------------------------------------------------===//

void cpu::emitCopyLeft(IndexMath &m, const ElementKind &kind, Value source, Value from, Value target, Value to,
                       Value count) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  int64_t lanes = 512 / kind.getCopiedLeft().getIntOrFloatBitWidth();
  Value full = m.mul(m.div(count, lanes), lanes);
  m.loop(m.constant(0), full, lanes, [&](Value i) {
    Value elements = vector::LoadOp::create(b, loc, VectorType::get(lanes, kind.left), source, m.add(from, i));
    vector::StoreOp::create(b, loc, kind.toCopiedLeft(m, elements), target, m.add(to, i));
  });
  m.loop(full, count, 1, [&](Value i) {
    Value element = memref::LoadOp::create(b, loc, source, m.add(from, i));
    memref::StoreOp::create(b, loc, kind.toCopiedLeft(m, element), target, m.add(to, i));
  });
}

void cpu::emitFill(IndexMath &m, Value value, Value target, Value to, Value count) {
  int64_t lanes = 512 / value.getType().getIntOrFloatBitWidth();
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
