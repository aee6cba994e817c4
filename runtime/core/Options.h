//===- Options.h - structs whose size says which version of the header made them ----------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_OPTIONS_H
#define NNCCRT_CORE_OPTIONS_H

#include "Report.h"
#include <cstring>

namespace nncc::rt {

/// Copies the caller's options (null: all zero) into this runtime's struct. A newer caller may set only what both know.
template <typename Options> bool readOptions(const Options *given, const char *name, Options &options, Report &report) {
  std::memset(&options, 0, sizeof(options));
  if (!given)
    return true;
  uint32_t size = given->size;
  if (size < sizeof(uint32_t) || size % sizeof(uint32_t))
    return report.fail(NNCCRT_INVALID, "%s.size is %u: set it to sizeof(%s), which is %zu here", name, size, name,
                       sizeof(Options));
  const char *bytes = reinterpret_cast<const char *>(given);
  for (size_t i = sizeof(Options); i < size; ++i)
    if (bytes[i])
      return report.fail(NNCCRT_UNSUPPORTED, "%s sets options that this runtime (" NNCCRT_VERSION ") does not know",
                         name);
  std::memcpy(&options, given, size < sizeof(Options) ? size : sizeof(Options));
  return true;
}

} // namespace nncc::rt

#endif // NNCCRT_CORE_OPTIONS_H
