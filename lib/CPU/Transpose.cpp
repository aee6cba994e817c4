//===- Transpose.cpp - squares of elements in registers -----------------------------------------------------------===//

#include "Transpose.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;

/// Alternately units of two vectors, x and y, taken from the lower or the upper half of each block: an unpack instruction.
static SmallVector<int64_t> unpack(int64_t lanes, int64_t block, int64_t unit, bool upper) {
  SmallVector<int64_t> mask;
  for (int64_t start = 0; start < lanes; start += block)
    for (int64_t from = upper ? block / 2 : 0, end = from + block / 2; from < end; from += unit)
      for (int64_t vector : {int64_t(0), lanes})
        for (int64_t i = 0; i < unit; ++i)
          mask.push_back(vector + start + from + i);
  return mask;
}

/// Every second block of x, then of y.
static SmallVector<int64_t> everySecond(int64_t lanes, int64_t block, bool odd) {
  SmallVector<int64_t> mask;
  for (int64_t start = odd ? block : 0; start < 2 * lanes; start += 2 * block)
    for (int64_t i = 0; i < block; ++i)
      mask.push_back(start + i);
  return mask;
}

/// A step for each bit of the row number moves that bit into the lane number: inside of 128 bits by unpacking, beyond by choosing
/// every second 128 bits. Each is one instruction. The rows end in an order in which the low bits are reversed.
SmallVector<Value> cpu::transposeSquare(OpBuilder &b, Location loc, ValueRange rows) {
  auto type = cast<VectorType>(rows.front().getType());
  int64_t lanes = type.getNumElements(), block = std::min<int64_t>(lanes, 128 / type.getElementTypeBitWidth());
  SmallVector<Value> now(rows);
  for (int64_t bit = 1; bit < lanes; bit *= 2)
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & bit)
        continue;
      Value x = now[row], y = now[row | bit];
      auto take = [&](bool second) {
        auto mask = bit < block ? unpack(lanes, block, bit, second) : everySecond(lanes, block, second);
        return vector::ShuffleOp::create(b, loc, x, y, mask).getResult();
      };
      now[row] = take(false);
      now[row | bit] = take(true);
    }
  SmallVector<Value> columns;
  for (int64_t column = 0; column < lanes; ++column) {
    int64_t position = column & ~(block - 1);
    for (int64_t bit = 1; bit < block; bit *= 2)
      if (column & bit)
        position |= block / 2 / bit;
    columns.push_back(now[position]);
  }
  return columns;
}
