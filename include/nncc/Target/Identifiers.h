//===- Identifiers.h - names of a model as C++ identifiers ----------------------------------------------*- C++ -*-===//
///
/// \file
/// Names in a model are any text; a generated header needs identifiers. The rule:
/// 1. Every run of characters other than letters and digits of ASCII becomes one `_`; none is left at either end.
/// 2. If nothing is left, the name is its kind and index: `input_0`. If a digit comes first, `v` goes before it.
/// 3. A word that C or C++ claims for itself, or that the generated class has already, gets a `_` behind it.
/// 4. A name that is taken gets `_2`, `_3`, ... in the order inputs, outputs.
/// "serving_default_input:0" is serving_default_input_0, "/layer1/Relu" is layer1_Relu, "495" is v495, "class" is class_.
///
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_TARGET_IDENTIFIERS_H
#define NNCC_TARGET_IDENTIFIERS_H

#include "nncc/Target/ModelDescription.h"

namespace nncc::target {

/// Rules 1 to 3 for the name of a model: also a namespace, so functions of the C library count as taken.
std::string makeModelIdentifier(llvm::StringRef name);

/// Rules 1 to 4 for the members of `Symbols` in a generated header.
std::vector<std::string> makeSymbolIdentifiers(llvm::ArrayRef<std::string> symbols);

/// Sets the identifiers of the model, its inputs and its outputs.
void assignIdentifiers(ModelDescription &model);

/// True for identifiers that are no keywords.
bool isUsableIdentifier(llvm::StringRef text);

/// `text` as a C string literal, printable ASCII only whatever is in it: also safe in a comment.
std::string quoteForC(llvm::StringRef text);

} // namespace nncc::target

#endif // NNCC_TARGET_IDENTIFIERS_H
