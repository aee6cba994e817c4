//===- Card.h - the cards that the machine can pose as -----------------------------------------------------------===//

#ifndef NNCCEMU_CARD_H
#define NNCCEMU_CARD_H

#include <cstdint>
#include <span>
#include <string_view>

namespace nncc::emu {

/// Limits are those of the CUDA C++ programming guide, table of technical specifications per compute capability.
struct Card {
  std::string_view name; ///< as NNCC_EMU= takes it: "t4"
  unsigned sm;           ///< 75 for 7.5
  unsigned multiprocessors;
  uint64_t memory;         ///< bytes
  unsigned sharedPerBlock; ///< static, and dynamic without being asked for
  unsigned sharedOptIn;    ///< the most that a kernel may ask for
  unsigned registersPerBlock;
  unsigned threadsPerBlock;
};

std::span<const Card> cards();
/// Null for a name that is none.
const Card *cardNamed(std::string_view name);

} // namespace nncc::emu

#endif
