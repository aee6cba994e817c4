//===- Compare.h - how far two tensors are apart ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_RUN_COMPARE_H
#define NNCC_TOOLS_NNCC_RUN_COMPARE_H

#include "nncc/Import/ONNX/TensorFile.h"

namespace nncc {

struct Tolerance {
  double relative = 1e-3; ///< of the expected element
  double absolute = 1e-5;
  double absoluteOfLargest = 0; ///< of the largest magnitude in the expected tensor
};

struct Comparison {
  bool same = false;
  std::string text; ///< one line: what differs, or the largest error
};

/// Types and dims must agree, integers and booleans be equal, floats be within the tolerance; NaN matches NaN.
Comparison compareTensors(const import::TensorData &actual, const import::TensorData &expected,
                          const Tolerance &tolerance);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_RUN_COMPARE_H
