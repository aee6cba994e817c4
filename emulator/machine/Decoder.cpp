//===- Decoder.cpp - operands, modifiers and layout --------------------------------------------------------------===//

#include "Decoder.h"
#include "Warp.h"
#include <algorithm>
#include <tuple>

namespace nncc::emu {

using ptx::bytesOf;
using ptx::Operand;

void Decoder::fail(std::string message) {
  if (!bad)
    diagnostic = {at ? at->line : kernel.line, std::move(message)};
  bad = true;
}

std::string Decoder::spelled() const {
  std::string text = at->opcode;
  for (const std::string &modifier : at->modifiers)
    text += "." + modifier;
  return text;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------------------------------------------------------===//

bool Decoder::has(std::string_view modifier) {
  for (size_t m = 0; m < used.size(); ++m)
    if (!used[m] && at->modifiers[m] == modifier)
      return used[m] = true;
  return false;
}

Type Decoder::peekType() const {
  for (size_t m = 0; m < used.size(); ++m)
    if (!used[m] && ptx::typeNamed(at->modifiers[m]) != Type::None)
      return ptx::typeNamed(at->modifiers[m]);
  return Type::None;
}

Type Decoder::type() {
  Type found = peekType();
  if (found == Type::None)
    fail("'" + spelled() + "' lacks a type");
  else
    has(ptx::nameOf(found));
  return found;
}

int Decoder::oneOf(std::initializer_list<std::string_view> names, int otherwise) {
  int index = 0;
  for (std::string_view name : names) {
    if (has(name))
      return index;
    ++index;
  }
  if (otherwise < 0)
    fail("'" + spelled() + "' lacks a modifier, such as ." + std::string(*names.begin()));
  return otherwise;
}

Space Decoder::space(bool optional) {
  constexpr Space spaces[] = {Space::Global, Space::Shared, Space::Shared, Space::Local,
                              Space::Const,  Space::Param,  Space::Param,  Space::Param};
  int index = oneOf({"global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func"},
                    optional ? 8 : -1);
  return index < 0 || index == 8 ? Space::Generic : spaces[index];
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------------------------------------------------------===//

Slot Decoder::allocate(unsigned bytesPerLane) {
  Slot slot = program.fileBytes;
  // A predicate is one word for all lanes; the others begin on cache lines, so it takes a whole one.
  program.fileBytes += bytesPerLane < 2 ? 64 : bytesPerLane * numLanes;
  if (program.fileBytes > (1u << 30)) {
    fail("kernel '" + program.name + "' has too many registers");
    program.fileBytes = 0;
  }
  return slot;
}

Slot Decoder::constantSlot(uint64_t value, unsigned bytes) {
  auto [at, isNew] = constants.try_emplace({value, bytes}, 0);
  if (isNew) {
    at->second = allocate(bytes);
    program.constants.push_back({at->second, bytes, value});
  }
  return at->second;
}

bool Decoder::isPredicate(const Operand &o) const {
  return o.kind == Operand::Reg && kernel.registers[o.reg].type == Type::Pred;
}

Type Decoder::registerType(const Operand &o, Type otherwise) const {
  return o.kind == Operand::Reg ? kernel.registers[o.reg].type : otherwise;
}

Slot Decoder::special(const std::string &name) {
  static const std::unordered_map<std::string, Special> known = {{"%tid.x", Special::TidX},
                                                                 {"%tid.y", Special::TidY},
                                                                 {"%tid.z", Special::TidZ},
                                                                 {"%ntid.x", Special::NtidX},
                                                                 {"%ntid.y", Special::NtidY},
                                                                 {"%ntid.z", Special::NtidZ},
                                                                 {"%ctaid.x", Special::CtaidX},
                                                                 {"%ctaid.y", Special::CtaidY},
                                                                 {"%ctaid.z", Special::CtaidZ},
                                                                 {"%nctaid.x", Special::NctaidX},
                                                                 {"%nctaid.y", Special::NctaidY},
                                                                 {"%nctaid.z", Special::NctaidZ},
                                                                 {"%laneid", Special::LaneId},
                                                                 {"%warpid", Special::WarpId},
                                                                 {"%nwarpid", Special::NwarpId},
                                                                 {"%lanemask_eq", Special::LanemaskEq},
                                                                 {"%lanemask_le", Special::LanemaskLe},
                                                                 {"%lanemask_lt", Special::LanemaskLt},
                                                                 {"%lanemask_ge", Special::LanemaskGe},
                                                                 {"%lanemask_gt", Special::LanemaskGt},
                                                                 {"%dynamic_smem_size", Special::DynamicShared},
                                                                 {"%total_smem_size", Special::TotalShared},
                                                                 {"%smid", Special::SmId},
                                                                 {"%nsmid", Special::NsmId},
                                                                 {"%clusterid.x", Special::CtaidX},
                                                                 {"%clusterid.y", Special::CtaidY},
                                                                 {"%clusterid.z", Special::CtaidZ},
                                                                 {"%nclusterid.x", Special::NctaidX},
                                                                 {"%nclusterid.y", Special::NctaidY},
                                                                 {"%nclusterid.z", Special::NctaidZ},
                                                                 {"%cluster_ctaid.x", Special::Zero},
                                                                 {"%cluster_ctaid.y", Special::Zero},
                                                                 {"%cluster_ctaid.z", Special::Zero},
                                                                 {"%cluster_nctaid.x", Special::One},
                                                                 {"%cluster_nctaid.y", Special::One},
                                                                 {"%cluster_nctaid.z", Special::One},
                                                                 {"%cluster_ctarank", Special::Zero},
                                                                 {"%cluster_nctarank", Special::One}};
  auto found = known.find(name);
  if (found == known.end()) {
    fail("'" + name + "' is neither declared nor a special register that this machine has");
    return 0;
  }
  auto [slot, isNew] = specialSlots.try_emplace(name, 0);
  if (isNew) {
    slot->second = allocate(4);
    program.specials.push_back({found->second, slot->second});
  }
  return slot->second;
}

bool Decoder::symbol(const std::string &name, uint64_t &value) {
  if (auto found = symbols.find(name); found != symbols.end()) {
    value = found->second;
    return true;
  }
  if (auto found = moduleShared.find(name); found != moduleShared.end()) {
    place(*found->second);
    value = symbols[name];
    return !bad;
  }
  if (auto found = globals.find(name); found != globals.end()) {
    value = found->second;
    return true;
  }
  fail("'" + name + "' is not declared");
  return false;
}

void Decoder::in(const Operand &o, Type type) {
  unsigned bytes = bytesOf(type);
  uint64_t value = o.value;
  switch (o.kind) {
  case Operand::Reg: {
    Type have = kernel.registers[o.reg].type;
    if ((have == Type::Pred) != (type == Type::Pred) || bytesOf(have) != bytes)
      fail("'" + spelled() + "': " + kernel.registers[o.reg].name + " is ." + std::string(ptx::nameOf(have)) +
           ", an operand of ." + std::string(ptx::nameOf(type)) + " expected");
    else if (o.negated)
      fail("'" + spelled() + "': '!' is not taken here");
    return touch(o.reg, false);
  }
  case Operand::Special: {
    Slot wide = special(o.name);
    if (bytes != 4)
      fail("'" + spelled() + "': " + o.name + " is a register of 32 bits");
    return slot(wide);
  }
  case Operand::Symbol: {
    uint64_t base = 0;
    symbol(o.name, base);
    return slot(constantSlot(base + o.value, bytes));
  }
  case Operand::Float: {
    double d = o.isDouble ? std::bit_cast<double>(o.value) : std::bit_cast<float>(static_cast<uint32_t>(o.value));
    if (bytes == 8 && (o.isDouble || type == Type::F64))
      value = std::bit_cast<uint64_t>(d);
    else if (bytes == 4 && o.isDouble && type == Type::F32)
      value = std::bit_cast<uint32_t>(static_cast<float>(d));
    else if (bytes != 4 || o.isDouble)
      fail("'" + spelled() + "' does not take this floating-point number");
    return slot(constantSlot(value, bytes));
  }
  case Operand::Integer:
    if (type == Type::F32)
      value = std::bit_cast<uint32_t>(static_cast<float>(static_cast<int64_t>(value)));
    else if (type == Type::F64)
      value = std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(value)));
    if (type == Type::Pred) {
      // A bit for each lane, of which the slot has one word.
      value = value ? UINT32_MAX : 0;
      return slot(constantSlot(value, 4));
    }
    if (bytes < 8)
      value &= (uint64_t(1) << 8 * bytes) - 1;
    return slot(constantSlot(value, bytes ? bytes : 4));
  default:
    fail("'" + spelled() + "': a register or a number expected");
    return slot(0);
  }
}

void Decoder::out(const Operand &o, Type type) {
  if (o.kind == Operand::Sink)
    return scratch(type);
  if (o.kind != Operand::Reg) {
    // Most often a register that was not declared.
    if (o.kind == Operand::Special)
      special(o.name);
    fail("'" + spelled() + "': a register expected as the destination");
    return slot(0);
  }
  in(o, type);
  if (!bad)
    touched.back().writes = true;
}

void Decoder::touch(unsigned reg, bool writes) {
  touched.push_back(
      {static_cast<uint32_t>(program.code.size()), reg, static_cast<uint32_t>(program.slots.size()), writes});
  slot(0);
}

void Decoder::address(size_t index, Inst &inst) {
  const Operand &o = operand(index);
  if (o.kind != Operand::Address) {
    fail("'" + spelled() + "': an address such as [%rd1+16] expected as operand " + std::to_string(index + 1));
    return slot(0);
  }
  inst.offset = static_cast<int64_t>(o.value);
  if (!o.baseIsReg) {
    uint64_t base = 0;
    if (!o.name.empty())
      symbol(o.name, base);
    if (inst.space == Space::Param && callParams.count(o.name))
      inst.space = Space::Local;
    inst.wideAddress = true;
    return slot(constantSlot(base, 8));
  }
  Type have = kernel.registers[o.reg].type;
  inst.wideAddress = bytesOf(have) == 8;
  if (have == Type::Pred || bytesOf(have) < 4 || bytesOf(have) > 8)
    fail("'" + spelled() + "': an address is in a register of 32 or 64 bits");
  else if (!inst.wideAddress &&
           (inst.space == Space::Global || inst.space == Space::Generic || inst.space == Space::Const))
    fail("'" + spelled() + "': an address of this space has 64 bits");
  touch(o.reg, false);
}

void Decoder::touches(const Inst &inst, unsigned bytes) {
  if (inst.space == Space::Shared || inst.space == Space::Generic)
    program.sharedGranule = std::min(program.sharedGranule, bytes);
}

uint64_t Decoder::immediate(size_t index, uint64_t limit) {
  const Operand &o = operand(index);
  if (o.kind != Operand::Integer || o.value > limit)
    fail("'" + spelled() + "': operand " + std::to_string(index + 1) + " is a number of at most " +
         std::to_string(limit));
  return o.value;
}

bool Decoder::operands(size_t least, size_t most) {
  if (numOperands() >= least && numOperands() <= most)
    return true;
  fail("'" + spelled() + "' has " + std::to_string(numOperands()) + " operands, " + std::to_string(least) +
       (least == most ? "" : " to " + std::to_string(most)) + " expected");
  return false;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------------------------------------------------------===//

bool Decoder::place(const ptx::Variable &v) {
  bool isShared = v.space == Space::Shared;
  if (v.space == Space::Param)
    callParams.insert(v.name);
  uint64_t &total = isShared ? program.sharedBytes : program.localBytes;
  uint64_t start = (total + v.align - 1) / v.align * v.align;
  if (isShared && v.isExtern) {
    // All of them begin where the static part ends; that is known once every static variable has its place.
    program.dynamicOffset = std::max(program.dynamicOffset, start);
    symbols[v.name] = program.dynamicOffset;
    return true;
  }
  total = start + v.bytes;
  symbols[v.name] = start;
  if (total > (1u << 30))
    fail("kernel '" + program.name + "' has too much " + (isShared ? "shared" : "local") + " memory");
  return !bad;
}

bool Decoder::layout() {
  for (const ptx::Variable &param : kernel.params) {
    uint32_t start = (program.paramBytes + param.align - 1) / param.align * param.align;
    program.paramOffsets.push_back(start);
    symbols[param.name] = start;
    program.paramBytes = start + static_cast<uint32_t>(param.bytes);
    if (program.paramBytes > 32764)
      fail("kernel '" + program.name + "' has more than 32764 bytes of parameters");
  }
  for (const ptx::Variable &v : kernel.variables)
    place(v);
  // Static variables of the module that the kernel names, before the dynamic ones.
  for (bool dynamic : {false, true})
    for (const ptx::Instruction &i : kernel.body)
      for (const Operand &o : i.operands) {
        auto found = moduleShared.find(o.name);
        if (!o.name.empty() && found != moduleShared.end() && found->second->isExtern == dynamic &&
            !symbols.count(o.name))
          place(*found->second);
      }
  program.dynamicOffset = std::max(program.dynamicOffset, program.sharedBytes);
  return !bad;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------------------------------------------------------===//

static const Builder *find(std::span<const Builder> table, std::string_view opcode) {
  for (const Builder &row : table)
    if (row.opcode == opcode)
      return &row;
  return nullptr;
}

bool Decoder::build(Inst &inst) {
  const Builder *builder = nullptr;
  for (auto table :
       {moveBuilders(), bitBuilders(), convertBuilders(), compareBuilders(), memoryBuilders(), atomicBuilders(),
        controlBuilders(), shuffleBuilders(), asyncBuilders(), matrixBuilders(), wmmaBuilders(), mbarrierBuilders()})
    builder = builder ? builder : find(table, at->opcode);
  if (!builder) {
    Type t = peekType();
    bool isHalf = t == Type::F16 || t == Type::BF16 || t == Type::F16x2 || t == Type::BF16x2;
    bool isPair = t == Type::F32x2 || t == Type::U16x2 || t == Type::S16x2;
    builder = find(isPair            ? pairBuilders()
                   : isHalf          ? halfBuilders()
                   : ptx::isFloat(t) ? floatBuilders()
                                     : integerBuilders(),
                   at->opcode);
  }
  if (!builder) {
    fail("'" + spelled() + "' is no instruction that this machine has");
    return false;
  }
  builder->build(*this, inst);
  for (size_t m = 0; m < used.size() && !bad; ++m)
    if (!used[m])
      fail("'" + spelled() + "': modifier ." + at->modifiers[m] + " is not known here");
  return !bad;
}

bool Decoder::decode(const ptx::Instruction &instruction) {
  at = &instruction;
  used.assign(instruction.modifiers.size(), false);
  Inst inst;
  inst.line = instruction.line;
  if (instruction.guard >= 0) {
    inst.guard = 0;
    touched.push_back(
        {static_cast<uint32_t>(program.code.size()), static_cast<uint32_t>(instruction.guard), nowhere, false});
    inst.guardNegated = instruction.guardNegated;
  }
  firstSlots.push_back(program.slots.size());
  if (!build(inst))
    return false;
  program.code.push_back(inst);
  return true;
}

bool Decoder::run() {
  program.name = kernel.name;
  program.params = kernel.params;
  std::copy(std::begin(kernel.reqThreads), std::end(kernel.reqThreads), program.reqThreads);
  program.maxThreads = kernel.maxThreads;
  if (!layout())
    return false;
  for (const ptx::Instruction &instruction : kernel.body)
    if (!decode(instruction))
      return false;
  Inst end;
  end.flow = Flow::Exit;
  end.kind = Class::Control;
  end.line = kernel.body.empty() ? kernel.line : kernel.body.back().line;
  program.code.push_back(end);
  // Only now do the slots no longer move.
  for (size_t pc = 0; pc < firstSlots.size(); ++pc)
    program.code[pc].op = program.slots.data() + firstSlots[pc];
  findReconvergence(program);
  // A predicate is one word for all lanes; the others begin on cache lines, so it takes a whole one.
  std::vector<uint32_t> bytes;
  bytes.reserve(kernel.registers.size());
  for (const ptx::Register &r : kernel.registers)
    bytes.push_back(r.type == Type::Pred || bytesOf(r.type) < 2 ? 64 : bytesOf(r.type) * numLanes);
  // The reads of an instruction come before its writes.
  std::sort(touched.begin(), touched.end(), [](const Touch &a, const Touch &b) {
    return std::tie(a.pc, a.writes, a.slot) < std::tie(b.pc, b.writes, b.slot);
  });
  placeRegisters(program, touched, bytes);
  findStraightRuns(program);
  return true;
}

} // namespace nncc::emu
