//===- Compare.cpp - how far two tensors are apart ------------------------------------------------------------------------===//

#include "Compare.h"
#include "Inputs.h"
#include "nnccrt/nnccrt.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using llvm::APFloat;

namespace nncc {

/// The format of a float type; null for other types.
static const llvm::fltSemantics *formatOf(uint32_t dtype) {
  switch (dtype) {
  case NNCCRT_F32:
  case NNCCRT_C64:
    return &APFloat::IEEEsingle();
  case NNCCRT_F64:
  case NNCCRT_C128:
    return &APFloat::IEEEdouble();
  case NNCCRT_F16:
    return &APFloat::IEEEhalf();
  case NNCCRT_BF16:
    return &APFloat::BFloat();
  case NNCCRT_F8E4M3FN:
    return &APFloat::Float8E4M3FN();
  case NNCCRT_F8E4M3FNUZ:
    return &APFloat::Float8E4M3FNUZ();
  case NNCCRT_F8E5M2:
    return &APFloat::Float8E5M2();
  case NNCCRT_F8E5M2FNUZ:
    return &APFloat::Float8E5M2FNUZ();
  default:
    return nullptr;
  }
}

static double elementAt(const import::TensorData &tensor, const llvm::fltSemantics &format, size_t index) {
  size_t width = APFloat::getSizeInBits(format) / 8;
  uint64_t bits = 0;
  std::memcpy(&bits, tensor.bytes.data() + index * width, width);
  if (&format == &APFloat::IEEEsingle()) // the common case, without APFloat
    return std::bit_cast<float>(uint32_t(bits));
  APFloat value(format, llvm::APInt(width * 8, bits));
  bool loses = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
  return value.convertToDouble();
}

static Comparison compareFloats(const import::TensorData &actual, const import::TensorData &expected,
                                const Tolerance &tolerance, const llvm::fltSemantics &format) {
  size_t count = expected.bytes.size() * 8 / APFloat::getSizeInBits(format);
  double largest = 0;
  if (tolerance.absoluteOfLargest > 0)
    for (size_t i = 0; i < count; ++i)
      if (double value = elementAt(expected, format, i); std::isfinite(value))
        largest = std::max(largest, std::abs(value));
  double absolute = tolerance.absolute + tolerance.absoluteOfLargest * largest;
  double worst = 0;
  size_t wrong = 0, firstWrong = 0;
  for (size_t i = 0; i < count; ++i) {
    double x = elementAt(actual, format, i), y = elementAt(expected, format, i);
    if (x == y || (std::isnan(x) && std::isnan(y)))
      continue;
    double difference = std::abs(x - y);
    if (difference <= absolute + tolerance.relative * std::abs(y)) { // false for NaN
      worst = std::max(worst, difference);
      continue;
    }
    if (!wrong++)
      firstWrong = i;
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  if (wrong)
    os << wrong << " of " << count << " elements differ, first at " << firstWrong << ": expected "
       << llvm::format("%.9g", elementAt(expected, format, firstWrong)) << ", got "
       << llvm::format("%.9g", elementAt(actual, format, firstWrong));
  else
    os << "largest error " << llvm::format("%.3g", worst);
  return {wrong == 0, text};
}

Comparison compareTensors(const import::TensorData &actual, const import::TensorData &expected,
                          const Tolerance &tolerance) {
  if (actual.dtype != expected.dtype || actual.dims != expected.dims)
    return {false, "expected " + describeTensor(expected) + ", got " + describeTensor(actual)};
  if (const llvm::fltSemantics *format = formatOf(expected.dtype))
    return compareFloats(actual, expected, tolerance, *format);
  if (actual.bytes == expected.bytes)
    return {true, "equal"};
  size_t at =
      std::mismatch(actual.bytes.begin(), actual.bytes.end(), expected.bytes.begin()).first - actual.bytes.begin();
  return {false,
          "differs from element " + std::to_string(at * 8 / std::max(1u, nnccrt_dtype_bits(expected.dtype))) + " on"};
}

} // namespace nncc
