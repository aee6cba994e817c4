//===- Linker.cpp - lld inside the process ------------------------------------------------------------------------===//

#include "Linker.h"
#include "Machine.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace nncc::target {

namespace {
/// An object as a file without a name on disk: lld reads paths only. (Its output cannot be one: lld renames a temporary
/// beside it.)
class MemoryFile {
public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }

  Error fill(ArrayRef<char> bytes) {
    descriptor = memfd_create("nncc", MFD_CLOEXEC);
    if (descriptor < 0)
      return errorCodeToError(errnoAsErrorCode());
    raw_fd_ostream out(descriptor, /*shouldClose=*/false, /*unbuffered=*/true);
    out.write(bytes.data(), bytes.size());
    std::error_code code = out.error();
    out.clear_error();
    return errorCodeToError(code);
  }
  std::string getPath() const { return "/proc/self/fd/" + std::to_string(descriptor); }

private:
  int descriptor = -1;
};
} // namespace

/// Two lld at once in a process abort, and one that crashed cannot run again.
static Error runAlone(ArrayRef<const char *> arguments) {
  std::unique_lock alone(getLLVMOptionsLock());
  static bool usable = true;
  if (!usable)
    return createStringError("lld failed before in this process");
  std::string messages;
  raw_string_ostream out(messages);
  // lld ends the process at what it calls fatal (an input that is damaged) where nobody catches it.
  CrashRecoveryContext::Enable();
  lld::Result result = lld::lldMain(arguments, out, out, {{lld::Gnu, &lld::elf::link}});
  CrashRecoveryContext::Disable();
  usable = result.canRunAgain;
  return result.retCode ? createStringError("lld: " + messages) : Error::success();
}

Expected<ObjectBytes> runLinker(ArrayRef<StringRef> arguments, ArrayRef<ArrayRef<char>> objects) {
  SmallString<128> output;
  if (std::error_code code = sys::fs::createTemporaryFile("nncc", "o", output))
    return createStringError(code, "cannot create a temporary file");
  FileRemover remover(output);
  std::vector<MemoryFile> files(objects.size());
  std::vector<std::string> strings = {"ld.lld", "--threads=1", "-o", output.str().str()};
  append_range(strings, arguments);
  for (auto [file, object] : zip_equal(files, objects)) {
    if (Error error = file.fill(object))
      return error;
    strings.push_back(file.getPath());
  }
  if (Error error = runAlone(map_to_vector(strings, [](const std::string &s) { return s.c_str(); })))
    return error;
  auto buffer = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read what lld wrote");
  return ObjectBytes((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
}

} // namespace nncc::target
