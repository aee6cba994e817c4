//===- Report.h - what the driver tells: traps, counters, calls, leaks -------------------------------------------===//

#ifndef NNCCEMU_DRIVER_REPORT_H
#define NNCCEMU_DRIVER_REPORT_H

#include "nnccemu/Machine.h"
#include <cstdio>
#include <map>

namespace nncc::emu::driver {

/// NNCC_EMU_REPORT, NNCC_EMU_COUNTERS, NNCC_EMU_TRACE and NNCC_EMU_LEAKS.
class Report {
public:
  Report() = default;
  ~Report();
  Report(const Report &) = delete;
  Report &operator=(const Report &) = delete;

  void readEnvironment();
  void called(std::string_view name);
  uint64_t calls(std::string_view name) const;
  /// A line for people, on stderr or in the file of NNCC_EMU_REPORT.
  void tell(const std::string &text);
  void kernel(const std::string &name, const LaunchShape &shape, const Counters &before, const Counters &after);
  void allocated(uint64_t liveBytes);
  void writeCounters(std::string_view cards) const;
  bool wantsLeaks() const { return leaks; }

private:
  struct Kernel {
    uint64_t launches = 0;
    uint64_t blocks = 0, threads = 0, sharedBytes = 0; ///< of the largest launch
    Counters counters;
  };
  std::string reportFile, countersFile;
  std::FILE *trace = nullptr;
  bool leaks = false;
  std::map<std::string, uint64_t, std::less<>> callCounts;
  std::map<std::string, Kernel, std::less<>> kernels;
  uint64_t allocations = 0, peakBytes = 0;
};

} // namespace nncc::emu::driver

#endif
