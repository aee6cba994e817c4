//===- Launch.cpp - runs the blocks of a grid on the host's threads ----------------------------------------------===//

#include "Block.h"
#include "Crew.h"
#include <atomic>

namespace nncc::emu {

namespace {
/// One launch. Blocks are taken in their order, so that where one stops all before it are run too: the trap is that of the first.
class Run {
public:
  Run(const Launch &launch, uint64_t blocks) : launch(launch), end(blocks) {}

  void takeBlocks() {
    Block block(launch);
    const auto &grid = launch.shape.grid;
    for (uint64_t n; (n = next.fetch_add(1)) < end.load();) {
      auto at = [](uint64_t value) { return static_cast<unsigned>(value); };
      if (!block.run({at(n % grid[0]), at(n / grid[0] % grid[1]), at(n / grid[0] / grid[1])})) {
        stop(n, std::move(*block.trap));
        break;
      }
    }
    std::scoped_lock lock(mutex);
    block.addTo(counters);
  }

  void addTo(Counters &sum) const { sum += counters; }
  std::optional<Trap> trap() { return std::move(first); }

private:
  void stop(uint64_t n, Trap trap) {
    std::scoped_lock lock(mutex);
    if (n >= end.load())
      return;
    end = n;
    first = std::move(trap);
  }

  const Launch launch;
  std::atomic<uint64_t> next{0}, end;
  std::mutex mutex;
  std::optional<Trap> first;
  Counters counters;
};
} // namespace

/// Empty where the card can do it.
static std::string refusalOf(const Card &card, const Program &p, const LaunchShape &shape) {
  uint64_t threads = uint64_t(shape.block[0]) * shape.block[1] * shape.block[2];
  auto beyond = [](const std::string &what, uint64_t value, uint64_t limit) {
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
  uint64_t blocks = uint64_t(shape.grid[0]) * shape.grid[1] * shape.grid[2];
  uint64_t warps = (uint64_t(shape.block[0]) * shape.block[1] * shape.block[2] + numLanes - 1) / numLanes;
  // Waking a thread takes as long as some thousand instructions.
  uint64_t useful = p.communicates ? 1 : std::min(blocks, 1 + blocks * warps * p.code.size() / 20000);
  Run run({p, *memory, shape, checks, bytes}, blocks);
  unsigned threads = static_cast<unsigned>(std::min<uint64_t>(useful, hostThreads));
  if (threads > 1 && (!crew || crew->size() < hostThreads))
    crew = std::make_unique<Crew>(hostThreads);
  threads > 1 ? crew->run(threads, [&] { run.takeBlocks(); }) : run.takeBlocks();
  run.addTo(counters);
  return run.trap();
}

} // namespace nncc::emu
