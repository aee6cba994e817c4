//===- Header.h - the header of a model -----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_HEADER_H
#define NNCC_TARGET_HEADER_H

#include "nncc/Target/ModelDescription.h"

namespace nncc::target {

/// The text of `<name>.h`: for C the descriptor and the indices of inputs, outputs and symbols; for C++ a typed Model and Context in
/// `cxxNamespace` (empty: the model's identifier), on top of nnccrt/Model.h. The identifiers of `model` are assigned.
llvm::Expected<std::string> generateHeader(const ModelDescription &model, llvm::StringRef cxxNamespace = "");

} // namespace nncc::target

#endif // NNCC_TARGET_HEADER_H
