//===- LineTest.cpp - sorts and scans on cards --------------------------------------------------------------------===//

#include "../../CPU/KernelCase.h"
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Sorts
//===----------------------------------------------------------------------------------------------------------------===//

/// The K first of each row. Keys are KEY of the element, which comes before another one where BEFORE says so.
const char sortText[] = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %K: index, %N: index) -> (tensor<NxKxi64>, tensor<NxKxE>) {
  %length = LENGTH
  %eo = empty<NxKxi64>
  %ev = empty<NxKxE>
  %0:2 = exec.sort (%N) length %length axis 1 ins(%x : tensor<NxCxE>) outs(%eo, %ev : tensor<NxKxi64>, tensor<NxKxE>) key {
  ^bb0(%n: index, %c: index, %in: memref<NxCxE>):
    %v = memref.load %in[%n, %c] : memref<NxCxE>
    KEY
    exec.yield %key : E
  } before {
  ^bb0(%n: index, %i: index, %j: index, %a: E, %b: E, %in: memref<NxCxE>):
    BEFORE
    exec.yield %before : i1
  } -> tensor<NxKxi64>, tensor<NxKxE>
  exec.yield %0#0, %0#1 : tensor<NxKxi64>, tensor<NxKxE>
})";

KernelCase sortCase(const std::string &key, const std::string &before, int64_t rows, int64_t size, int64_t places,
                    const std::string &element, bool isStatic = false) {
  std::string text = replaced(replaced(sortText, "KEY", key), "BEFORE", before);
  std::string length =
      isStatic ? "arith.constant " + std::to_string(size) + " : index" : "arith.addi %C, %zero : index";
  text = replaced(text, "%length = LENGTH", "%zero = arith.constant 0 : index\n  %length = " + length);
  return {text, {{'N', rows}, {'C', size}, {'K', places}}, element, {"NC"}, {"NK:i64", "NK"}, 0, {}, isStatic};
}

/// NaN is the largest; both zeros are equal; most elements are equal to others.
const char floatKey[] = R"(%whole = math.trunc %v : E
    %limit = arith.constant 1.75 : E
    %nan = arith.constant NAN : E
    %isLarge = arith.cmpf ogt, %v, %limit : E
    %key = arith.select %isLarge, %nan, %whole : E)";
const char floatBefore[] = R"(%less = arith.cmpf olt, %b, %a : E
    %number = arith.cmpf ord, %b, %b : E
    %nan = arith.cmpf uno, %a, %a : E
    %last = arith.andi %number, %nan : i1
    %before = arith.ori %less, %last : i1)";

TEST(Sort, FloatsWithTiesAndNaN) {
  auto keyOf = [](const std::string &nan) { return replaced(floatKey, "NAN", nan); };
  for (auto [rows, size, places] : {std::tuple<int64_t, int64_t, int64_t>{3, 7, 7}, {70, 5, 2}, {2, 300, 9}})
    check(sortCase(keyOf("0x7FC00000"), floatBefore, rows, size, places, "f32"));
  check(sortCase(keyOf("0x7FC00000"), floatBefore, 3, 40, 7, "f32", /*isStatic=*/true));
  check(sortCase(keyOf("0x7FF8000000000000"), floatBefore, 2, 130, 9, "f64", /*isStatic=*/true));
  check(sortCase(keyOf("0x7E00"), floatBefore, 2, 130, 9, "f16", /*isStatic=*/true));
}

/// Of one tile, of several, of several runs to merge at two levels; with few and with all places.
TEST(Sort, LongLines) {
  std::string key = replaced(floatKey, "NAN", "0x7FC00000");
  for (auto [rows, size, places] : {std::tuple<int64_t, int64_t, int64_t>{2, 2049, 5}, {1, 17000, 3000}})
    check(sortCase(key, floatBefore, rows, size, places, "f32"));
  for (auto [rows, size, places] : {std::tuple<int64_t, int64_t, int64_t>{2, 2048, 2048}, {1, 5000, 5000}})
    check(sortCase(key, floatBefore, rows, size, places, "f32", /*isStatic=*/true));
}

TEST(Sort, Integers) {
  const char before[] = "%before = arith.cmpi slt, %a, %b : E";
  for (std::string element : {"i8", "i64"})
    check(sortCase("%one = arith.constant 1 : E\n    %key = arith.ori %v, %one : E", before, 2, 100, 60, element,
                   /*isStatic=*/true));
  check(sortCase("%key = arith.xori %v, %v : E", before, 2, 100, 60, "i32", /*isStatic=*/true)); // all are equal
}

TEST(Sort, NothingToSort) {
  std::string key = replaced(floatKey, "NAN", "0x7FC00000");
  for (auto [rows, size, places] : {std::tuple<int64_t, int64_t, int64_t>{0, 7, 7}, {3, 7, 0}, {3, 0, 0}})
    check(sortCase(key, floatBefore, rows, size, places, "f32"));
}

/// Without keys; rows are compared in memory, along the first axis, and the numbers are all that is asked for.
TEST(Sort, ComparesInMemory) {
  const char *text = R"(
exec.kernel @k(%x: tensor<NxCxE>, %C: index, %N: index) -> tensor<NxCxi64> {
  %eo = empty<NxCxi64>
  %0 = exec.sort (%C) length %N axis 0 ins(%x : tensor<NxCxE>) outs(%eo : tensor<NxCxi64>) key {
  ^bb0(%c: index, %n: index, %in: memref<NxCxE>):
    exec.yield
  } before {
  ^bb0(%c: index, %i: index, %j: index, %in: memref<NxCxE>):
    %a = memref.load %in[%i, %c] : memref<NxCxE>
    %b = memref.load %in[%j, %c] : memref<NxCxE>
    %1 = arith.cmpi sgt, %a, %b : E
    exec.yield %1 : i1
  } -> tensor<NxCxi64>
  exec.yield %0 : tensor<NxCxi64>
})";
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{50, 3}, {2500, 2}})
    check({text, {{'N', rows}, {'C', columns}}, "i8", {"NC"}, {"NC:i64"}});
}

//===----------------------------------------------------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------------------------------------------------===//

const char scanText[] = R"(
exec.kernel @k(%x: tensor<NxCxHxE>, %C: index, %H: index, %N: index) -> tensor<NxCxHxE> {
  %e = empty<NxCxHxE>
  %0 = exec.scan (%N, %H) length %C axis 1 ins(%x : tensor<NxCxHxE>) outs(%e : tensor<NxCxHxE>) attributes {neutral = NEUTRAL : E KIND} element {
  ^bb0(%n: index, %h: index, %c: index, %in: memref<NxCxHxE>):
    %v = memref.load %in[%n, %c, %h] : memref<NxCxHxE>
    exec.yield %v : E
  } combine {
  ^bb0(%a: E, %b: E):
    COMBINE
    exec.yield %sum : E
  } -> tensor<NxCxHxE>
  exec.yield %0 : tensor<NxCxHxE>
})";

void checkScan(const std::string &element, const std::string &neutral, const std::string &combine, const SizeMap &sizes,
               double tolerance) {
  for (std::string kind : {"", ", exclusive", ", reverse", ", exclusive, reverse"}) {
    std::string text = replaced(replaced(scanText, "NEUTRAL", neutral), "KIND", kind);
    check({replaced(text, "COMBINE", combine), sizes, element, {"NCH"}, {"NCH"}, tolerance});
  }
}

TEST(Scan, SumsOfEveryLength) {
  for (int64_t size : {0, 64, 65, 2049, 9000})
    checkScan("i64", "0", "%sum = arith.addi %a, %b : E", {{'N', 2}, {'C', size}, {'H', 1}}, 0);
}

TEST(Scan, Floats) {
  std::string text = replaced(replaced(scanText, "NEUTRAL", "0.0"), "KIND", "");
  text = replaced(text, "COMBINE", "%sum = arith.addf %a, %b : E");
  check({text, {{'N', 1}, {'C', 3000}, {'H', 2}}, "f32", {"NCH"}, {"NCH"}, 1e-5});
  check({text, {{'N', 2}, {'C', 3000}, {'H', 1}}, "f64", {"NCH"}, {"NCH"}, 1e-13});
}

/// So many tiles that a block goes over their sums more than once.
TEST(Scan, VeryLongLines) {
  std::string text = replaced(replaced(scanText, "NEUTRAL", "0"), "KIND", "");
  check({replaced(text, "COMBINE", "%sum = arith.addi %a, %b : E"),
         {{'N', 1}, {'C', 600000}, {'H', 1}},
         "i32",
         {"NCH"},
         {"NCH"}});
}

/// What comes first stays first: not every way to join two values lets them be exchanged.
TEST(Scan, KeepsTheOrder) {
  // The linear functions a x + b of 16 bits each, one behind the other.
  const char compose[] = R"(%bits = arith.constant 16 : E
    %mask = arith.constant 65535 : E
    %aa = arith.shrui %a, %bits : E
    %ab = arith.andi %a, %mask : E
    %ba = arith.shrui %b, %bits : E
    %bb = arith.andi %b, %mask : E
    %ca = arith.muli %aa, %ba : E
    %scaled = arith.muli %ab, %ba : E
    %cb = arith.addi %scaled, %bb : E
    %high = arith.shli %ca, %bits : E
    %low = arith.andi %cb, %mask : E
    %sum = arith.ori %high, %low : E)";
  for (int64_t size : {40, 5000})
    checkScan("i32", "65536", compose, {{'N', 2}, {'C', size}, {'H', 1}}, 0);
}

/// Lines side by side, a thread each.
TEST(Scan, ManyColumns) {
  std::string text = replaced(replaced(scanText, "NEUTRAL", "0"), "KIND", ", reverse");
  text = replaced(text, "COMBINE", "%sum = arith.addi %a, %b : E");
  check({text, {{'N', 2}, {'C', 100}, {'H', 2100}}, "i32", {"NCH"}, {"NCH"}});
}

} // namespace
} // namespace nncc::cpu
