//===- Expansions.h - elementary functions as plain arithmetic ----------------------------------------------------*- C++ -*-===//
///
/// \file
/// One function an operation of the math dialect, on f32 lanes. docs/Math.md has the bound and the method of each; MathTests checks
/// them over every f32. None branches, none calls a library. All are right for infinities, NaN (any NaN gives a NaN), subnormals
/// and signed zeros. They rely on rounding to nearest, and on subnormals not being flushed.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CPU_MATH_EXPANSIONS_H
#define NNCC_LIB_CPU_MATH_EXPANSIONS_H

#include "Arithmetic.h"

namespace nncc::cpu::lanes {

// Fma.cpp
/// fma(a, b, c) without an fma instruction, of the same bits.
Float fmaByF64(Float a, Float b, Float c);

// Exp.cpp
Float exp(Float x);
Float exp2(Float x);
Float expm1(Float x);
/// exp(x) where the result is normal: |x| <= 87. One multiplication cheaper.
Float expNormal(Float x);

// Log.cpp
Float log(Float x);
Float log2(Float x);
Float log10(Float x);
Float log1p(Float x);

// Hyperbolic.cpp
Float tanh(Float x);

// Erf.cpp
Float erf(Float x);

} // namespace nncc::cpu::lanes

#endif // NNCC_LIB_CPU_MATH_EXPANSIONS_H
