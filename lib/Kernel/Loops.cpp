//===- Loops.cpp - loops over index spaces ------------------------------------------------------------------------===//

#include "nncc/Kernel/Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nncc;

void kernel::buildLoops(OpBuilder &b, Location loc, ValueRange sizes, llvm::function_ref<void(ValueRange)> body) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  SmallVector<Value> lower(sizes.size(), zero), steps(sizes.size(), one);
  OpBuilder::InsertionGuard guard(b);
  scf::LoopNest nest = scf::buildLoopNest(b, loc, lower, sizes, steps);
  if (!nest.loops.empty())
    b.setInsertionPoint(nest.loops.back().getBody()->getTerminator());
  body(llvm::map_to_vector(nest.loops, [](scf::ForOp loop) { return loop.getInductionVar(); }));
}

void kernel::buildLinearLoop(OpBuilder &b, Location loc, ValueRange sizes, Value begin, Value end,
                             llvm::function_ref<void(ValueRange)> body) {
  if (sizes.empty())
    return body({});
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  SmallVector<Value> first(sizes.size());
  Value rest = begin;
  for (size_t i = sizes.size(); i-- > 1;) {
    Value size = b.createOrFold<arith::MaxUIOp>(loc, sizes[i], one);
    first[i] = b.createOrFold<arith::RemUIOp>(loc, rest, size);
    rest = b.createOrFold<arith::DivUIOp>(loc, rest, size);
  }
  first[0] = rest;
  // The outermost index of one is the loop's own.
  auto loop = scf::ForOp::create(b, loc, begin, end, one, sizes.size() == 1 ? ValueRange() : ValueRange(first));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  if (sizes.size() == 1)
    return body(loop.getInductionVar());
  SmallVector<Value> next(loop.getRegionIterArgs());
  body(loop.getRegionIterArgs());
  Value carry = one;
  for (size_t i = sizes.size(); i-- > 0;) {
    next[i] = arith::AddIOp::create(b, loc, next[i], carry);
    if (i == 0)
      break;
    Value isFull = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, next[i], sizes[i]);
    next[i] = arith::SelectOp::create(b, loc, isFull, zero, next[i]);
    carry = arith::SelectOp::create(b, loc, isFull, one, zero);
  }
  scf::YieldOp::create(b, loc, next);
}
