//===- Steps.cpp - one step in K of a register tile -----------------------------------------------------------------===//

#include "Steps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// One element a step.
class SingleSteps : public Steps {
public:
  using Steps::Steps;

  SmallVector<Value> step(Value left, ValueRange rows, Value right, ValueRange columns, ArrayRef<Value> masks,
                          ValueRange accumulators) override {
    SmallVector<Value> vectors, results;
    for (auto [column, mask] : llvm::zip_equal(columns, masks))
      vectors.push_back(kind.loadRight(m, right, column, mask));
    for (Value row : rows) {
      Value element = kind.loadLeft(m, left, row);
      for (Value vector : vectors)
        results.push_back(kind.multiplyAdd(m, element, vector, accumulators[results.size()]));
    }
    return results;
  }
};

/// Several small integers a step.
class IntegerSteps : public Steps {
public:
  IntegerSteps(IndexMath &m, const ElementKind &kind, int64_t vectors)
      : Steps(m, kind, vectors), b(m.builder()), loc(m.location()) {}

protected:
  Value load(Value memref, Value index, int64_t count) {
    auto type = VectorType::get(count, cast<MemRefType>(memref.getType()).getElementType());
    return vector::LoadOp::create(b, loc, type, memref, index);
  }
  /// The elements of one step of a row again and again, as `type`.
  Value repeat(Value elements, VectorType type) {
    int64_t bits = cast<VectorType>(elements.getType()).getNumElements() *
                   cast<VectorType>(elements.getType()).getElementTypeBitWidth();
    Type word = b.getIntegerType(bits);
    auto words = VectorType::get(type.getNumElements() * type.getElementTypeBitWidth() / bits, word);
    Value one = vector::BitCastOp::create(b, loc, VectorType::get(1, word), elements);
    Value scalar = vector::ExtractOp::create(b, loc, one, 0);
    return vector::BitCastOp::create(b, loc, type, vector::BroadcastOp::create(b, loc, words, scalar));
  }
  Value splat(VectorType type, int64_t value) {
    Attribute element = b.getIntegerAttr(type.getElementType(), value);
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, element));
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value callIntrinsic(StringRef name, Type type, ValueRange arguments) {
    return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), arguments).getResults();
  }
  /// x[2i] * y[2i] + x[2i + 1] * y[2i + 1] of i16, as i32.
  Value multiplyPairs(Value x, Value y) {
    int64_t count = cast<VectorType>(x.getType()).getNumElements();
    StringRef name = count == 32   ? "llvm.x86.avx512.pmaddw.d.512"
                     : count == 16 ? "llvm.x86.avx2.pmadd.wd"
                                   : "llvm.x86.sse2.pmadd.wd";
    return callIntrinsic(name, VectorType::get(count / 2, b.getI32Type()), {x, y});
  }

  OpBuilder &b;
  Location loc;
};

/// Two i16 a step, by the instruction that every x86 has.
class PairSteps : public IntegerSteps {
public:
  using IntegerSteps::IntegerSteps;

  SmallVector<Value> step(Value left, ValueRange rows, Value right, ValueRange columns, ArrayRef<Value>,
                          ValueRange accumulators) override {
    SmallVector<Value> vectors, results;
    for (Value column : columns)
      vectors.push_back(load(right, column, kind.lanes * 2));
    for (Value row : rows) {
      Value pair = repeat(load(left, row, 2), VectorType::get(kind.lanes * 2, b.getI16Type()));
      for (Value vector : vectors)
        results.push_back(add(accumulators[results.size()], multiplyPairs(pair, vector)));
    }
    return results;
  }
};

/// Four i8 a step, widened to i16. Each vector of columns has two accumulators, of the left and of the right half of the columns, which
/// hold two sums a column.
class QuadSteps : public IntegerSteps {
public:
  using IntegerSteps::IntegerSteps;

  SmallVector<Value> begin(ValueRange sums) override { return SmallVector<Value>(sums.size() * 2, kind.zero(m)); }

  SmallVector<Value> step(Value left, ValueRange rows, Value right, ValueRange columns, ArrayRef<Value>,
                          ValueRange accumulators) override {
    auto wide = VectorType::get(kind.lanes * 2, b.getI16Type());
    SmallVector<Value> halves, results;
    for (Value column : columns)
      for (int64_t half : {0, 1})
        halves.push_back(widen(load(right, m.add(column, half * kind.lanes * 2), kind.lanes * 2), kind.rightUnsigned));
    for (Value row : rows) {
      Value quad = repeat(widen(load(left, row, 4), kind.leftUnsigned), wide);
      for (Value half : halves)
        results.push_back(add(accumulators[results.size()], multiplyPairs(quad, half)));
    }
    return results;
  }

  SmallVector<Value> finish(ValueRange accumulators, ValueRange sums) override {
    SmallVector<int64_t> even, odd;
    for (int64_t lane = 0; lane < kind.lanes; ++lane) {
      even.push_back(2 * lane);
      odd.push_back(2 * lane + 1);
    }
    SmallVector<Value> results;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value low = accumulators[2 * i], high = accumulators[2 * i + 1];
      Value pairs =
          add(vector::ShuffleOp::create(b, loc, low, high, even), vector::ShuffleOp::create(b, loc, low, high, odd));
      results.push_back(add(sum, pairs));
    }
    return results;
  }

private:
  Value widen(Value elements, bool isUnsigned) {
    Type type = cast<VectorType>(elements.getType()).clone(b.getI16Type());
    if (type == elements.getType()) // a copy of the left operand
      return elements;
    return isUnsigned ? arith::ExtUIOp::create(b, loc, type, elements).getResult()
                      : arith::ExtSIOp::create(b, loc, type, elements).getResult();
  }
};

/// Four i8 a step by VNNI, which multiplies u8 by s8. When both operands have the same sign, the left one is taken 128 off (its top bit
/// is flipped), and what that makes too much or too little is summed like another row: 128 times the sum of a column.
class VNNISteps : public IntegerSteps {
public:
  using IntegerSteps::IntegerSteps;

  SmallVector<Value> begin(ValueRange sums) override {
    SmallVector<Value> accumulators(sums);
    if (kind.needsSignFlip())
      accumulators.append(vectors, kind.zero(m));
    return accumulators;
  }

  SmallVector<Value> step(Value left, ValueRange rows, Value right, ValueRange columns, ArrayRef<Value>,
                          ValueRange accumulators) override {
    auto bytes = VectorType::get(kind.lanes * 4, b.getI8Type());
    SmallVector<Value> vectors, results;
    for (Value column : columns)
      vectors.push_back(load(right, column, kind.lanes * 4));
    for (Value row : rows) {
      Value quad = repeat(load(left, row, 4), bytes);
      if (kind.needsSignFlip())
        quad = arith::XOrIOp::create(b, loc, quad, splat(bytes, -128));
      for (Value vector : vectors)
        results.push_back(multiply(accumulators[results.size()], quad, vector));
    }
    if (kind.needsSignFlip())
      for (Value vector : vectors)
        results.push_back(multiply(accumulators[results.size()], splat(bytes, 1), vector));
    return results;
  }

  SmallVector<Value> finish(ValueRange accumulators, ValueRange sums) override {
    SmallVector<Value> results(accumulators.take_front(sums.size()));
    if (!kind.needsSignFlip())
      return results;
    auto type = cast<VectorType>(kind.getSumType());
    for (auto [i, result] : llvm::enumerate(results)) {
      Value excess = arith::ShLIOp::create(b, loc, accumulators[sums.size() + i % vectors], splat(type, 7));
      result = kind.rightUnsigned ? add(result, excess) : arith::SubIOp::create(b, loc, result, excess).getResult();
    }
    return results;
  }

private:
  Value multiply(Value sum, Value left, Value right) {
    // The unsigned one first: an unsigned right operand, or a left one that is unsigned or was made so.
    if (kind.rightUnsigned)
      std::swap(left, right);
    return callIntrinsic("llvm.x86.avx512.vpdpbusd.512", kind.getSumType(), {sum, left, right});
  }
};

} // namespace

std::unique_ptr<Steps> Steps::create(IndexMath &m, const ElementKind &kind, int64_t vectors) {
  switch (kind.steps) {
  case StepKind::Pairs:
    return std::make_unique<PairSteps>(m, kind, vectors);
  case StepKind::Quads:
    if (kind.hasVNNI)
      return std::make_unique<VNNISteps>(m, kind, vectors);
    return std::make_unique<QuadSteps>(m, kind, vectors);
  case StepKind::Single:
    break;
  }
  return std::make_unique<SingleSteps>(m, kind, vectors);
}

RegisterNeeds RegisterNeeds::of(const ElementKind &kind) {
  RegisterNeeds needs;
  bool isFused = kind.hasVNNI || (kind.hasFMA && isa<FloatType>(kind.sum));
  needs.other = isFused ? 1 : 2; // a row, and a product that is still to be added
  if (kind.hasVNNI && kind.needsSignFlip())
    needs = {.perSum = 1, .perVector = 2, .other = 3};
  else if (kind.steps == StepKind::Quads && !kind.hasVNNI)
    needs = {.perSum = 2, .perVector = 2, .other = 2};
  return needs;
}
