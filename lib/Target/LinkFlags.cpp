//===- LinkFlags.cpp - what an application links beside a model -----------------------------------------------------------===//

#include "LibrarySymbols.h"
#include "nncc/Target/Link.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace llvm;

namespace nncc::target {

Expected<std::string> linkFlags(MemoryBufferRef object, bool usesGPU) {
  auto file = object::ObjectFile::createObjectFile(object);
  if (!file)
    return file.takeError();
  const auto *elf = dyn_cast<object::ELFObjectFileBase>(file->get());
  if (!elf || elf->getEMachine() != ELF::EM_X86_64)
    return createStringError("this is no object of x86-64");
  bool isModel = false, needsMath = false;
  auto look = [&](object::SymbolRef symbol) {
    Expected<StringRef> name = symbol.getName();
    Expected<uint32_t> flags = symbol.getFlags();
    bool isReadable = name && flags;
    if (isReadable) {
      isModel |= !(*flags & object::SymbolRef::SF_Undefined) && name->starts_with("nncc_model_");
      needsMath |= (*flags & object::SymbolRef::SF_Undefined) && isMathSymbol(*name);
    }
    consumeError(name.takeError());
    consumeError(flags.takeError());
  };
  for (object::SymbolRef symbol : elf->symbols())
    look(symbol);
  for (object::SymbolRef symbol : elf->getDynamicSymbolIterators())
    look(symbol);
  if (!isModel)
    return createStringError("there is no model in it (no symbol nncc_model_...)");
  return std::string(usesGPU ? "-lnnccrt_cuda" : "-lnnccrt") + " -lpthread -ldl" + (needsMath ? " -lm" : "");
}

} // namespace nncc::target
