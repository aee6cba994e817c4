//===- MayAlias.cpp - which argument's buffer a result of a kernel may overwrite -----------------------------------------------===//

#include "FusionRules.h"
#include "Outline.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

/// A kernel of linalg operations, perhaps behind a contraction.
class AliasFinder {
public:
  explicit AliasFinder(KernelOp kernel) : body(kernel.getBody().front()) {
    SmallVector<Operation *> computations;
    for (Operation &op : body)
      if (isComputation(&op))
        computations.push_back(&op);
    isKnown = llvm::none_of(computations, llvm::IsaPred<GridOp, AttentionOp, RecurrenceOp, SortOp, ScanOp>) &&
              !classes.build(computations);
  }

  bool mayOverwrite(OpResult result, BlockArgument argument) const;

private:
  /// Whether `operand` reads at the element at which `result` is written.
  bool isReadWhereWritten(OpOperand &operand, OpResult result) const;

  Block &body;
  LoopClasses classes;
  bool isKnown;
};

} // namespace

bool AliasFinder::isReadWhereWritten(OpOperand &operand, OpResult result) const {
  auto reader = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!reader)
    return false;
  // A contraction is written by rows and columns, as the elementwise operations behind it are.
  if (isa<ConvOp, MatMulOp>(result.getOwner()))
    return false;
  if (reader.isDpsInit(&operand))
    return reader.getTiedOpResult(&operand) == result;
  // Sums grow where the result is: the first term is written before the operand is read for the second.
  if (auto writer = dyn_cast<linalg::LinalgOp>(result.getOwner()); writer && writer.getNumReductionLoops() > 0)
    return false;
  const LoopClasses::Access *written = classes.findResult(result);
  for (const LoopClasses::Nest &nest : classes.getNests())
    if (nest.op == reader)
      return written && nest.operands[operand.getOperandNumber()].indices == written->indices;
  return false;
}

/// With one result, all reads come before the element is written. With several, one may be written before another reads.
bool AliasFinder::mayOverwrite(OpResult result, BlockArgument argument) const {
  if (!isKnown || argument.getType() != result.getType() || argument.use_empty())
    return false;
  bool isOnlyResult = body.getTerminator()->getNumOperands() == 1;
  return llvm::all_of(argument.getUses(), [&](OpOperand &use) {
    return isReadWhereWritten(use, result) && (isOnlyResult || use.getOwner() == result.getOwner());
  });
}

SmallVector<int64_t> nncc::exec::findMayAlias(KernelOp kernel) {
  AliasFinder finder(kernel);
  Block &body = kernel.getBody().front();
  SmallVector<int64_t> aliases;
  for (Value yielded : body.getTerminator()->getOperands()) {
    int64_t alias = -1;
    if (auto result = dyn_cast<OpResult>(yielded))
      for (BlockArgument argument : body.getArguments())
        if (!llvm::is_contained(aliases, argument.getArgNumber()) && finder.mayOverwrite(result, argument)) {
          alias = argument.getArgNumber();
          break;
        }
    aliases.push_back(alias);
  }
  return aliases;
}
