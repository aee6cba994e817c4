//===- MayAlias.cpp - which argument's buffer a result of a kernel may overwrite
//-----------------------------------------------===//

#include "Outline.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace nncc::exec;

/// Whether `argument` is read by `op` alone, at the element that is written, or starts the result (the init).
static bool isReadWhereWritten(BlockArgument argument, OpResult result) {
  if (argument.getType() != result.getType() || !argument.hasOneUse() ||
      argument.use_begin()->getOwner() != result.getOwner())
    return false;
  OpOperand &use = *argument.use_begin();
  if (auto grid = dyn_cast<GridOp>(result.getOwner()))
    return use.getOperandNumber() == grid.getInits().getBeginOperandIndex() + result.getResultNumber();
  auto generic = dyn_cast<linalg::GenericOp>(result.getOwner());
  if (!generic)
    return false;
  if (generic.isDpsInit(&use))
    return generic.getTiedOpResult(&use) == result;
  return generic.getNumParallelLoops() == generic.getNumLoops() &&
         generic.getMatchingIndexingMap(&use) ==
             generic.getMatchingIndexingMap(generic.getDpsInitOperand(result.getResultNumber()));
}

SmallVector<int64_t> nncc::exec::findMayAlias(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  SmallVector<int64_t> aliases;
  llvm::SmallDenseSet<int64_t> taken;
  for (Value yielded : body.getTerminator()->getOperands()) {
    int64_t alias = -1;
    for (BlockArgument argument : body.getArguments())
      if (auto result = dyn_cast<OpResult>(yielded);
          result && !taken.contains(argument.getArgNumber()) && isReadWhereWritten(argument, result)) {
        alias = argument.getArgNumber();
        taken.insert(alias);
        break;
      }
    aliases.push_back(alias);
  }
  return aliases;
}
