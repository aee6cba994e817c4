//===- os_dl.cpp - loading shared libraries ---------------------------------------------------------------------===//
///
/// \file
/// Apart from os_elf.cpp, so that an application that links its models does not pull dlopen in.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "os.h"
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nncc::rt::os {

/// The bytes that a library's segments need of its file; 0 of what is no library, whose reason dlopen gives.
static uint64_t bytesOfSegments(int file) {
  ElfW(Ehdr) header;
  if (pread(file, &header, sizeof(header), 0) != static_cast<ssize_t>(sizeof(header)) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(ElfW(Phdr)))
    return 0;
  uint64_t end = 0;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    uint64_t offset = header.e_phoff + i * sizeof(segment);
    if (pread(file, &segment, sizeof(segment), static_cast<off_t>(offset)) != static_cast<ssize_t>(sizeof(segment)))
      return offset + sizeof(segment);
    if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > end)
      end = segment.p_offset + segment.p_filesz;
  }
  return end;
}

/// dlopen maps what the headers say: to read beyond the end of a file that is cut off (a full disk, a broken download) ends the
/// process with a bus error.
static bool isWhole(const char *path, Report &report) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return true; // dlopen says why
  struct stat status;
  uint64_t needed = bytesOfSegments(file);
  uint64_t size = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : needed;
  close(file);
  if (size < needed)
    report.fail(NNCCRT_IO, "cannot load the library: '%s' is cut off: it has %llu bytes of %llu", path,
                static_cast<unsigned long long>(size), static_cast<unsigned long long>(needed));
  return size >= needed;
}

void *openLibrary(const char *path, Report &report) {
  // Without a slash dlopen would search the system's directories.
  char local[4096];
  const char *file = path;
  if (!std::strchr(path, '/')) {
    if (std::snprintf(local, sizeof(local), "./%s", path) >= static_cast<int>(sizeof(local))) {
      report.fail(NNCCRT_IO, "the path is too long");
      return nullptr;
    }
    file = local;
  }
  if (!isWhole(file, report))
    return nullptr;
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    report.fail(NNCCRT_IO, "cannot load the library: %s", dlerror());
  return library;
}

void closeLibrary(void *library) { dlclose(library); }

void *openSystemLibrary(const char *name, char *why, uint64_t size) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    std::snprintf(why, size, "%s", dlerror());
  return library;
}

void *findFunction(void *library, const char *name) { return dlsym(library, name); }

/// The number of dynamic symbols, which only the hash table tells.
static uint32_t countSymbols(const uint32_t *gnuHash) {
  uint32_t buckets = gnuHash[0], offset = gnuHash[1], bloomWords = gnuHash[2];
  const uint32_t *bucket = gnuHash + 4 + bloomWords * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
  const uint32_t *chain = bucket + buckets;
  uint32_t last = 0;
  for (uint32_t i = 0; i < buckets; ++i)
    last = bucket[i] > last ? bucket[i] : last;
  if (last < offset)
    return offset;
  while (!(chain[last - offset] & 1))
    ++last;
  return last + 1;
}

/// Calls `found` with the name of each symbol that the library defines.
template <typename Found> static void forEachSymbol(void *library, const Found &found) {
  link_map *map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, static_cast<void *>(&map)) || !map)
    return;
  const ElfW(Sym) *symbols = nullptr;
  const char *strings = nullptr;
  uint32_t count = 0;
  for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
    const void *address =
        reinterpret_cast<const void *>(entry->d_un.d_ptr); // NOLINT(performance-no-int-to-ptr): as ELF has it
    if (entry->d_tag == DT_SYMTAB)
      symbols = static_cast<const ElfW(Sym) *>(address);
    else if (entry->d_tag == DT_STRTAB)
      strings = static_cast<const char *>(address);
    else if (entry->d_tag == DT_HASH)
      count = static_cast<const uint32_t *>(address)[1];
    else if (entry->d_tag == DT_GNU_HASH)
      count = countSymbols(static_cast<const uint32_t *>(address));
  }
  for (uint32_t i = 0; symbols && strings && i < count; ++i)
    if (symbols[i].st_shndx != SHN_UNDEF)
      found(strings + symbols[i].st_name);
}

const void *findSymbol(void *library, const char *path, const char *prefix, const char *name, Report &report) {
  char symbol[512];
  size_t prefixLength = std::strlen(prefix), matches = 0;
  symbol[0] = '\0';
  forEachSymbol(library, [&](const char *candidate) {
    if (std::strncmp(candidate, prefix, prefixLength) != 0)
      return;
    if (name && std::strcmp(candidate + prefixLength, name) != 0)
      return;
    ++matches;
    std::snprintf(symbol, sizeof(symbol), "%s", candidate);
  });
  if (matches == 1)
    if (const void *address = dlsym(library, symbol))
      return address;
  if (name)
    report.fail(NNCCRT_INVALID, "'%s' holds no model '%s' (symbol %s%s)", path, name, prefix, name);
  else if (matches > 1)
    report.fail(NNCCRT_INVALID, "'%s' holds %zu models, one of them '%s': say which", path, matches,
                symbol + prefixLength);
  else
    report.fail(NNCCRT_INVALID, "'%s' holds no model (no symbol %s...)", path, prefix);
  return nullptr;
}

} // namespace nncc::rt::os
