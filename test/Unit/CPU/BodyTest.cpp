//===- BodyTest.cpp - what bodies of linalg ops do besides arithmetic ---------------------------------------------===//

#include "KernelCase.h"
#include "KernelRunner.h"
#include "nnccrt/abi.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

/// Rows and columns of one f32 result; `body` ends with a yield.
std::string generate(const std::string &body) {
  return R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %all = empty<NxCxE>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %lastc = arith.subi %C, %c1 : index
  %r = linalg.generic {indexing_maps = [#nc], iterator_types = ["parallel", "parallel"]} outs(%all : tensor<NxCxE>) {
  ^bb0(%b: E):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
)" + body +
         R"(
  } -> tensor<NxCxE>
  exec.yield %r : tensor<NxCxE>
})";
}

void checkBody(const std::string &body) {
  for (int64_t size : {1, 16, 47, 100})
    for (const char *element : {"f32", "i8"})
      check({generate(body), {{'N', 5}, {'C', size}}, element, {"NC"}, {"NC"}});
}

TEST(Body, ReadsAdjacentElements) { checkBody("%e = tensor.extract %x[%i, %j] : tensor<NxCxE>\n linalg.yield %e : E"); }

TEST(Body, ReadsBackwards) {
  checkBody(R"(%k = arith.subi %lastc, %j : index
    %e = tensor.extract %x[%i, %k] : tensor<NxCxE>
    linalg.yield %e : E)");
}

TEST(Body, ReadsClampedIndices) {
  checkBody(R"(%k = arith.addi %j, %c2 : index
    %m = arith.minsi %k, %lastc : index
    %e = tensor.extract %x[%i, %m] : tensor<NxCxE>
    linalg.yield %e : E)");
}

TEST(Body, ReadsOneElementForAll) {
  checkBody("%e = tensor.extract %x[%i, %c0] : tensor<NxCxE>\n linalg.yield %e : E");
}

TEST(Body, AppliesAffineMaps) {
  checkBody(R"(%k = affine.apply affine_map<(d0) -> (d0 floordiv 3)>(%j)
    %e = tensor.extract %x[%i, %k] : tensor<NxCxE>
    linalg.yield %e : E)");
}

TEST(Body, BranchesAndLoops) {
  checkBody(R"(%even = arith.remui %j, %c2 : index
    %first = tensor.extract %x[%i, %c0] : tensor<NxCxE>
    %is = arith.cmpi eq, %even, %c0 : index
    %e = scf.if %is -> E {
      %here = tensor.extract %x[%i, %j] : tensor<NxCxE>
      scf.yield %here : E
    } else {
      %last = scf.for %k = %c0 to %j step %c1 iter_args(%s = %first) -> E {
        %n = tensor.extract %x[%i, %k] : tensor<NxCxE>
        scf.yield %n : E
      }
      scf.yield %last : E
    }
    linalg.yield %e : E)");
}

TEST(Body, UsesIndicesAsNumbers) {
  const char *text = R"(
exec.kernel @k(%C: index, %N: index) -> (tensor<NxCxf32>, tensor<NxCxi64>) {
  %a = empty<NxCxf32>
  %b = empty<NxCxi64>
  %r:2 = linalg.generic {indexing_maps = [#nc, #nc], iterator_types = ["parallel", "parallel"]}
      outs(%a, %b : tensor<NxCxf32>, tensor<NxCxi64>) {
  ^bb0(%x: f32, %y: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %p = arith.muli %i, %j : index
    %q = arith.index_cast %p : index to i64
    %f = arith.sitofp %q : i64 to f32
    linalg.yield %f, %q : f32, i64
  } -> (tensor<NxCxf32>, tensor<NxCxi64>)
  exec.yield %r#0, %r#1 : tensor<NxCxf32>, tensor<NxCxi64>
})";
  for (int64_t size : {1, 16, 47, 100})
    check({text, {{'N', 5}, {'C', size}}, "f32", {}, {"NC:f32", "NC:i64"}});
}

TEST(Body, CastsBetweenAllWidths) {
  const char *text = R"(
exec.kernel @k(%x: tensor<Nxi8>, %h: tensor<Nxf16>, %N: index)
    -> (tensor<Nxf32>, tensor<Nxf64>, tensor<Nxbf16>, tensor<Nxi64>, tensor<Nxi16>) {
  %a = empty<Nxf32>
  %b = empty<Nxf64>
  %c = empty<Nxbf16>
  %d = empty<Nxi64>
  %e = empty<Nxi16>
  %r:5 = linalg.generic {indexing_maps = [#one, #one, #one, #one, #one, #one, #one], iterator_types = ["parallel"]}
      ins(%x, %h : tensor<Nxi8>, tensor<Nxf16>)
      outs(%a, %b, %c, %d, %e : tensor<Nxf32>, tensor<Nxf64>, tensor<Nxbf16>, tensor<Nxi64>, tensor<Nxi16>) {
  ^bb0(%p: i8, %q: f16, %o0: f32, %o1: f64, %o2: bf16, %o3: i64, %o4: i16):
    %0 = arith.sitofp %p : i8 to f32
    %1 = arith.extf %q : f16 to f64
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.fptosi %1 : f64 to i64
    %4 = arith.extui %p : i8 to i16
    linalg.yield %0, %1, %2, %3, %4 : f32, f64, bf16, i64, i16
  } -> (tensor<Nxf32>, tensor<Nxf64>, tensor<Nxbf16>, tensor<Nxi64>, tensor<Nxi16>)
  exec.yield %r#0, %r#1, %r#2, %r#3, %r#4 : tensor<Nxf32>, tensor<Nxf64>, tensor<Nxbf16>, tensor<Nxi64>, tensor<Nxi16>
})";
  for (int64_t size : {1, 16, 47, 100})
    check({text, {{'N', size}}, "", {"N:i8", "N:f16"}, {"N:f32", "N:f64", "N:bf16", "N:i64", "N:i16"}});
}

/// Row `index[n]` of a table; an index out of range is a fault and reads the first row.
const char *const gatherText = R"(
exec.kernel @k(%table: tensor<CxHxf32>, %index: tensor<Nxi64>, %C: index, %H: index, %N: index) -> tensor<NxHxf32> {
  %all = empty<NxHxf32>
  %c0 = arith.constant 0 : index
  %r = linalg.generic {indexing_maps = [MAP, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%index : tensor<Nxi64>) outs(%all : tensor<NxHxf32>) {
  ^bb0(%i: i64, %b: f32):
    %j = linalg.index 1 : index
    %k = arith.index_cast %i : i64 to index
    %bad = arith.cmpi uge, %k, %C : index
    exec.fault %bad, 1, %i : i64
    %safe = arith.select %bad, %c0, %k : index
    %e = tensor.extract %table[%safe, %j] : tensor<CxHxf32>
    linalg.yield %e : f32
  } -> tensor<NxHxf32>
  exec.yield %r : tensor<NxHxf32>
})";

std::vector<float> gather(const std::string &text, const std::vector<int64_t> &indices, int64_t width,
                          nnccrt_fault &fault) {
  std::string error;
  auto kernel = RunnableKernel::compile(text, getRunnableLevels().back(), 3, error);
  EXPECT_TRUE(kernel) << error;
  std::vector<float> table, result(indices.size() * width);
  for (int i = 0; i < 10 * width; ++i)
    table.push_back(i);
  auto address = [](const void *p) { return reinterpret_cast<uint64_t>(p); };
  uint64_t size = indices.size(), columns = width;
  std::vector<uint64_t> slots = {address(&fault),
                                 address(table.data()),
                                 10,
                                 columns,
                                 address(indices.data()),
                                 size,
                                 10,
                                 columns,
                                 size,
                                 address(result.data()),
                                 size,
                                 columns};
  for (int64_t tile = 0, tiles = kernel->countTiles(llvm::ArrayRef(slots).drop_front()); tile < tiles; ++tile)
    kernel->runTile(slots.data(), tile, nullptr);
  return result;
}

TEST(Body, GathersRowsAndReportsFaults) {
  std::string text = "#n = affine_map<(d0, d1) -> (d0)>\n#nc = affine_map<(d0, d1) -> (d0, d1)>\n" +
                     instantiate(gatherText, {{'N', 1}, {'C', 1}, {'H', 1}}, {'N', 'C', 'H'});
  text.replace(text.find("MAP"), 3, "#n");
  nnccrt_fault fault = {};
  std::vector<float> result = gather(text, {3, 0, 9}, 17, fault);
  EXPECT_EQ(fault.code, 0);
  EXPECT_EQ(result[0], 3 * 17);
  EXPECT_EQ(result[17 + 16], 16);
  EXPECT_EQ(result[2 * 17 + 1], 9 * 17 + 1);
  gather(text, {3, 10, -1}, 17, fault);
  EXPECT_EQ(fault.code, NNCCRT_FAULT_INDEX);
  EXPECT_EQ(fault.value, 10);
}

/// The same where the index differs from lane to lane: the first one counts, and lanes that do not exist never do.
TEST(Body, GathersElementsAndReportsFaults) {
  std::string text = "#n = affine_map<(d0, d1) -> (d0)>\n#nc = affine_map<(d0, d1) -> (d0, d1)>\n" +
                     instantiate(gatherText, {{'N', 1}, {'C', 1}, {'H', 1}}, {'N', 'C', 'H'});
  text.replace(text.find("MAP"), 3, "affine_map<(d0, d1) -> (d1)>");
  nnccrt_fault fault = {};
  std::vector<int64_t> indices(19, 2);
  std::vector<float> result = gather(text, indices, 19, fault);
  EXPECT_EQ(fault.code, 0);
  EXPECT_EQ(result[18], 2 * 19 + 18);
  indices[17] = 12;
  indices[18] = 11;
  gather(text, indices, 19, fault);
  EXPECT_EQ(fault.code, NNCCRT_FAULT_INDEX);
  EXPECT_EQ(fault.value, 12);
}

} // namespace
} // namespace nncc::cpu
