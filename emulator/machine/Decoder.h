//===- Decoder.h - from a parsed instruction to a decoded one ----------------------------------------------------===//
///
/// \file
/// Each family of instructions has a table of builders. A builder takes the modifiers and operands that it knows; what is left over is an error, so
/// that no instruction ever does less than its text says.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_DECODER_H
#define NNCCEMU_DECODER_H

#include "Registers.h"
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace nncc::emu {

using ptx::Space;
using ptx::Type;

class Decoder {
public:
  Decoder(Program &program, const ptx::Kernel &kernel, const std::unordered_map<std::string, uint64_t> &globals,
          const std::unordered_map<std::string, const ptx::Variable *> &shared, Diagnostic &diagnostic)
      : program(program), kernel(kernel), globals(globals), moduleShared(shared), diagnostic(diagnostic) {}

  bool run();

  // For builders.
  const ptx::Instruction &text() const { return *at; }
  bool failed() const { return bad; }
  void fail(std::string message);
  /// "add.s32"
  std::string spelled() const;

  bool has(std::string_view modifier);
  /// The first type that is left among the modifiers; an error where there is none.
  Type type();
  Type peekType() const;
  /// The index of the modifier, one of `names`, that is there; `otherwise` where none is, an error where that is negative.
  int oneOf(std::initializer_list<std::string_view> names, int otherwise);
  Space space(bool optional = true);

  bool operands(size_t least, size_t most);
  size_t numOperands() const { return at->operands.size(); }
  const ptx::Operand &operand(size_t index) const { return at->operands[index]; }
  /// These add a slot.
  void in(size_t index, Type type) { in(operand(index), type); }
  void in(const ptx::Operand &operand, Type type);
  void out(size_t index, Type type) { out(operand(index), type); }
  void out(const ptx::Operand &operand, Type type);
  void constant(uint64_t value, Type type) { program.slots.push_back(constantSlot(value, ptx::bytesOf(type))); }
  void scratch(Type type) { program.slots.push_back(allocate(ptx::bytesOf(type))); }
  void slot(Slot slot) { program.slots.push_back(slot); }
  /// The type of a register operand, or of an immediate the given one.
  Type registerType(const ptx::Operand &operand, Type otherwise) const;
  /// An address: sets what the instruction needs to know of it, and adds its slot.
  void address(size_t index, Inst &inst);
  /// How many bytes a lane accesses at the address; it is aligned to them.
  void touches(const Inst &inst, unsigned bytes);
  /// Blocks may tell each other something by this instruction.
  void communicates() { program.communicates = true; }
  /// An integer that the text states.
  uint64_t immediate(size_t index, uint64_t limit);
  bool isPredicate(const ptx::Operand &operand) const;

private:
  bool layout();
  bool place(const ptx::Variable &variable);
  /// Adds a slot that gets its place when all is decoded.
  void touch(unsigned reg, bool writes);
  bool decode(const ptx::Instruction &instruction);
  bool build(Inst &inst);
  Slot allocate(unsigned bytesPerLane);
  Slot constantSlot(uint64_t value, unsigned bytes);
  Slot special(const std::string &name);
  bool symbol(const std::string &name, uint64_t &value);

  Program &program;
  const ptx::Kernel &kernel;
  const std::unordered_map<std::string, uint64_t> &globals;
  const std::unordered_map<std::string, const ptx::Variable *> &moduleShared;
  Diagnostic &diagnostic;

  const ptx::Instruction *at = nullptr;
  std::vector<bool> used;
  bool bad = false;
  std::vector<Touch> touched;     ///< in the order of instructions
  std::vector<size_t> firstSlots; ///< of each instruction
  std::map<std::pair<uint64_t, unsigned>, Slot> constants;
  std::unordered_map<std::string, uint64_t> symbols;
  std::unordered_set<std::string> callParams; ///< .param variables that are the thread's own
  std::unordered_map<std::string, Slot> specialSlots;
};

struct Builder {
  std::string_view opcode;
  void (*build)(Decoder &, Inst &);
};

// cvt to and from pairs of fp8.
bool convertsByteFloats(const ptx::Instruction &text);
void buildByteFloats(Decoder &d, Inst &i);

// What is known by its opcode alone.
std::span<const Builder> moveBuilders();
std::span<const Builder> bitBuilders();
std::span<const Builder> convertBuilders();
std::span<const Builder> compareBuilders();
std::span<const Builder> memoryBuilders();
std::span<const Builder> atomicBuilders();
std::span<const Builder> controlBuilders();
std::span<const Builder> shuffleBuilders();
std::span<const Builder> asyncBuilders();
std::span<const Builder> matrixBuilders();
std::span<const Builder> wmmaBuilders();
std::span<const Builder> mbarrierBuilders();
/// cp.async.mbarrier and cp.async.bulk.
void buildAsyncArrive(Decoder &d, Inst &i);
void buildBulk(Decoder &d, Inst &i);
// What its type decides.
std::span<const Builder> integerBuilders();
std::span<const Builder> floatBuilders();
std::span<const Builder> halfBuilders();
std::span<const Builder> pairBuilders();

} // namespace nncc::emu

#endif
