//===- Rows.cpp - loops on memrefs, for what linalg cannot say ------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/IR/GridLoops.h"
#include "nnccrt/abi.h"

using namespace mlir;

namespace nncc {

void emitLoops(OpBuilder &b, Location loc, ValueRange sizes,
               function_ref<void(OpBuilder &, Location, ValueRange)> body) {
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Value> point;
  for (Value size : sizes) {
    auto loop = scf::ForOp::create(b, loc, zero, size, one);
    point.push_back(loop.getInductionVar());
    b.setInsertionPoint(loop.getBody()->getTerminator());
  }
  body(b, loc, point);
}

Value generateRows(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type elementType, ValueRange inputs,
                   RowElementBuilder body) {
  Value init = emptyTensor(b, loc, sizes, elementType);
  SmallVector<Value> grid;
  for (OpFoldResult size : sizes.empty() ? sizes : sizes.drop_back())
    grid.push_back(asIndex(b, loc, size));
  auto op = exec::GridOp::create(
      b, loc, grid, inputs, init,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange outer, ValueRange ins, ValueRange outs) {
        SmallVector<Value> inner;
        if (!sizes.empty())
          inner.push_back(memref::DimOp::create(nested, nestedLoc, outs[0], sizes.size() - 1));
        emitLoops(nested, nestedLoc, inner, [&](OpBuilder &innermost, Location innerLoc, ValueRange index) {
          SmallVector<Value> point(outer);
          llvm::append_range(point, index);
          Value element = body(innermost, innerLoc, point, ins);
          memref::StoreOp::create(innermost, innerLoc, element, outs[0], point);
        });
      });
  op->setAttr(exec::independentAttrName, b.getUnitAttr());
  return op.getResult(0);
}

Value checkedIndex(OpBuilder &b, Location loc, Value element, Value size) {
  Value index =
      element.getType().isIndex() ? element : arith::IndexCastOp::create(b, loc, b.getIndexType(), element).getResult();
  Value zero = constantIndex(b, loc, 0);
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  Value shifted = arith::AddIOp::create(b, loc, index, size);
  Value position = arith::SelectOp::create(b, loc, negative, shifted, index);
  // One unsigned comparison covers both ends.
  Value outside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, position, size);
  exec::FaultOp::create(b, loc, outside, NNCCRT_FAULT_INDEX, index);
  return arith::SelectOp::create(b, loc, outside, zero, position);
}

} // namespace nncc
