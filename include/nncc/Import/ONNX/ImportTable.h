//===- ImportTable.h - which ONNX operators the importer knows itself -------------------------------------------*- C++ -*-===//
///
/// \file
/// The importer is a table: domain, operator, the first version that an entry is for, and the function that turns a
/// node into nn ops. Each family of operators is a file of lib/Import/ONNX with such functions and a list of entries;
/// Families.def names the families. An operator that the table lacks arrives by its ONNX function body, if it has one.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_IMPORT_ONNX_IMPORTTABLE_H
#define NNCC_IMPORT_ONNX_IMPORTTABLE_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::import {

class NodeImporter;
using ImportFunction = mlir::LogicalResult (*)(NodeImporter &);

struct TableEntry {
  const char *domain; ///< "" for ai.onnx
  const char *op;
  int sinceVersion; ///< for this version of the domain and later ones, up to the next entry
  ImportFunction import;
};

class ImportTable {
public:
  /// The table with all families.
  static const ImportTable &get();

  void add(llvm::ArrayRef<TableEntry> entries);
  /// The entry for a version of the domain; null when there is none.
  const TableEntry *lookup(llvm::StringRef domain, llvm::StringRef op, int version) const;
  /// All entries, sorted by domain, operator and version: for the list of supported operators.
  llvm::SmallVector<const TableEntry *> entries() const;

private:
  llvm::StringMap<llvm::SmallVector<TableEntry, 2>> table; // by "domain::op", each list sorted by version
};

/// A family adds its entries in a function of this form.
#define NNCC_IMPORT_FAMILY(NAME) void register##NAME(ImportTable &table);
#include "nncc/Import/ONNX/Families.def"
#undef NNCC_IMPORT_FAMILY

} // namespace nncc::import

#endif // NNCC_IMPORT_ONNX_IMPORTTABLE_H
