//===- Device.cpp - memory, modules and launches -----------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"
#include "nnccemu/Machine.h"

namespace nncc::emu {

struct Device::Loaded {
  std::unordered_map<std::string, uint64_t> globals;
  std::vector<std::unique_ptr<Program>> programs;
};

Device::Device(const Card &card, unsigned ordinal)
    : posed(card), memory(std::make_unique<DeviceMemory>(card.memory, ordinal)) {}
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
  std::memcpy(a->data.get() + (address - a->base), data, bytes);
  std::memset(a->known.get() + (address - a->base), 1, bytes);
  return std::nullopt;
}

std::optional<std::string> Device::read(void *data, uint64_t address, uint64_t bytes) {
  Allocation *a = memory->find(address);
  if (!a || a->freed || !a->holds(address, bytes))
    return "a copy from the device of " + memory->describe(address, bytes);
  std::memcpy(data, a->data.get() + (address - a->base), bytes);
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
  std::memset(a->known.get() + (address - a->base), 1, bytes);
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
  if (!module)
    return std::nullopt;
  // Features of one architecture alone, sm_90a, are on no newer one; those of a family, sm_100f, on its newer members.
  bool fits = module->target.back() == 'a'   ? module->sm == posed.sm
              : module->target.back() == 'f' ? module->sm / 10 == posed.sm / 10 && module->sm <= posed.sm
                                             : module->sm <= posed.sm;
  if (!fits) {
    diagnostic = {0, "the module is for " + module->target + ", " + std::string(posed.name) + " is sm_" +
                         std::to_string(posed.sm)};
    return std::nullopt;
  }
  auto loaded = std::make_unique<Loaded>();
  std::unordered_map<std::string, const ptx::Variable *> shared;
  for (const ptx::Variable &v : module->variables) {
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
    std::memset(a->known.get(), 1, a->bytes);
    std::memcpy(a->data.get(), v.init.data(), std::min<uint64_t>(v.init.size(), a->bytes));
    a->readOnly = v.space == Space::Const;
    loaded->globals[v.name] = address;
  }
  for (const ptx::Kernel &kernel : module->kernels) {
    auto &program = loaded->programs.emplace_back(std::make_unique<Program>());
    if (!Decoder(*program, kernel, loaded->globals, shared, diagnostic).run()) {
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

//===----------------------------------------------------------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------------------------------------------------------===//

/// Empty where the card can do it.
static std::string refusalOf(const Card &card, const Program &p, const LaunchShape &shape) {
  uint64_t threads = uint64_t(shape.block[0]) * shape.block[1] * shape.block[2];
  auto beyond = [](std::string what, uint64_t value, uint64_t limit) {
    return what + " " + std::to_string(value) + ", at most " + std::to_string(limit);
  };
  constexpr unsigned gridLimits[] = {INT32_MAX, 65535, 65535}, blockLimits[] = {1024, 1024, 64};
  for (unsigned k = 0; k < 3; ++k) {
    if (!shape.grid[k] || !shape.block[k])
      return "a dimension of the launch is 0";
    if (shape.grid[k] > gridLimits[k])
      return beyond("the grid's dimension " + std::to_string(k) + " is", shape.grid[k], gridLimits[k]);
    if (shape.block[k] > blockLimits[k])
      return beyond("the block's dimension " + std::to_string(k) + " is", shape.block[k], blockLimits[k]);
    if (p.reqThreads[0] && shape.block[k] != p.reqThreads[k])
      return "the block's dimension " + std::to_string(k) + " is " + std::to_string(shape.block[k]) +
             ", .reqntid says " + std::to_string(p.reqThreads[k]);
  }
  if (threads > card.threadsPerBlock)
    return beyond("threads of a block are", threads, card.threadsPerBlock);
  if (p.maxThreads && threads > p.maxThreads)
    return beyond("threads of a block are", threads, p.maxThreads) + " by .maxntid";
  if (p.sharedBytes > card.sharedPerBlock)
    return beyond("static shared memory is", p.sharedBytes, card.sharedPerBlock);
  if (p.dynamicOffset + shape.dynamicShared > card.sharedOptIn)
    return beyond("shared memory is", p.dynamicOffset + shape.dynamicShared, card.sharedOptIn);
  return {};
}

std::string Device::refusal(Function function, const LaunchShape &shape) const {
  return refusalOf(posed, *function.program, shape);
}

std::optional<Trap> Device::launch(Function function, const LaunchShape &shape, std::span<const void *const> params) {
  const Program &p = *function.program;
  std::string problem = refusalOf(posed, p, shape);
  if (problem.empty() && params.size() != p.params.size())
    problem = std::to_string(params.size()) + " parameters, the kernel has " + std::to_string(p.params.size());
  if (!problem.empty())
    return Trap{p.name, 0, {}, {}, std::string(posed.name) + " refuses the launch: " + problem};
  std::vector<std::byte> bytes(p.paramBytes);
  for (size_t k = 0; k < params.size(); ++k)
    std::memcpy(bytes.data() + p.paramOffsets[k], params[k], p.params[k].bytes);
  Block block(p, *memory, shape, checks, counters, std::move(bytes));
  for (unsigned z = 0; z < shape.grid[2]; ++z)
    for (unsigned y = 0; y < shape.grid[1]; ++y)
      for (unsigned x = 0; x < shape.grid[0]; ++x)
        if (!block.run({x, y, z}))
          return block.trap;
  return std::nullopt;
}

} // namespace nncc::emu
