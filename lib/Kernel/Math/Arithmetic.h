//===- Arithmetic.h - arithmetic that builds itself -------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// Handles on SSA values with C++ operators, so that an approximation reads as the formula it is. Each operator creates
/// one arith or math op. A handle is a scalar or a vector of any shape: constants take the shape of what they meet.
///
/// Nothing here carries a fast-math flag. f32 multiplies and adds are fused exactly where fma() says so; on f64 there
/// is no fma(), so that the same bits come out where the machine has none.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_KERNEL_MATH_ARITHMETIC_H
#define NNCC_LIB_KERNEL_MATH_ARITHMETIC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"

namespace nncc::kernel::lanes {

/// Where ops are created.
struct Site {
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// A truth value a lane.
struct Mask {
  const Site *site;
  mlir::Value value;
};

/// Integer lanes, i32 or i64.
struct Int {
  const Site *site;
  mlir::Value value;
};

/// Floating-point lanes, f32 or f64.
struct Float {
  const Site *site;
  mlir::Value value;
};

/// `number` in the type of `like`; for floats rounded to it.
Float constant(Float like, double number);
Int constant(Int like, int64_t number);

Float operator+(Float a, Float b);
Float operator-(Float a, Float b);
Float operator*(Float a, Float b);
Float operator/(Float a, Float b);
Float operator-(Float a);
inline Float operator+(Float a, double b) { return a + constant(a, b); }
inline Float operator-(Float a, double b) { return a - constant(a, b); }
inline Float operator*(Float a, double b) { return a * constant(a, b); }
inline Float operator+(double a, Float b) { return constant(b, a) + b; }
inline Float operator-(double a, Float b) { return constant(b, a) - b; }
inline Float operator*(double a, Float b) { return constant(b, a) * b; }
inline Float operator/(double a, Float b) { return constant(b, a) / b; }

/// a * b + c, rounded once; f32 only.
Float fma(Float a, Float b, Float c);
inline Float fma(Float a, double b, Float c) { return fma(a, constant(a, b), c); }
inline Float fma(Float a, Float b, double c) { return fma(a, b, constant(a, c)); }
inline Float fma(Float a, double b, double c) { return fma(a, constant(a, b), constant(a, c)); }

/// The polynomial with these coefficients, constant term first; fused on f32, not on f64.
Float polynomial(Float x, llvm::ArrayRef<double> coefficients);

Float abs(Float x);
Float sqrt(Float x);
Float copySign(Float magnitude, Float sign);

Int operator+(Int a, Int b);
Int operator-(Int a, Int b);
Int operator*(Int a, Int b);
Int operator&(Int a, Int b);
Int operator|(Int a, Int b);
Int operator^(Int a, Int b);
inline Int operator+(Int a, int64_t b) { return a + constant(a, b); }
inline Int operator-(Int a, int64_t b) { return a - constant(a, b); }
inline Int operator&(Int a, int64_t b) { return a & constant(a, b); }
inline Int operator|(Int a, int64_t b) { return a | constant(a, b); }
inline Int operator^(Int a, int64_t b) { return a ^ constant(a, b); }
Int operator<<(Int a, int64_t bits);
/// Shifts zeros in.
Int operator>>(Int a, int64_t bits);
/// By a number of bits for each lane, from 0 to one less than there are.
Int operator<<(Int a, Int bits);
Int operator>>(Int a, Int bits);
/// Shifts the sign in.
Int shiftRightSigned(Int a, int64_t bits);

/// Ordered comparisons: false where either side is NaN.
Mask operator<(Float a, Float b);
Mask operator>(Float a, Float b);
Mask operator==(Float a, Float b);
inline Mask operator<(Float a, double b) { return a < constant(a, b); }
inline Mask operator>(Float a, double b) { return a > constant(a, b); }
inline Mask operator==(Float a, double b) { return a == constant(a, b); }
Mask isNaN(Float a);
/// Signed comparisons.
Mask operator<(Int a, Int b);
Mask operator==(Int a, Int b);
inline Mask operator<(Int a, int64_t b) { return a < constant(a, b); }
inline Mask operator==(Int a, int64_t b) { return a == constant(a, b); }
Mask operator&(Mask a, Mask b);
Mask operator|(Mask a, Mask b);

Float select(Mask mask, Float yes, Float no);
inline Float select(Mask mask, double yes, Float no) { return select(mask, constant(no, yes), no); }
inline Float select(Mask mask, Float yes, double no) { return select(mask, yes, constant(yes, no)); }
Int select(Mask mask, Int yes, Int no);

/// The nearer bound where x is outside; NaN stays NaN. One instruction each on x86.
Float atMost(Float x, double high);
Float atLeast(Float x, double low);

/// The same bits: i32 of f32, i64 of f64, and back.
Int bits(Float x);
Float asFloat(Int bits);

Float toF64(Float x);
Float toF32(Float x);
/// An integer as a float of the type of `like`.
Float toFloat(Int x, Float like);
/// i64 to i32 (the low half); i32 to i64 with zeros above it.
Int toI32(Int x);
Int toI64(Int x);
/// `x`, which fits, as an i32.
Int toInt(Float x);

/// A value for the whole: true if any lane is.
mlir::Value any(Mask mask);

} // namespace nncc::kernel::lanes

#endif // NNCC_LIB_KERNEL_MATH_ARITHMETIC_H
