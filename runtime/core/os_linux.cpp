//===- os_linux.cpp - threads, memory and files of Linux --------------------------------------------------------===//

#include "os.h"
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nncc::rt::os {

//===----------------------------------------------------------------------------------------------------------------------===//
// Cores
//===----------------------------------------------------------------------------------------------------------------------===//

/// The text of a small file (of /proc or /sys), cut off at `size`.
static bool readText(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  ssize_t length = read(file, text, size - 1);
  close(file);
  text[length > 0 ? length : 0] = '\0';
  return length > 0;
}

static uint32_t affinityCores() {
  // The mask grows until the kernel's fits.
  for (int cpus = CPU_SETSIZE; cpus <= CPU_SETSIZE * 64; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set)
      break;
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    int error = sched_getaffinity(0, bytes, set) ? errno : 0;
    int count = error ? 0 : CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    if (!error)
      return count > 0 ? static_cast<uint32_t>(count) : 1;
    if (error != EINVAL)
      break;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<uint32_t>(online) : 1;
}

/// The path of this process in the control group hierarchy whose line of /proc/self/cgroup starts (after its number) with `prefix`.
static bool groupPath(const char *text, const char *prefix, char *path, size_t size) {
  for (const char *line = text; line && *line; line = std::strchr(line, '\n')) {
    line += *line == '\n';
    const char *colon = std::strchr(line, ':');
    const char *second = colon ? std::strchr(colon + 1, ':') : nullptr;
    if (!second)
      continue;
    size_t length = static_cast<size_t>(second - colon - 1), wanted = std::strlen(prefix);
    // "cpu" is a member of a list such as "cpu,cpuacct"; version 2 has an empty list.
    bool found = wanted ? false : length == 0;
    for (const char *member = colon + 1; wanted && member < second;) {
      const char *end = static_cast<const char *>(std::memchr(member, ',', static_cast<size_t>(second - member)));
      end = end ? end : second;
      found |= static_cast<size_t>(end - member) == wanted && !std::memcmp(member, prefix, wanted);
      member = end + 1;
    }
    if (!found)
      continue;
    size_t pathLength = std::strcspn(second + 1, "\n");
    if (pathLength >= size)
      return false;
    std::memcpy(path, second + 1, pathLength);
    path[pathLength] = '\0';
    return true;
  }
  return false;
}

/// The number at `text`, -1 if there is none ("max"); moves behind it.
static long long readNumber(const char *&text) {
  char *end = nullptr;
  long long number = std::strtoll(text, &end, 10);
  bool found = end != text;
  text = end;
  return found ? number : -1;
}

/// Cores of a group's quota, rounded up; UINT32_MAX when it has none.
static uint32_t quotaOf(const char *root, const char *group, bool version2) {
  char path[PATH_MAX + 64], quotaText[64], periodText[64];
  std::snprintf(path, sizeof(path), version2 ? "%s%s/cpu.max" : "%s%s/cpu.cfs_quota_us", root, group);
  if (!readText(path, quotaText, sizeof(quotaText)))
    return UINT32_MAX;
  const char *rest = quotaText;
  long long quota = readNumber(rest), period = version2 ? readNumber(rest) : -1; // "200000 100000" in version 2
  std::snprintf(path, sizeof(path), "%s%s/cpu.cfs_period_us", root, group);
  if (!version2 && readText(path, periodText, sizeof(periodText))) {
    rest = periodText;
    period = readNumber(rest);
  }
  if (quota <= 0 || period <= 0)
    return UINT32_MAX;
  long long cores = quota / period + (quota % period != 0);
  return cores < UINT32_MAX ? static_cast<uint32_t>(cores) : UINT32_MAX;
}

/// The smallest quota of the group and its parents.
static uint32_t groupCores() {
  char groups[4096], group[PATH_MAX];
  if (!readText("/proc/self/cgroup", groups, sizeof(groups)))
    return UINT32_MAX;
  struct {
    const char *prefix, *root;
  } const hierarchies[] = {{"", "/sys/fs/cgroup"}, {"cpu", "/sys/fs/cgroup/cpu"}};
  uint32_t cores = UINT32_MAX;
  for (const auto &[prefix, root] : hierarchies) {
    if (!groupPath(groups, prefix, group, sizeof(group)))
      continue;
    while (true) {
      uint32_t quota = quotaOf(root, std::strcmp(group, "/") ? group : "", !*prefix);
      cores = quota < cores ? quota : cores;
      char *slash = std::strrchr(group, '/');
      if (!slash)
        break;
      *slash = '\0';
    }
  }
  return cores;
}

uint32_t availableCores() {
  uint32_t affinity = affinityCores(), group = groupCores();
  uint32_t cores = affinity < group ? affinity : group;
  return cores ? cores : 1;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Time and memory
//===----------------------------------------------------------------------------------------------------------------------===//

uint64_t nowNs() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

void *allocate(uint64_t bytes) {
  constexpr uint64_t hugePage = 2u << 20;
  if (bytes > static_cast<uint64_t>(PTRDIFF_MAX) - hugePage)
    return nullptr;
  void *memory = nullptr;
  bool large = bytes >= 2 * hugePage;
  if (posix_memalign(&memory, large ? hugePage : 64, bytes ? bytes : 64))
    return nullptr;
  if (large) // a hint; the whole pages inside the block, no others
    (void)madvise(memory, bytes & ~(hugePage - 1), MADV_HUGEPAGE);
  return memory;
}

void free(void *memory) { std::free(memory); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------------===//

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "a futex is the word itself");

void wait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void wake(std::atomic<uint32_t> &word) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }

/// A stack that is not what `ulimit -s` says: a kernel must not depend on it.
bool start(Thread &thread, void *(*body)(void *), void *argument, uint64_t stackBytes) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes))
    return false;
  pthread_attr_setstacksize(&attributes, stackBytes);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t handle;
  bool started = !pthread_create(&handle, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  static_assert(sizeof(pthread_t) <= sizeof(thread.handle));
  if (started)
    std::memcpy(&thread.handle, &handle, sizeof(handle));
  return started;
}

void join(Thread &thread) {
  pthread_t handle;
  std::memcpy(&handle, &thread.handle, sizeof(handle));
  pthread_join(handle, nullptr);
}

void onFork(void (*handler)()) { pthread_atfork(nullptr, nullptr, handler); }

bool enableAmx() {
#ifdef SYS_arch_prctl
  constexpr long requestPermission = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
#else
  return false;
#endif
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------------------------------------------------------===//

bool map(const char *path, Mapping &mapping, Report &report) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return report.fail(NNCCRT_IO, "cannot open '%s': %s", path, std::strerror(errno));
  struct stat status;
  if (fstat(file, &status) || !S_ISREG(status.st_mode)) {
    close(file);
    return report.fail(NNCCRT_IO, "'%s' is not a regular file", path);
  }
  mapping.bytes = static_cast<uint64_t>(status.st_size);
  void *memory = mapping.bytes ? mmap(nullptr, mapping.bytes, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  int error = errno;
  close(file);
  if (memory == MAP_FAILED)
    return report.fail(NNCCRT_IO, "cannot map '%s': %s", path, std::strerror(error));
  mapping.data = static_cast<const char *>(memory);
  return true;
}

void unmap(Mapping &mapping) {
  if (mapping.data)
    munmap(const_cast<char *>(mapping.data), mapping.bytes);
  mapping = {};
}

} // namespace nncc::rt::os
