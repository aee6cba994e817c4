//===- OutputFile.cpp - files that appear whole or not at all -------------------------------------------------------------===//

#include "nncc/Support/OutputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace nncc {

static Error writeTo(raw_fd_ostream &out, StringRef path, function_ref<Error(raw_pwrite_stream &)> write) {
  Error error = write(out);
  out.flush();
  std::error_code code = out.error();
  out.clear_error(); // or the destructor ends the process
  if (error)
    return error;
  return code ? createFileError(path, code) : Error::success();
}

Error writeOutputFile(StringRef path, function_ref<Error(raw_pwrite_stream &)> write, bool executable) {
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && sys::fs::exists(status) && !sys::fs::is_regular_file(status)) {
    std::error_code code;
    raw_fd_ostream out(path, code, sys::fs::CD_OpenExisting);
    return code ? createFileError(path, code) : writeTo(out, path, write);
  }
  SmallString<128> target(path);
  if (sys::fs::is_symlink_file(path))
    if (std::error_code code = sys::fs::real_path(path, target))
      return createFileError(path, code);

  unsigned mode = sys::fs::all_read | sys::fs::all_write | (executable ? sys::fs::all_exe : 0);
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(target + ".tmp-%%%%%%%%", sys::fs::perms(mode));
  if (!file)
    return createFileError(path, file.takeError());
  raw_fd_ostream out(file->FD, /*shouldClose=*/false);
  if (Error error = writeTo(out, path, write))
    return joinErrors(std::move(error), file->discard());
  if (Error error = file->keep(target))
    return createFileError(path, std::move(error));
  return Error::success();
}

} // namespace nncc
