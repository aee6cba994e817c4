//===- ExpandMath.cpp - operations of the math dialect as plain arithmetic ------------------------------------------------===//

#include "Math/Double.h"
#include "Math/Expansions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "nncc/Kernel/Passes.h"

using namespace mlir;
using namespace nncc::kernel;

#define DEBUG_TYPE "nncc-expand-math"

namespace nncc::kernel {
#define GEN_PASS_DEF_EXPANDMATH
#include "nncc/Kernel/Passes.h.inc"
} // namespace nncc::kernel

namespace {

using lanes::Float;

/// The element type of a scalar or a vector; null for tensors and other types.
Type laneType(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.isScalable() ? Type() : vector.getElementType();
  return isa<ShapedType>(type) ? Type() : type;
}

bool isF32Lanes(Type type) { return isa_and_nonnull<Float32Type>(laneType(type)); }
bool isNarrowLanes(Type type) { return isa_and_nonnull<Float16Type, BFloat16Type>(laneType(type)); }

template <typename Op, Float (*expansion)(Float)> struct ExpandUnary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, expansion({&site, op.getOperand()}).value);
    return success();
  }
};

template <typename Op, Float (*expansion)(Float, Float)> struct ExpandBinary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, expansion({&site, op.getLhs()}, {&site, op.getRhs()}).value);
    return success();
  }
};

/// The number that all lanes of a constant are.
std::optional<double> getConstant(Value value) {
  Attribute constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(constant))
    constant = splat.getSplatValue<Attribute>();
  auto number = dyn_cast<FloatAttr>(constant);
  return number ? std::optional(number.getValueAsDouble()) : std::nullopt;
}

/// Squares and cubes (of gelu and of norms) are products.
struct ExpandPowOfConstant : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    std::optional<double> exponent = getConstant(op.getRhs());
    if (!isF32Lanes(op.getType()) || !exponent)
      return rewriter.notifyMatchFailure(op, "not lanes of f32 to the power of a number");
    lanes::Site site{rewriter, op.getLoc()};
    std::optional<Float> power = lanes::powOfConstant({&site, op.getLhs()}, *exponent);
    if (!power)
      return rewriter.notifyMatchFailure(op, "takes more than a few products");
    rewriter.replaceOp(op, power->value);
    return success();
  }
};

struct ExpandPowI : OpRewritePattern<math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FPowIOp op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, lanes::powi({&site, op.getLhs()}, {&site, op.getRhs()}).value);
    return success();
  }
};

struct ExpandSinCos : OpRewritePattern<math::SincosOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::SincosOp op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getSin().getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    auto [sine, cosine] = lanes::sinCos({&site, op.getOperand()});
    rewriter.replaceOp(op, {sine.value, cosine.value});
    return success();
  }
};

struct ExpandFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    auto lane = [&](Value value) { return Float{&site, value}; };
    rewriter.replaceOp(op, lanes::fmaByF64(lane(op.getA()), lane(op.getB()), lane(op.getC())).value);
    return success();
  }
};

/// Operations of the math dialect on lanes, but for those that only look at bits.
bool isArithmetic(Operation *op) {
  return isa_and_nonnull<math::MathDialect>(op->getDialect()) && OpTrait::hasElementwiseMappableTraits(op) &&
         !isa<math::AbsFOp, math::CopySignOp, math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(op);
}

/// f16 and bf16 are computed in f32 and rounded once more.
struct WidenNarrowFloats : RewritePattern {
  WidenNarrowFloats(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isArithmetic(op) || !llvm::all_of(op->getResultTypes(), isNarrowLanes))
      return rewriter.notifyMatchFailure(op, "no arithmetic on f16 or bf16");
    auto widened = [&](Type type) -> Type {
      if (auto vector = dyn_cast<VectorType>(type))
        return vector.clone(rewriter.getF32Type());
      return rewriter.getF32Type();
    };
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(isNarrowLanes(operand.getType()) // the exponent of fpowi is an integer
                             ? arith::ExtFOp::create(rewriter, op->getLoc(), widened(operand.getType()), operand)
                             : operand);
    SmallVector<Type> types = llvm::map_to_vector(op->getResultTypes(), widened);
    Operation *wide = rewriter.create(op->getLoc(), op->getName().getIdentifier(), operands, types, op->getAttrs());
    SmallVector<Value> results;
    for (auto [result, type] : llvm::zip(wide->getResults(), op->getResultTypes()))
      results.push_back(arith::TruncFOp::create(rewriter, op->getLoc(), type, result));
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// Functions of f64 are calls of libm, one an element.
template <typename Op> struct UnrollF64 : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op->getResultTypes().front());
    if (!type || type.isScalable() || !type.getElementType().isF64())
      return rewriter.notifyMatchFailure(op, "not a vector of f64");
    Location loc = op.getLoc();
    SmallVector<Type> scalars(op->getNumResults(), type.getElementType());
    Value zeros = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(type)); // each element is overwritten
    SmallVector<Value> results(op->getNumResults(), zeros);
    for (SmallVector<int64_t> position :
         StaticTileOffsetRange(type.getShape(), SmallVector<int64_t>(type.getRank(), 1))) {
      SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value operand) -> Value {
        return vector::ExtractOp::create(rewriter, loc, operand, position);
      });
      Operation *scalar = rewriter.create(loc, op->getName().getIdentifier(), operands, scalars, op->getAttrs());
      for (auto [result, element] : llvm::zip(results, scalar->getResults()))
        result = vector::InsertOp::create(rewriter, loc, element, result, position);
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// Functions of f64 where there is no libm.
template <typename Op, Float (*expansion)(Float)> struct ExpandDouble : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return rewriter.notifyMatchFailure(op, "not an f64");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, expansion({&site, op.getOperand()}).value);
    return success();
  }
};

template <typename Op, Float (*expansion)(Float, Float)> struct ExpandBinaryDouble : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return rewriter.notifyMatchFailure(op, "not an f64");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, expansion({&site, op.getLhs()}, {&site, op.getRhs()}).value);
    return success();
  }
};

struct ExpandPowIOfDouble : OpRewritePattern<math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FPowIOp op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return rewriter.notifyMatchFailure(op, "not an f64");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, lanes::f64::powi({&site, op.getLhs()}, {&site, op.getRhs()}).value);
    return success();
  }
};

struct ExpandSinCosOfDouble : OpRewritePattern<math::SincosOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::SincosOp op, PatternRewriter &rewriter) const override {
    if (!op.getSin().getType().isF64())
      return rewriter.notifyMatchFailure(op, "not an f64");
    lanes::Site site{rewriter, op.getLoc()};
    auto [sine, cosine] = lanes::f64::sinCos({&site, op.getOperand()});
    rewriter.replaceOp(op, {sine.value, cosine.value});
    return success();
  }
};

/// Remainders are exact, however large the quotient is; that of two f32 is one.
struct ExpandRemainder : OpRewritePattern<arith::RemFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::RemFOp op, PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!type.isF32() && !type.isF64())
      return rewriter.notifyMatchFailure(op, "not an f32 or f64");
    lanes::Site site{rewriter, op.getLoc()};
    auto widen = [&](Value value) -> Float {
      return {&site, type.isF64() ? value : arith::ExtFOp::create(rewriter, op.getLoc(), rewriter.getF64Type(), value)};
    };
    Value result = lanes::f64::rem(widen(op.getLhs()), widen(op.getRhs())).value;
    rewriter.replaceOp(op, type.isF64() ? result : arith::TruncFOp::create(rewriter, op.getLoc(), type, result));
    return success();
  }
};

struct ExpandMath : nncc::kernel::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  LogicalResult initialize(MLIRContext *context) override {
    stages.clear(); // a pass manager may initialise its passes again
    RewritePatternSet types(context), functions(context), instructions(context);
    types.add<WidenNarrowFloats>(context);
    addUnrolling<math::AcosOp, math::AcoshOp, math::AsinOp, math::AsinhOp, math::AtanOp, math::Atan2Op, math::AtanhOp,
                 math::CbrtOp, math::CosOp, math::CoshOp, math::ErfOp, math::ErfcOp, math::ExpOp, math::Exp2Op,
                 math::ExpM1Op, math::FPowIOp, math::LogOp, math::Log10Op, math::Log1pOp, math::Log2Op, math::PowFOp,
                 math::SinOp, math::SincosOp, math::SinhOp, math::TanOp, math::TanhOp>(types);
    functions.add<ExpandPowOfConstant>(context, /*benefit=*/2);
    functions.add<ExpandUnary<math::ExpOp, lanes::exp>, ExpandUnary<math::Exp2Op, lanes::exp2>,
                  ExpandUnary<math::ExpM1Op, lanes::expm1>, ExpandUnary<math::LogOp, lanes::log>,
                  ExpandUnary<math::Log2Op, lanes::log2>, ExpandUnary<math::Log10Op, lanes::log10>,
                  ExpandUnary<math::Log1pOp, lanes::log1p>, ExpandUnary<math::SinOp, lanes::sin>,
                  ExpandUnary<math::CosOp, lanes::cos>, ExpandUnary<math::TanOp, lanes::tan>, ExpandSinCos,
                  ExpandUnary<math::AsinOp, lanes::asin>, ExpandUnary<math::AcosOp, lanes::acos>,
                  ExpandUnary<math::AtanOp, lanes::atan>, ExpandBinary<math::Atan2Op, lanes::atan2>,
                  ExpandUnary<math::SinhOp, lanes::sinh>, ExpandUnary<math::CoshOp, lanes::cosh>,
                  ExpandUnary<math::TanhOp, lanes::tanh>, ExpandUnary<math::AsinhOp, lanes::asinh>,
                  ExpandUnary<math::AcoshOp, lanes::acosh>, ExpandUnary<math::AtanhOp, lanes::atanh>,
                  ExpandUnary<math::ErfOp, lanes::erf>, ExpandUnary<math::ErfcOp, lanes::erfc>,
                  ExpandBinary<math::PowFOp, lanes::pow>, ExpandPowI, ExpandUnary<math::CbrtOp, lanes::cbrt>,
                  ExpandUnary<math::RsqrtOp, lanes::rsqrt>>(context);
    instructions.add<ExpandFma, ExpandUnary<math::FloorOp, lanes::floor>, ExpandUnary<math::CeilOp, lanes::ceil>,
                     ExpandUnary<math::TruncOp, lanes::trunc>, ExpandUnary<math::RoundOp, lanes::round>,
                     ExpandUnary<math::RoundEvenOp, lanes::roundEven>>(context);
    stages.emplace_back(std::move(types));
    stages.emplace_back(std::move(functions));
    if (f64)
      addDoubles(context);
    if (sse2) // after the functions, which are full of fma
      stages.emplace_back(std::move(instructions));
    return success();
  }

  void runOnOperation() override {
    for (const FrozenRewritePatternSet &stage : stages)
      walkAndApplyPatterns(getOperation(), stage);
  }

private:
  void addDoubles(MLIRContext *context) {
    namespace f64 = lanes::f64;
    RewritePatternSet doubles(context);
    doubles.add<ExpandDouble<math::ExpOp, f64::exp>, ExpandDouble<math::ExpM1Op, f64::expm1>,
                ExpandDouble<math::LogOp, f64::log>, ExpandDouble<math::Log1pOp, f64::log1p>,
                ExpandDouble<math::SinOp, f64::sin>, ExpandDouble<math::CosOp, f64::cos>,
                ExpandDouble<math::TanOp, f64::tan>, ExpandDouble<math::AsinOp, f64::asin>,
                ExpandDouble<math::AcosOp, f64::acos>, ExpandDouble<math::AtanOp, f64::atan>,
                ExpandDouble<math::SinhOp, f64::sinh>, ExpandDouble<math::CoshOp, f64::cosh>,
                ExpandDouble<math::TanhOp, f64::tanh>, ExpandDouble<math::AsinhOp, f64::asinh>,
                ExpandDouble<math::AcoshOp, f64::acosh>, ExpandDouble<math::AtanhOp, f64::atanh>,
                ExpandDouble<math::ErfOp, f64::erf>, ExpandDouble<math::ErfcOp, f64::erfc>,
                ExpandDouble<math::Exp2Op, f64::exp2>, ExpandDouble<math::Log2Op, f64::log2>,
                ExpandDouble<math::Log10Op, f64::log10>, ExpandDouble<math::CbrtOp, f64::cbrt>,
                ExpandBinaryDouble<math::Atan2Op, f64::atan2>, ExpandBinaryDouble<math::PowFOp, f64::pow>,
                ExpandPowIOfDouble, ExpandSinCosOfDouble, ExpandRemainder>(context);
    stages.emplace_back(std::move(doubles));
  }

  template <typename... Ops> static void addUnrolling(RewritePatternSet &patterns) {
    patterns.add<UnrollF64<Ops>...>(patterns.getContext());
  }

  SmallVector<FrozenRewritePatternSet> stages;
};

} // namespace
