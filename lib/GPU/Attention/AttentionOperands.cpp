//===- AttentionOperands.cpp - where the operands of an attention are -----------------------------------------------===//

#include "AttentionOperands.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

Value AttentionMatrix::getAddress(IndexMath &m, Value line, Value position) const {
  Value offset = m.constant(0);
  if (lineStride)
    offset = m.add(offset, m.mul(line, lineStride));
  if (positionStride)
    offset = m.add(offset, m.mul(position, positionStride));
  return movePointer(m, pointer, offset, element);
}

/// Whether the elements along `dim` are adjacent, and of how many a line consists (kDynamic: not known).
static std::optional<int64_t> getInnermostSize(unsigned dim, AffineMap map, RankedTensorType type) {
  for (int64_t position = type.getRank() - 1; position >= 0; --position) {
    if (AttentionIndex::of(map.getResult(position))->isPlain(dim))
      return type.getDimSize(position);
    if (type.getDimSize(position) != 1)
      break;
  }
  return std::nullopt;
}

AttentionShape::AttentionShape(exec::AttentionOp op) {
  SmallVector<AffineMap> all = op.getMaps();
  SmallVector<RankedTensorType> types = op.getTensorTypes();
  AttentionMaps maps(all);
  rows = op.getDimSize(maps.getRowDim());
  keys = op.getDimSize(maps.getKeyDim());
  depth = op.getDimSize(maps.getDepthDim());
  columns = op.getDimSize(maps.getColumnDim());
  numMasks = op.getMasks().size();
  element = types.front().getElementType();
  sum = element.isF64() ? element : Float32Type::get(op.getContext());
  for (unsigned tensor = 0; tensor < types.size(); ++tensor) {
    constexpr int64_t most = 16;
    bool isMask = tensor > 2 && tensor + 1 < types.size();
    hasRowMask |= isMask && all[tensor].isFunctionOfDim(maps.getRowDim());
    unsigned dim = isMask ? maps.getKeyDim() : tensor < 2 ? maps.getDepthDim() : maps.getColumnDim();
    std::optional<int64_t> size = getInnermostSize(dim, all[tensor], types[tensor]);
    int64_t chunk = 1;
    while (size && ShapedType::isStatic(*size) && chunk < most && *size % (2 * chunk) == 0)
      chunk *= 2;
    chunks.push_back(chunk);
    adjacent.push_back(size.has_value());
  }
}

AttentionOperands::AttentionOperands(IndexMath &m, exec::AttentionOp op, Buffers &values)
    : m(m), op(op), values(values), all(op.getMaps()), types(op.getTensorTypes()), maps(all) {}

Value AttentionOperands::getSize(unsigned dim) {
  auto [tensor, position] = maps.findSize(dim, types);
  return values.toIndex(values.getSizes(op->getOperand(tensor))[position]);
}

SmallVector<Value> AttentionOperands::getBatchSizes() {
  SmallVector<Value> sizes;
  for (unsigned dim = 0; dim < maps.getNumBatchDims(); ++dim)
    sizes.push_back(getSize(dim));
  return sizes;
}

AttentionMatrix AttentionOperands::locate(unsigned tensor, ValueRange batch) {
  AttentionMatrix matrix;
  Value offset = m.constant(0), stride = m.constant(1);
  unsigned lineDim = tensor == 1 || tensor == 2 ? maps.getKeyDim() : maps.getRowDim();
  kernel::Sizes sizes = values.getSizes(tensor == getResultNumber() ? op.getInit() : op->getOperand(tensor));
  for (int64_t position = types[tensor].getRank() - 1; position >= 0; --position) {
    AttentionIndex index = *AttentionIndex::of(all[tensor].getResult(position));
    if (!index.dim)
      offset = m.add(offset, m.mul(stride, index.number));
    else if (*index.dim < maps.getNumBatchDims())
      offset = m.add(offset, m.mul(m.div(batch[*index.dim], index.divisor), stride));
    else
      (*index.dim == lineDim ? matrix.lineStride : matrix.positionStride) = stride;
    stride = m.mul(stride, values.toIndex(sizes[position]));
  }
  matrix.element = types[tensor].getElementType();
  Value memref = values.values.lookup(getTensor(tensor));
  matrix.pointer = movePointer(m, getGlobalPointer(m, memref), offset, matrix.element);
  return matrix;
}
