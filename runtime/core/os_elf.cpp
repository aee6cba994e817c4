//===- os_elf.cpp - executables and shared libraries ------------------------------------------------------------===//

#include "os.h"
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

namespace nncc::rt::os {

void directoryOf(const void *address, char *directory, uint64_t size) {
  directory[0] = '\0';
  // Of an executable, dladdr gives argv[0], which may be relative to a directory that was left since; a static one has no dladdr.
  Dl_info info;
  const char *path = dladdr(address, &info) ? info.dli_fname : nullptr;
  char executable[4096];
  if (!path || path[0] != '/') {
    ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
    executable[length > 0 ? length : 0] = '\0';
    path = executable;
  }
  const char *slash = std::strrchr(path, '/');
  uint64_t length = slash ? static_cast<uint64_t>(slash - path) + 1 : 0;
  if (length >= size)
    length = 0;
  std::memcpy(directory, path, length);
  directory[length] = '\0';
}

} // namespace nncc::rt::os
