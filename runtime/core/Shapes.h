//===- Shapes.h - from the dims of inputs to symbols and back -----------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_SHAPES_H
#define NNCCRT_CORE_SHAPES_H

#include "Expression.h"
#include "Report.h"

namespace nncc::rt {

/// Finds the symbols from the dims of the inputs that are bound (null: not bound), the rest from `defaults` (null: there are none).
/// Whatever disagrees is reported.
bool solveSymbols(const nnccrt_model &model, const int64_t *const *inputDims, const int64_t *defaults, int64_t *values,
                  Report &report);

/// Checks values that the caller gave.
bool checkSymbols(const nnccrt_model &model, const int64_t *values, uint32_t count, Report &report);

/// The dims of an input or output for these symbols; -1 where they are known when the run ends. False: reported.
bool computeDims(const Symbols &symbols, const char *what, const nnccrt_value &value, int64_t *dims, Report &report);

} // namespace nncc::rt

#endif // NNCCRT_CORE_SHAPES_H
