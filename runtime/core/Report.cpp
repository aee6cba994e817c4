//===- Report.cpp - filling the caller's nnccrt_status ----------------------------------------------------------===//

#include "Report.h"
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace nncc::rt {

/// Length of the UTF-8 character at `text`; 0: not one.
static int characterLength(const unsigned char *text) {
  unsigned char lead = text[0];
  int length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  for (int i = 1; i < length; ++i)
    if (text[i] >> 6 != 2)
      return 0;
  uint32_t second = length > 1 ? text[1] : 0;
  bool overlong = (length == 2 && lead < 0xc2) || (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f) || lead > 0xf4;
  return overlong || outside ? 0 : length;
}

/// A name in a model, or one that was cut off, may hold anything; a message is one line of text.
static void clean(char *text) {
  for (auto *c = reinterpret_cast<unsigned char *>(text); *c;) {
    int length = characterLength(c);
    if (!length || *c < ' ' || *c == 0x7f)
      *c = '?';
    c += length ? length : 1;
  }
}

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
  clean(status->message);
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
