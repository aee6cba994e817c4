//===- KernelValues.cpp - the arguments and results of kernels under test ------------------------------------------===//

#include "KernelValues.h"
#include <cmath>
#include <cstring>

namespace nncc::cpu {

const char *const caseMaps = R"(
#n = affine_map<(d0, d1) -> (d0)>
#c = affine_map<(d0, d1) -> (d1)>
#nc = affine_map<(d0, d1) -> (d0, d1)>
#cn = affine_map<(d0, d1) -> (d1, d0)>
#one = affine_map<(d0) -> (d0)>
#nch = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#nh = affine_map<(d0, d1, d2) -> (d0, d2)>
)";

int64_t getBytes(const std::string &element) {
  return std::stoi(element.substr(element.find_first_of("0123456789"))) / 8;
}

void writeRandom(char *target, const std::string &element, std::mt19937 &random, bool isMagnitude) {
  double wide = std::uniform_real_distribution<double>(-2, 2)(random);
  if (isMagnitude)
    wide = std::abs(wide);
  float single = wide;
  _Float16 half = single;
  int64_t integer = int64_t(random() % 256) - 128;
  const void *source = element == "f32"    ? static_cast<void *>(&single)
                       : element == "f64"  ? static_cast<void *>(&wide)
                       : element == "f16"  ? static_cast<void *>(&half)
                       : element == "bf16" ? reinterpret_cast<char *>(&single) + 2
                                           : static_cast<void *>(&integer);
  std::memcpy(target, source, getBytes(element));
}

template <typename T> static double readAs(const char *source) {
  T value;
  std::memcpy(&value, source, sizeof(T));
  return value;
}

double toDouble(const char *source, const std::string &element) {
  if (element == "bf16") {
    char bytes[4] = {0, 0, source[0], source[1]};
    return readAs<float>(bytes);
  }
  if (element[0] == 'f')
    return element == "f32"   ? readAs<float>(source)
           : element == "f64" ? readAs<double>(source)
                              : readAs<_Float16>(source);
  return element == "i8"    ? readAs<int8_t>(source)
         : element == "i16" ? readAs<int16_t>(source)
         : element == "i32" ? readAs<int32_t>(source)
                            : readAs<int64_t>(source);
}

double getDistance(const Bytes &x, const Bytes &y, const std::string &element) {
  double largest = 0, worst = 0;
  for (size_t i = 0; i < x.size(); i += getBytes(element)) {
    double a = toDouble(&x[i], element), b = toDouble(&y[i], element);
    if (std::isnan(a) != std::isnan(b))
      return INFINITY;
    largest = std::max(largest, std::abs(b));
    worst = std::max(worst, a == b || std::isnan(a) ? 0 : std::abs(a - b));
  }
  return worst == 0 ? 0 : worst / largest;
}

} // namespace nncc::cpu
