//===- ContractionTests.cpp - matrix products and convolutions, run ------------------------------------------------===//

#include "KernelRunner.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>
#include <random>

using llvm::formatv;

namespace {

/// Small integers: their products and sums are exact in f32, whatever the order.
void fillSmall(const Buffer &buffer, uint32_t seed) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < buffer.size() / 4; ++i)
    buffer.as<float>()[i] = float(int(random() % 9) - 4);
}

struct MatMulCase {
  int64_t m, k, n;
  bool transposed = false, isDynamic = false;
};

std::string matmulKernel(const MatMulCase &c) {
  auto dim = [&](int64_t size) { return c.isDynamic ? std::string("?") : std::to_string(size); };
  std::string lhs = formatv("tensor<{0}x{1}xf32>", dim(c.m), dim(c.k));
  std::string rhs = c.transposed ? formatv("tensor<{0}x{1}xf32>", dim(c.n), dim(c.k)).str()
                                 : formatv("tensor<{0}x{1}xf32>", dim(c.k), dim(c.n)).str();
  std::string result = formatv("tensor<{0}x{1}xf32>", dim(c.m), dim(c.n));
  std::string empty = c.isDynamic ? formatv("%zero = arith.constant 0 : index\n%one = arith.constant 1 : index\n"
                                            "%m = tensor.dim %x, %zero : {0}\n%n = tensor.dim %w, %{1} : {2}\n"
                                            "%e = tensor.empty(%m, %n) : {3}",
                                            lhs, c.transposed ? "zero" : "one", rhs, result)
                                        .str()
                                  : formatv("%e = tensor.empty() : {0}", result).str();
  return formatv("exec.kernel @k(%x: {0}, %w: {1}) -> {2} {{\n{3}\n"
                 "%0 = exec.matmul %x, %w outs(%e) {4} : {0}, {1}, {2} -> {2}\nexec.yield %0 : {2}\n}",
                 lhs, rhs, result, empty, c.transposed ? "{transpose_rhs}" : "");
}

void checkMatMul(const MatMulCase &c, const std::string &level) {
  SCOPED_TRACE(
      formatv("{0} x {1} x {2}, transposed {3}, dynamic {4}, {5}", c.m, c.k, c.n, c.transposed, c.isDynamic, level)
          .str());
  std::string error;
  auto kernel = RunnableKernel::compile(matmulKernel(c), level, 3, error);
  ASSERT_TRUE(kernel) << error;
  Buffer x(c.m * c.k * 4), w(c.k * c.n * 4), y(c.m * c.n * 4);
  fillSmall(x, 1);
  fillSmall(w, 2);
  std::vector<uint64_t> slots;
  auto add = [&](const Buffer &buffer, int64_t rows, int64_t columns) {
    slots.push_back(buffer.address());
    if (c.isDynamic)
      slots.insert(slots.end(), {uint64_t(rows), uint64_t(columns)});
  };
  add(x, c.m, c.k);
  add(w, c.transposed ? c.n : c.k, c.transposed ? c.k : c.n);
  add(y, c.m, c.n);
  kernel->run(slots);
  EXPECT_TRUE(y.isIntact());
  int64_t wrong = 0;
  for (int64_t i = 0; i < c.m; ++i)
    for (int64_t j = 0; j < c.n; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < c.k; ++k)
        sum += x.as<float>()[i * c.k + k] * w.as<float>()[c.transposed ? j * c.k + k : k * c.n + j];
      wrong += sum != y.as<float>()[i * c.n + j];
    }
  EXPECT_EQ(wrong, 0);
}

TEST(Contraction, MatMulIsExactOnSmallIntegers) {
  for (const std::string &level : getRunnableLevels())
    for (MatMulCase c : {MatMulCase{1, 1, 1},
                         {1, 64, 100},
                         {3, 5, 7},
                         {14, 64, 32},
                         {29, 33, 65},
                         {64, 17, 48},
                         {197, 100, 77},
                         {30, 3000, 40}})
      for (bool transposed : {false, true})
        for (bool isDynamic : {false, true}) {
          c.transposed = transposed;
          c.isDynamic = isDynamic;
          checkMatMul(c, level);
        }
}

} // namespace
