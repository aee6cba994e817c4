//===- Card.cpp - the cards that the machine can pose as ---------------------------------------------------------===//

#include "nnccemu/Card.h"
#include <array>
#include <charconv>

namespace nncc::emu {

static constexpr uint64_t GiB = uint64_t(1) << 30;
static constexpr unsigned KiB = 1024;

static constexpr Architecture architectures[] = {
    // sm, threads, blocks, shared memory of a multiprocessor; of a block; registers; f32 : f64
    {35, 2048, 16, 48 * KiB, 48 * KiB, 64 * KiB, 3},    {37, 2048, 16, 112 * KiB, 48 * KiB, 128 * KiB, 3},
    {50, 2048, 32, 64 * KiB, 48 * KiB, 64 * KiB, 32},   {52, 2048, 32, 96 * KiB, 48 * KiB, 64 * KiB, 32},
    {60, 2048, 32, 64 * KiB, 48 * KiB, 64 * KiB, 2},    {61, 2048, 32, 96 * KiB, 48 * KiB, 64 * KiB, 32},
    {70, 2048, 32, 96 * KiB, 96 * KiB, 64 * KiB, 2},    {75, 1024, 16, 64 * KiB, 64 * KiB, 64 * KiB, 32},
    {80, 2048, 32, 164 * KiB, 163 * KiB, 64 * KiB, 2},  {86, 1536, 16, 100 * KiB, 99 * KiB, 64 * KiB, 64},
    {89, 1536, 24, 100 * KiB, 99 * KiB, 64 * KiB, 64},  {90, 2048, 32, 228 * KiB, 227 * KiB, 64 * KiB, 2},
    {100, 2048, 32, 228 * KiB, 227 * KiB, 64 * KiB, 2}, {120, 1536, 24, 100 * KiB, 99 * KiB, 64 * KiB, 64},
};

/// Multiprocessors, memory, clocks, bus and L2 cache are those of NVIDIA's product pages, data sheets and architecture white papers.
struct Row {
  std::string_view name, marketing;
  unsigned sm, multiprocessors, gibibytes, boostMHz, memoryMHz, busBits, cacheKiB;
};

static constexpr Row rows[] = {
    {"k40", "Tesla K40m", 35, 15, 12, 745, 3004, 384, 1536},
    {"k80", "Tesla K80", 37, 13, 12, 824, 2505, 384, 1536},
    {"gtx750ti", "NVIDIA GeForce GTX 750 Ti", 50, 5, 2, 1085, 2700, 128, 2048},
    {"gtx980", "NVIDIA GeForce GTX 980", 52, 16, 4, 1216, 3505, 256, 2048},
    {"m40", "Tesla M40", 52, 24, 12, 1112, 3004, 384, 3072},
    {"gtx1050", "NVIDIA GeForce GTX 1050", 61, 5, 2, 1455, 3504, 128, 1024},
    {"gtx1050ti", "NVIDIA GeForce GTX 1050 Ti", 61, 6, 4, 1392, 3504, 128, 1024},
    {"gtx1060", "NVIDIA GeForce GTX 1060 6GB", 61, 10, 6, 1709, 4004, 192, 1536},
    {"gtx1070", "NVIDIA GeForce GTX 1070", 61, 15, 8, 1683, 4004, 256, 2048},
    {"gtx1070ti", "NVIDIA GeForce GTX 1070 Ti", 61, 19, 8, 1683, 4004, 256, 2048},
    {"gtx1080", "NVIDIA GeForce GTX 1080", 61, 20, 8, 1734, 5005, 256, 2048},
    {"gtx1080ti", "NVIDIA GeForce GTX 1080 Ti", 61, 28, 11, 1582, 5505, 352, 2816},
    {"p100", "Tesla P100-PCIE-16GB", 60, 56, 16, 1329, 715, 4096, 4096},
    {"p4", "Tesla P4", 61, 20, 8, 1114, 3003, 256, 2048},
    {"v100", "Tesla V100-SXM2-16GB", 70, 80, 16, 1530, 877, 4096, 6144},
    {"gtx1650", "NVIDIA GeForce GTX 1650", 75, 14, 4, 1665, 4001, 128, 1024},
    {"gtx1660", "NVIDIA GeForce GTX 1660", 75, 22, 6, 1785, 4001, 192, 1536},
    {"gtx1660ti", "NVIDIA GeForce GTX 1660 Ti", 75, 24, 6, 1770, 6001, 192, 1536},
    {"rtx2060", "NVIDIA GeForce RTX 2060", 75, 30, 6, 1680, 7001, 192, 3072},
    {"rtx2070", "NVIDIA GeForce RTX 2070", 75, 36, 8, 1620, 7001, 256, 4096},
    {"rtx2080", "NVIDIA GeForce RTX 2080", 75, 46, 8, 1710, 7000, 256, 4096},
    {"rtx2080ti", "NVIDIA GeForce RTX 2080 Ti", 75, 68, 11, 1545, 7000, 352, 5632},
    {"titan-rtx", "NVIDIA TITAN RTX", 75, 72, 24, 1770, 7001, 384, 6144},
    {"t4", "Tesla T4", 75, 40, 16, 1590, 5001, 256, 4096},
    {"a100", "NVIDIA A100-SXM4-40GB", 80, 108, 40, 1410, 1215, 5120, 40960},
    {"a10", "NVIDIA A10", 86, 72, 24, 1695, 6251, 384, 6144},
    {"a2", "NVIDIA A2", 86, 10, 16, 1770, 6251, 128, 2048},
    {"rtx3060", "NVIDIA GeForce RTX 3060", 86, 28, 12, 1777, 7501, 192, 2304},
    {"rtx3060ti", "NVIDIA GeForce RTX 3060 Ti", 86, 38, 8, 1665, 7001, 256, 4096},
    {"rtx3070", "NVIDIA GeForce RTX 3070", 86, 46, 8, 1725, 7001, 256, 4096},
    {"rtx3070ti", "NVIDIA GeForce RTX 3070 Ti", 86, 48, 8, 1770, 9501, 256, 4096},
    {"rtx3080", "NVIDIA GeForce RTX 3080", 86, 68, 10, 1710, 9501, 320, 5120},
    {"rtx3080ti", "NVIDIA GeForce RTX 3080 Ti", 86, 80, 12, 1665, 9501, 384, 6144},
    {"rtx3090", "NVIDIA GeForce RTX 3090", 86, 82, 24, 1695, 9751, 384, 6144},
    {"rtx4060", "NVIDIA GeForce RTX 4060", 89, 24, 8, 2460, 8501, 128, 24576},
    {"rtx4060ti", "NVIDIA GeForce RTX 4060 Ti", 89, 34, 8, 2535, 9001, 128, 32768},
    {"rtx4070", "NVIDIA GeForce RTX 4070", 89, 46, 12, 2475, 10501, 192, 36864},
    {"rtx4070ti", "NVIDIA GeForce RTX 4070 Ti", 89, 60, 12, 2610, 10501, 192, 49152},
    {"rtx4080", "NVIDIA GeForce RTX 4080", 89, 76, 16, 2505, 11201, 256, 65536},
    {"rtx4090", "NVIDIA GeForce RTX 4090", 89, 128, 24, 2520, 10501, 384, 73728},
    {"l4", "NVIDIA L4", 89, 58, 24, 2040, 6251, 192, 49152},
    {"l40s", "NVIDIA L40S", 89, 142, 48, 2520, 9001, 384, 98304},
    {"h100", "NVIDIA H100 80GB HBM3", 90, 132, 80, 1980, 2619, 5120, 51200},
    {"h200", "NVIDIA H200", 90, 132, 141, 1980, 3201, 6144, 51200},
    {"gh200", "NVIDIA GH200 480GB", 90, 132, 96, 1980, 2619, 6144, 51200},
    {"b200", "NVIDIA B200", 100, 148, 180, 1965, 3996, 8192, 129024},
    {"rtx5090", "NVIDIA GeForce RTX 5090", 120, 170, 32, 2407, 14001, 512, 98304},
};

static constexpr Architecture architectureOf(unsigned sm) {
  for (const Architecture &architecture : architectures)
    if (architecture.sm == sm)
      return architecture;
  return {};
}

/// Kepler's last driver is branch 470; Maxwell, Pascal and Volta end with 580 (NVIDIA's UNIX driver pages).
static constexpr unsigned newestDriver(unsigned sm) { return sm < 50 ? 11040 : 13000; }

static constexpr auto table = [] {
  std::array<Card, std::size(rows)> cards{};
  for (size_t k = 0; k < std::size(rows); ++k) {
    const Row &r = rows[k];
    Architecture architecture = architectureOf(r.sm);
    cards[k] = {r.name,
                r.marketing,
                r.sm,
                r.multiprocessors,
                r.gibibytes * GiB,
                r.boostMHz,
                r.memoryMHz,
                r.busBits,
                r.cacheKiB * KiB,
                newestDriver(r.sm),
                48 * KiB,
                architecture.sharedOptIn,
                64 * KiB,
                1024,
                architecture};
  }
  return cards;
}();
static_assert([] {
  for (const Card &card : table)
    if (card.architecture.sm != card.sm)
      return false;
  return true;
}());

std::span<const Card> cards() { return table; }

const Card *cardNamed(std::string_view name) {
  for (const Card &card : table)
    if (card.name == name)
      return &card;
  unsigned sm = 0;
  if (name.substr(0, 3) == "sm_" &&
      std::from_chars(name.data() + 3, name.data() + name.size(), sm).ptr == name.data() + name.size())
    for (const Card &card : table)
      if (card.sm == sm)
        return &card;
  return nullptr;
}

} // namespace nncc::emu
