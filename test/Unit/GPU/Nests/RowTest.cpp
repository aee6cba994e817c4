//===- RowTest.cpp - rows, columns and sums that the CPU's cases do not have ----------------------------------------===//

#include "../../CPU/KernelCase.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

/// What no tree can join is summed by one thread, in order.
TEST(Row, IndexOfTheLargest) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxf32>, %C: index, %N: index) -> (tensor<Nxf32>, tensor<Nxi64>) {
  %low = arith.constant 0xFF800000 : f32
  %none = arith.constant 0 : i64
  %ef = empty<Nxf32>
  %ei = empty<Nxi64>
  %f = linalg.fill ins(%low : f32) outs(%ef : tensor<Nxf32>) -> tensor<Nxf32>
  %i = linalg.fill ins(%none : i64) outs(%ei : tensor<Nxi64>) -> tensor<Nxi64>
  %0:2 = linalg.generic {indexing_maps = [#nc, #n, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<NxCxf32>) outs(%f, %i : tensor<Nxf32>, tensor<Nxi64>) {
  ^bb0(%in: f32, %best: f32, %where: i64):
    %j = linalg.index 1 : index
    %number = arith.index_cast %j : index to i64
    %isMore = arith.cmpf ogt, %in, %best : f32
    %1 = arith.select %isMore, %in, %best : f32
    %2 = arith.select %isMore, %number, %where : i64
    linalg.yield %1, %2 : f32, i64
  } -> (tensor<Nxf32>, tensor<Nxi64>)
  exec.yield %0#0, %0#1 : tensor<Nxf32>, tensor<Nxi64>
})";
  for (auto [rows, size] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {3, 100}, {300, 9}})
    check({text, {{'N', rows}, {'C', size}}, "f32", {"NC"}, {"N:f32", "N:i64"}});
}

/// A few columns of many rows: threads that share a column are many, and of few columns a block.
TEST(Row, OfAFewLongColumns) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxf32>, %C: index, %N: index) -> tensor<Cxf32> {
  %e = empty<Cxf32>
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<Cxf32>) -> tensor<Cxf32>
  %0 = linalg.generic {indexing_maps = [#nc, #c], iterator_types = ["reduction", "parallel"]} ins(%x : tensor<NxCxf32>) outs(%f : tensor<Cxf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<Cxf32>
  exec.yield %0 : tensor<Cxf32>
})";
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{64, 5}, {1500, 40}, {2500, 8}, {300, 2500}})
    check({text, {{'N', rows}, {'C', columns}}, "f32", {"NC"}, {"C"}});
}

/// The second op reads another element than the first one computed: it is in the workspace, or in the result, between.
TEST(Row, ReadsWhatOthersComputed) {
  const char *text = R"(
#back = affine_map<(d0, d1) -> (d0, -d1 + 9)>
exec.kernel @k(%x: tensor<Nx10xE>, %C: index, %N: index) -> tensor<Nx10xE> {
  %e = empty<Nx10xE>
  %er = empty<NxE>
  %zero = arith.constant 0.0 : E
  %f = linalg.fill ins(%zero : E) outs(%er : tensor<NxE>) -> tensor<NxE>
  %sum = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<Nx10xE>) outs(%f : tensor<NxE>) {
  ^bb0(%in: E, %out: E):
    %1 = arith.addf %in, %out : E
    linalg.yield %1 : E
  } -> tensor<NxE>
  %scaled = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<Nx10xE>, tensor<NxE>) outs(%e : tensor<Nx10xE>) {
  ^bb0(%in: E, %s: E, %out: E):
    %1 = arith.mulf %in, %s : E
    linalg.yield %1 : E
  } -> tensor<Nx10xE>
  %0 = linalg.generic {indexing_maps = [#nc, #back, #nc], iterator_types = ["parallel", "parallel"]} ins(%x, %scaled : tensor<Nx10xE>, tensor<Nx10xE>) outs(%e : tensor<Nx10xE>) {
  ^bb0(%in: E, %s: E, %out: E):
    %1 = arith.subf %in, %s : E
    linalg.yield %1 : E
  } -> tensor<Nx10xE>
  exec.yield %0 : tensor<Nx10xE>
})";
  for (int64_t rows : {1, 6, 70})
    check({text, {{'N', rows}, {'C', 10}}, "f32", {"NC"}, {"NC"}, 1e-6, {}, /*isStatic=*/true});
}

/// Rows of every length that is kept in registers, gone along, or split; all types.
TEST(Row, SumsAndLargest) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> (tensor<NxE>, tensor<NxE>) {
  %e = empty<NxE>
  %zero = arith.constant ZERO : E
  %f = linalg.fill ins(%zero : E) outs(%e : tensor<NxE>) -> tensor<NxE>
  %0 = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<NxCxE>) outs(%f : tensor<NxE>) {
  ^bb0(%in: E, %out: E):
    %1 = ADD %in, %out : E
    linalg.yield %1 : E
  } -> tensor<NxE>
  %2 = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<NxCxE>) outs(%f : tensor<NxE>) {
  ^bb0(%in: E, %out: E):
    %3 = MAX %in, %out : E
    linalg.yield %3 : E
  } -> tensor<NxE>
  exec.yield %0, %2 : tensor<NxE>, tensor<NxE>
})";
  auto of = [&](const std::string &zero, const std::string &add, const std::string &max) {
    std::string result = text;
    for (const auto &[from, to] : {std::pair<std::string, std::string>{"ZERO", zero}, {"ADD", add}, {"MAX", max}})
      result.replace(result.find(from), from.size(), to);
    return result;
  };
  for (int64_t size : {1, 2, 31, 128, 1000, 1024, 4096, 5000}) {
    SizeMap sizes{{'N', 3}, {'C', size}};
    check({of("0.0", "arith.addf", "arith.maximumf"), sizes, "f32", {"NC"}, {"N", "N"}, 1e-5});
    check({of("0.0", "arith.addf", "arith.maxnumf"), sizes, "f64", {"NC"}, {"N", "N"}, 1e-12});
    check({of("1", "arith.addi", "arith.maxsi"), sizes, "i64", {"NC"}, {"N", "N"}});
    check({of("1", "arith.xori", "arith.minui"), sizes, "i8", {"NC"}, {"N", "N"}});
  }
  // So many that many blocks sum a part each.
  check({of("0.0", "arith.addf", "arith.maximumf"), {{'N', 2}, {'C', 70001}}, "f32", {"NC"}, {"N", "N"}, 1e-4});
  check({of("1", "arith.addi", "arith.maxsi"), {{'N', 1}, {'C', 66000}}, "i64", {"NC"}, {"N", "N"}});
}

/// f64 has no library on a card.
TEST(Row, FunctionsOfDoubles) {
  for (std::string function :
       {"exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "exp2", "cbrt"}) {
    std::string text = R"(
exec.kernel @k(%x: tensor<Nxf64>, %N: index) -> tensor<Nxf64> {
  %e = empty<Nxf64>
  %scale = arith.constant 37.5 : f64
  %0 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%x : tensor<Nxf64>) outs(%e : tensor<Nxf64>) {
  ^bb0(%in: f64, %out: f64):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i64
    %step = arith.sitofp %n : i64 to f64
    %0 = arith.mulf %step, %in : f64
    %y = arith.divf %0, %scale : f64
    %1 = math.)" + function +
                       R"( %y : f64
    linalg.yield %1 : f64
  } -> tensor<Nxf64>
  exec.yield %0 : tensor<Nxf64>
})";
    KernelCase test{text, {{'N', 300}}, "f64", {"N"}, {"N"}, 1e-15};
    check(test);
  }
}

} // namespace
} // namespace nncc::cpu
