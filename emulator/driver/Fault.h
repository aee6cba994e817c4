//===- Fault.h - faults on request: NNCC_EMU_FAULT --------------------------------------------------------------===//
///
/// \file
/// The grammar of NNCC_EMU_FAULT, items between commas:
///
///   init[=CODE]       cuInit fails (999)
///   no-device         cuInit finds no device
///   driver=11.4       the driver is that of CUDA 11.4: newer calls are not found, newer PTX is refused
///   memory=64M        the card has no more (K, M, G)
///   no-pools          the device has no memory pools
///   together=2        no module is loaded before the loads of two have begun, which so must be under way at once; after half a minute
///                     it is not (999)
///   WHAT@N[+][=CODE]  the N-th WHAT (from 1), or every one from there on, fails; WHAT is
///       alloc         an allocation of device memory (2, out of memory)
///       host-alloc    an allocation of pinned memory (2)
///       image         a module is corrupt (200)
///       launch        a launch is refused (701); the context stays usable
///       crash         a kernel fails while it runs (719); the context is lost
///       lost          the device is lost before the N-th piece of work on it (999); it does not come back
///       cuNAME        a call, by its name without _v2 (999)
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_FAULT_H
#define NNCCEMU_DRIVER_FAULT_H

#include "Types.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nncc::emu::driver {

struct Faults {
  std::optional<CUresult> init;
  bool noDevice = false, noPools = false;
  unsigned driverVersion = 0; ///< 11040; 0: the newest that has the card
  uint64_t memory = 0;        ///< bytes; 0: as the card has
  uint64_t together = 0;      ///< modules

  /// Empty, or what is wrong with the text.
  std::string parse(std::string_view text);
  /// Something that can fail happens: the result where it is to fail.
  std::optional<CUresult> strike(std::string_view what);

private:
  struct Counted {
    std::string what;
    uint64_t at;
    bool onwards;
    CUresult code;
    uint64_t seen = 0;
  };
  std::string parseItem(std::string_view item);
  std::string parseCounted(std::string_view what, std::string_view rest);
  std::vector<Counted> counted;
};

} // namespace nncc::emu::driver

#endif
