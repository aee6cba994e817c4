//===- Parser.cpp - modules, kernels and variables ---------------------------------------------------------------===//

#include "Parser.h"
#include <algorithm>
#include <cstring>

namespace nncc::emu::ptx {

/// No card has this much memory for variables; more is a mistake in the text, not a wish.
static constexpr uint64_t maxVariableBytes = uint64_t(1) << 31;

bool Parser::advance() { return lexer.next(token, diagnostic); }

std::string Parser::found() const {
  if (token.kind == Token::End)
    return "the end of the text";
  return (token.kind == Token::Directive ? "'." : "'") + std::string(token.text.substr(0, 60)) + "'";
}

bool Parser::expect(char c, std::string_view why) {
  if (!token.is(c))
    return fail(std::string("'") + c + "' expected " + std::string(why) + ", found " + found());
  return advance();
}

bool Parser::word(std::string &text, std::string_view what) {
  if (token.kind != Token::Word)
    return fail(std::string(what) + " expected, found " + found());
  text = token.text;
  return advance();
}

bool Parser::number(uint64_t &value, uint64_t limit, std::string_view what) {
  if (token.kind != Token::Integer)
    return fail(std::string(what) + " expected, found " + found());
  if (token.value > limit)
    return fail(std::string(what) + " is " + std::to_string(token.value) + "; at most " + std::to_string(limit) +
                " is allowed");
  value = token.value;
  return advance();
}

std::optional<Module> parse(std::string_view text, Diagnostic &diagnostic) {
  // Drivers are handed texts with their closing zero.
  while (!text.empty() && text.back() == '\0')
    text.remove_suffix(1);
  Module module;
  if (!Parser(text, diagnostic).module(module))
    return std::nullopt;
  return module;
}

bool Parser::module(Module &module) {
  if (!advance() || !header(module))
    return false;
  lexer.takeDecimals();
  while (token.kind != Token::End)
    if (!topLevel(module))
      return false;
  findAddressesTaken(module);
  for (Kernel &kernel : module.kernels)
    if (!inlineCalls(kernel, module.functions, diagnostic))
      return false;
  return true;
}

/// The PTX version that first knew a target.
static unsigned versionOf(unsigned sm) {
  static constexpr unsigned table[][2] = {{20, 20},  {30, 30},  {35, 31},  {37, 41},  {50, 40}, {52, 41},
                                          {53, 42},  {60, 50},  {61, 50},  {62, 50},  {70, 60}, {72, 61},
                                          {75, 63},  {80, 70},  {86, 71},  {87, 74},  {89, 78}, {90, 78},
                                          {100, 86}, {101, 86}, {103, 88}, {120, 87}, {121, 88}};
  for (auto &row : table)
    if (row[0] == sm)
      return row[1];
  return 0;
}

bool Parser::header(Module &module) {
  if (token.kind != Token::Directive || token.text != "version")
    return fail(".version expected, found " + found());
  // The lexer reads `7.8` as a number and a directive: `7` and `.8`.
  uint64_t major = 0;
  if (!advance() || !number(major, 99, "a version such as 7.8"))
    return false;
  if (token.kind != Token::Directive || token.text.size() != 1 || token.text[0] < '0' || token.text[0] > '9')
    return fail("a version such as 7.8 expected, found " + found());
  module.version = static_cast<unsigned>(major) * 10 + static_cast<unsigned>(token.text[0] - '0');
  if (!advance())
    return false;
  if (token.kind != Token::Directive || token.text != "target")
    return fail(".target expected, found " + found());
  if (!advance())
    return false;
  unsigned line = token.line;
  if (!word(module.target, "a target such as sm_80"))
    return false;
  std::string digits = module.target.rfind("sm_", 0) == 0 ? module.target.substr(3) : "";
  if (!digits.empty() && (digits.back() == 'a' || digits.back() == 'f'))
    digits.pop_back();
  for (char c : digits)
    module.sm = c >= '0' && c <= '9' && module.sm < 1000 ? module.sm * 10 + static_cast<unsigned>(c - '0') : 1000;
  unsigned least = versionOf(module.sm);
  if (!least)
    return failAt(line, "'" + module.target + "' is no target that this machine knows");
  if (module.version < least)
    return failAt(line, module.target + " needs .version " + std::to_string(least / 10) + "." +
                            std::to_string(least % 10) + " or newer, the module states " +
                            std::to_string(module.version / 10) + "." + std::to_string(module.version % 10));
  std::string option;
  while (token.is(','))
    if (!advance() || !word(option, "a target option"))
      return false;
  if (token.kind == Token::Directive && token.text == "address_size") {
    uint64_t size = 0;
    if (!advance() || !number(size, 64, "64"))
      return false;
    if (size != 64)
      return failAt(line, "addresses of 32 bits are not emulated");
  }
  return true;
}

static Space spaceNamed(std::string_view name) {
  return name == "global"   ? Space::Global
         : name == "const"  ? Space::Const
         : name == "shared" ? Space::Shared
         : name == "local"  ? Space::Local
                            : Space::Generic;
}

bool Parser::topLevel(Module &module) {
  bool isExtern = false;
  while (token.kind == Token::Directive &&
         (token.text == "visible" || token.text == "extern" || token.text == "weak" || token.text == "common")) {
    isExtern |= token.text == "extern";
    if (!advance())
      return false;
  }
  if (token.kind != Token::Directive)
    return fail("a directive such as .entry or .global expected, found " + found());
  if (token.text == "entry")
    return entry(module);
  if (token.text == "func")
    return function(module);
  if (token.text == "file" || token.text == "loc")
    return skipDebugLine();
  if (token.text == "section")
    return skipSection();
  Space space = spaceNamed(token.text);
  if (space == Space::Generic || space == Space::Local)
    return fail("a directive such as .entry or .global expected, found " + found());
  return advance() && variables(space, isExtern, module.variables);
}

/// `.func (.param .b32 result) name(.param .b32 x) { ... }`; a declaration has no body.
bool Parser::function(Module &module) {
  Kernel function;
  if (!advance() || (token.is('(') && !parameters(function.returns)))
    return false;
  function.line = token.line;
  if (!word(function.name, "the name of a function") || (token.is('(') && !parameters(function.params)) ||
      !entryLimits(function))
    return false;
  if (token.is(';'))
    return advance();
  for (const Kernel &other : module.functions)
    if (other.name == function.name)
      return failAt(function.line, "function '" + function.name + "' is defined a second time");
  if (!body(function))
    return false;
  module.functions.push_back(std::move(function));
  return true;
}

bool Parser::skipDebugLine() {
  unsigned line = token.line;
  while (token.kind != Token::End && token.line == line)
    if (!advance())
      return false;
  return true;
}

bool Parser::skipSection() {
  unsigned line = token.line;
  while (token.kind != Token::End && !token.is('}'))
    if (!advance())
      return false;
  return token.is('}') ? advance() : failAt(line, "'}' expected at the end of .section");
}

/// `.align 16 .b8 name[64] = {1, 2}, other;`, after the space.
bool Parser::variables(Space space, bool isExtern, std::vector<Variable> &list) {
  unsigned align = 0;
  Type type = Type::None;
  while (token.kind == Token::Directive) {
    uint64_t value = 0;
    if (token.text == "align") {
      if (!advance() || !number(value, 4096, "an alignment"))
        return false;
      if (!value || (value & (value - 1)))
        return fail("an alignment is a power of two, found " + std::to_string(value));
      align = static_cast<unsigned>(value);
      continue;
    }
    type = typeNamed(token.text);
    if (type == Type::None || type == Type::Pred)
      return fail("a type such as .b32 expected, found " + found());
    if (!advance())
      return false;
  }
  if (type == Type::None)
    return fail("a type such as .b32 expected, found " + found());
  while (true) {
    Variable variable;
    variable.space = space, variable.type = type, variable.isExtern = isExtern, variable.line = token.line;
    variable.align = std::max(align, bytesOf(type));
    variable.bytes = bytesOf(type);
    if (!word(variable.name, "a name"))
      return false;
    while (token.is('[')) {
      uint64_t count = 0;
      if (!advance() || (!token.is(']') && !number(count, maxVariableBytes, "a number of elements")))
        return false;
      variable.bytes *= count;
      if (variable.bytes > maxVariableBytes)
        return fail("'" + variable.name + "' is larger than " + std::to_string(maxVariableBytes) + " bytes");
      if (!expect(']', "after the number of elements"))
        return false;
    }
    if (token.is('=') && (!advance() || !initialiser(variable)))
      return false;
    list.push_back(std::move(variable));
    if (!token.is(','))
      break;
    if (!advance())
      return false;
  }
  return expect(';', "after a variable");
}

bool Parser::initialiser(Variable &variable) {
  if (variable.space != Space::Global && variable.space != Space::Const)
    return fail("'" + variable.name + "' cannot have an initial value: only .global and .const have one");
  bool braced = token.is('{');
  if (braced && !advance())
    return false;
  unsigned size = bytesOf(variable.type);
  while (true) {
    if (token.kind == Token::Word) {
      if (!reference(variable))
        return false;
      if (!braced || !token.is(','))
        break;
      if (!advance())
        return false;
      continue;
    }
    bool negative = token.is('-');
    if (negative && !advance())
      return false;
    if (token.kind != Token::Integer && token.kind != Token::Float)
      return fail("a number expected as the initial value of '" + variable.name + "', found " + found());
    uint64_t value = negative ? -token.value : token.value;
    variable.init.resize(variable.init.size() + size);
    std::memcpy(variable.init.data() + variable.init.size() - size, &value, std::min(size, 8u));
    if (variable.init.size() > std::max<uint64_t>(variable.bytes, size) && variable.bytes)
      return fail("'" + variable.name + "' has more initial values than elements");
    if (!advance())
      return false;
    if (!braced || !token.is(','))
      break;
    if (!advance())
      return false;
  }
  if (!variable.bytes)
    variable.bytes = variable.init.size();
  return !braced || expect('}', "after the initial values");
}

/// `name`, `name+8` or `generic(name)+8` as an initial value.
bool Parser::reference(Variable &variable) {
  Variable::Reference r{variable.init.size(), {}, 0};
  if (bytesOf(variable.type) != 8)
    return fail("an address has 64 bits, an element of '" + variable.name + "' has " +
                std::to_string(8 * bytesOf(variable.type)));
  if (!word(r.name, "a name"))
    return false;
  if (r.name == "generic" && token.is('(') && (!advance() || !word(r.name, "a name") || !expect(')', "after the name")))
    return false;
  if ((token.is('+') && !advance()) || ((token.kind == Token::Integer || token.is('-')) && !integer(r.addend)))
    return false;
  variable.init.resize(variable.init.size() + 8);
  variable.references.push_back(std::move(r));
  return true;
}

bool Parser::entry(Module &module) {
  Kernel kernel;
  if (!advance())
    return false;
  kernel.line = token.line;
  if (!word(kernel.name, "the name of a kernel"))
    return false;
  for (const Kernel &other : module.kernels)
    if (other.name == kernel.name)
      return failAt(kernel.line, "kernel '" + kernel.name + "' is defined a second time");
  if (token.is('(') && !parameters(kernel.params))
    return false;
  if (!entryLimits(kernel) || !body(kernel))
    return false;
  module.kernels.push_back(std::move(kernel));
  return true;
}

bool Parser::parameters(std::vector<Variable> &list) {
  if (!advance())
    return false;
  while (!token.is(')')) {
    Variable param;
    param.space = Space::Param, param.line = token.line;
    if (token.kind != Token::Directive || token.text != "param")
      return fail(".param expected, found " + found() + (token.text == "reg" ? ": functions are handed .param" : ""));
    if (!advance())
      return false;
    while (token.kind == Token::Directive) {
      uint64_t value = 0;
      std::string_view name = token.text;
      Type type = typeNamed(name);
      if (!advance())
        return false;
      if (type != Type::None)
        param.type = type;
      else if (name == "align") {
        if (!number(value, 4096, "an alignment"))
          return false;
        // What a pointer is aligned to (`.ptr .align 16`) comes after its type and says nothing of the parameter.
        if (param.type == Type::None)
          param.align = static_cast<unsigned>(value);
      } else if (name != "ptr" && spaceNamed(name) == Space::Generic) {
        return fail("a type or an attribute of a parameter expected, found '." + std::string(name) + "'");
      }
    }
    if (param.type == Type::None || param.type == Type::Pred)
      return fail("a parameter needs a type such as .u64");
    param.bytes = bytesOf(param.type);
    param.align = std::max(param.align, bytesOf(param.type));
    if (param.align & (param.align - 1))
      return fail("an alignment is a power of two");
    if (!word(param.name, "the name of a parameter"))
      return false;
    if (token.is('[')) {
      uint64_t count = 0;
      if (!advance() || !number(count, 32764, "a number of elements") || !expect(']', "after the number of elements"))
        return false;
      param.bytes *= count;
    }
    list.push_back(std::move(param));
    if (!token.is(','))
      break;
    if (!advance())
      return false;
  }
  return expect(')', "after the parameters");
}

/// `.maxntid 256, 1, 1`, `.reqntid`, `.minnctapersm`, `.maxnreg`, `.pragma "..."`
bool Parser::entryLimits(Kernel &kernel) {
  while (token.kind == Token::Directive) {
    std::string_view name = token.text;
    if (name != "maxntid" && name != "reqntid" && name != "minnctapersm" && name != "maxnreg" && name != "noreturn" &&
        name != "pragma")
      return fail("'{' or a limit such as .maxntid expected, found " + found());
    if (!advance())
      return false;
    if (name == "pragma" && (token.kind != Token::Text || !advance() || !expect(';', "after .pragma")))
      return fail("a text and ';' expected after .pragma");
    uint64_t values[3] = {1, 1, 1};
    for (unsigned i = 0; i < 3 && token.kind == Token::Integer; ++i) {
      if (!number(values[i], 1 << 20, "a limit"))
        return false;
      if (!token.is(','))
        break;
      if (!advance())
        return false;
    }
    if (name == "maxntid")
      kernel.maxThreads = static_cast<unsigned>(std::min<uint64_t>(values[0] * values[1] * values[2], UINT32_MAX));
    for (unsigned i = 0; i < 3 && name == "reqntid"; ++i)
      kernel.reqThreads[i] = static_cast<unsigned>(values[i]);
  }
  return true;
}

} // namespace nncc::emu::ptx
