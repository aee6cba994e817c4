//===- SizeExpr.cpp - sizes in a schedule as expressions ------------------------------------------------------------------===//

#include "SizeExpr.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc::exec;

SizeExpr::SizeExpr(int64_t constant) {
  if (constant != 0)
    terms[{}] = constant;
}

SizeExpr SizeExpr::leaf(unsigned index) {
  SizeExpr expr;
  expr.terms[{index}] = 1;
  return expr;
}

std::optional<SizeExpr> SizeExpr::add(const SizeExpr &a, const SizeExpr &b, int64_t factorOfB) {
  SizeExpr sum = a;
  for (const auto &[monomial, coefficient] : b.terms) {
    int64_t product, total;
    if (llvm::MulOverflow(coefficient, factorOfB, product) || llvm::AddOverflow(sum.terms[monomial], product, total))
      return std::nullopt;
    if (total == 0)
      sum.terms.erase(monomial);
    else
      sum.terms[monomial] = total;
  }
  return sum;
}

std::optional<SizeExpr> SizeExpr::multiply(const SizeExpr &a, const SizeExpr &b) {
  SizeExpr result;
  for (const auto &[left, leftCoefficient] : a.terms)
    for (const auto &[right, rightCoefficient] : b.terms) {
      SizeExpr term;
      Monomial monomial(left);
      monomial.insert(monomial.end(), right.begin(), right.end());
      llvm::sort(monomial);
      if (llvm::MulOverflow(leftCoefficient, rightCoefficient, term.terms[monomial]))
        return std::nullopt;
      auto sum = add(result, term);
      if (!sum)
        return std::nullopt;
      result = *sum;
    }
  return result;
}

std::optional<int64_t> SizeExpr::getConstant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

namespace {

/// Emits arithmetic for sizes at one place.
struct Materializer {
  OpBuilder &builder;
  Location loc;
  const SizeAnalysis &sizes;
  function_ref<Value(const SizeAnalysis::Leaf &)> runTime;
  bool checked = false;
  Value overflow = {};                       // i1, when `checked`: some step did
  llvm::DenseMap<unsigned, Value> emitted{}; // leaves by number: their operands share leaves, chains of them are deep

  void note(Value condition) {
    overflow = overflow ? arith::OrIOp::create(builder, loc, overflow, condition).getResult() : condition;
  }

  Value multiply(Value a, Value b) {
    if (!checked)
      return arith::MulIOp::create(builder, loc, a, b);
    auto product = arith::MulSIExtendedOp::create(builder, loc, a, b);
    Value sign = arith::ShRSIOp::create(builder, loc, product.getLow(), constant(63));
    note(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, product.getHigh(), sign));
    return product.getLow();
  }

  Value add(Value a, Value b) {
    Value sum = arith::AddIOp::create(builder, loc, a, b);
    if (checked) { // The sum has another sign than both.
      Value left = arith::XOrIOp::create(builder, loc, a, sum), right = arith::XOrIOp::create(builder, loc, b, sum);
      Value both = arith::AndIOp::create(builder, loc, left, right);
      note(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, both, constant(0)));
    }
    return sum;
  }

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }

  Value as(Value value, Type type) {
    return value.getType() == type ? value : arith::IndexCastOp::create(builder, loc, type, value).getResult();
  }

  /// The value of a leaf, of the leaf's own type.
  Value emit(const SizeAnalysis::Leaf &leaf) {
    if (leaf.symbol)
      return SymbolOp::create(builder, loc, builder.getIndexType(), leaf.symbol);
    if (!leaf.op)
      return runTime(leaf);
    SmallVector<Value> operands;
    for (auto [operand, type] : llvm::zip_equal(leaf.operands, leaf.op->getOperandTypes()))
      operands.push_back(emit(operand, type));
    // A division by a size of 0 (an empty batch) traps, here maybe earlier than the schedule would get to it.
    if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::RemSIOp,
            arith::RemUIOp>(leaf.op)) {
      Value zero = as(constant(0), operands[1].getType()), one = as(constant(1), operands[1].getType());
      Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, operands[1], zero);
      operands[1] = arith::SelectOp::create(builder, loc, isZero, one, operands[1]);
    }
    Operation *copy = builder.clone(*leaf.op);
    copy->setOperands(operands);
    return copy->getResult(0);
  }

  Value emitLeaf(unsigned number) {
    if (Value known = emitted.lookup(number))
      return known;
    Value value = emit(sizes.getLeaf(number));
    emitted[number] = value;
    return value;
  }

  Value emit(const SizeExpr &expr, Type type) {
    const auto &terms = expr.getTerms();
    // Alone, a leaf may be anything an operation takes (i1, f32).
    if (terms.size() == 1 && terms.begin()->second == 1 && terms.begin()->first.size() == 1)
      return as(emitLeaf(terms.begin()->first.front()), type);
    Value sum;
    for (const auto &[monomial, coefficient] : terms) {
      Value product;
      for (unsigned leaf : monomial) {
        Value factor = as(emitLeaf(leaf), builder.getIndexType());
        product = product ? multiply(product, factor) : factor;
      }
      if (!product)
        product = constant(coefficient);
      else if (coefficient != 1)
        product = multiply(product, constant(coefficient));
      sum = sum ? add(sum, product) : product;
    }
    return as(sum ? sum : constant(0), type);
  }
};

} // namespace

Value nncc::exec::materialize(OpBuilder &builder, Location loc, const SizeAnalysis &sizes, const SizeExpr &expr,
                              function_ref<Value(const SizeAnalysis::Leaf &)> runTime) {
  return Materializer{builder, loc, sizes, runTime, /*checked=*/false}.emit(expr, builder.getIndexType());
}

SmallVector<Value> nncc::exec::materializeChecked(OpBuilder &builder, Location loc, const SizeAnalysis &sizes,
                                                  ArrayRef<SizeExpr> exprs) {
  auto none = [](const SizeAnalysis::Leaf &) { return Value(); }; // The caller knows that symbols are enough.
  Materializer materializer{builder, loc, sizes, none, /*checked=*/true};
  SmallVector<Value> values;
  for (const SizeExpr &expr : exprs) {
    values.push_back(materializer.emit(expr, builder.getIndexType()));
    if (!expr.getConstant())
      materializer.note(
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, values.back(), materializer.constant(0)));
  }
  if (!materializer.overflow)
    return values;
  Value refused = materializer.constant(-1);
  for (Value &value : values)
    value = arith::SelectOp::create(builder, loc, materializer.overflow, refused, value);
  return values;
}
