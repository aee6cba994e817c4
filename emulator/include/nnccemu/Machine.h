//===- Machine.h - a device that runs PTX ------------------------------------------------------------------------===//
///
/// \file
/// A device holds memory and modules, and launches kernels. It executes warps of 32 lanes in lockstep, with IEEE arithmetic, and stops at what
/// no GPU stops at: see Trap. Blocks of a grid run side by side on threads of the host; what a launch gives and counts does not depend on their number.
/// Nothing here throws; a device is used by one thread at a time.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_MACHINE_H
#define NNCCEMU_MACHINE_H

#include "nnccemu/Card.h"
#include "nnccemu/Ptx.h"
#include <array>
#include <memory>
#include <span>

namespace nncc::emu {

/// Why a launch stopped.
struct Trap {
  std::string kernel;
  unsigned line = 0; ///< of the PTX text; 0 where the launch itself was refused
  std::array<unsigned, 3> block{}, thread{};
  std::string message;

  /// "kernel 'k', line 12, block (0, 0, 0), thread (3, 0, 0): ..."
  std::string text() const;
};

enum class Class : uint8_t {
  Integer,
  Float,
  Half,
  Double,
  Special,
  Convert,
  Move,
  Control,
  Load,
  Store,
  Shared,
  Local,
  Param,
  Atomic,
  Barrier,
  Shuffle,
  Async,
  Matrix,
  Count
};
std::string_view nameOf(Class c);

/// What a kernel did, in warp-wide instructions.
struct Counters {
  std::array<uint64_t, static_cast<unsigned>(Class::Count)> instructions{};
  uint64_t threadInstructions = 0; ///< the same, counted per active lane
  uint64_t globalSectors = 0;      ///< of 32 bytes, loads, stores, atomics and cp.async
  uint64_t globalRequests = 0;
  uint64_t sharedRequests = 0;
  uint64_t bankConflicts = 0; ///< passes over shared memory beyond those that the width of the access needs
  uint64_t divergentBranches = 0;

  uint64_t total() const;
  Counters &operator+=(const Counters &other);
  uint64_t operator[](Class c) const { return instructions[static_cast<unsigned>(c)]; }
};

struct LaunchShape {
  std::array<unsigned, 3> grid{1, 1, 1}, block{1, 1, 1};
  unsigned dynamicShared = 0;
};

struct Checks {
  bool races = true;
  bool uninitialised = true;
  /// Warp instructions of one block, after which it is taken to hang; 0: no limit.
  uint64_t blockBudget = uint64_t(1) << 32;
};

class Crew;
class DeviceMemory;
struct Program;

/// A kernel of a loaded module.
struct Function {
  const Program *program = nullptr;

  std::string_view name() const;
  std::span<const ptx::Variable> params() const;
  uint64_t staticShared() const;
  uint64_t localBytes() const; ///< a thread
  unsigned maxThreads() const; ///< of a block, by .reqntid or .maxntid; 0: as the card has it
};

class Device {
public:
  /// Devices of one process have different ordinals, and with these different addresses.
  explicit Device(const Card &card, unsigned ordinal = 0);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const Card &card() const { return posed; }
  Checks checks;
  /// The most threads of the host that a launch uses; NNCC_EMU_THREADS, or as many as it has.
  unsigned hostThreads;
  /// What was launched since it was last cleared.
  Counters counters;

  /// 0 where the card's memory does not suffice.
  uint64_t allocate(uint64_t bytes);
  /// These say what is wrong, or nothing.
  std::optional<std::string> release(uint64_t address);
  std::optional<std::string> write(uint64_t address, const void *data, uint64_t bytes);
  std::optional<std::string> read(void *data, uint64_t address, uint64_t bytes);
  /// What was never written stays so in the copy.
  std::optional<std::string> copy(uint64_t to, uint64_t from, uint64_t bytes);
  /// `count` times the lowest `width` (1, 2 or 4) bytes of `value`.
  std::optional<std::string> fill(uint64_t address, uint32_t value, unsigned width, uint64_t count);
  /// The live allocation that an address is in.
  struct Range {
    uint64_t base, bytes;
  };
  std::optional<Range> allocationOf(uint64_t address) const;
  uint64_t memoryUsed() const;
  /// The ordinal of the device that an address belongs to, allocated or not; nothing for an address of the host.
  static std::optional<unsigned> ordinalOf(uint64_t address);

  /// The number of a module; nothing and a diagnostic where it cannot be run.
  std::optional<unsigned> load(std::string_view text, Diagnostic &diagnostic);
  std::optional<unsigned> load(const ptx::Module &module, Diagnostic &diagnostic);
  std::optional<Function> function(unsigned module, std::string_view name) const;
  std::vector<Function> functions(unsigned module) const;
  /// The address of a variable of a module; 0 where there is none.
  uint64_t variable(unsigned module, std::string_view name) const;
  /// Frees its variables; its functions are no more.
  void unload(unsigned module);

  /// Why the card cannot launch this, or nothing.
  std::string refusal(Function function, const LaunchShape &shape) const;
  /// `params` holds one pointer for each parameter, as cuLaunchKernel takes them.
  std::optional<Trap> launch(Function function, const LaunchShape &shape, std::span<const void *const> params);

private:
  struct Loaded;
  void release(const Loaded &module);

  Card posed;
  std::unique_ptr<DeviceMemory> memory;
  std::unique_ptr<Crew> crew;
  std::vector<std::unique_ptr<Loaded>> modules;
};

} // namespace nncc::emu

#endif
