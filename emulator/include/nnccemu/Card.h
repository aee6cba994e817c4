//===- Card.h - the cards that the machine can pose as -----------------------------------------------------------===//

#ifndef NNCCEMU_CARD_H
#define NNCCEMU_CARD_H

#include <cstdint>
#include <span>
#include <string_view>

namespace nncc::emu {

/// What an architecture has: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability" (11.4 for Kepler, 12.9 for the rest).
struct Architecture {
  unsigned sm = 0; ///< 75 for 7.5
  unsigned threadsPerMultiprocessor = 0;
  unsigned blocksPerMultiprocessor = 0;
  unsigned sharedPerMultiprocessor = 0; ///< bytes
  unsigned sharedOptIn = 0;             ///< the most that a block may ask for
  unsigned registersPerMultiprocessor = 0;
  unsigned floatPerDouble = 0; ///< throughput of f32 over that of f64
};

struct Card {
  std::string_view name;      ///< as NNCC_EMU= takes it: "t4"
  std::string_view marketing; ///< as a driver tells it: "Tesla T4"
  unsigned sm;
  unsigned multiprocessors;
  uint64_t memory; ///< bytes; nominal, a driver reports a little less
  unsigned boostMHz;
  unsigned memoryMHz; ///< twice this a second and pin, as drivers report it
  unsigned busBits;
  unsigned cacheBytes;     ///< L2
  unsigned newestDriver;   ///< the last CUDA version whose driver has the card: 11040
  unsigned sharedPerBlock; ///< static, and dynamic without being asked for
  unsigned sharedOptIn;
  unsigned registersPerBlock;
  unsigned threadsPerBlock;
  Architecture architecture;
};

std::span<const Card> cards();
/// By its name, or the first of an architecture: "sm_75". Null for a name that is none.
const Card *cardNamed(std::string_view name);

} // namespace nncc::emu

#endif
