//===- OutputFile.h - files that appear whole or not at all -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_SUPPORT_OUTPUTFILE_H
#define NNCC_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc {

/// Lets `write` stream to a temporary file beside `path` and renames it when that and every write succeeded; else
/// nothing is left behind and an older file stays. A link is followed; what is no regular file (/dev/null, a pipe) is
/// written in place.
llvm::Error writeOutputFile(llvm::StringRef path, llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write,
                            bool executable = false);

} // namespace nncc

#endif // NNCC_SUPPORT_OUTPUTFILE_H
