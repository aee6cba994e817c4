//===- SourceFiles.h - the files that a model consists of -------------------------------------------------------*- C++ -*-===//
///
/// \file
/// A model is a file, and may name further files that hold its tensors. Nothing outside the model's directory is ever
/// opened on a model's word: names are resolved by the kernel below that directory, without following links, and only
/// regular files are mapped. Files stay mapped as long as this object lives, so that what was checked is what is read.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_SUPPORT_SOURCEFILES_H
#define NNCC_SUPPORT_SOURCEFILES_H

#include "nncc/Support/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nncc {

/// Why a file cannot be used.
struct FileError {
  DiagnosticCode code = DiagnosticCode::CannotRead;
  std::string message;
  std::vector<std::string> notes;
};

/// A regular file mapped for reading.
class MappedFile {
public:
  /// Takes over the descriptor. `name` is for messages.
  static std::unique_ptr<MappedFile> map(int descriptor, llvm::StringRef name, FileError &error);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  llvm::StringRef bytes() const { return {address, size}; }
  /// Takes its pages out of this process's memory: what is read again is loaded again.
  void dropPages() const;
  unsigned long hardLinks() const { return links; }

private:
  MappedFile() = default;

  char *address = nullptr;
  size_t size = 0;
  unsigned long links = 1;
};

class SourceFiles {
public:
  /// `externalDataRoot`, when not empty, is a directory that external data may lie in anywhere, and be reached by links
  /// (caches are made of links).
  explicit SourceFiles(llvm::StringRef modelPath, llvm::StringRef externalDataRoot = "");
  /// A model in memory that outlives this object; its external data is below `directory`.
  SourceFiles(llvm::StringRef name, llvm::StringRef model, llvm::StringRef directory, llvm::StringRef externalDataRoot);

  /// The model as the user named it, for messages.
  llvm::StringRef modelPath() const { return path; }
  /// The name of the model's own file: what an nn.weight says whose bytes are inside the model.
  llvm::StringRef modelName() const { return name; }
  /// The bytes of the model's file.
  std::optional<llvm::StringRef> model(FileError &error);
  /// All bytes of a file, given by the model's own name or by a path relative to its directory.
  std::optional<llvm::StringRef> open(llvm::StringRef file, FileError &error);
  /// MappedFile::dropPages of all files.
  void dropPages() const;
  /// The paths of all files that were read: the model, then its external data by name.
  std::vector<std::string> filesRead() const;
  /// A part of it; an error when it reaches beyond the end.
  std::optional<llvm::StringRef> read(llvm::StringRef file, uint64_t offset, uint64_t length, FileError &error);

private:
  int openBelowDirectory(llvm::StringRef file, FileError &error) const;
  int openBelowRoot(llvm::StringRef file, FileError &error) const;

  std::string path, name, directory, root;
  std::optional<llvm::StringRef> inMemory;
  std::unique_ptr<MappedFile> modelFile;
  llvm::StringMap<std::unique_ptr<MappedFile>> opened;
};

} // namespace nncc

#endif // NNCC_SUPPORT_SOURCEFILES_H
