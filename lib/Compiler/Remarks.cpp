//===- Remarks.cpp - what passes did and did not do -----------------------------------------------------------------------===//

#include "Remarks.h"
#include "mlir/IR/Remarks.h"
#include "nncc/Support/MLIRDiagnostics.h"
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
