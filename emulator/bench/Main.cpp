//===- Main.cpp - how fast the machine runs ----------------------------------------------------------------------===//
///
/// \file
/// nncc-emulator-bench [PART]: each workload whose name has PART in it, with all checks on; the best of three launches.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Workloads.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

using namespace nncc::emu;

/// Small multiples of 1/64: good halves and good floats, whichever way they are read.
static std::vector<std::byte> filling(uint64_t bytes) {
  std::vector<std::byte> data(bytes);
  for (uint64_t at = 0; at + 4 <= bytes; at += 4) {
    uint32_t value = 0x30003000u + static_cast<uint32_t>(at * 2654435761u >> 20 & 0x3ff) * 0x10001u;
    std::memcpy(data.data() + at, &value, 4);
  }
  return data;
}

static int fail(const bench::Workload &w, const std::string &why) {
  std::fprintf(stderr, "%s: %s\n", w.name.c_str(), why.c_str());
  return 1;
}

static int time(const bench::Workload &w) {
  Device device{*cardNamed("a100")};
  Diagnostic diagnostic;
  auto module = device.load(w.text, diagnostic);
  if (!module)
    return fail(w, std::to_string(diagnostic.line) + ": " + diagnostic.message);
  std::vector<uint64_t> buffers;
  buffers.reserve(w.bytes.size());
  std::vector<const void *> params;
  for (uint64_t bytes : w.bytes)
    buffers.push_back(device.allocate(bytes));
  for (size_t b = 0; b < buffers.size(); ++b) {
    params.push_back(&buffers[b]);
    if (b + 1 == buffers.size())
      break;
    auto data = filling(w.bytes[b]);
    if (auto problem = device.write(buffers[b], data.data(), data.size()))
      return fail(w, *problem);
  }
  double best = 1e30, bestWork = 1e30;
  for (unsigned round = 0; round < 3; ++round) {
    device.counters = {};
    auto start = std::chrono::steady_clock::now();
    std::clock_t before = std::clock();
    if (auto trap = device.launch(*device.function(*module, "k"), w.shape, params))
      return fail(w, trap->text());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    bestWork = std::min(bestWork, static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
  }
  std::printf("%-34s %8.1f ms; of processor time %8.1f ms, %6.1f M warp instructions/s, %6.3f GFLOP/s\n",
              w.name.c_str(), best * 1e3, bestWork * 1e3, static_cast<double>(device.counters.total()) / bestWork / 1e6,
              w.flops / bestWork / 1e9);
  return 0;
}

int main(int argc, char **argv) {
  std::string part = argc > 1 ? argv[1] : "";
  bool large = argc > 2 && !std::strcmp(argv[2], "large");
  unsigned scale = large ? 4 : 1;
  int bad = 0;
  for (const bench::Workload &w : {bench::simtGemm(256 * scale, 256, 256), bench::naiveGemm(32 * scale, 256, 256),
                                   bench::naiveConvolution(32, 8 * scale, 34), bench::elementwise(1 << 16),
                                   bench::softmax(64 * scale), bench::tensorGemm(128 * scale, 128, 256)})
    if (w.name.find(part) != std::string::npos)
      bad |= time(w);
  return bad;
}
