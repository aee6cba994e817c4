//===- Inline.cpp - the bodies of functions where they are called ------------------------------------------------===//
///
/// \file
/// A call that stands for a copy of the body needs no stack of the machine, and lanes that leave a function by different ways meet behind it as they do
/// behind any branch. A function calls itself, directly or not: that is refused. Registers and variables of a function are one set for all its copies,
/// since it is never active twice in a thread.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Parser.h"
#include <algorithm>
#include <unordered_set>

namespace nncc::emu::ptx {

namespace {
constexpr size_t maxInstructions = 1 << 20;

class Inliner {
public:
  Inliner(Kernel &kernel, const std::vector<Kernel> &functions, Diagnostic &diagnostic)
      : kernel(kernel), functions(functions), diagnostic(diagnostic) {}

  bool run() {
    Kernel source = kernel;
    kernel.body.clear();
    return append(source, {}, 0);
  }

private:
  using Names = std::unordered_map<std::string, std::string>;

  bool fail(unsigned line, std::string message) {
    diagnostic = {line, std::move(message)};
    return false;
  }

  static void rename(Operand &o, const Names &names, unsigned firstRegister) {
    o.reg += firstRegister;
    if (auto at = names.find(o.name); at != names.end())
      o.name = at->second;
    for (Operand &element : o.elements)
      rename(element, names, firstRegister);
  }

  unsigned addRegister(Type type) {
    kernel.registers.push_back({"a register of a call", type});
    return static_cast<unsigned>(kernel.registers.size() - 1);
  }

  void emit(Instruction i) { kernel.body.push_back(std::move(i)); }

  /// A branch to what comes after the call or the candidate; its target is set by `land`.
  size_t emitBranch(unsigned line, int guard, bool negated) {
    Instruction i;
    i.line = line, i.guard = guard, i.guardNegated = negated, i.opcode = "bra", i.targets = {0};
    emit(std::move(i));
    return kernel.body.size() - 1;
  }
  void land(const std::vector<size_t> &branches) {
    for (size_t at : branches)
      kernel.body[at].targets[0] = static_cast<unsigned>(kernel.body.size());
  }

  /// Appends a body; false where a call in it cannot be made.
  bool append(const Kernel &source, const Names &names, unsigned firstRegister) {
    bool isFunction = !path.empty();
    std::vector<unsigned> moved(source.body.size() + 1);
    std::vector<size_t> branches, returns;
    for (size_t k = 0; k < source.body.size(); ++k) {
      moved[k] = static_cast<unsigned>(kernel.body.size());
      Instruction i = source.body[k];
      for (auto *list : {&i.operands, &i.results})
        for (Operand &o : *list)
          rename(o, names, firstRegister);
      if (i.guard >= 0)
        i.guard += static_cast<int>(firstRegister);
      if (i.opcode == "call") {
        if (!call(i))
          return false;
        continue;
      }
      if (isFunction && i.opcode == "ret") {
        returns.push_back(emitBranch(i.line, i.guard, i.guardNegated));
        continue;
      }
      if (!i.targets.empty())
        branches.push_back(kernel.body.size());
      emit(std::move(i));
      if (kernel.body.size() > maxInstructions)
        return fail(source.line, "'" + kernel.name + "' has more than " + std::to_string(maxInstructions) +
                                     " instructions with the functions that it calls");
    }
    moved.back() = static_cast<unsigned>(kernel.body.size());
    for (size_t at : branches)
      for (unsigned &target : kernel.body[at].targets)
        target = moved[target];
    land(returns);
    return true;
  }

  bool call(const Instruction &i) {
    std::vector<size_t> behind;
    if (i.guard >= 0)
      behind.push_back(emitBranch(i.line, i.guard, !i.guardNegated));
    const Operand &callee = i.operands[0];
    if (callee.kind == Operand::Symbol) {
      if (!callNamed(i))
        return false;
    } else if (callee.kind != Operand::Reg) {
      return fail(i.line, "the name or the address of a function expected after call");
    } else if (!callAddress(i, behind)) {
      return false;
    }
    land(behind);
    return true;
  }

  bool callNamed(const Instruction &i) {
    const std::string &name = i.operands[0].name;
    auto found = std::find_if(functions.begin(), functions.end(), [&](const Kernel &f) { return f.name == name; });
    if (found != functions.end())
      return expand(*found, i);
    if (name != "__assertfail")
      return fail(i.line, "function '" + name + "' is declared here, and defined nowhere");
    Instruction stop;
    stop.line = i.line, stop.opcode = "trap";
    emit(std::move(stop));
    return true;
  }

  /// Compares the address with that of each function that it may be.
  bool callAddress(const Instruction &i, std::vector<size_t> &behind) {
    for (size_t k = 0; k < functions.size(); ++k) {
      if (!functions[k].addressTaken || !fits(functions[k], i))
        continue;
      Instruction compare;
      compare.line = i.line, compare.opcode = "setp", compare.modifiers = {"eq", "u64"};
      Operand is, address;
      is.kind = Operand::Reg, is.reg = addRegister(Type::Pred);
      address.kind = Operand::Integer, address.value = codeWindow + 16 * k;
      compare.operands = {is, i.operands[0], address};
      emit(std::move(compare));
      size_t next = emitBranch(i.line, static_cast<int>(is.reg), true);
      if (!expand(functions[k], i))
        return false;
      behind.push_back(emitBranch(i.line, -1, false));
      land({next});
    }
    Instruction stop;
    stop.line = i.line, stop.opcode = "trap";
    emit(std::move(stop));
    return true;
  }

  /// Whether a call hands and takes what a function takes and gives.
  bool fits(const Kernel &f, const Instruction &i) const {
    if (f.params.size() != i.operands.size() - 1 || f.returns.size() != i.results.size())
      return false;
    for (size_t k = 0; k < f.params.size(); ++k)
      if (const Variable *v = handed(i.operands[1 + k]); !v || v->bytes != f.params[k].bytes)
        return false;
    for (size_t k = 0; k < f.returns.size(); ++k)
      if (const Variable *v = handed(i.results[k]); !v || v->bytes != f.returns[k].bytes)
        return false;
    return true;
  }

  const Variable *handed(const Operand &o) const {
    for (const Variable &v : kernel.variables)
      if (o.kind == Operand::Symbol && v.name == o.name && v.space == Space::Param)
        return &v;
    return nullptr;
  }

  bool expand(const Kernel &f, const Instruction &i) {
    if (!fits(f, i))
      return fail(i.line, "'" + f.name + "' takes " + std::to_string(f.params.size()) + " parameters and gives " +
                              std::to_string(f.returns.size()) + "; .param variables of their sizes expected");
    if (std::find(path.begin(), path.end(), &f) != path.end())
      return fail(i.line, "'" + f.name + "' calls itself: recursion is not emulated");
    auto [at, isNew] = firstRegisters.try_emplace(&f, static_cast<unsigned>(kernel.registers.size()));
    if (isNew)
      kernel.registers.insert(kernel.registers.end(), f.registers.begin(), f.registers.end());
    Names names;
    for (const Variable &v : f.variables) {
      names[v.name] = f.name + "#" + v.name;
      if (isNew) {
        kernel.variables.push_back(v);
        kernel.variables.back().name = names[v.name];
      }
    }
    for (size_t k = 0; k < f.params.size(); ++k)
      names[f.params[k].name] = i.operands[1 + k].name;
    for (size_t k = 0; k < f.returns.size(); ++k)
      names[f.returns[k].name] = i.results[k].name;
    path.push_back(&f);
    bool good = append(f, names, at->second);
    path.pop_back();
    return good;
  }

  Kernel &kernel;
  const std::vector<Kernel> &functions;
  Diagnostic &diagnostic;
  std::vector<const Kernel *> path;
  std::unordered_map<const Kernel *, unsigned> firstRegisters;
};
} // namespace

void findAddressesTaken(Module &module) {
  std::unordered_set<std::string> names;
  for (const Variable &v : module.variables)
    for (const Variable::Reference &r : v.references)
      names.insert(r.name);
  for (auto *list : {&module.kernels, &module.functions})
    for (const Kernel &kernel : *list)
      for (const Instruction &i : kernel.body)
        for (const Operand &o : i.operands)
          if (o.kind == Operand::Symbol && i.opcode != "call")
            names.insert(o.name);
  for (Kernel &function : module.functions)
    function.addressTaken = names.count(function.name);
}

bool inlineCalls(Kernel &kernel, const std::vector<Kernel> &functions, Diagnostic &diagnostic) {
  bool calls =
      std::any_of(kernel.body.begin(), kernel.body.end(), [](const Instruction &i) { return i.opcode == "call"; });
  return !calls || Inliner(kernel, functions, diagnostic).run();
}

} // namespace nncc::emu::ptx
