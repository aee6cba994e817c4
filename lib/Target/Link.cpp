//===- Link.cpp - objects of a model into one file ----------------------------------------------------------------===//

#include "nncc/Target/Link.h"
#include "Builtins.h"
#include "LibrarySymbols.h"
#include "Linker.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::target {

static Error checkUndefined(const ObjectBytes &object, Sanitizer sanitizer) {
  Expected<std::vector<std::string>> names = getUndefinedSymbols(object);
  if (!names)
    return names.takeError();
  llvm::erase_if(*names, [&](const std::string &name) { return isLibrarySymbol(name, sanitizer); });
  if (names->empty())
    return Error::success();
  return createStringError("the code of the model refers to " + join(*names, ", ") +
                           ", which neither it nor libc nor libm has");
}

/// Makes every global symbol but `exported` local.
static Expected<ObjectBytes> localise(const ObjectBytes &object, StringRef exported) {
  auto binary = object::createBinary(MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
  if (!binary)
    return binary.takeError();
  objcopy::ConfigManager config;
  auto onError = [](Error error) { return error; };
  if (Error error = config.Common.SymbolsToKeepGlobal.addMatcher(
          objcopy::NameOrPattern::create(exported, objcopy::MatchStyle::Literal, onError)))
    return error;
  ObjectBytes result;
  raw_svector_ostream out(result);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **binary, out))
    return error;
  return result;
}

/// An archive: one file for lld, where a file an object could be more than a process may have open.
static Expected<ObjectBytes> archive(ArrayRef<ArrayRef<char>> objects) {
  std::vector<NewArchiveMember> members;
  for (ArrayRef<char> object : objects)
    members.emplace_back(MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
  auto buffer = writeArchiveToBuffer(members, SymtabWritingMode::NoSymtab, object::Archive::K_GNU,
                                     /*Deterministic=*/true, /*Thin=*/false);
  if (!buffer)
    return buffer.takeError();
  return ObjectBytes((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
}

Expected<ObjectBytes> joinObjects(ArrayRef<ObjectBytes> objects, StringRef exported, Sanitizer sanitizer) {
  std::vector<ArrayRef<char>> members(objects.begin(), objects.end());
  Expected<std::optional<ObjectBytes>> builtins = compileBuiltinsFor(objects);
  if (!builtins)
    return builtins.takeError();
  if (*builtins)
    members.push_back(**builtins);
  Expected<ObjectBytes> input = archive(members);
  if (!input)
    return input.takeError();
  Expected<ObjectBytes> linked = runLinker({"-r", "--whole-archive"}, ArrayRef<char>(*input));
  if (!linked)
    return linked.takeError();
  if (Error error = checkUndefined(*linked, sanitizer))
    return error;
  return localise(*linked, exported);
}

/// Streams `image`, whose weights are its end, and the weights.
static Error writeImage(StringRef path, ObjectBytes image, const WeightBlob &weights, bool executable,
                        OutputFiles *together) {
  if (!weights.empty())
    if (Error error = placeWeightsAtEnd(image, weights.size()))
      return error;
  auto write = [&](raw_pwrite_stream &out) {
    out.write(image.data(), image.size());
    weights.write(out);
    return Error::success();
  };
  return writeOutputFile(path, write, executable, together);
}

Error writeObjectFile(StringRef path, const ObjectBytes &joined, const WeightBlob &embedded, OutputFiles *together) {
  return writeImage(path, joined, embedded, /*executable=*/false, together);
}

/// libm, if `object` needs it: a program that loads a model may not have it.
static Expected<ObjectBytes> makeMathLibraryFor(const ObjectBytes &object) {
  Expected<std::vector<std::string>> names = getUndefinedSymbols(object);
  if (!names)
    return names.takeError();
  llvm::erase_if(*names, [](const std::string &name) { return !isMathSymbol(name); });
  return names->empty() ? ObjectBytes() : makeMathLibrary(*names);
}

Error writeSharedObject(StringRef path, const ObjectBytes &joined, const WeightBlob &embedded, OutputFiles *together) {
  ObjectBytes object = joined;
  if (!embedded.empty())
    if (Error error = reserveWeights(object, embedded.size()))
      return error;
  std::vector<ArrayRef<char>> inputs = {object};
  Expected<ObjectBytes> mathLibrary = makeMathLibraryFor(joined);
  if (!mathLibrary)
    return mathLibrary.takeError();
  if (!mathLibrary->empty())
    inputs.push_back(*mathLibrary);
  // The weights' segment lies behind all others: there its address space needs no room in the file until they are appended.
  std::string name = ("-soname=" + sys::path::filename(path)).str();
  Expected<ObjectBytes> linked =
      runLinker({"-shared", "-z", "now", "-z", "relro", "-z", "lrodata-after-bss", "--hash-style=gnu", name}, inputs);
  if (!linked)
    return linked.takeError();
  return writeImage(path, std::move(*linked), embedded, /*executable=*/true, together);
}

} // namespace nncc::target
