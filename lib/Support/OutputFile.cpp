//===- OutputFile.cpp - files that appear whole or not at all -------------------------------------------------------------===//

#include "nncc/Support/OutputFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include <utility>

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

//===----------------------------------------------------------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------------------------------------------------------===//

Error OutputFiles::write(StringRef path, function_ref<Error(raw_pwrite_stream &)> write, bool executable) {
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
  pending.push_back({std::move(*file), path.str(), target.str().str()});
  return Error::success();
}

Error OutputFiles::commit() {
  Error result = Error::success();
  for (Pending &output : std::exchange(pending, {}))
    if (Error error = result ? output.file.discard() : output.file.keep(output.target))
      result = joinErrors(std::move(result), createFileError(output.path, std::move(error)));
  return result;
}

OutputFiles::~OutputFiles() {
  for (Pending &output : pending)
    consumeError(output.file.discard());
}

Error writeOutputFile(StringRef path, function_ref<Error(raw_pwrite_stream &)> write, bool executable,
                      OutputFiles *together) {
  if (together)
    return together->write(path, write, executable);
  OutputFiles alone;
  if (Error error = alone.write(path, write, executable))
    return error;
  return alone.commit();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What must stay
//===----------------------------------------------------------------------------------------------------------------------===//

/// Whether two paths are one file, which need not be there.
static bool isSameFile(StringRef a, StringRef b) {
  if (sys::fs::equivalent(a, b))
    return true;
  auto absolute = [](StringRef path) {
    SmallString<128> result(path), folder;
    if (sys::fs::make_absolute(result))
      return result; // the working directory is gone
    if (!sys::fs::real_path(sys::path::parent_path(result), folder)) {
      sys::path::append(folder, sys::path::filename(result));
      return folder;
    }
    return result;
  };
  return absolute(a) == absolute(b);
}

bool checkOutputPaths(ArrayRef<std::string> outputs, ArrayRef<std::string> inputs, Diagnostics &diagnostics) {
  auto isFile = [](StringRef path) {
    sys::fs::file_status status;
    return !path.empty() && path != "-" &&
           (sys::fs::status(path, status) || !sys::fs::exists(status) || sys::fs::is_regular_file(status));
  };
  for (const auto &[i, output] : llvm::enumerate(outputs)) {
    if (!isFile(output))
      continue;
    for (const std::string &input : inputs)
      if (isSameFile(output, input)) {
        diagnostics.error(DiagnosticCode::BadOption, output, "", "this output would replace a file that is read")
            .note("-o, --header and their like name other files");
        return false;
      }
    for (const std::string &other : outputs.take_front(i))
      if (isFile(other) && isSameFile(output, other)) {
        diagnostics.error(DiagnosticCode::BadOption, output, "", "two outputs would go to this file")
            .note("-o, --header and their like name other files");
        return false;
      }
  }
  return true;
}

void flushStandardOutput(Diagnostics &diagnostics) {
  raw_fd_ostream &out = outs();
  out.flush();
  if (std::error_code code = out.error())
    diagnostics.error(DiagnosticCode::CannotWrite, "standard output", "", code.message());
  out.clear_error(); // or its destructor ends the process
}

} // namespace nncc
