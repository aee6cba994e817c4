//===- Device.cpp - memory and modules ---------------------------------------------------------------------------===//

#include "Crew.h"
#include "Decoder.h"
#include "DeviceMemory.h"
#include "nnccemu/Machine.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace nncc::emu {

struct Device::Loaded {
  std::unordered_map<std::string, uint64_t> globals;
  std::vector<std::unique_ptr<Program>> programs;
};

/// NNCC_EMU_THREADS, or as many as the host runs at once.
static unsigned defaultThreads() {
  const char *text = std::getenv("NNCC_EMU_THREADS");
  unsigned long wanted = text ? std::strtoul(text, nullptr, 10) : std::thread::hardware_concurrency();
  return static_cast<unsigned>(std::clamp(wanted, 1ul, 256ul));
}

Device::Device(const Card &card, unsigned ordinal)
    : hostThreads(defaultThreads()), posed(card), memory(std::make_unique<DeviceMemory>(card.memory, ordinal)) {}
Device::~Device() = default;

std::string_view Function::name() const { return program->name; }
std::span<const ptx::Variable> Function::params() const { return program->params; }
uint64_t Function::staticShared() const { return program->sharedBytes; }
uint64_t Function::localBytes() const { return program->localBytes; }
unsigned Function::maxThreads() const {
  const unsigned *required = program->reqThreads;
  return required[0] ? required[0] * required[1] * required[2] : program->maxThreads;
}

std::string_view nameOf(Class c) {
  constexpr std::string_view names[] = {"integer", "float",   "half",    "double",  "special", "convert",
                                        "move",    "control", "load",    "store",   "shared",  "local",
                                        "param",   "atomic",  "barrier", "shuffle", "async",   "matrix"};
  static_assert(std::size(names) == static_cast<size_t>(Class::Count));
  return names[static_cast<size_t>(c)];
}

uint64_t Counters::total() const {
  uint64_t sum = 0;
  for (uint64_t count : instructions)
    sum += count;
  return sum;
}

Counters &Counters::operator+=(const Counters &other) {
  for (size_t k = 0; k < instructions.size(); ++k)
    instructions[k] += other.instructions[k];
  threadInstructions += other.threadInstructions;
  globalSectors += other.globalSectors;
  globalRequests += other.globalRequests;
  sharedRequests += other.sharedRequests;
  bankConflicts += other.bankConflicts;
  divergentBranches += other.divergentBranches;
  return *this;
}

static std::string triple(const std::array<unsigned, 3> &a) {
  return "(" + std::to_string(a[0]) + ", " + std::to_string(a[1]) + ", " + std::to_string(a[2]) + ")";
}

std::string Trap::text() const {
  if (!line)
    return "kernel '" + kernel + "': " + message;
  return "kernel '" + kernel + "', line " + std::to_string(line) + ", block " + triple(block) + ", thread " +
         triple(thread) + ": " + message;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------------===//

uint64_t Device::allocate(uint64_t bytes) { return memory->allocate(bytes); }

std::optional<std::string> Device::release(uint64_t address) {
  if (memory->release(address))
    return std::nullopt;
  return "release: " + memory->describe(address, 1) + ", or it is no allocation's first address";
}

std::optional<std::string> Device::write(uint64_t address, const void *data, uint64_t bytes) {
  Allocation *a = memory->find(address);
  if (!a || a->freed || !a->holds(address, bytes))
    return "a copy to the device of " + memory->describe(address, bytes);
  // Unlike memcpy this takes null for no bytes.
  std::copy_n(static_cast<const std::byte *>(data), bytes, a->data.get() + (address - a->base));
  a->learn(address - a->base, bytes);
  a->allKnown |= bytes == a->bytes;
  return std::nullopt;
}

std::optional<std::string> Device::read(void *data, uint64_t address, uint64_t bytes) {
  Allocation *a = memory->find(address);
  if (!a || a->freed || !a->holds(address, bytes))
    return "a copy from the device of " + memory->describe(address, bytes);
  std::copy_n(a->data.get() + (address - a->base), bytes, static_cast<std::byte *>(data));
  return std::nullopt;
}

std::optional<std::string> Device::copy(uint64_t to, uint64_t from, uint64_t bytes) {
  Allocation *target = memory->find(to), *source = memory->find(from);
  if (!source || source->freed || !source->holds(from, bytes))
    return "a copy on the device from " + memory->describe(from, bytes);
  if (!target || target->freed || !target->holds(to, bytes))
    return "a copy on the device to " + memory->describe(to, bytes);
  std::memmove(target->data.get() + (to - target->base), source->data.get() + (from - source->base), bytes);
  std::memmove(target->known.get() + (to - target->base), source->known.get() + (from - source->base), bytes);
  target->allKnown &= source->allKnown;
  return std::nullopt;
}

std::optional<std::string> Device::fill(uint64_t address, uint32_t value, unsigned width, uint64_t count) {
  uint64_t bytes = count * width;
  Allocation *a = memory->find(address);
  if (!a || a->freed || !a->holds(address, bytes))
    return "a memset of " + memory->describe(address, bytes);
  std::byte *data = a->data.get() + (address - a->base);
  for (uint64_t k = 0; k < bytes; k += width)
    std::memcpy(data + k, &value, width);
  a->learn(address - a->base, bytes);
  a->allKnown |= bytes == a->bytes;
  return std::nullopt;
}

std::optional<Device::Range> Device::allocationOf(uint64_t address) const {
  Allocation *a = memory->find(address);
  if (!a || a->freed || !a->holds(address, 1))
    return std::nullopt;
  return Range{a->base, a->bytes};
}

uint64_t Device::memoryUsed() const { return memory->usedBytes(); }

std::optional<unsigned> Device::ordinalOf(uint64_t address) {
  for (unsigned ordinal = 0; ordinal < DeviceMemory::maxDevices; ++ordinal)
    if (address >= DeviceMemory::firstAddress(ordinal) && address < DeviceMemory::firstAddress(ordinal + 1))
      return ordinal;
  return std::nullopt;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------------------------------------------------------===//

std::optional<unsigned> Device::load(std::string_view text, Diagnostic &diagnostic) {
  std::optional<ptx::Module> module = ptx::parse(text, diagnostic);
  return module ? load(*module, diagnostic) : std::nullopt;
}

std::optional<unsigned> Device::load(const ptx::Module &module, Diagnostic &diagnostic) {
  // Features of one architecture alone, sm_90a, are on no newer one; those of a family, sm_100f, on its newer members.
  bool fits = module.target.back() == 'a'   ? module.sm == posed.sm
              : module.target.back() == 'f' ? module.sm / 10 == posed.sm / 10 && module.sm <= posed.sm
                                            : module.sm <= posed.sm;
  if (!fits) {
    diagnostic = {0, "the module is for " + module.target + ", " + std::string(posed.name) + " is sm_" +
                         std::to_string(posed.sm)};
    return std::nullopt;
  }
  auto loaded = std::make_unique<Loaded>();
  std::unordered_map<std::string, const ptx::Variable *> shared;
  for (const ptx::Variable &v : module.variables) {
    if (v.space == Space::Shared) {
      shared[v.name] = &v;
      continue;
    }
    uint64_t address = v.isExtern ? 0 : memory->allocate(std::max<uint64_t>(v.bytes, 1));
    if (!address) {
      diagnostic = {v.line, v.isExtern ? "'" + v.name + "' is external, and modules are not linked"
                                       : "no memory for '" + v.name + "'"};
      release(*loaded);
      return std::nullopt;
    }
    Allocation *a = memory->find(address);
    std::memset(a->data.get(), 0, a->bytes);
    a->learn(0, a->bytes);
    a->allKnown = true;
    std::copy_n(v.init.data(), std::min<uint64_t>(v.init.size(), a->bytes), a->data.get());
    a->readOnly = v.space == Space::Const;
    loaded->globals[v.name] = address;
  }
  auto symbols = loaded->globals;
  for (size_t k = 0; k < module.functions.size(); ++k)
    symbols[module.functions[k].name] = ptx::codeWindow + 16 * k;
  for (const ptx::Variable &v : module.variables)
    for (const ptx::Variable::Reference &r : v.references) {
      auto at = symbols.find(r.name);
      if (at == symbols.end()) {
        diagnostic = {v.line, "'" + r.name + "', an initial value of '" + v.name + "', is no variable and no function"};
        release(*loaded);
        return std::nullopt;
      }
      uint64_t value = at->second + r.addend, address = loaded->globals[v.name];
      Allocation *a = memory->find(address);
      if (r.offset + 8 <= a->bytes)
        std::memcpy(a->data.get() + r.offset, &value, 8);
    }
  for (const ptx::Kernel &kernel : module.kernels) {
    auto &program = loaded->programs.emplace_back(std::make_unique<Program>());
    if (!Decoder(*program, kernel, symbols, shared, diagnostic).run()) {
      release(*loaded);
      return std::nullopt;
    }
  }
  modules.push_back(std::move(loaded));
  return static_cast<unsigned>(modules.size() - 1);
}

std::optional<Function> Device::function(unsigned module, std::string_view name) const {
  if (module < modules.size() && modules[module])
    for (auto &program : modules[module]->programs)
      if (program->name == name)
        return Function{program.get()};
  return std::nullopt;
}

std::vector<Function> Device::functions(unsigned module) const {
  std::vector<Function> all;
  if (module < modules.size() && modules[module])
    for (auto &program : modules[module]->programs)
      all.push_back({program.get()});
  return all;
}

uint64_t Device::variable(unsigned module, std::string_view name) const {
  if (module >= modules.size() || !modules[module])
    return 0;
  auto found = modules[module]->globals.find(std::string(name));
  return found == modules[module]->globals.end() ? 0 : found->second;
}

void Device::release(const Loaded &module) {
  for (auto &[name, address] : module.globals)
    memory->release(address);
}

void Device::unload(unsigned module) {
  if (module >= modules.size() || !modules[module])
    return;
  release(*modules[module]);
  modules[module].reset();
}

} // namespace nncc::emu
