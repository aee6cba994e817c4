//===- MergeKernels.cpp - kernels with the same body become one
//-----------------------------------------------------------===//

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

#define DEBUG_TYPE "exec-merge-kernels"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_MERGEKERNELS
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

/// Compares everything but names and locations.
bool isEqual(KernelOp a, KernelOp b) {
  return a.getFunctionType() == b.getFunctionType() && a.getMayAlias() == b.getMayAlias() &&
         a.getMustAlias() == b.getMustAlias() &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

/// Equal kernels have equal hashes.
llvm::hash_code hash(KernelOp kernel) {
  llvm::hash_code code = llvm::hash_value(kernel.getFunctionType().getAsOpaquePointer());
  kernel.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    code = llvm::hash_combine(code, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::IgnoreLocations));
  });
  return code;
}

class MergeKernelsPass : public impl::MergeKernelsBase<MergeKernelsPass> {
public:
  void runOnOperation() override {
    findEqualKernels();
    renameLaunches();
  }

private:
  void findEqualKernels();
  void renameLaunches();

  llvm::MapVector<KernelOp, SmallVector<KernelOp>> copies; // of each kernel that stays
};

} // namespace

void MergeKernelsPass::findEqualKernels() {
  llvm::DenseMap<size_t, SmallVector<KernelOp>> byHash;
  for (KernelOp kernel : getOperation().getOps<KernelOp>()) {
    SmallVector<KernelOp> &candidates = byHash[hash(kernel)];
    auto same = llvm::find_if(candidates, [&](KernelOp candidate) { return isEqual(candidate, kernel); });
    if (same != candidates.end()) {
      copies[*same].push_back(kernel);
      continue;
    }
    candidates.push_back(kernel);
    copies.insert({kernel, {}});
  }
}

/// "k12_conv_relu" -> "conv_relu"; another name stays.
static StringRef withoutNumber(StringRef name) {
  StringRef rest = name;
  size_t number;
  if (rest.consume_front("k") && !rest.consumeInteger(10, number) && rest.consume_front("_"))
    return rest;
  return name;
}

void MergeKernelsPass::renameLaunches() {
  Builder builder(&getContext());
  llvm::DenseMap<StringAttr, StringAttr> newNames;
  for (auto [index, entry] : llvm::enumerate(copies)) {
    auto &[kernel, equal] = entry;
    auto name = builder.getStringAttr(llvm::formatv("k{0}_{1}", index, withoutNumber(kernel.getSymName())).str());
    newNames[kernel.getSymNameAttr()] = name;
    SmallVector<Location> locations = {kernel.getLoc()};
    for (KernelOp copy : equal) {
      newNames[copy.getSymNameAttr()] = name;
      locations.push_back(copy.getLoc());
      copy.erase();
    }
    kernel->setLoc(builder.getFusedLoc(locations));
    kernel.setSymNameAttr(name);
  }
  getOperation().walk([&](LaunchOp launch) {
    launch.setKernelAttr(FlatSymbolRefAttr::get(newNames.lookup(launch.getKernelAttr().getAttr())));
  });
}

} // namespace nncc::exec
