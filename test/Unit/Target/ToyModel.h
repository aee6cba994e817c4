//===- ToyModel.h - a small model, written by hand in the LLVM dialect ----------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_TARGET_TOYMODEL_H
#define NNCC_TEST_UNIT_TARGET_TOYMODEL_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "nncc/Target/Codegen.h"
#include "nncc/Target/ModelDescription.h"
#include "nncc/Target/WeightBlob.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nncc::target {

/// The value, or a failed test and an end to it.
template <typename T> T get(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << llvm::toString(value.takeError());
  abort();
}
#define EXPECT_OK(error) EXPECT_EQ(llvm::toString(error), "")

/// A module of the LLVM dialect in a context of its own.
struct ParsedModule {
  explicit ParsedModule(llvm::StringRef text);
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// y[i] = weights[i] * exp2(x[i]) on four floats, one a tile.
extern const char *const kToyKernel;
extern const char *const kToySchedule;

/// kToyKernel with `from` replaced, to break it.
std::string changeToyKernel(llvm::StringRef from, llvm::StringRef to);

ModelDescription describeToy(llvm::StringRef name, llvm::ArrayRef<std::string> levels = {"x86-64"});
WeightBlob makeToyWeights();
/// Kernel for each level, schedule, descriptor.
std::vector<ObjectBytes> compileToy(const ModelDescription &model, unsigned optLevel = 3,
                                    Sanitizer sanitizer = Sanitizer::None, llvm::StringRef kernel = kToyKernel);
/// The same, joined.
ObjectBytes buildToy(const ModelDescription &model, Sanitizer sanitizer = Sanitizer::None,
                     llvm::StringRef kernel = kToyKernel);

} // namespace nncc::target

#endif // NNCC_TEST_UNIT_TARGET_TOYMODEL_H
