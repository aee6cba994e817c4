//===- ElfWeights.cpp - the section that the weights are appended to ----------------------------------------------===//

#include "Linker.h"
#include "nncc/Target/WeightBlob.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using object::ELF64LE;
using object::ELF64LEFile;

namespace nncc::target {

/// Of an image that is ours to change: LLVM's reader gives const views of it.
static Expected<ELF64LE::Shdr *> findWeightSection(const ELF64LEFile &elf) {
  auto sections = elf.sections();
  if (!sections)
    return sections.takeError();
  for (const ELF64LE::Shdr &section : *sections) {
    Expected<StringRef> name = elf.getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name == ".lrodata")
      return const_cast<ELF64LE::Shdr *>(&section);
  }
  return createStringError("the object has no section .lrodata for its weights");
}

static Expected<ELF64LE::Phdr *> findSegment(const ELF64LEFile &elf, const ELF64LE::Shdr &section) {
  auto segments = elf.program_headers();
  if (!segments)
    return segments.takeError();
  for (const ELF64LE::Phdr &segment : *segments)
    if (segment.p_type == ELF::PT_LOAD && segment.p_vaddr == section.sh_addr && segment.p_memsz == section.sh_size &&
        segment.p_align != 0)
      return const_cast<ELF64LE::Phdr *>(&segment);
  return createStringError("lld did not give .lrodata a segment of its own");
}

Error reserveWeights(ObjectBytes &object, uint64_t bytes) {
  Expected<ELF64LEFile> elf = ELF64LEFile::create(StringRef(object.data(), object.size()));
  if (!elf)
    return elf.takeError();
  Expected<ELF64LE::Shdr *> section = findWeightSection(*elf);
  if (!section)
    return section.takeError();
  (*section)->sh_type = ELF::SHT_NOBITS;
  (*section)->sh_flags = ELF::SHF_ALLOC | ELF::SHF_X86_64_LARGE;
  (*section)->sh_size = bytes;
  return Error::success();
}

Error placeWeightsAtEnd(ObjectBytes &image, uint64_t bytes) {
  Expected<ELF64LEFile> elf = ELF64LEFile::create(StringRef(image.data(), image.size()));
  if (!elf)
    return elf.takeError();
  Expected<ELF64LE::Shdr *> section = findWeightSection(*elf);
  if (!section)
    return section.takeError();
  uint64_t start = alignTo(image.size(), WeightBlob::kAlignment);
  if (elf->getHeader().e_type == ELF::ET_DYN) {
    Expected<ELF64LE::Phdr *> segment = findSegment(*elf, **section);
    if (!segment)
      return segment.takeError();
    // The loader maps whole pages: address and offset must agree within one.
    uint64_t page = (*segment)->p_align, address = (*segment)->p_vaddr;
    start = alignTo(image.size(), page, address % page);
    (*segment)->p_offset = start;
    (*segment)->p_filesz = bytes;
  }
  (*section)->sh_type = ELF::SHT_PROGBITS;
  (*section)->sh_flags = ELF::SHF_ALLOC | ELF::SHF_X86_64_LARGE;
  (*section)->sh_addralign = WeightBlob::kAlignment;
  (*section)->sh_offset = start;
  (*section)->sh_size = bytes;
  image.resize(start); // last: it moves what `section` points to
  return Error::success();
}

} // namespace nncc::target
