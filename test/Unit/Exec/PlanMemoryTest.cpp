//===- PlanMemoryTest.cpp - a planned schedule computes what it did on tensors --------------------------------------------===//

#include "RandomSchedule.h"
#include "ScheduleInterpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

class PlanMemoryTest : public testing::TestWithParam<ScheduleFeatures> {
protected:
  PlanMemoryTest() {
    context.loadDialect<ExecDialect, arith::ArithDialect, func::FuncDialect, memref::MemRefDialect, scf::SCFDialect,
                        tensor::TensorDialect>();
    context.disableMultithreading();
  }

  static RunInput makeInput(unsigned seed) {
    int64_t n = seed % 5, m = seed % 3;
    RunInput input;
    input.symbols = {{"n", n}, {"m", m}};
    input.arguments.push_back({{8}, {1, 2, 3, 4, 5, 6, 7, int64_t(seed)}});
    return input;
  }

  MLIRContext context;
};

TEST_P(PlanMemoryTest, ComputesTheSame) {
  constexpr unsigned rounds = 400;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    std::string text = makeRandomSchedule(seed, GetParam());
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    RunInput input = makeInput(seed);
    int64_t size = GetParam().symbols ? input.symbols["n"] : 8;
    input.arguments.push_back({{size}, std::vector<int64_t>(size, 11)});

    std::string problem;
    std::vector<Data> expected = interpret(*module, input, problem);
    ASSERT_EQ(problem, "") << text;
    PassManager passes(&context);
    passes.addPass(createPlanMemory());
    ASSERT_TRUE(succeeded(passes.run(*module))) << text;
    std::vector<Data> got = interpret(*module, input, problem);
    std::string planned;
    llvm::raw_string_ostream stream(planned);
    module->print(stream);
    ASSERT_EQ(problem, "") << "seed " << seed << "\n" << text << planned;
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_TRUE(got[i] == expected[i]) << "seed " << seed << ", output " << i << "\n" << text << planned;
  }
}

INSTANTIATE_TEST_SUITE_P(Features, PlanMemoryTest,
                         testing::Values(ScheduleFeatures{}, ScheduleFeatures{.symbols = true},
                                         ScheduleFeatures{.runTimeSizes = true}, ScheduleFeatures{.controlFlow = true},
                                         ScheduleFeatures{.symbols = true, .runTimeSizes = true, .controlFlow = true}));

} // namespace
