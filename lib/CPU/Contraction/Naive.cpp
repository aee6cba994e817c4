//===- Naive.cpp - contractions as one scalar loop nest -----------------------------------------------------------===//
//
// A tile is one row of the result. Sums are taken in the order of K. At level 0 this is what faster code is compared
// with; it also serves convolutions whose filter has sizes that are only known at run time.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Emitters.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

NaiveEmitter::NaiveEmitter(const ContractionSite &site, const CPUTarget &target)
    : site(site), kind(ElementKind::of(site.root, target)) {
  kind.lanes = 1;
}

Value NaiveEmitter::emitTiles(IndexMath &m) const {
  Value result = findResult(site), rows = m.constant(1);
  for (int64_t i = 0, rank = cast<MemRefType>(result.getType()).getRank(); i + 1 < rank; ++i)
    rows = m.mul(rows, m.dim(result, i));
  return rows;
}

namespace {

class NaiveLoops {
public:
  NaiveLoops(IndexMath &m, const ContractionSite &site, const ElementKind &kind) : m(m), site(site), kind(kind) {
    Value result = findResult(site);
    for (int64_t i = 0, rank = cast<MemRefType>(result.getType()).getRank(); i < rank; ++i)
      sizes.push_back(m.dim(result, i));
  }

  void emit(Value row) {
    Epilogue epilogue(m, site, 1);
    Value rest = row;
    position.resize(sizes.size());
    for (int64_t i = int64_t(sizes.size()) - 2; i >= 0; --i) {
      position[i] = i == 0 ? rest : m.rem(rest, sizes[i]);
      rest = m.div(rest, sizes[i]);
    }
    m.loop(sizes.back(), [&](Value column) {
      position.back() = column;
      Value sum = isa<exec::MatMulOp>(site.root) ? sumMatMul() : sumConv();
      epilogue.finish(m, sum, row, epilogue.load(m, column, nullptr));
    });
  }

private:
  Value sumMatMul();
  Value sumConv();
  Value sumTaps(unsigned dim, SmallVector<Value> &taps, SmallVector<Value> &at, Value inside, Value sum);
  Value multiplyAdd(Value left, Value right, Value sum) {
    return kind.multiplyAdd(m, kind.widen(m, left, kind.leftUnsigned), kind.widen(m, right, kind.rightUnsigned), sum);
  }
  Value load(Value memref, ValueRange indices) {
    return memref::LoadOp::create(m.builder(), m.location(), memref, indices);
  }

  IndexMath &m;
  const ContractionSite &site;
  const ElementKind &kind;
  SmallVector<Value> sizes, position;
};

} // namespace

Value NaiveLoops::sumMatMul() {
  auto op = cast<exec::MatMulOp>(site.root);
  Value lhs = site.values.lookup(op.getLhs()), rhs = site.values.lookup(op.getRhs());
  int64_t rank = sizes.size(), rhsRank = op.getRhsShape().size();
  SmallVector<Value> left(position), right(position);
  for (int64_t i = 0; i < rank - 2; ++i) {
    left[i] = op.getLhs().getType().getDimSize(i) == 1 ? m.constant(0) : position[i];
    if (rhsRank == 2)
      continue;
    right[i] = op.getRhsShape()[i] == 1 ? m.constant(0) : position[i];
  }
  right.erase(right.begin(), right.begin() + (rank - rhsRank));
  Value depth = m.dim(lhs, rank - 1);
  return m
      .reduce(depth, kind.zero(m),
              [&](Value k, ValueRange sum) -> SmallVector<Value> {
                left.back() = k;
                right[rhsRank - 2] = op.getTransposeRhs() ? position.back() : k;
                right[rhsRank - 1] = op.getTransposeRhs() ? k : position.back();
                return {multiplyAdd(load(lhs, left), load(rhs, right), sum.front())};
              })
      .front();
}

Value NaiveLoops::sumConv() {
  SmallVector<Value> taps, at;
  return sumTaps(0, taps, at, arith::ConstantIntOp::create(m.builder(), m.location(), 1, 1), kind.zero(m));
}

/// Loops over the taps of spatial dim `dim` and those behind it, then over the channels. `at` is where in the input, if
/// `inside`.
Value NaiveLoops::sumTaps(unsigned dim, SmallVector<Value> &taps, SmallVector<Value> &at, Value inside, Value sum) {
  auto op = cast<exec::ConvOp>(site.root);
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Value input = site.values.lookup(op.getInput()), filter = site.values.lookup(op.getFilter());
  ArrayRef<int64_t> shape = op.getFilterShape();
  unsigned spatial = op.getStrides().size();
  auto filterSize = [&](int64_t i) {
    return ShapedType::isDynamic(shape[i]) ? m.dim(filter, i) : m.constant(shape[i]);
  };
  if (dim < spatial)
    return m
        .reduce(filterSize(dim + 1), sum,
                [&](Value tap, ValueRange sums) -> SmallVector<Value> {
                  Value padded =
                      m.add(m.mul(position[dim + 1], op.getStrides()[dim]), m.mul(tap, op.getDilations()[dim]));
                  Value before = m.constant(op.getPads()[dim]), place = m.sub(padded, before);
                  Value isInside = arith::AndIOp::create(b, loc, m.less(place, m.dim(input, dim + 1)), inside);
                  isInside = arith::AndIOp::create(
                      b, loc, isInside, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, padded, before));
                  taps.push_back(tap);
                  at.push_back(place);
                  Value result = sumTaps(dim + 1, taps, at, isInside, sums.front());
                  taps.pop_back();
                  at.pop_back();
                  return {result};
                })
        .front();

  Value channels = filterSize(spatial + 1), outputs = filterSize(spatial + 2);
  Value group = m.div(position.back(), outputs), output = m.rem(position.back(), outputs);
  Value outside = op.getOutside() ? site.values.lookupOrDefault(op.getOutside())
                                  : arith::ConstantOp::create(b, loc, b.getZeroAttr(kind.left)).getResult();
  return m
      .reduce(channels, sum,
              [&](Value channel, ValueRange sums) -> SmallVector<Value> {
                SmallVector<Value> source{position.front()}, weight{group};
                llvm::append_range(source, at);
                source.push_back(m.add(m.mul(group, channels), channel));
                auto branch = scf::IfOp::create(b, loc, kind.left, inside, /*withElseRegion=*/true);
                {
                  OpBuilder::InsertionGuard guard(b);
                  b.setInsertionPointToStart(branch.thenBlock());
                  scf::YieldOp::create(b, loc, load(input, source));
                  b.setInsertionPointToStart(branch.elseBlock());
                  scf::YieldOp::create(b, loc, outside);
                }
                llvm::append_range(weight, taps);
                weight.append({channel, output});
                return {multiplyAdd(branch.getResult(0), load(filter, weight), sums.front())};
              })
      .front();
}

void NaiveEmitter::emitTile(IndexMath &m, Value tile, Value) const { NaiveLoops(m, site, kind).emit(tile); }
