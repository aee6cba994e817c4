//===- Link.cpp - objects of a model into one file
//---------------------------------------------------------------------------===//

#include "nncc/Target/Link.h"
#include "LibrarySymbols.h"
#include "Linker.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::target {

static Expected<std::unique_ptr<object::ObjectFile>> parseObject(const ObjectBytes &object) {
  return object::ObjectFile::createELFObjectFile(MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
}

static Expected<std::vector<std::string>> getUndefined(const object::ObjectFile &object) {
  std::vector<std::string> undefined;
  for (const object::SymbolRef &symbol : object.symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if (*flags & object::SymbolRef::SF_Undefined && !name->empty())
      undefined.push_back(name->str());
  }
  return undefined;
}

static Error checkUndefined(const object::ObjectFile &object, Sanitizer sanitizer) {
  Expected<std::vector<std::string>> names = getUndefined(object);
  if (!names)
    return names.takeError();
  llvm::erase_if(*names, [&](const std::string &name) { return isLibrarySymbol(name, sanitizer); });
  if (names->empty())
    return Error::success();
  return createStringError("the code of the model refers to " + join(*names, ", ") +
                           ", which neither it nor libc nor libm has");
}

/// Makes every global symbol but `exported` local.
static Expected<ObjectBytes> localise(object::Binary &binary, StringRef exported) {
  objcopy::ConfigManager config;
  auto onError = [](Error error) { return error; };
  if (Error error = config.Common.SymbolsToKeepGlobal.addMatcher(
          objcopy::NameOrPattern::create(exported, objcopy::MatchStyle::Literal, onError)))
    return error;
  ObjectBytes result;
  raw_svector_ostream out(result);
  if (Error error = objcopy::executeObjcopyOnBinary(config, binary, out))
    return error;
  return result;
}

Expected<ObjectBytes> joinObjects(ArrayRef<ObjectBytes> objects, StringRef exported, Sanitizer sanitizer) {
  Expected<ObjectBytes> linked = runLinker({"-r"}, objects);
  if (!linked)
    return linked.takeError();
  auto binary = parseObject(*linked);
  if (!binary)
    return binary.takeError();
  if (Error error = checkUndefined(**binary, sanitizer))
    return error;
  return localise(**binary, exported);
}

/// Streams `image`, whose weights are its end, and the weights.
static Error writeImage(StringRef path, ObjectBytes image, const WeightBlob &weights, bool executable) {
  if (!weights.empty())
    if (Error error = placeWeightsAtEnd(image, weights.size()))
      return error;
  auto write = [&](raw_pwrite_stream &out) {
    out.write(image.data(), image.size());
    weights.write(out);
    return Error::success();
  };
  return writeOutputFile(path, write, executable);
}

Error writeObjectFile(StringRef path, const ObjectBytes &joined, const WeightBlob &embedded) {
  return writeImage(path, joined, embedded, /*executable=*/false);
}

/// libm, if `object` needs it: a program that loads a model may not have it.
static Error addMathLibrary(const ObjectBytes &object, std::vector<ObjectBytes> &inputs) {
  auto binary = parseObject(object);
  if (!binary)
    return binary.takeError();
  Expected<std::vector<std::string>> names = getUndefined(**binary);
  if (!names)
    return names.takeError();
  llvm::erase_if(*names, [](const std::string &name) { return !isMathSymbol(name); });
  if (names->empty())
    return Error::success();
  Expected<ObjectBytes> library = makeMathLibrary(*names);
  if (!library)
    return library.takeError();
  inputs.push_back(std::move(*library));
  return Error::success();
}

Error writeSharedObject(StringRef path, const ObjectBytes &joined, const WeightBlob &embedded) {
  std::vector<ObjectBytes> inputs = {joined};
  if (Error error = addMathLibrary(joined, inputs))
    return error;
  if (!embedded.empty())
    if (Error error = reserveWeights(inputs[0], embedded.size()))
      return error;
  // The weights' segment lies behind all others: there its address space needs no room in the file until they are
  // appended.
  std::string name = ("-soname=" + sys::path::filename(path)).str();
  Expected<ObjectBytes> linked =
      runLinker({"-shared", "-z", "now", "-z", "relro", "-z", "lrodata-after-bss", "--hash-style=gnu", name}, inputs);
  if (!linked)
    return linked.takeError();
  return writeImage(path, std::move(*linked), embedded, /*executable=*/true);
}

} // namespace nncc::target
