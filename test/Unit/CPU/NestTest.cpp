//===- NestTest.cpp - fused, tiled, vectorised kernels against scalar loops ---------------------------------------===//

#include "KernelCase.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

const int64_t awkward[] = {0, 1, 2, 15, 16, 17, 31, 64, 100, 1003}, few[] = {1, 16, 47, 100};

const char *const softmaxText = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %zero = arith.constant 0.0 : E
  %low = arith.constant 0xFF800000 : E
  %row = empty<NxE>
  %all = empty<NxCxE>
  %f0 = linalg.fill ins(%low : E) outs(%row : tensor<NxE>) -> tensor<NxE>
  %f1 = linalg.fill ins(%zero : E) outs(%row : tensor<NxE>) -> tensor<NxE>
  %max = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<NxCxE>) outs(%f0 : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.maximumf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %exp = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<NxCxE>, tensor<NxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %d = arith.subf %a, %m : E
    %s = math.exp %d : E
    linalg.yield %s : E
  } -> tensor<NxCxE>
  %sum = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<NxCxE>) outs(%f1 : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %r = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<NxCxE>, tensor<NxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %d = arith.divf %a, %m : E
    linalg.yield %d : E
  } -> tensor<NxCxE>
  exec.yield %r : tensor<NxCxE>
})";

TEST(Nest, SoftmaxOfRows) {
  for (int64_t size : awkward)
    check({softmaxText, {{'N', 7}, {'C', size}}, "f32", {"NC"}, {"NC"}, 1e-6});
  check({softmaxText, {{'N', 0}, {'C', 5}}, "f32", {"NC"}, {"NC"}});
}

TEST(Nest, Elementwise) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %y: tensor<CxE>, %C: index, %N: index) -> tensor<NxCxE> attributes {may_alias = array<i64: 0>} {
  %all = empty<NxCxE>
  %r = linalg.generic {indexing_maps = [#nc, #c, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<NxCxE>, tensor<CxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %p = arith.mulf %a, %m : E
    %d = arith.addf %p, %a : E
    linalg.yield %d : E
  } -> tensor<NxCxE>
  exec.yield %r : tensor<NxCxE>
})";
  for (int64_t size : awkward)
    check({text, {{'N', 5}, {'C', size}}, "f32", {"NC", "C"}, {"NC"}, 0, {0}});
  for (int64_t size : few) {
    for (const char *element : {"f64", "f16", "bf16"})
      check({text, {{'N', 5}, {'C', size}}, element, {"NC", "C"}, {"NC"}, 0, {0}});
    check({text, {{'N', 3000}, {'C', size}}, "f32", {"NC", "C"}, {"NC"}});
  }
}

TEST(Nest, Integers) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %y: tensor<NxCxE>, %C: index, %N: index) -> (tensor<NxCxE>, tensor<NxCxi8>) {
  %all = empty<NxCxE>
  %bools = empty<NxCxi8>
  %r:2 = linalg.generic {indexing_maps = [#nc, #nc, #nc, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<NxCxE>, tensor<NxCxE>) outs(%all, %bools : tensor<NxCxE>, tensor<NxCxi8>) {
  ^bb0(%a: E, %m: E, %b: E, %c: i8):
    %p = arith.muli %a, %m : E
    %q = arith.maxsi %p, %a : E
    %l = arith.cmpi slt, %a, %m : E
    %i = arith.extui %l : i1 to i8
    linalg.yield %q, %i : E, i8
  } -> (tensor<NxCxE>, tensor<NxCxi8>)
  exec.yield %r#0, %r#1 : tensor<NxCxE>, tensor<NxCxi8>
})";
  for (int64_t size : few)
    for (const char *element : {"i8", "i16", "i32", "i64"})
      check({text, {{'N', 3}, {'C', size}}, element, {"NC", "NC"}, {"NC", "NC:i8"}});
}

TEST(Nest, SumOfColumns) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<CxE> {
  %zero = arith.constant 0.0 : E
  %row = empty<CxE>
  %f = linalg.fill ins(%zero : E) outs(%row : tensor<CxE>) -> tensor<CxE>
  %sum = linalg.generic {indexing_maps = [#nc, #c], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<NxCxE>) outs(%f : tensor<CxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<CxE>
  exec.yield %sum : tensor<CxE>
})";
  for (int64_t size : awkward)
    check({text, {{'N', 50}, {'C', size}}, "f32", {"NC"}, {"C"}}); // each sum in the order of the rows
  check({text, {{'N', 0}, {'C', 20}}, "f32", {"NC"}, {"C"}});
}

TEST(Nest, SumOfAll) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<E> {
  %zero = arith.constant 3.0 : E
  %e = tensor.empty() : tensor<E>
  %f = linalg.fill ins(%zero : E) outs(%e : tensor<E>) -> tensor<E>
  %sum = linalg.generic {indexing_maps = [#nc, affine_map<(d0, d1) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<NxCxE>) outs(%f : tensor<E>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<E>
  exec.yield %sum : tensor<E>
})";
  for (int64_t size : few)
    for (const char *element : {"f32", "f64"})
      check({text, {{'N', 9}, {'C', size}}, element, {"NC"}, {""}, 1e-4});
}

TEST(Nest, LayerNorm) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %g: tensor<CxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %zero = arith.constant 0.0 : E
  %eps = arith.constant 1.0e-5 : E
  %row = empty<NxE>
  %all = empty<NxCxE>
  %f = linalg.fill ins(%zero : E) outs(%row : tensor<NxE>) -> tensor<NxE>
  %i = arith.index_cast %C : index to i32
  %count = arith.sitofp %i : i32 to E
  %sum = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<NxCxE>) outs(%f : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %mean = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%sum : tensor<NxE>) outs(%row : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.divf %a, %count : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %d = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %mean : tensor<NxCxE>, tensor<NxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %s = arith.subf %a, %m : E
    linalg.yield %s : E
  } -> tensor<NxCxE>
  %sq = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<NxCxE>) outs(%f : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %q = arith.mulf %a, %a : E
    %s = arith.addf %q, %b : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %dev = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%sq : tensor<NxE>) outs(%row : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %m = arith.divf %a, %count : E
    %s = arith.addf %m, %eps : E
    %r = math.sqrt %s : E
    linalg.yield %r : E
  } -> tensor<NxE>
  %r = linalg.generic {indexing_maps = [#nc, #n, #c, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%d, %dev, %g : tensor<NxCxE>, tensor<NxE>, tensor<CxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %w: E, %b: E):
    %q = arith.divf %a, %m : E
    %s = arith.mulf %q, %w : E
    linalg.yield %s : E
  } -> tensor<NxCxE>
  exec.yield %r : tensor<NxCxE>
})";
  for (int64_t size : awkward)
    check({text, {{'N', 7}, {'C', size}}, "f32", {"NC", "C"}, {"NC"}, 1e-5});
}

// The sum that both passes over a row need is a result that lies over an operand: the second pass may not add again.
TEST(Nest, ResidualOverItsOperand) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %y: tensor<NxCxE>, %C: index, %N: index) -> (tensor<NxCxE>, tensor<NxCxE>)
    attributes {may_alias = array<i64: 0, -1>} {
  %zero = arith.constant 0.0 : E
  %row = empty<NxE>
  %all = empty<NxCxE>
  %f = linalg.fill ins(%zero : E) outs(%row : tensor<NxE>) -> tensor<NxE>
  %sum = linalg.generic {indexing_maps = [#nc, #nc, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<NxCxE>, tensor<NxCxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %b: E, %c: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxCxE>
  %total = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%sum : tensor<NxCxE>) outs(%f : tensor<NxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxE>
  %r = linalg.generic {indexing_maps = [#nc, #n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %total : tensor<NxCxE>, tensor<NxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %d = arith.subf %a, %m : E
    linalg.yield %d : E
  } -> tensor<NxCxE>
  exec.yield %sum, %r : tensor<NxCxE>, tensor<NxCxE>
})";
  for (int64_t size : awkward)
    check({text, {{'N', 7}, {'C', size}}, "f32", {"NC", "NC"}, {"NC", "NC"}, 1e-5, {0, -1}});
}

TEST(Nest, SoftmaxOfColumns) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxHxE>, %C: index, %H: index, %N: index) -> tensor<NxCxHxE> {
  %zero = arith.constant 0.0 : E
  %row = empty<NxHxE>
  %all = empty<NxCxHxE>
  %f = linalg.fill ins(%zero : E) outs(%row : tensor<NxHxE>) -> tensor<NxHxE>
  %exp = linalg.generic {indexing_maps = [#nch, #nch], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<NxCxHxE>) outs(%all : tensor<NxCxHxE>) {
  ^bb0(%a: E, %b: E):
    %s = math.exp %a : E
    linalg.yield %s : E
  } -> tensor<NxCxHxE>
  %sum = linalg.generic {indexing_maps = [#nch, #nh], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%exp : tensor<NxCxHxE>) outs(%f : tensor<NxHxE>) {
  ^bb0(%a: E, %b: E):
    %s = arith.addf %a, %b : E
    linalg.yield %s : E
  } -> tensor<NxHxE>
  %r = linalg.generic {indexing_maps = [#nch, #nh, #nch], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<NxCxHxE>, tensor<NxHxE>) outs(%all : tensor<NxCxHxE>) {
  ^bb0(%a: E, %m: E, %b: E):
    %d = arith.divf %a, %m : E
    linalg.yield %d : E
  } -> tensor<NxCxHxE>
  exec.yield %r : tensor<NxCxHxE>
})";
  for (int64_t size : {2, 7, 16, 50, 133})
    check({text, {{'N', 3}, {'C', 10}, {'H', size}}, "f32", {"NCH"}, {"NCH"}, 1e-6});
}

TEST(Nest, Transpose) {
  const char *text = R"(
exec.kernel @k(%x: tensor<CxNxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %all = empty<NxCxE>
  %r = linalg.generic {indexing_maps = [#cn, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<CxNxE>) outs(%all : tensor<NxCxE>) {
  ^bb0(%a: E, %b: E):
    linalg.yield %a : E
  } -> tensor<NxCxE>
  exec.yield %r : tensor<NxCxE>
})";
  for (int64_t size : awkward)
    check({text, {{'N', 37}, {'C', size}}, "f32", {"CN"}, {"NC"}});
  for (int64_t size : few)
    for (const char *element : {"f64", "i8", "f16"})
      check({text, {{'N', 37}, {'C', size}}, element, {"CN"}, {"NC"}});
}

} // namespace
} // namespace nncc::cpu
