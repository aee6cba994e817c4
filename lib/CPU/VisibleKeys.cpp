//===- VisibleKeys.cpp - which keys of an attention count for a tile ----------------------------------------------===//

#include "VisibleKeys.h"
#include "Contraction/Tiling.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Whether `lanes` keys from `first` on are hidden from all rows (i1). Keys that do not exist are. NaN hides nothing.
static Value emitAreHidden(IndexMath &m, const MaskRows &mask, Value first, Value numKeys, int64_t lanes) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto element = cast<FloatType>(cast<MemRefType>(mask.memref.getType()).getElementType());
  auto type = VectorType::get(lanes, element);
  auto number = [&](double value) { return FloatAttr::get(element, value); };
  Value none = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, number(-std::numeric_limits<double>::infinity()).getValue()));
  Value exists = createColumnMask(m, first, numKeys, lanes), at = m.add(mask.base, first);
  Value numRows = mask.rowStride ? mask.numRows : m.constant(1);
  Value most = m.reduce(numRows, none, [&](Value row, ValueRange soFar) -> SmallVector<Value> {
                  Value start = mask.rowStride ? m.add(at, m.mul(row, mask.rowStride)) : at;
                  Value own = vector::MaskedLoadOp::create(b, loc, type, mask.memref, start, exists, none);
                  return {arith::MaximumFOp::create(b, loc, soFar.front(), own)};
                }).front();
  Value largest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXIMUMF, most);
  Value bound = arith::ConstantOp::create(b, loc, number(MaskBounds::hidden));
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, largest, bound);
}

Value cpu::emitCountVisibleKeys(IndexMath &m, const MaskRows &mask, Value numKeys, int64_t lanes) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  // From the last keys on: a mask that hides nothing there costs one look.
  auto loop = scf::WhileOp::create(
      b, loc, b.getIndexType(), m.ceilDiv(numKeys, lanes),
      [&](OpBuilder &, Location, ValueRange steps) {
        Value isSome = m.less(m.constant(0), steps.front());
        Value areHidden = scf::IfOp::create(
                              b, loc, isSome,
                              [&](OpBuilder &, Location) {
                                Value first = m.mul(m.sub(steps.front(), 1), lanes);
                                scf::YieldOp::create(b, loc, emitAreHidden(m, mask, first, numKeys, lanes));
                              },
                              [&](OpBuilder &, Location) {
                                scf::YieldOp::create(b, loc, arith::ConstantIntOp::create(b, loc, 0, 1).getResult());
                              })
                              .getResult(0);
        scf::ConditionOp::create(b, loc, areHidden, steps);
      },
      [&](OpBuilder &, Location, ValueRange steps) { scf::YieldOp::create(b, loc, m.sub(steps.front(), 1)); });
  return m.min(m.mul(loop.getResult(0), lanes), numKeys);
}
