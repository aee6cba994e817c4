//===- ImportTable.cpp - which ONNX operators the importer knows itself ---------------------------------------------------===//

#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/ADT/STLExtras.h"
#include <tuple>

using namespace llvm;

namespace nncc::import {

const ImportTable &ImportTable::get() {
  static const ImportTable table = [] {
    ImportTable all;
#define NNCC_IMPORT_FAMILY(NAME) register##NAME(all);
#include "nncc/Import/ONNX/Families.def"
#undef NNCC_IMPORT_FAMILY
    return all;
  }();
  return table;
}

void ImportTable::add(ArrayRef<TableEntry> entries) {
  for (const TableEntry &entry : entries) {
    SmallVector<TableEntry, 2> &versions = table[(Twine(entry.domain) + "::" + entry.op).str()];
    versions.push_back(entry);
    llvm::sort(versions, [](const TableEntry &a, const TableEntry &b) { return a.sinceVersion < b.sinceVersion; });
  }
}

const TableEntry *ImportTable::lookup(StringRef domain, StringRef op, int version) const {
  auto found = table.find((domain + "::" + op).str());
  if (found == table.end())
    return nullptr;
  const TableEntry *best = nullptr;
  for (const TableEntry &entry : found->second)
    if (entry.sinceVersion <= version)
      best = &entry;
  return best;
}

SmallVector<const TableEntry *> ImportTable::entries() const {
  SmallVector<const TableEntry *> all;
  for (const auto &versions : table)
    for (const TableEntry &entry : versions.second)
      all.push_back(&entry);
  llvm::sort(all, [](const TableEntry *a, const TableEntry *b) {
    return std::tuple(StringRef(a->domain), StringRef(a->op), a->sinceVersion) <
           std::tuple(StringRef(b->domain), StringRef(b->op), b->sinceVersion);
  });
  return all;
}

} // namespace nncc::import
