//===- KernelValues.h - the arguments and results of kernels under test ---------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CPU_KERNELVALUES_H
#define NNCC_TEST_UNIT_CPU_KERNELVALUES_H

#include "KernelCase.h"
#include <random>

namespace nncc::cpu {

using Bytes = std::vector<char>;

/// The maps that a case may use.
extern const char *const caseMaps;

int64_t getBytes(const std::string &element);
/// A float of magnitude 1, or an integer of a few bits.
void writeRandom(char *target, const std::string &element, std::mt19937 &random, bool isMagnitude);
double toDouble(const char *source, const std::string &element);

/// An argument or a result: "NC:i8".
struct Shape {
  Shape(const std::string &text, const KernelCase &test)
      : letters(text.substr(0, text.find(':'))), element(test.element) {
    if (letters.size() < text.size())
      element = text.substr(letters.size() + 1);
    for (char letter : letters)
      count *= test.sizes.at(letter);
  }
  int64_t bytes() const { return count * getBytes(element); }

  std::string letters, element;
  int64_t count = 1;
};

/// The largest difference of two results, relative to the largest element; infinite when only one is NaN.
double getDistance(const Bytes &x, const Bytes &y, const std::string &element);

} // namespace nncc::cpu

#endif // NNCC_TEST_UNIT_CPU_KERNELVALUES_H
