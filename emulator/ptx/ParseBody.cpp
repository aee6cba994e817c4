//===- ParseBody.cpp - the inside of a kernel --------------------------------------------------------------------===//

#include "Parser.h"

namespace nncc::emu::ptx {

static constexpr size_t maxRegisters = 1 << 18;
static constexpr size_t maxScopes = 64;

bool Parser::body(Kernel &kernel) {
  if (!expect('{', "before the body of a kernel"))
    return false;
  scopes.assign(1, {});
  while (!scopes.empty()) {
    if (token.kind == Token::End)
      return fail("'}' expected at the end of kernel '" + kernel.name + "'");
    if (!statement(kernel))
      return false;
  }
  return true;
}

bool Parser::statement(Kernel &kernel) {
  if (token.is('}'))
    return closeScope(kernel) && advance();
  if (token.is(';'))
    return advance();
  if (token.is('{')) {
    if (scopes.size() >= maxScopes)
      return fail("more than " + std::to_string(maxScopes) + " nested braces");
    scopes.emplace_back();
    return advance();
  }
  if (token.kind != Token::Directive)
    return labelOrInstruction(kernel);
  if (token.text == "reg")
    return registers(kernel);
  if (token.text == "loc" || token.text == "file")
    return skipDebugLine();
  if (token.text == "shared" || token.text == "local") {
    Space space = token.text == "shared" ? Space::Shared : Space::Local;
    return advance() && variables(space, false, kernel.variables);
  }
  if (token.text == "param")
    return callParams(kernel);
  if (token.text == "pragma") {
    if (!advance() || token.kind != Token::Text)
      return fail("a text expected after .pragma, found " + found());
    return advance() && expect(';', "after .pragma");
  }
  return fail(found() + " is no statement that this machine knows");
}

/// Labels of the scope that ends are given to its branches; a branch out of the scope waits for the scope around it.
bool Parser::closeScope(Kernel &kernel) {
  Scope scope = std::move(scopes.back());
  scopes.pop_back();
  for (Scope::Use &use : scope.uses) {
    auto at = scope.labels.find(use.name);
    if (at != scope.labels.end())
      kernel.body[use.instruction].targets[use.position] = at->second;
    else if (scopes.empty())
      return failAt(use.line, "no label '" + use.name + "' in kernel '" + kernel.name + "'");
    else
      scopes.back().uses.push_back(std::move(use));
  }
  return true;
}

/// `.param .b64 param0;`: a function is handed it, or gives it. It is memory of the thread; names of one size share it, as calls do not overlap.
bool Parser::callParams(Kernel &kernel) {
  std::vector<Variable> list;
  if (!advance() || !variables(Space::Param, false, list))
    return false;
  for (Variable &v : list) {
    std::string unique = v.name + "#" + std::to_string(v.bytes) + "#" + std::to_string(v.align);
    scopes.back().callParams[v.name] = unique;
    bool isNew = true;
    for (const Variable &other : kernel.variables)
      isNew &= other.name != unique;
    v.name = unique;
    if (isNew)
      kernel.variables.push_back(std::move(v));
  }
  return true;
}

/// `.reg .b32 %r<5>;` or `.reg .f32 %a, %b;`
bool Parser::registers(Kernel &kernel) {
  if (!advance())
    return false;
  Type type = token.kind == Token::Directive ? typeNamed(token.text) : Type::None;
  if (type == Type::None)
    return fail("a type such as .b32 expected, found " + found());
  if (!advance())
    return false;
  while (true) {
    std::string name;
    uint64_t count = 0;
    if (!word(name, "the name of a register"))
      return false;
    if (token.is('<')) {
      if (!advance() || !number(count, maxRegisters, "a number of registers") || !expect('>', "after the number"))
        return false;
      for (uint64_t i = 0; i < count; ++i)
        if (!addRegister(kernel, name + std::to_string(i), type))
          return false;
    } else if (!addRegister(kernel, name, type)) {
      return false;
    }
    if (!token.is(','))
      return expect(';', "after registers");
    if (!advance())
      return false;
  }
}

bool Parser::addRegister(Kernel &kernel, std::string name, Type type) {
  if (kernel.registers.size() >= maxRegisters)
    return fail("more than " + std::to_string(maxRegisters) + " registers");
  if (!scopes.back().registers.emplace(name, static_cast<unsigned>(kernel.registers.size())).second)
    return fail("register '" + name + "' is declared a second time");
  kernel.registers.push_back({std::move(name), type});
  return true;
}

bool Parser::label(Kernel &kernel, const std::string &name, unsigned line) {
  if (!scopes.back().labels.emplace(name, static_cast<unsigned>(kernel.body.size())).second)
    return failAt(line, "label '" + name + "' stands a second time");
  if (!advance())
    return false;
  if (token.kind == Token::Directive && (token.text == "callprototype" || token.text == "calltargets")) {
    // A call by address is checked against the functions that there are.
    while (token.kind != Token::End && !token.is(';'))
      if (!advance())
        return false;
    return expect(';', "after a prototype");
  }
  if (token.kind != Token::Directive || token.text != "branchtargets")
    return true;
  std::vector<std::string> &list = scopes.back().targetLists[name];
  do {
    std::string target;
    if (!advance() || !word(target, "a label"))
      return false;
    list.push_back(std::move(target));
  } while (token.is(','));
  return expect(';', "after .branchtargets");
}

bool Parser::labelOrInstruction(Kernel &kernel) {
  Instruction i;
  i.line = token.line;
  if (token.is('@')) {
    if (!advance())
      return false;
    i.guardNegated = token.is('!');
    if (i.guardNegated && !advance())
      return false;
    Operand guard;
    if (!simpleOperand(guard))
      return false;
    if (guard.kind != Operand::Reg || kernel.registers[guard.reg].type != Type::Pred)
      return failAt(i.line, "a predicate register expected after '@'");
    i.guard = static_cast<int>(guard.reg);
  }
  if (!word(i.opcode, "an instruction or a label"))
    return false;
  if (token.is(':') && i.guard < 0)
    return label(kernel, i.opcode, i.line);
  while (token.kind == Token::Directive) {
    i.modifiers.emplace_back(token.text);
    if (!advance())
      return false;
  }
  if (i.opcode == "bra" || i.opcode == "brx") {
    if (!branch(kernel, i))
      return false;
  } else if (i.opcode == "call") {
    if (!call(i))
      return false;
  } else {
    while (!token.is(';')) {
      if (!operand(i.operands.emplace_back()))
        return false;
      if (!token.is(','))
        break;
      if (!advance())
        return false;
    }
  }
  if (!expect(';', "after an instruction"))
    return false;
  kernel.body.push_back(std::move(i));
  return true;
}

bool Parser::branch(Kernel &kernel, Instruction &i) {
  if (i.opcode == "brx" && (!operand(i.operands.emplace_back()) || !expect(',', "before the list of labels")))
    return false;
  std::string name;
  unsigned line = token.line;
  if (!word(name, "a label"))
    return false;
  std::vector<std::string> names = {name};
  if (i.opcode == "brx") {
    for (size_t s = scopes.size(); s-- > 0;)
      if (auto at = scopes[s].targetLists.find(name); at != scopes[s].targetLists.end()) {
        names = at->second;
        break;
      }
  }
  for (std::string &target : names) {
    scopes.back().uses.push_back(
        {static_cast<unsigned>(kernel.body.size()), static_cast<unsigned>(i.targets.size()), target, line});
    i.targets.push_back(0);
  }
  return true;
}

/// `call (result), name, (a, b), prototype;`
bool Parser::call(Instruction &i) {
  if (token.is('(') && (!callOperands(i.results) || !expect(',', "after the results of a call")))
    return false;
  if (!simpleOperand(i.operands.emplace_back()))
    return false;
  if (token.is(',') && !advance())
    return false;
  if (token.is('(') && !callOperands(i.operands))
    return false;
  if (token.is(',') && !advance())
    return false;
  return token.kind == Token::Word ? advance() : true;
}

bool Parser::callOperands(std::vector<Operand> &list) {
  if (!advance())
    return false;
  while (!token.is(')')) {
    if (!simpleOperand(list.emplace_back()))
      return false;
    if (!token.is(','))
      break;
    if (!advance())
      return false;
  }
  return expect(')', "after the operands of a call");
}

bool Parser::operand(Operand &o) {
  if (token.is('['))
    return advance() && address(o);
  if (!token.is('{')) {
    if (!simpleOperand(o))
      return false;
    if (!token.is('|'))
      return true;
    Operand second;
    if (!advance() || !simpleOperand(second))
      return false;
    Operand pair;
    pair.kind = Operand::Pair;
    pair.elements = {std::move(o), std::move(second)};
    o = std::move(pair);
    return true;
  }
  o.kind = Operand::Vector;
  do {
    if (!advance() || !simpleOperand(o.elements.emplace_back()))
      return false;
  } while (token.is(',') && o.elements.size() < 16);
  return expect('}', "after the elements of a vector");
}

bool Parser::integer(uint64_t &value) {
  bool negative = token.is('-');
  if (negative && !advance())
    return false;
  if (token.kind != Token::Integer)
    return fail("an integer expected, found " + found());
  value = negative ? -token.value : token.value;
  return advance();
}

/// A register, `%tid.x`, a number, a name with an offset, `!%p` or `_`.
bool Parser::simpleOperand(Operand &o) {
  o.negated = token.is('!');
  if (o.negated && !advance())
    return false;
  if (token.kind == Token::Float) {
    o.kind = Operand::Float, o.value = token.value, o.isDouble = token.isDouble;
    return advance();
  }
  if (token.kind == Token::Integer || token.is('-')) {
    o.kind = Operand::Integer;
    return integer(o.value);
  }
  std::string name;
  if (!word(name, "an operand"))
    return false;
  if (name == "_") {
    o.kind = Operand::Sink;
    return true;
  }
  for (size_t s = scopes.size(); s-- > 0;)
    if (auto at = scopes[s].registers.find(name); at != scopes[s].registers.end()) {
      o.kind = Operand::Reg, o.reg = at->second;
      return true;
    }
  if (name == "WARP_SZ") {
    o.kind = Operand::Integer, o.value = 32;
    return true;
  }
  o.kind = name[0] == '%' ? Operand::Special : Operand::Symbol;
  if (o.kind == Operand::Special && token.kind == Token::Directive) {
    name += "." + std::string(token.text);
    if (!advance())
      return false;
  }
  o.name = std::move(name);
  for (size_t s = scopes.size(); s-- > 0 && o.kind == Operand::Symbol;)
    if (auto at = scopes[s].callParams.find(o.name); at != scopes[s].callParams.end()) {
      o.name = at->second;
      break;
    }
  if (o.kind == Operand::Symbol && token.is('+'))
    return advance() && integer(o.value);
  return o.kind == Operand::Symbol && token.is('-') ? integer(o.value) : true;
}

/// `[%rd1+16]`, `[name-4]`, `[64]`, after the bracket.
bool Parser::address(Operand &o) {
  Operand base;
  if (!simpleOperand(base))
    return false;
  o.kind = Operand::Address, o.value = base.value;
  if (base.kind == Operand::Reg)
    o.baseIsReg = true, o.reg = base.reg;
  else if (base.kind == Operand::Symbol)
    o.name = std::move(base.name);
  else if (base.kind != Operand::Integer)
    return fail("an address expected: a register, a name or a number, with an offset");
  if (o.baseIsReg && (token.is('+') || token.is('-'))) {
    if (token.is('+') && !advance())
      return false;
    if (!integer(o.value))
      return false;
  }
  return expect(']', "after an address");
}

} // namespace nncc::emu::ptx
