//===- OutputFile.h - files that appear whole or not at all -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_SUPPORT_OUTPUTFILE_H
#define NNCC_SUPPORT_OUTPUTFILE_H

#include "nncc/Support/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace nncc {

/// Files that appear together: all of them, or none.
class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  /// Discards what was not committed: older files stay.
  ~OutputFiles();

  /// Lets `write` stream to a temporary file beside `path`. A link is followed; what is no regular file (/dev/null, a
  /// pipe) is written in place.
  llvm::Error write(llvm::StringRef path, llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write,
                    bool executable = false);
  /// Gives the files their names.
  llvm::Error commit();

private:
  struct Pending {
    llvm::sys::fs::TempFile file;
    std::string path, target; ///< as the user named it, and behind links
  };
  std::vector<Pending> pending;
};

/// One file alone, which appears whole or not at all; or as one of `together`, when that is committed.
llvm::Error writeOutputFile(llvm::StringRef path, llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write,
                            bool executable = false, OutputFiles *together = nullptr);

/// Refuses outputs that would replace a file that is read, or each other; false with an error. Paths that are empty or "-"
/// are no files.
bool checkOutputPaths(llvm::ArrayRef<std::string> outputs, llvm::ArrayRef<std::string> inputs,
                      Diagnostics &diagnostics);

/// Writes out what is left for standard output; a full disk is an error there too, not the end of the process.
void flushStandardOutput(Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_SUPPORT_OUTPUTFILE_H
