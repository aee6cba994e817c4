//===- Double.h - elementary functions of f64 -----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_KERNEL_MATH_DOUBLE_H
#define NNCC_LIB_KERNEL_MATH_DOUBLE_H

#include "Arithmetic.h"
#include <utility>

/// On f64 scalars, where no library is. A few units in the last place; infinities, NaN, subnormals and signed zeros as IEEE has them.
namespace nncc::kernel::lanes::f64 {

Float exp(Float x);
Float expm1(Float x);
Float log(Float x);
Float log1p(Float x);
Float sin(Float x);
Float cos(Float x);
/// Of the same bits as sin and cos.
std::pair<Float, Float> sinCos(Float x);
Float tan(Float x);
Float asin(Float x);
Float acos(Float x);
Float atan(Float x);
Float atan2(Float y, Float x);
Float sinh(Float x);
Float cosh(Float x);
Float tanh(Float x);
Float asinh(Float x);
Float acosh(Float x);
Float atanh(Float x);
Float erf(Float x);
Float erfc(Float x);
/// x - n y with the sign of x, exactly; n rounded towards zero.
Float rem(Float x, Float y);

// DoublePowers.cpp
Float exp2(Float x);
Float log2(Float x);
Float log10(Float x);
Float pow(Float x, Float y);
Float powi(Float x, Int n);
Float cbrt(Float x);

} // namespace nncc::kernel::lanes::f64

#endif // NNCC_LIB_KERNEL_MATH_DOUBLE_H
