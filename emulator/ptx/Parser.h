//===- Parser.h - the two halves of the parser -------------------------------------------------------------------===//

#ifndef NNCCEMU_PTX_PARSER_H
#define NNCCEMU_PTX_PARSER_H

#include "Lexer.h"
#include <unordered_map>

namespace nncc::emu::ptx {

/// Names and labels between one pair of braces.
struct Scope {
  struct Use {
    unsigned instruction;
    unsigned position; ///< among its targets
    std::string name;
    unsigned line;
  };
  std::unordered_map<std::string, unsigned> registers;
  std::unordered_map<std::string, unsigned> labels;
  std::unordered_map<std::string, std::vector<std::string>> targetLists; ///< .branchtargets
  std::unordered_map<std::string, std::string> callParams; ///< what is handed to a function, and its name in the kernel
  std::vector<Use> uses;
};

class Parser {
public:
  Parser(std::string_view text, Diagnostic &diagnostic) : lexer(text), diagnostic(diagnostic) {}

  bool module(Module &module);

private:
  // Parser.cpp: modules and declarations.
  bool header(Module &module);
  bool topLevel(Module &module);
  bool entry(Module &module);
  bool function(Module &module);
  bool entryLimits(Kernel &kernel);
  bool parameters(std::vector<Variable> &list);
  bool variables(Space space, bool isExtern, std::vector<Variable> &list);
  bool initialiser(Variable &variable);
  bool reference(Variable &variable);
  bool skipSection();
  bool skipDebugLine();

  // ParseBody.cpp: what stands between the braces of a kernel.
  bool body(Kernel &kernel);
  bool statement(Kernel &kernel);
  bool registers(Kernel &kernel);
  bool addRegister(Kernel &kernel, std::string name, Type type);
  bool labelOrInstruction(Kernel &kernel);
  bool label(Kernel &kernel, const std::string &name, unsigned line);
  bool branch(Kernel &kernel, Instruction &instruction);
  bool call(Instruction &instruction);
  bool callOperands(std::vector<Operand> &list);
  bool callParams(Kernel &kernel);
  bool closeScope(Kernel &kernel);
  bool operand(Operand &operand);
  bool simpleOperand(Operand &operand);
  bool address(Operand &operand);
  bool integer(uint64_t &value);

  bool advance();
  bool expect(char c, std::string_view why);
  bool word(std::string &text, std::string_view what);
  bool number(uint64_t &value, uint64_t limit, std::string_view what);
  bool fail(std::string message) { return failAt(token.line, std::move(message)); }
  bool failAt(unsigned line, std::string message) {
    diagnostic = {line, std::move(message)};
    return false;
  }
  std::string found() const;

  Lexer lexer;
  Diagnostic &diagnostic;
  Token token;
  std::vector<Scope> scopes;
};

void findAddressesTaken(Module &module);
/// Puts the bodies of functions where they are called. A call of a register becomes one of each function with such parameters whose address is taken.
bool inlineCalls(Kernel &kernel, const std::vector<Kernel> &functions, Diagnostic &diagnostic);

} // namespace nncc::emu::ptx

#endif
