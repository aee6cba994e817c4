//===- Card.cpp - the cards that the machine can pose as ---------------------------------------------------------===//

#include "nnccemu/Card.h"

namespace nncc::emu {

static constexpr uint64_t GiB = uint64_t(1) << 30;
static constexpr unsigned KiB = 1024;

static constexpr Card table[] = {
    // name, sm, multiprocessors, memory, shared per block, opt-in, registers per block, threads per block
    {"k40", 35, 15, 12 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"k80", 37, 13, 12 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"gtx1060", 61, 10, 6 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"gtx1080ti", 61, 28, 11 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"p100", 60, 56, 16 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"p4", 61, 20, 8 * GiB, 48 * KiB, 48 * KiB, 65536, 1024},
    {"v100", 70, 80, 16 * GiB, 48 * KiB, 96 * KiB, 65536, 1024},
    {"t4", 75, 40, 16 * GiB, 48 * KiB, 64 * KiB, 65536, 1024},
    {"rtx2080ti", 75, 68, 11 * GiB, 48 * KiB, 64 * KiB, 65536, 1024},
    {"a100", 80, 108, 40 * GiB, 48 * KiB, 163 * KiB, 65536, 1024},
    {"a10", 86, 72, 24 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
    {"rtx3090", 86, 82, 24 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
    {"rtx4090", 89, 128, 24 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
    {"l4", 89, 58, 24 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
    {"l40s", 89, 142, 48 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
    {"h100", 90, 132, 80 * GiB, 48 * KiB, 227 * KiB, 65536, 1024},
    {"h200", 90, 132, 141 * GiB, 48 * KiB, 227 * KiB, 65536, 1024},
    {"b200", 100, 148, 180 * GiB, 48 * KiB, 227 * KiB, 65536, 1024},
    {"rtx5090", 120, 170, 32 * GiB, 48 * KiB, 99 * KiB, 65536, 1024},
};

std::span<const Card> cards() { return table; }

const Card *cardNamed(std::string_view name) {
  for (const Card &card : table)
    if (card.name == name)
      return &card;
  return nullptr;
}

} // namespace nncc::emu
