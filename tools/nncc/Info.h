//===- Info.h - nncc info -----------------------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_INFO_H
#define NNCC_TOOLS_NNCC_INFO_H

#include "CommandLine.h"

namespace nncc {

/// Describes a model or an object, or says what to link it with.
void runInfo(const CommandLine &line, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_INFO_H
