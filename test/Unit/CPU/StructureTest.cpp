//===- StructureTest.cpp - kernels of all shapes ------------------------------------------------------------------===//

#include "KernelCase.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

const int64_t few[] = {2, 16, 47, 100};

TEST(Structure, PoolsWindows) {
  const char *text = R"(
exec.kernel @k(%x: tensor<1xHxHxCxf32>, %C: index, %H: index, %W: index) -> tensor<1xWxWxCxf32> {
  %low = arith.constant 0xFF800000 : f32
  %window = tensor.empty() : tensor<3x3xf32>
  %e = empty<1xWxWxCxf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<1xWxWxCxf32>) -> tensor<1xWxWxCxf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, y, x) -> (n, h * 2 + y, w * 2 + x, c)>,
                                        affine_map<(n, h, w, c, y, x) -> (y, x)>,
                                        affine_map<(n, h, w, c, y, x) -> (n, h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %window : tensor<1xHxHxCxf32>, tensor<3x3xf32>) outs(%f : tensor<1xWxWxCxf32>) {
  ^bb0(%a: f32, %w: f32, %b: f32):
    %m = arith.maximumf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<1xWxWxCxf32>
  exec.yield %r : tensor<1xWxWxCxf32>
})";
  for (int64_t size : few)
    check({text, {{'C', size}, {'H', 9}, {'W', 4}}, "f32", {"HHC"}, {"WWC"}});
}

/// The position of the largest element: no order but that of the elements gives the first of equal ones.
TEST(Structure, FindsTheLargest) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxi8>, %C: index, %N: index) -> tensor<Nxi64> {
  %low = arith.constant -128 : i8
  %zero = arith.constant 0 : i64
  %e = empty<Nxi8>
  %p = empty<Nxi64>
  %f = linalg.fill ins(%low : i8) outs(%e : tensor<Nxi8>) -> tensor<Nxi8>
  %g = linalg.fill ins(%zero : i64) outs(%p : tensor<Nxi64>) -> tensor<Nxi64>
  %r:2 = linalg.generic {indexing_maps = [#nc, #n, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<NxCxi8>) outs(%f, %g : tensor<Nxi8>, tensor<Nxi64>) {
  ^bb0(%a: i8, %m: i8, %k: i64):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i64
    %is = arith.cmpi sgt, %a, %m : i8
    %0 = arith.select %is, %a, %m : i8
    %1 = arith.select %is, %i, %k : i64
    linalg.yield %0, %1 : i8, i64
  } -> (tensor<Nxi8>, tensor<Nxi64>)
  exec.yield %r#1 : tensor<Nxi64>
})";
  for (int64_t size : few)
    check({text, {{'N', size}, {'C', 300}}, "i8", {"NC"}, {"N:i64"}});
}

TEST(Structure, AddsToAnArgument) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxf32>, %sum: tensor<Cxf32>, %C: index, %N: index) -> tensor<Cxf32> attributes {may_alias = array<i64: 1>} {
  %r = linalg.generic {indexing_maps = [#nc, #c], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<NxCxf32>) outs(%sum : tensor<Cxf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %b, %a : f32
    linalg.yield %s : f32
  } -> tensor<Cxf32>
  exec.yield %r : tensor<Cxf32>
})";
  for (int64_t size : few)
    check({text, {{'N', 20}, {'C', size}}, "f32", {"NC", "C"}, {"C"}, 0, {1}});
}

TEST(Structure, FillsResults) {
  const char *text = R"(
exec.kernel @k(%x: tensor<Nxf32>, %N: index) -> (tensor<Nxf32>, tensor<Nxf32>) {
  %one = arith.constant 1.0 : f32
  %e = empty<Nxf32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<Nxf32>) -> tensor<Nxf32>
  %r = linalg.generic {indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]}
      ins(%x, %f : tensor<Nxf32>, tensor<Nxf32>) outs(%e : tensor<Nxf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<Nxf32>
  exec.yield %f, %r : tensor<Nxf32>, tensor<Nxf32>
})";
  for (int64_t size : few)
    check({text, {{'N', size}}, "f32", {"N"}, {"N", "N"}});
}

TEST(Structure, YieldsAgainAndArguments) {
  const char *text = R"(
exec.kernel @k(%x: tensor<Nxf32>, %N: index) -> (tensor<Nxf32>, tensor<Nxf32>, tensor<Nxf32>) {
  %e = empty<Nxf32>
  %r = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%x : tensor<Nxf32>) outs(%e : tensor<Nxf32>) {
  ^bb0(%a: f32, %c: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<Nxf32>
  exec.yield %r, %x, %r : tensor<Nxf32>, tensor<Nxf32>, tensor<Nxf32>
})";
  for (int64_t size : few)
    check({text, {{'N', size}}, "f32", {"N"}, {"N", "N", "N"}});
}

/// A reshape in the middle that loops cannot look through: op after op.
TEST(Structure, ReshapesInTheMiddle) {
  const char *text = R"(
exec.kernel @k(%x: tensor<12x10xf32>, %C: index, %N: index, %R: index, %S: index) -> tensor<4x30xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<12x10xf32>
  %row = tensor.empty() : tensor<4xf32>
  %all = tensor.empty() : tensor<4x30xf32>
  %n = linalg.generic {indexing_maps = [#nc, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<12x10xf32>) outs(%e : tensor<12x10xf32>) {
  ^bb0(%a: f32, %c: f32):
    %s = math.exp %a : f32
    linalg.yield %s : f32
  } -> tensor<12x10xf32>
  %flat = tensor.collapse_shape %n [[0, 1]] : tensor<12x10xf32> into tensor<120xf32>
  %y = tensor.expand_shape %flat [[0, 1]] output_shape [4, 30] : tensor<120xf32> into tensor<4x30xf32>
  %f = linalg.fill ins(%zero : f32) outs(%row : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<4x30xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %r = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%y, %sum : tensor<4x30xf32>, tensor<4xf32>) outs(%all : tensor<4x30xf32>) {
  ^bb0(%a: f32, %m: f32, %b: f32):
    %d = arith.divf %a, %m : f32
    linalg.yield %d : f32
  } -> tensor<4x30xf32>
  exec.yield %r : tensor<4x30xf32>
})";
  check({text, {{'C', 30}, {'N', 12}, {'R', 10}, {'S', 4}}, "f32", {"NR"}, {"SC"}, 1e-6, {}, /*isStatic=*/true});
}

TEST(Structure, ComputesScalars) {
  const char *text = R"(
exec.kernel @k(%x: tensor<1x1xf32>, %y: tensor<f32>, %N: index) -> tensor<1xf32> {
  %e = tensor.empty() : tensor<1x1xf32>
  %r = linalg.generic {indexing_maps = [#nc, affine_map<(d0, d1) -> ()>, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<1x1xf32>, tensor<f32>) outs(%e : tensor<1x1xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x1xf32>
  %v = tensor.collapse_shape %r [[0, 1]] : tensor<1x1xf32> into tensor<1xf32>
  exec.yield %v : tensor<1xf32>
})";
  check({text, {{'N', 1}}, "f32", {"", ""}, {""}});
}

TEST(Structure, RunsGridsInTiles) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxHxf32>, %C: index, %H: index, %N: index) -> tensor<NxCxHxf32> {
  %e = empty<NxCxHxf32>
  %r = exec.grid (%N, %C) ins(%x : tensor<NxCxHxf32>) outs(%e : tensor<NxCxHxf32>) {
  ^bb0(%n: index, %c: index, %in: memref<NxCxHxf32>, %out: memref<NxCxHxf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %last = scf.for %h = %c0 to %H step %c1 iter_args(%s = %zero) -> f32 {
      %a = memref.load %in[%n, %c, %h] : memref<NxCxHxf32>
      %t = arith.addf %s, %a : f32
      memref.store %t, %out[%n, %c, %h] : memref<NxCxHxf32>
      scf.yield %t : f32
    }
    exec.yield
  } -> tensor<NxCxHxf32>
  exec.yield %r : tensor<NxCxHxf32>
})";
  for (int64_t size : {1, 7, 100})
    check({text, {{'N', 5}, {'C', 33}, {'H', size}}, "f32", {"NCH"}, {"NCH"}});
  check({text, {{'N', 0}, {'C', 33}, {'H', 4}}, "f32", {"NCH"}, {"NCH"}});
}

TEST(Structure, StartsGridsWithArguments) {
  const char *text = R"(
exec.kernel @k(%x: tensor<Nxf32>, %y: tensor<Nxf32>, %N: index) -> tensor<Nxf32> attributes {may_alias = array<i64: 1>} {
  %r = exec.grid () ins(%x : tensor<Nxf32>) outs(%y : tensor<Nxf32>) {
  ^bb0(%in: memref<Nxf32>, %out: memref<Nxf32>):
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    scf.for %i = %c0 to %N step %c3 {
      %a = memref.load %in[%i] : memref<Nxf32>
      memref.store %a, %out[%i] : memref<Nxf32>
    }
    exec.yield
  } -> tensor<Nxf32>
  exec.yield %r : tensor<Nxf32>
})";
  for (int64_t size : few)
    check({text, {{'N', size}}, "f32", {"N", "N"}, {"N"}, 0, {1}});
}

} // namespace
} // namespace nncc::cpu
