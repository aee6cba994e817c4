//===- Report.cpp - what the driver tells: traps, counters, calls, leaks -----------------------------------------===//

#include "Report.h"
#include <algorithm>
#include <cstdlib>

namespace nncc::emu::driver {

static std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

Report::~Report() {
  if (trace)
    std::fclose(trace);
}

void Report::readEnvironment() {
  reportFile = variable("NNCC_EMU_REPORT");
  countersFile = variable("NNCC_EMU_COUNTERS");
  leaks = variable("NNCC_EMU_LEAKS") == "1";
  if (std::string file = variable("NNCC_EMU_TRACE"); !file.empty()) {
    trace = std::fopen(file.c_str(), "a");
    if (!trace)
      tell("NNCC_EMU_TRACE: cannot write " + file);
  }
}

void Report::called(std::string_view name) {
  auto found = callCounts.find(name);
  ++(found == callCounts.end() ? callCounts[std::string(name)] : found->second);
  if (trace)
    std::fprintf(trace, "%.*s\n", static_cast<int>(name.size()), name.data());
}

uint64_t Report::calls(std::string_view name) const {
  auto found = callCounts.find(name);
  return found == callCounts.end() ? 0 : found->second;
}

void Report::tell(const std::string &text) {
  std::FILE *file = reportFile.empty() ? nullptr : std::fopen(reportFile.c_str(), "a");
  std::fprintf(file ? file : stderr, "nncc-emu: %s\n", text.c_str());
  if (file)
    std::fclose(file);
}

void Report::kernel(const std::string &name, const LaunchShape &shape, const Counters &before, const Counters &after) {
  Kernel &k = kernels[name];
  ++k.launches;
  auto product = [](const std::array<unsigned, 3> &sizes) { return uint64_t(sizes[0]) * sizes[1] * sizes[2]; };
  k.blocks = std::max(k.blocks, product(shape.grid));
  k.threads = std::max(k.threads, product(shape.block));
  k.sharedBytes = std::max<uint64_t>(k.sharedBytes, shape.dynamicShared);
  for (size_t c = 0; c < before.instructions.size(); ++c)
    k.counters.instructions[c] += after.instructions[c] - before.instructions[c];
  k.counters.threadInstructions += after.threadInstructions - before.threadInstructions;
  k.counters.globalSectors += after.globalSectors - before.globalSectors;
  k.counters.globalRequests += after.globalRequests - before.globalRequests;
  k.counters.sharedRequests += after.sharedRequests - before.sharedRequests;
  k.counters.bankConflicts += after.bankConflicts - before.bankConflicts;
  k.counters.divergentBranches += after.divergentBranches - before.divergentBranches;
}

void Report::allocated(uint64_t liveBytes) {
  ++allocations;
  peakBytes = std::max(peakBytes, liveBytes);
}

/// Names are those of calls and of PTX entries, which hold neither quotes nor backslashes.
void Report::writeCounters(std::string_view cards) const {
  if (countersFile.empty())
    return;
  std::FILE *file = std::fopen(countersFile.c_str(), "w");
  if (!file) {
    std::fprintf(stderr, "nncc-emu: NNCC_EMU_COUNTERS: cannot write %s\n", countersFile.c_str());
    return;
  }
  auto number = [&](const char *name, uint64_t value, const char *behind) {
    std::fprintf(file, "\"%s\": %llu%s", name, static_cast<unsigned long long>(value), behind);
  };
  std::fprintf(file, "{\n\"cards\": \"%.*s\",\n\"memory\": {", static_cast<int>(cards.size()), cards.data());
  number("allocations", allocations, ", ");
  number("peak_bytes", peakBytes, "},\n\"calls\": {");
  const char *separator = "\n  ";
  for (auto &[name, count] : callCounts) {
    std::fputs(separator, file);
    number(name.c_str(), count, "");
    separator = ",\n  ";
  }
  std::fputs("},\n\"kernels\": {", file);
  separator = "\n  ";
  for (auto &[name, k] : kernels) {
    std::fprintf(file, "%s\"%s\": {", separator, name.c_str());
    number("launches", k.launches, ", ");
    number("blocks", k.blocks, ", ");
    number("threads", k.threads, ", ");
    number("dynamic_shared", k.sharedBytes, ", \"instructions\": {");
    bool first = true;
    for (size_t c = 0; c < k.counters.instructions.size(); ++c)
      if (k.counters.instructions[c]) {
        std::fputs(first ? "" : ", ", file);
        number(std::string(nameOf(static_cast<Class>(c))).c_str(), k.counters.instructions[c], "");
        first = false;
      }
    std::fputs("}, ", file);
    number("warp_instructions", k.counters.total(), ", ");
    number("thread_instructions", k.counters.threadInstructions, ", ");
    number("global_sectors", k.counters.globalSectors, ", ");
    number("global_requests", k.counters.globalRequests, ", ");
    number("shared_requests", k.counters.sharedRequests, ", ");
    number("bank_conflicts", k.counters.bankConflicts, ", ");
    number("divergent_branches", k.counters.divergentBranches, "}");
    separator = ",\n  ";
  }
  std::fputs("}\n}\n", file);
  std::fclose(file);
}

} // namespace nncc::emu::driver
