//===- Remarks.cpp - what passes did and did not do -----------------------------------------------------------------------===//

#include "Remarks.h"
#include "mlir/IR/Remarks.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/GPU/Target.h"
#include "nncc/Support/MLIRDiagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Remarks/Remark.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace nncc {
namespace {

class Collector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Collector(std::vector<PassRemark> &remarks) : remarks(remarks) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    PassRemark &added = remarks.emplace_back();
    added.isMade = remark.getRemarkType() == llvm::remarks::Type::Passed;
    added.category = remark.getCategoryName().str();
    added.node = nodeName(remark.getLocation()).str();
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      (argument.key == "Producer" ? added.producer : added.message) += argument.val;
  }

private:
  std::vector<PassRemark> &remarks;
};

} // namespace

void collectRemarks(MLIRContext &context, std::vector<PassRemark> &remarks) {
  remark::RemarkCategories categories;
  categories.passed = categories.missed = ".*";
  // Fails only when the context has an engine already.
  (void)remark::enableOptimizationRemarks(context, std::make_unique<Collector>(remarks),
                                          std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

/// Whether a card multiplies these without tensor cores although they are there for it on others; f32 only where tf32 may be used.
static bool lacksTensorCores(Type element, const gpu::GPUTarget &target, bool tf32) {
  if (element.isF16())
    return !target.hasMma();
  return (element.isBF16() || (element.isF32() && tf32)) && !target.hasAmpereMma();
}

void remarkOnPrecision(ModuleOp module, ArrayRef<unsigned> families, bool tf32) {
  if (families.empty() || !module.getContext()->getRemarkEngine())
    return;
  module.walk([&](Operation *op) {
    if (!isa<exec::MatMulOp, exec::ConvOp, exec::AttentionOp>(op))
      return;
    auto kernel = op->getParentOfType<exec::KernelOp>(); // null: transforms filters while compiling
    if (!kernel || kernel.getHost())
      return;
    Type element = getElementTypeOrSelf(op->getOperand(0));
    SmallVector<std::string> without;
    for (unsigned sm : families)
      if (lacksTensorCores(element, {.sm = sm}, tf32 && !isa<exec::AttentionOp>(op)))
        without.push_back("sm_" + std::to_string(sm));
    StringRef how = element.isF16()    ? "f16 is computed in f32"
                    : element.isBF16() ? "bf16 is computed in f32"
                                       : "f32 is computed without tf32";
    if (!without.empty())
      remark::missed(op->getLoc(), remark::RemarkOpts::name("NoTensorCores").category("precision"))
          << op->getName().stripDialect().str() + " of " + how.str() + " on " + llvm::join(without, ", ") +
                 ", which has no instruction for it";
  });
}

std::vector<std::string> chooseRemarks(ArrayRef<PassRemark> remarks, const CompileOptions &options) {
  std::vector<std::string> lines;
  for (const PassRemark &remark : remarks) {
    const std::optional<std::string> &wanted = remark.isMade ? options.remarksMade : options.remarksMissed;
    if (!wanted || !(llvm::Regex(*wanted).match(remark.node) || llvm::Regex(*wanted).match(remark.producer)))
      continue;
    std::string line = printable(options.input) + ":" + printable(remark.node) + ": remark: " + remark.message;
    if (!remark.producer.empty() && remark.producer != remark.node)
      line += " ('" + printable(remark.producer) + "')";
    lines.push_back(line + (remark.isMade ? " [-Rpass]" : " [-Rpass-missed]"));
  }
  return lines;
}

} // namespace nncc
