//===- HalfTest.cpp - conversions between f16 and f32 without instructions for them -------------------------------===//

#include "KernelRunner.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace nncc::cpu {
namespace {

/// out[i] = one conversion of in[i], on the level that has none.
std::vector<char> convert(const std::string &op, const std::string &from, const std::string &to,
                          const std::vector<char> &in, int64_t count, int64_t bytes) {
  std::string text = R"(
exec.kernel @k(%x: tensor<?xFROM>, %n: index) -> tensor<?xTO> {
  %e = tensor.empty(%n) : tensor<?xTO>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xFROM>) outs(%e : tensor<?xTO>) {
  ^bb0(%a: FROM, %b: TO):
    %s = arith.OP %a : FROM to TO
    linalg.yield %s : TO
  } -> tensor<?xTO>
  exec.yield %r : tensor<?xTO>
})";
  for (const auto &[word, by] : {std::pair("FROM", from), {"TO", to}, {"OP", op}})
    for (size_t at; (at = text.find(word)) != std::string::npos;)
      text.replace(at, strlen(word), by);
  std::string error;
  auto kernel = RunnableKernel::compile(text, "x86-64", 3, error);
  EXPECT_TRUE(kernel) << error;
  std::vector<char> out(count * bytes);
  auto size = uint64_t(count);
  kernel->run({reinterpret_cast<uint64_t>(in.data()), size, size, reinterpret_cast<uint64_t>(out.data()), size});
  return out;
}

template <typename T> T read(const std::vector<char> &bytes, size_t i) {
  T value;
  std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
  return value;
}

TEST(Half, ExtendsEveryF16) {
  std::vector<char> in(65536 * 2);
  for (uint32_t i = 0; i < 65536; ++i) {
    auto bits = uint16_t(i);
    std::memcpy(&in[i * 2], &bits, 2);
  }
  std::vector<char> out = convert("extf", "f16", "f32", in, 65536, 4);
  for (uint32_t i = 0; i < 65536; ++i) {
    float expected = read<_Float16>(in, i), actual = read<float>(out, i);
    ASSERT_TRUE(std::isnan(expected) ? std::isnan(actual)
                                     : std::bit_cast<uint32_t>(expected) == std::bit_cast<uint32_t>(actual))
        << i;
  }
}

/// Around every f16 and every midpoint, and a walk over all exponents.
TEST(Half, RoundsToF16) {
  std::vector<uint32_t> bits;
  for (uint32_t i = 0; i < 65536; ++i) {
    auto half = uint16_t(i);
    _Float16 value;
    std::memcpy(&value, &half, 2);
    float single = value;
    uint32_t exact;
    std::memcpy(&exact, &single, 4);
    for (uint32_t offset : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x1fffu})
      bits.push_back(exact + offset);
  }
  for (uint64_t i = 0; i < 1ull << 32; i += 99991)
    bits.push_back(uint32_t(i));
  std::vector<char> in(bits.size() * 4);
  std::memcpy(in.data(), bits.data(), in.size());
  std::vector<char> out = convert("truncf", "f32", "f16", in, bits.size(), 2);
  for (size_t i = 0; i < bits.size(); ++i) {
    auto expected = static_cast<_Float16>(read<float>(in, i));
    auto actual = read<_Float16>(out, i);
    ASSERT_TRUE(std::isnan(float(expected)) ? std::isnan(float(actual))
                                            : std::bit_cast<uint16_t>(expected) == std::bit_cast<uint16_t>(actual))
        << std::hex << bits[i];
  }
}

} // namespace
} // namespace nncc::cpu
