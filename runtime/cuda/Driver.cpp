//===- Driver.cpp - the CUDA driver, loaded while the application runs ------------------------------------------===//

#include "Driver.h"
#include "Lock.h"
#include "os.h"
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace nncc::rt::cuda {

namespace {
using GetProcAddress = Result (*)(const char *, void **, int, uint64_t);
using GetProcAddress2 = Result (*)(const char *, void **, int, uint64_t, int *);

/// Finds functions in the library: by cuGetProcAddress, which gives the form that a version of CUDA had, where the driver is new enough
/// (11.3) to have it, else by their names.
class Finder {
public:
  explicit Finder(void *library) : library(library) {
    find2 = reinterpret_cast<GetProcAddress2>(os::findFunction(library, "cuGetProcAddress_v2"));
    find1 = reinterpret_cast<GetProcAddress>(os::findFunction(library, "cuGetProcAddress"));
  }

  void *find(const char *name, int since) const {
    char plain[64];
    std::snprintf(plain, sizeof(plain), "%s", name);
    if (char *suffix = std::strstr(plain, "_v2"))
      *suffix = '\0';
    void *function = nullptr;
    Result result = find2   ? find2(plain, &function, since, 0, nullptr)
                    : find1 ? find1(plain, &function, since, 0)
                            : kNoDevice;
    return result == kSuccess && function ? function : os::findFunction(library, name);
  }

private:
  void *library;
  GetProcAddress2 find2;
  GetProcAddress find1;
};
} // namespace

static const char *findAll(const Finder &finder, Driver &driver) {
#define NNCCRT_CALL(member, name, since, parameters)                                                                   \
  driver.member = reinterpret_cast<Result(*) parameters>(finder.find(#name, since));
  NNCCRT_REQUIRED_CALLS(NNCCRT_CALL)
  NNCCRT_OPTIONAL_CALLS(NNCCRT_CALL)
#undef NNCCRT_CALL
#define NNCCRT_CALL(member, name, since, parameters)                                                                   \
  if (!driver.member)                                                                                                  \
    return #name;
  NNCCRT_REQUIRED_CALLS(NNCCRT_CALL)
#undef NNCCRT_CALL
  return nullptr;
}

static bool load(Driver &driver, Report &report) {
  constexpr int oldest = 11000; // what all that is required is in
  char why[256];
  void *library = os::openSystemLibrary("libcuda.so.1", why, sizeof(why));
  if (!library)
    return report.fail(NNCCRT_DEVICE, "no CUDA driver found (libcuda.so.1): %s", why);
  if (const char *missing = findAll(Finder(library), driver))
    return report.fail(NNCCRT_DEVICE, "the CUDA driver (libcuda.so.1) is too old: it has no %s", missing);
  if (Result result = driver.init(0))
    return driver.fail(result, report, "starting the CUDA driver");
  if (Result result = driver.driverVersion(&driver.version))
    return driver.fail(result, report, "asking the CUDA driver for its version");
  if (driver.version < oldest)
    return report.fail(NNCCRT_DEVICE, "the CUDA driver is too old: it is of CUDA %d.%d, 11.0 is the least",
                       driver.version / 1000, driver.version % 1000 / 10);
  return true;
}

const Driver *loadDriver(Report &report) {
  static Lock lock;
  static Driver driver;
  static bool isLoaded;
  Locked locked(lock);
  isLoaded = isLoaded || load(driver, report);
  return isLoaded ? &driver : nullptr;
}

bool Driver::fail(Result result, Report &report, const char *format, ...) const {
  char doing[320];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(doing, sizeof(doing), format, arguments);
  va_end(arguments);
  const char *name = nullptr, *text = nullptr;
  if (errorName(result, &name) || !name)
    name = "an unknown error";
  if (errorText(result, &text) || !text)
    text = "no description";
  nnccrt_code code = result == kOutOfMemory ? NNCCRT_NO_MEMORY : NNCCRT_DEVICE;
  return report.fail(code, "%s (%d, %s) while %s", name, result, text, doing);
}

bool isSticky(Result result) {
  switch (result) {
  case 46:  // device unavailable
  case 214: // ECC
  case 700: // illegal address
  case 702: // launch timeout
  case 709: // context destroyed
  case 710: // assert
  case 714: // hardware stack
  case 715: // illegal instruction
  case 716: // misaligned address
  case 717: // address space
  case 718: // program counter
  case 719: // launch failed
  case 999: // unknown
    return true;
  default:
    return false;
  }
}

} // namespace nncc::rt::cuda
