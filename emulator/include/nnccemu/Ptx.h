//===- Ptx.h - PTX text as a tree --------------------------------------------------------------------------------===//
///
/// \file
/// What the parser makes of PTX text: modules, kernels, variables, instructions with resolved registers and labels. It knows the grammar;
/// which instruction takes which modifiers and operands is known to those who execute it.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_PTX_H
#define NNCCEMU_PTX_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nncc::emu {

/// What is wrong with PTX text, and where.
struct Diagnostic {
  unsigned line = 0;
  std::string message;
};

namespace ptx {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  U8,
  S8,
  B16,
  U16,
  S16,
  F16,
  BF16,
  B32,
  U32,
  S32,
  F32,
  F16x2,
  BF16x2,
  U16x2,
  S16x2,
  TF32,
  B64,
  U64,
  S64,
  F64,
  F32x2,
  B128
};

/// None for a text that names no type.
Type typeNamed(std::string_view name);
std::string_view nameOf(Type type);
unsigned bytesOf(Type type);
bool isSigned(Type type);
bool isFloat(Type type);

enum class Space : uint8_t { Generic, Param, Shared, Local, Const, Global };

struct Variable {
  std::string name;
  Space space = Space::Generic;
  Type type = Type::None;
  unsigned align = 1;
  uint64_t bytes = 0;
  bool isExtern = false; ///< `.extern .shared`: its size comes with the launch
  std::vector<std::byte> init;
  /// The address of a variable or a function, somewhere in `init`.
  struct Reference {
    uint64_t offset;
    std::string name;
    uint64_t addend;
  };
  std::vector<Reference> references;
  unsigned line = 0;
};

struct Register {
  std::string name;
  Type type = Type::None;
};

struct Operand {
  enum Kind : uint8_t { Reg, Integer, Float, Symbol, Special, Address, Vector, Pair, Sink };
  Kind kind = Sink;
  bool negated = false;          ///< `!%p`
  unsigned reg = 0;              ///< Reg, and Address whose base is a register
  bool baseIsReg = false;        ///< Address
  std::string name;              ///< Symbol, Special, and Address whose base is a symbol (empty: an absolute address)
  uint64_t value = 0;            ///< Integer; the bits of a Float; the offset of an Address or a Symbol
  bool isDouble = false;         ///< Float: 0d rather than 0f
  std::vector<Operand> elements; ///< Vector, Pair
};

struct Instruction {
  unsigned line = 0;
  int guard = -1; ///< a predicate register
  bool guardNegated = false;
  std::string opcode;
  std::vector<std::string> modifiers;
  std::vector<Operand> operands; ///< of a call: the function, then what it is handed
  std::vector<Operand> results;  ///< of a call
  std::vector<unsigned> targets; ///< instructions that a branch may go to
};

/// An entry, or a device function.
struct Kernel {
  std::string name;
  unsigned line = 0;
  std::vector<Variable> params;
  std::vector<Variable> returns; ///< of a function
  bool addressTaken = false;     ///< of a function: a call by address may mean it
  std::vector<Register> registers;
  std::vector<Variable> variables; ///< .shared and .local
  std::vector<Instruction> body;
  unsigned reqThreads[3] = {0, 0, 0}; ///< .reqntid; 0 where it is not stated
  unsigned maxThreads = 0;            ///< the product of .maxntid
};

struct Module {
  unsigned version = 0; ///< 78 for 7.8
  unsigned sm = 0;      ///< 80 for sm_80
  std::string target;   ///< "sm_90a"
  std::vector<Variable> variables;
  std::vector<Kernel> kernels; ///< calls stand no longer in them
  std::vector<Kernel> functions;
};

/// Where functions are, as far as an address can tell: that of number k is codeWindow + 16 k.
inline constexpr uint64_t codeWindow = uint64_t(4) << 40;

/// Nothing, and the first problem in `diagnostic`, where the text is not PTX that we know.
std::optional<Module> parse(std::string_view text, Diagnostic &diagnostic);

} // namespace ptx
} // namespace nncc::emu

#endif
