//===- CommandLine.h - what the user asked for ------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_COMMANDLINE_H
#define NNCC_TOOLS_NNCC_COMMANDLINE_H

#include "nncc/Compiler/Compiler.h"

namespace nncc {

enum class Command { Compile, Check, Info, GPUs };

struct CommandLine {
  Command command = Command::Compile;
  CompileOptions compile;
  bool jsonDiagnostics = false;
  bool libs = false;          ///< info --libs
  bool dependencies = false;  ///< -MD
  std::string dependencyFile; ///< -MF
};

/// Reads the command line; nothing, with the problem told in `diagnostics`, when it makes no sense.
std::optional<CommandLine> parseCommandLine(int argc, char **argv, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_COMMANDLINE_H
