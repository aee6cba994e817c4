//===- Expansions.h - elementary functions as plain arithmetic --------------------------------------------------*- C++ -*-===//
///
/// \file
/// One function an operation of the math dialect, on f32 lanes. docs/Math.md has the bound and the method of each;
/// MathTests checks them over every f32. None branches, none calls a library. All are right for infinities, NaN (any
/// NaN gives a NaN), subnormals and signed zeros. They rely on rounding to nearest, and on subnormals not being
/// flushed.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_KERNEL_MATH_EXPANSIONS_H
#define NNCC_LIB_KERNEL_MATH_EXPANSIONS_H

#include "Arithmetic.h"
#include <optional>
#include <utility>

namespace nncc::kernel::lanes {

// Fma.cpp
/// fma(a, b, c) without an fma instruction, of the same bits.
Float fmaByF64(Float a, Float b, Float c);

// Exp.cpp
Float exp(Float x);
Float exp2(Float x);
Float expm1(Float x);
/// 2^(a b) where that is normal: |a b| <= 126. The cheapest of all, and the product is not rounded.
Float exp2OfProduct(Float a, Float b);
/// exp(x) / 2: infinite only where that is.
Float halfExp(Float x);
/// exp(x) * factor; where the result is subnormal, only the last multiplication rounds there.
Float expTimes(Float x, Float factor);

// Log.cpp
Float log(Float x);
Float log2(Float x);
Float log10(Float x);
Float log1p(Float x);

// Trig.cpp
Float sin(Float x);
Float cos(Float x);
Float tan(Float x);
/// Of the same bits as sin and cos.
std::pair<Float, Float> sinCos(Float x);

// Inverse.cpp
Float asin(Float x);
Float acos(Float x);
Float atan(Float x);
Float atan2(Float y, Float x);

// Hyperbolic.cpp
Float tanh(Float x);
Float sinh(Float x);
Float cosh(Float x);
Float asinh(Float x);
Float acosh(Float x);
Float atanh(Float x);

// Erf.cpp
Float erf(Float x);
Float erfc(Float x);

// Pow.cpp
Float pow(Float x, Float y);
/// x^y for the exponents that a few products give, within a unit in the last place.
std::optional<Float> powOfConstant(Float x, double y);
Float powi(Float x, Int n);
Float cbrt(Float x);
Float rsqrt(Float x);

// Round.cpp, for a machine without an instruction for it
Float floor(Float x);
Float ceil(Float x);
Float trunc(Float x);
/// Halfway cases to the even neighbour, and away from zero.
Float roundEven(Float x);
Float round(Float x);

} // namespace nncc::kernel::lanes

#endif // NNCC_LIB_KERNEL_MATH_EXPANSIONS_H
