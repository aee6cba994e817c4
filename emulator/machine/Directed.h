//===- Directed.h - operations that do not round to nearest ------------------------------------------------------===//

#ifndef NNCCEMU_DIRECTED_H
#define NNCCEMU_DIRECTED_H

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"

namespace nncc::emu {

enum class DirectedOp : uint8_t { Add, Sub, Mul, Div, Fma, Rcp, Sqrt };

/// `mode` is the operation; `offset` holds the rounding, 4 for .ftz and 8 for .sat.
void directedFloat(Warp &w, const Inst &i);
void directedDouble(Warp &w, const Inst &i);

/// An integer as a number; exact as a double or rounded.
float floatFrom(int64_t value, Rounding rounding);
float floatFrom(uint64_t value, Rounding rounding);
double doubleFrom(int64_t value, Rounding rounding);
double doubleFrom(uint64_t value, Rounding rounding);
float floatFrom(double value, Rounding rounding);

} // namespace nncc::emu

#endif
