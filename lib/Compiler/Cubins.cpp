//===- Cubins.cpp - machine code for GPUs ---------------------------------------------------------------------------------===//

#include "Cubins.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc {

/// A file that goes with the object.
static Expected<FileRemover> makeTemporary(StringRef suffix, SmallVectorImpl<char> &path) {
  if (std::error_code error = sys::fs::createTemporaryFile("nncc", suffix, path))
    return createStringError(error, "cannot make a temporary file");
  return FileRemover(Twine(path));
}

static std::string readWhole(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

static Expected<std::string> assemble(StringRef ptxas, unsigned sm, StringRef text) {
  SmallString<128> source, result, messages;
  auto first = makeTemporary("ptx", source), second = makeTemporary("cubin", result),
       third = makeTemporary("log", messages);
  if (Error error = joinErrors(joinErrors(first.takeError(), second.takeError()), third.takeError()))
    return error;
  std::error_code code;
  {
    raw_fd_ostream out(source, code);
    out << text;
  }
  std::string arch = "-arch=sm_" + std::to_string(sm);
  StringRef arguments[] = {ptxas, arch, source, "-o", result};
  std::optional<StringRef> redirects[] = {StringRef(), messages.str(), messages.str()};
  std::string problem;
  int status = code ? -1 : sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &problem);
  std::string cubin = status == 0 ? readWhole(result) : "";
  if (!cubin.empty())
    return cubin;
  std::string said = readWhole(messages);
  return createStringError(ptxas + " refuses the kernels for sm_" + Twine(sm) + ": " +
                           (said.empty() ? problem : StringRef(said).trim().str()));
}

/// The same kernels in the same parts, as machine code.
static Error assembleParts(StringRef ptxas, target::CudaImageDescription &image) {
  image.isCubin = true;
  image.bytes = 0;
  for (std::string &part : image.parts) {
    Expected<std::string> cubin = assemble(ptxas, image.sm, part);
    if (!cubin)
      return cubin.takeError();
    image.bytes += cubin->size();
    part = std::move(*cubin);
  }
  return Error::success();
}

Error addCubins(target::ModelDescription &model, ArrayRef<unsigned> families, StringRef ptxas) {
  std::string program = ptxas.str();
  if (ptxas.empty()) {
    ErrorOr<std::string> found = sys::findProgramByName("ptxas");
    if (!found)
      return createStringError(
          "--cubin needs NVIDIA's assembler, and there is no ptxas on PATH: --ptxas=PATH names one");
    program = *found;
  }
  std::vector<target::CudaImageDescription> images;
  for (target::CudaImageDescription &image : model.images) {
    if (families.empty() || is_contained(families, image.sm))
      if (Error error = assembleParts(program, images.emplace_back(image)))
        return error;
    images.push_back(std::move(image));
  }
  model.images = std::move(images);
  return Error::success();
}

} // namespace nncc
