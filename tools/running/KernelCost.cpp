//===- KernelCost.cpp - what a launch of a kernel costs -------------------------------------------------------------------===//

#include "KernelCost.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

using llvm::StringRef;

namespace nncc {

double evaluateCost(const char *formula, const uint64_t *args) {
  if (!formula)
    return -1;
  double sum = 0;
  llvm::SmallVector<StringRef> terms, factors;
  StringRef(formula).split(terms, '+');
  for (StringRef term : terms) {
    double product = 1;
    factors.clear();
    term.split(factors, '*');
    for (StringRef factor : factors) {
      bool isSlot = factor.consume_front("s");
      int64_t number = 0;
      if (factor.getAsInteger(10, number))
        return -1;
      product *= isSlot ? double(int64_t(args[number])) : double(number);
    }
    sum += product;
  }
  return sum;
}

} // namespace nncc
