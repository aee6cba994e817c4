//===- KernelNames.cpp - what a kernel is called
//--------------------------------------------------------------------------===//

#include "Outline.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nncc::exec;

/// maximumf(x, 0) is what everybody calls relu.
static bool isRelu(Operation *op) {
  return isa<arith::MaximumFOp, arith::MaxNumFOp>(op) &&
         llvm::any_of(op->getOperands(), [](Value v) { return matchPattern(v, m_AnyZeroFloat()); });
}

/// "addf" -> "add": the type is in the IR, a name is for reading.
static StringRef stem(Operation *op) {
  StringRef name = op->getName().stripDialect();
  return StringSwitch<StringRef>(name)
      .Cases({"addf", "addi"}, "add")
      .Cases({"subf", "subi"}, "sub")
      .Cases({"mulf", "muli"}, "mul")
      .Cases({"divf", "divsi", "divui"}, "div")
      .Cases({"maximumf", "maxnumf", "maxsi", "maxui"}, "max")
      .Cases({"minimumf", "minnumf", "minsi", "minui"}, "min")
      .Cases({"extf", "truncf", "extsi", "extui", "trunci", "sitofp", "uitofp", "fptosi", "fptoui", "bitcast"}, "cast")
      .Case("extract", "gather")
      .Default(name);
}

/// What a generic does that only moves elements.
static std::string describeMove(linalg::GenericOp generic, Value yielded) {
  auto argument = dyn_cast<BlockArgument>(yielded);
  if (!argument || argument.getOwner() != generic.getBody())
    return "fill";
  AffineMap map = generic.getMatchingIndexingMap(generic.getMatchingOpOperand(argument));
  if (map.isIdentity())
    return "copy";
  return map.isPermutation()                                       ? "transpose"
         : map.isProjectedPermutation(/*allowZeroInResults=*/true) ? "broadcast"
                                                                   : "move";
}

/// What a generic does, by the operation of its body that gives the result.
static std::string describeGeneric(linalg::GenericOp generic) {
  Operation *last = generic.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  bool reduces = generic.getNumReductionLoops() > 0;
  if (!last || last->getBlock() != generic.getBody())
    return describeMove(generic, generic.getBody()->getTerminator()->getOperand(0));
  std::string name = isRelu(last) ? "relu" : stem(last).str();
  return reduces ? "reduce_" + name : name;
}

static std::string describe(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return describeGeneric(generic);
  return op->getName().stripDialect().str();
}

std::string nncc::exec::describeGroup(ArrayRef<Operation *> group) {
  // Long chains are cut in the middle: the root and what comes last say most.
  constexpr size_t most = 5;
  SmallVector<std::string> parts;
  for (Operation *op : group)
    if (std::string part = describe(op); parts.empty() || parts.back() != part)
      parts.push_back(part);
  if (parts.size() > most)
    parts.erase(parts.begin() + most - 1, parts.end() - 1);
  return llvm::join(parts, "_");
}
