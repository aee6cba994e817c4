//===- Report.h - filling the caller's nnccrt_status --------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_REPORT_H
#define NNCCRT_CORE_REPORT_H

#include "nnccrt/nnccrt.h"

namespace nncc::rt {

/// What one call of the C API answers. `fail` returns false, so that a check reads `return report.fail(...)`.
class Report {
public:
  /// `status` may be null.
  explicit Report(nnccrt_status *status);

  [[gnu::format(printf, 3, 4)]] bool fail(nnccrt_code code, const char *format, ...);
  /// With nnccrt_status.needed.
  [[gnu::format(printf, 4, 5)]] bool failNeeding(nnccrt_code code, uint64_t needed, const char *format, ...);
  bool failNoMemory(uint64_t bytes);

  nnccrt_code code() const { return answer; }
  bool ok() const { return answer == NNCCRT_OK; }

private:
  void write(nnccrt_code code, uint64_t needed, const char *format, __builtin_va_list arguments);

  nnccrt_status *status;
  nnccrt_code answer = NNCCRT_OK;
};

} // namespace nncc::rt

#endif // NNCCRT_CORE_REPORT_H
