//===- GridTest.cpp - what is no linalg op, on cards ----------------------------------------------------------------===//

#include "../../CPU/KernelCase.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

TEST(Grid, RowsBackwards) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<NxCxE> {
  %e = empty<NxCxE>
  %0 = exec.grid (%N) ins(%x : tensor<NxCxE>) outs(%e : tensor<NxCxE>) {
  ^bb0(%n: index, %in: memref<NxCxE>, %out: memref<NxCxE>):
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %last = arith.subi %C, %one : index
    scf.for %c = %zero to %C step %one {
      %from = arith.subi %last, %c : index
      %v = memref.load %in[%n, %from] : memref<NxCxE>
      memref.store %v, %out[%n, %c] : memref<NxCxE>
    }
    exec.yield
  } -> tensor<NxCxE>
  exec.yield %0 : tensor<NxCxE>
})";
  for (int64_t rows : {0, 1, 130})
    for (std::string element : {"f32", "i64", "i8", "bf16"})
      check({text, {{'N', rows}, {'C', 7}}, element, {"NC"}, {"NC"}});
}

/// Loops whose steps are points, too: ends that are known in front of the grid, as numbers, sizes of the kernel and dims of what it reads.
TEST(Grid, IndependentLoops) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %y: tensor<NxDxE>, %C: index, %D: index, %N: index, %T: index) -> (tensor<NxCxE>, tensor<NxDxE>, tensor<NxTxE>) {
  %ec = empty<NxCxE>
  %ed = empty<NxDxE>
  %e3 = empty<NxTxE>
  %0:3 = exec.grid (%N) ins(%x, %y : tensor<NxCxE>, tensor<NxDxE>) outs(%ec, %ed, %e3 : tensor<NxCxE>, tensor<NxDxE>, tensor<NxTxE>) attributes {exec.independent} {
  ^bb0(%n: index, %inx: memref<NxCxE>, %iny: memref<NxDxE>, %outc: memref<NxCxE>, %outd: memref<NxDxE>, %out3: memref<NxTxE>):
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %three = arith.constant 3 : index
    %last = arith.subi %C, %one : index
    scf.for %c = %zero to %C step %one {
      %from = arith.subi %last, %c : index
      %v = memref.load %inx[%n, %from] : memref<NxCxE>
      memref.store %v, %outc[%n, %c] : memref<NxCxE>
    }
    %size = memref.dim %iny, %one : memref<NxDxE>
    scf.for %d = %zero to %size step %one {
      %v = memref.load %iny[%n, %d] : memref<NxDxE>
      memref.store %v, %outd[%n, %d] : memref<NxDxE>
    }
    scf.for %i = %zero to %three step %one {
      %v = memref.load %iny[%n, %i] : memref<NxDxE>
      memref.store %v, %out3[%n, %i] : memref<NxTxE>
    }
    exec.yield
  } -> tensor<NxCxE>, tensor<NxDxE>, tensor<NxTxE>
  exec.yield %0#0, %0#1, %0#2 : tensor<NxCxE>, tensor<NxDxE>, tensor<NxTxE>
})";
  for (auto [rows, columns, others] :
       {std::tuple<int64_t, int64_t, int64_t>{5, 7, 300}, {0, 7, 9}, {130, 1, 3}, {1, 0, 5}})
    for (std::string element : {"f32", "i8"})
      check({text, {{'N', rows}, {'C', columns}, {'D', others}, {'T', 3}}, element, {"NC", "ND"}, {"NC", "ND", "NT"}});
}

/// Lines that are copied behind each other: by vectors where all places are aligned, else element by element.
TEST(Grid, LinesSideBySide) {
  for (auto [first, second] : {std::pair<int64_t, int64_t>{16, 32}, {8, 4}, {2, 6}, {16, 31}}) {
    std::string text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %y: tensor<NxDxE>, %C: index, %D: index, %N: index, %T: index) -> tensor<NxTxE> {
  %e = empty<NxTxE>
  %0 = exec.grid (%N) ins(%x, %y : tensor<NxCxE>, tensor<NxDxE>) outs(%e : tensor<NxTxE>) attributes {exec.independent} {
  ^bb0(%n: index, %inx: memref<NxCxE>, %iny: memref<NxDxE>, %out: memref<NxTxE>):
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %first = arith.constant )" +
                       std::to_string(first) +
                       R"( : index
    %second = arith.constant )" +
                       std::to_string(second) + R"( : index
    scf.for %c = %zero to %first step %one {
      %v = memref.load %inx[%n, %c] : memref<NxCxE>
      memref.store %v, %out[%n, %c] : memref<NxTxE>
    }
    scf.for %d = %zero to %second step %one {
      %v = memref.load %iny[%n, %d] : memref<NxDxE>
      %at = arith.addi %d, %first : index
      memref.store %v, %out[%n, %at] : memref<NxTxE>
    }
    exec.yield
  } -> tensor<NxTxE>
  exec.yield %0 : tensor<NxTxE>
})";
    for (std::string element : {"f64", "f32", "f16", "i8"})
      check({text,
             {{'N', 5}, {'C', first}, {'D', second}, {'T', first + second}},
             element,
             {"NC", "ND"},
             {"NT"},
             0,
             {},
             /*isStatic=*/true});
  }
}

/// Independent loops inside of one that keeps its order, and under a condition: ends are sizes of the kernel, numbers, dims of what it reads.
TEST(Grid, IndependentLoopsInOthers) {
  const char *text = R"(
exec.kernel @k(%x: tensor<CxE>, %y: tensor<NxCxDxE>, %C: index, %D: index, %N: index) -> tensor<CxDxE> {
  %e = empty<CxDxE>
  %start = arith.constant 1.0 : E
  %s = linalg.fill ins(%start : E) outs(%e : tensor<CxDxE>) -> tensor<CxDxE>
  %0 = exec.grid () ins(%x, %y : tensor<CxE>, tensor<NxCxDxE>) outs(%s : tensor<CxDxE>) {
  ^bb0(%inx: memref<CxE>, %iny: memref<NxCxDxE>, %out: memref<CxDxE>):
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %two = arith.constant 2 : index
    %size = memref.dim %iny, %two : memref<NxCxDxE>
    %isSome = arith.cmpi ne, %C, %zero : index
    scf.if %isSome {
      scf.for %c = %zero to %C step %one {
        scf.for %n = %zero to %N step %one {
          scf.for %d = %zero to %size step %one {
            %v = memref.load %iny[%n, %c, %d] : memref<NxCxDxE>
            %x1 = memref.load %inx[%c] : memref<CxE>
            %old = memref.load %out[%c, %d] : memref<CxDxE>
            %product = arith.mulf %old, %x1 : E
            %sum = arith.addf %product, %v : E
            memref.store %sum, %out[%c, %d] : memref<CxDxE>
          } {exec.independent}
        }
      } {exec.independent}
    }
    exec.yield
  } -> tensor<CxDxE>
  exec.yield %0 : tensor<CxDxE>
})";
  for (auto [steps, columns, others] :
       {std::tuple<int64_t, int64_t, int64_t>{5, 3, 70}, {0, 7, 9}, {3, 0, 3}, {2, 4, 0}, {1, 1, 1}})
    check({text, {{'N', steps}, {'C', columns}, {'D', others}}, "f32", {"C", "NCD"}, {"CD"}});
}

/// The result starts with an argument, or with what the kernel filled or computed, which phases of their own write.
TEST(Grid, StartsWithSomething) {
  const char *body = R"(
  %0 = exec.grid (%N) ins(%x : tensor<NxE>) outs(%s : tensor<NxE>) {
  ^bb0(%n: index, %in: memref<NxE>, %out: memref<NxE>):
    %two = arith.constant 2 : index
    %rest = arith.remui %n, %two : index
    %zero = arith.constant 0 : index
    %isEven = arith.cmpi eq, %rest, %zero : index
    scf.if %isEven {
      %v = memref.load %in[%n] : memref<NxE>
      %old = memref.load %out[%n] : memref<NxE>
      %sum = arith.addf %v, %old : E
      memref.store %sum, %out[%n] : memref<NxE>
    }
    exec.yield
  } -> tensor<NxE>
  exec.yield %0 : tensor<NxE>
})";
  const std::string starts[] = {R"(
  %e = empty<NxE>
  %five = arith.constant 5.0 : E
  %s = linalg.fill ins(%five : E) outs(%e : tensor<NxE>) -> tensor<NxE>)",
                                R"(
  %e = empty<NxE>
  %s = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%y : tensor<NxE>) outs(%e : tensor<NxE>) {
  ^bb0(%in: E, %out: E):
    %1 = arith.negf %in : E
    linalg.yield %1 : E
  } -> tensor<NxE>)"};
  for (const std::string &start : starts)
    for (int64_t size : {1, 3, 200})
      check({"exec.kernel @k(%x: tensor<NxE>, %y: tensor<NxE>, %N: index) -> tensor<NxE> {" + start + body,
             {{'N', size}},
             "f32",
             {"N", "N"},
             {"N"}});
  std::string ofArgument = body;
  ofArgument.replace(ofArgument.find("%s"), 2, "%y");
  check({"exec.kernel @k(%x: tensor<NxE>, %y: tensor<NxE>, %N: index) -> tensor<NxE> {" + ofArgument,
         {{'N', 77}},
         "f32",
         {"N", "N"},
         {"N"}});
}

/// Without a grid one thread does it; a later op reads what it leaves in the workspace.
TEST(Grid, OneThreadThenAll) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxE>, %N: index) -> tensor<NxE> {
  %e = empty<NxE>
  %sums = exec.grid () ins(%x : tensor<NxE>) outs(%e : tensor<NxE>) {
  ^bb0(%in: memref<NxE>, %out: memref<NxE>):
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %start = arith.constant 0.0 : E
    %all = scf.for %n = %zero to %N step %one iter_args(%sum = %start) -> E {
      %v = memref.load %in[%n] : memref<NxE>
      %next = arith.addf %sum, %v : E
      memref.store %next, %out[%n] : memref<NxE>
      scf.yield %next : E
    }
    exec.yield
  } -> tensor<NxE>
  %0 = linalg.generic {indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]} ins(%x, %sums : tensor<NxE>, tensor<NxE>) outs(%e : tensor<NxE>) {
  ^bb0(%a: E, %b: E, %out: E):
    %1 = arith.mulf %a, %b : E
    linalg.yield %1 : E
  } -> tensor<NxE>
  exec.yield %0 : tensor<NxE>
})";
  for (int64_t size : {0, 1, 33, 300})
    check({text, {{'N', size}}, "f32", {"N"}, {"N"}});
}

} // namespace
} // namespace nncc::cpu
