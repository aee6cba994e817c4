//===- Report.cpp - filling the caller's nnccrt_status ----------------------------------------------------------===//

#include "Report.h"
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace nncc::rt {

Report::Report(nnccrt_status *status) : status(status) {
  if (!status)
    return;
  status->code = NNCCRT_OK;
  status->reserved = 0;
  status->needed = 0;
  status->message[0] = '\0';
}

void Report::write(nnccrt_code code, uint64_t needed, const char *format, va_list arguments) {
  answer = code;
  if (!status)
    return;
  status->code = code;
  status->needed = needed;
  int length = std::vsnprintf(status->message, sizeof(status->message), format, arguments);
  if (length >= static_cast<int>(sizeof(status->message)))
    std::memcpy(status->message + sizeof(status->message) - 4, "...", 4);
  // A name in a model may hold anything; a message is one line.
  for (char *c = status->message; *c; ++c)
    if (static_cast<unsigned char>(*c) < ' ' || *c == '\x7f')
      *c = '?';
}

bool Report::fail(nnccrt_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(code, 0, format, arguments);
  va_end(arguments);
  return false;
}

bool Report::failNeeding(nnccrt_code code, uint64_t needed, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(code, needed, format, arguments);
  va_end(arguments);
  return false;
}

bool Report::failNoMemory(uint64_t bytes) {
  return failNeeding(NNCCRT_NO_MEMORY, bytes, "out of memory: the system did not give %llu bytes",
                     static_cast<unsigned long long>(bytes));
}

} // namespace nncc::rt
