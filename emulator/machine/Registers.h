//===- Registers.h - where the registers of a kernel are in the file of a warp ------------------------------------===//

#ifndef NNCCEMU_REGISTERS_H
#define NNCCEMU_REGISTERS_H

#include "Program.h"

namespace nncc::emu {

/// An instruction reads or writes a register; the slot that names it is given a place later.
struct Touch {
  uint32_t pc;
  uint32_t reg;
  uint32_t slot; ///< of program.slots; `nowhere` for a guard
  bool writes;
};

/// Compilers name a register for every value: thousands, of which few are alive at once. Registers that are never alive together share their bytes, so
/// that a warp's file stays in the host's cache. `bytes` are those of a register's lanes. Gives each slot its place, and notes which bytes a kernel may
/// read before it has written them.
void placeRegisters(Program &program, const std::vector<Touch> &touches, const std::vector<uint32_t> &bytes);

} // namespace nncc::emu

#endif
