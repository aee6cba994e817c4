//===- SourceFiles.cpp - the files that a model consists of ---------------------------------------------------------------===//

#include "nncc/Support/SourceFiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace nncc {

// A FIFO must not block the open.
static constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

namespace {
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd; }
  int release() { return std::exchange(fd, -1); }
  void reset(int other) {
    if (fd >= 0)
      close(fd);
    fd = other;
  }

private:
  int fd;
};
} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Mapping
//===----------------------------------------------------------------------------------------------------------------------===//

std::unique_ptr<MappedFile> MappedFile::map(int descriptor, StringRef name, FileError &error) {
  Descriptor fd(descriptor);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) {
    error = {DiagnosticCode::CannotRead, ("cannot read '" + name + "': " + std::strerror(errno)).str(), {}};
    return nullptr;
  }
  if (!S_ISREG(status.st_mode)) {
    error = {DiagnosticCode::NotAFile, ("'" + name + "' is not a regular file").str(), {}};
    return nullptr;
  }
  std::unique_ptr<MappedFile> file(new MappedFile);
  file->links = status.st_nlink;
  if (status.st_size == 0)
    return file;
  void *address = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) {
    error = {DiagnosticCode::CannotRead, ("cannot map '" + name + "': " + std::strerror(errno)).str(), {}};
    return nullptr;
  }
  file->address = static_cast<char *>(address);
  file->size = status.st_size;
  return file;
}

void MappedFile::dropPages() const {
  if (address)
    (void)madvise(address, size, MADV_DONTNEED); // no more than a hint
}

MappedFile::~MappedFile() {
  if (address)
    munmap(address, size);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Opening below a directory
//===----------------------------------------------------------------------------------------------------------------------===//

/// For kernels without openat2 (and sandboxes that forbid it): one component after the other, none of them a link.
static int openWithoutLinks(int directory, StringRef file) {
  Descriptor current(dup(directory));
  SmallVector<StringRef> parts;
  file.split(parts, '/', -1, /*KeepEmpty=*/false);
  for (auto [i, part] : llvm::enumerate(parts)) {
    bool last = i + 1 == parts.size();
    int next = openat(current.get(), part.str().c_str(), kOpenFlags | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
    if (next < 0)
      return -1;
    current.reset(next);
  }
  return current.release();
}

/// Opens `file` below `directory` without following a link in any component.
static int openBeneath(int directory, StringRef file) {
  open_how how = {};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = syscall(SYS_openat2, directory, file.str().c_str(), &how, sizeof(how));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return openWithoutLinks(directory, file);
  return fd;
}

static FileError outside(StringRef file, StringRef why) {
  FileError error = {DiagnosticCode::ExternalDataOutside, ("external data '" + file + "' " + why).str(), {}};
  error.notes.push_back("only files inside the model's directory are read, and no links are followed");
  return error;
}

int SourceFiles::openBelowDirectory(StringRef file, FileError &error) const {
  Descriptor top(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int fd = top.get() < 0 ? -1 : openBeneath(top.get(), file);
  if (fd >= 0)
    return fd;
  if (errno == ELOOP || errno == EXDEV) {
    error = outside(file, "is reached through a link");
    error.notes.push_back("for a cache made of links: --external-data-root=DIR allows files anywhere below DIR");
    return -1;
  }
  error = {DiagnosticCode::CannotReadExternal,
           ("cannot read external data '" + file + "': " + std::strerror(errno)).str(),
           {}};
  error.notes.push_back("looked for in the directory '" + directory + "'");
  return -1;
}

/// Links may be followed as long as they end below the root; the file is then opened by its true path, without links
/// again.
int SourceFiles::openBelowRoot(StringRef file, FileError &error) const {
  auto resolve = [](const std::string &path) -> std::string {
    std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
    return real ? real.get() : "";
  };
  std::string realRoot = resolve(root), real = resolve(directory + "/" + file.str());
  if (realRoot.empty() || real.empty()) {
    StringRef missing = realRoot.empty() ? StringRef(root) : file;
    error = {DiagnosticCode::CannotReadExternal, ("cannot read '" + missing + "': " + std::strerror(errno)).str(), {}};
    return -1;
  }
  StringRef relative = real;
  if (realRoot != "/" && (!relative.consume_front(realRoot) || !relative.starts_with("/"))) {
    error = {DiagnosticCode::ExternalDataOutside,
             ("external data '" + file + "' is outside --external-data-root=" + root).str(),
             {}};
    return -1;
  }
  Descriptor top(::open(realRoot.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int fd = top.get() < 0 ? -1 : openBeneath(top.get(), relative.ltrim('/'));
  if (fd < 0)
    error = {DiagnosticCode::CannotReadExternal,
             ("cannot read external data '" + file + "': " + std::strerror(errno)).str(),
             {}};
  return fd;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The files of a model
//===----------------------------------------------------------------------------------------------------------------------===//

SourceFiles::SourceFiles(StringRef modelPath, StringRef externalDataRoot)
    : path(modelPath), name(sys::path::filename(modelPath)), directory(sys::path::parent_path(modelPath)),
      root(externalDataRoot) {
  if (directory.empty())
    directory = ".";
}

SourceFiles::SourceFiles(StringRef name, StringRef model, StringRef directory, StringRef externalDataRoot)
    : path(name), name(sys::path::filename(name)), directory(directory.empty() ? "." : directory),
      root(externalDataRoot), inMemory(model) {}

std::optional<StringRef> SourceFiles::model(FileError &error) {
  if (inMemory)
    return inMemory;
  if (!modelFile) {
    int fd = ::open(path.c_str(), kOpenFlags);
    if (fd < 0) {
      error = {DiagnosticCode::CannotRead, "cannot read '" + path + "': " + std::strerror(errno), {}};
      return std::nullopt;
    }
    modelFile = MappedFile::map(fd, path, error);
  }
  return modelFile ? std::optional(modelFile->bytes()) : std::nullopt;
}

std::optional<StringRef> SourceFiles::open(StringRef file, FileError &error) {
  if (file == name)
    return model(error);
  if (auto found = opened.find(file); found != opened.end())
    return found->second->bytes();
  SmallVector<StringRef> parts;
  file.split(parts, '/');
  if (file.empty() || file.contains('\0')) {
    error = {DiagnosticCode::BadExternalData, "external data has an empty or malformed file name", {}};
    return std::nullopt;
  }
  if (file.starts_with("/") || llvm::is_contained(parts, "..")) {
    error = outside(file, "is not a path inside the model's directory");
    return std::nullopt;
  }
  int fd = root.empty() ? openBelowDirectory(file, error) : openBelowRoot(file, error);
  if (fd < 0)
    return std::nullopt;
  std::unique_ptr<MappedFile> mapped = MappedFile::map(fd, file, error);
  if (!mapped)
    return std::nullopt;
  if (mapped->hardLinks() > 1 && root.empty()) {
    error = outside(file, "has several hard links: it may be a file from elsewhere");
    error.notes.push_back("for a cache made of links: --external-data-root=DIR allows files anywhere below DIR");
    return std::nullopt;
  }
  return (opened[file] = std::move(mapped))->bytes();
}

std::optional<StringRef> SourceFiles::read(StringRef file, uint64_t offset, uint64_t length, FileError &error) {
  std::optional<StringRef> bytes = open(file, error);
  if (!bytes)
    return std::nullopt;
  if (offset > bytes->size() || length > bytes->size() - offset) {
    error = {DiagnosticCode::BadExternalData,
             ("'" + file + "' has " + Twine(bytes->size()) + " bytes, too few for " + Twine(length) +
              " bytes from offset " + Twine(offset))
                 .str(),
             {}};
    return std::nullopt;
  }
  return bytes->substr(offset, length);
}

void SourceFiles::dropPages() const {
  if (modelFile)
    modelFile->dropPages();
  for (const auto &file : opened)
    file.second->dropPages();
}

} // namespace nncc

std::vector<std::string> nncc::SourceFiles::filesRead() const {
  std::vector<std::string> external;
  for (const auto &entry : opened)
    external.push_back((llvm::Twine(directory.empty() ? "." : directory) + "/" + entry.getKey()).str());
  llvm::sort(external); // a map has no order of its own
  external.insert(external.begin(), path);
  return external;
}
