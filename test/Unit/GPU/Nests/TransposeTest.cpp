//===- TransposeTest.cpp - operands that are read across, on cards --------------------------------------------------===//

#include "../../CPU/KernelCase.h"
#include "../DeviceKernel.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

std::string replaceAdd(std::string text, const std::string &add) { return text.replace(text.find("ADD"), 3, add); }

/// Tiles that are whole and that are not; beside the operand that lies across another one that does not.
TEST(Transpose, ThroughSharedMemory) {
  const char *text = R"(
exec.kernel @k(%x: tensor<CxNxE>, %y: tensor<NxCxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %e = empty<NxCxE>
  %0 = linalg.generic {indexing_maps = [#cn, #nc, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<CxNxE>, tensor<NxCxE>) outs(%e : tensor<NxCxE>) {
  ^bb0(%a: E, %b: E, %out: E):
    %1 = ADD %a, %b : E
    linalg.yield %1 : E
  } -> tensor<NxCxE>
  exec.yield %0 : tensor<NxCxE>
})";
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{32, 64}, {33, 100}, {0, 20}})
    for (const auto &[element, add] :
         {std::pair<std::string, std::string>{"f32", "arith.addf"}, {"f16", "arith.addf"}, {"i8", "arith.addi"}})
      check({replaceAdd(text, add), {{'N', rows}, {'C', columns}}, element, {"CN", "NC"}, {"NC"}});
}

/// Global memory is touched in whole sectors of 32 bytes, each once, and shared memory without bank conflicts, whatever the size of an element.
TEST(Transpose, TouchesEachSectorOnce) {
  constexpr int64_t rows = 96, columns = 128, sector = 32;
  for (const auto &[element, bytes] : {std::pair<std::string, int64_t>{"f64", 8}, {"f32", 4}, {"f16", 2}, {"i8", 1}}) {
    SCOPED_TRACE(element);
    std::string text = R"(
#cn = affine_map<(d0, d1) -> (d1, d0)>
#nc = affine_map<(d0, d1) -> (d0, d1)>
exec.kernel @k(%x: tensor<128x96xE>) -> tensor<96x128xE> {
  %e = tensor.empty() : tensor<96x128xE>
  %0 = linalg.generic {indexing_maps = [#cn, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<128x96xE>) outs(%e : tensor<96x128xE>) {
  ^bb0(%a: E, %out: E):
    linalg.yield %a : E
  } -> tensor<96x128xE>
  exec.yield %0 : tensor<96x128xE>
})";
    for (size_t at = 0; (at = text.find('E', at)) != std::string::npos; at += element.size())
      text.replace(at, 1, element);
    std::string error;
    auto kernel = gpu::DeviceKernel::compile(text, {.sm = 75}, error);
    ASSERT_TRUE(kernel) << error;
    std::vector<char> input(rows * columns * bytes);
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = char(i * 31 + i / 97);
    uint64_t source = kernel->upload(input), target = kernel->allocate(input.size());
    ASSERT_EQ(kernel->run({source, target}), "");
    std::vector<char> output = kernel->download(target, input.size());
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        ASSERT_EQ(std::string(&output[(row * columns + column) * bytes], bytes),
                  std::string(&input[(column * rows + row) * bytes], bytes));
    EXPECT_EQ(int64_t(kernel->getCounters().globalSectors), 2 * rows * columns * bytes / sector);
    EXPECT_EQ(kernel->getCounters().bankConflicts, 0u);
  }
}

} // namespace
} // namespace nncc::cpu
