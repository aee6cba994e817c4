//===- Work.h - what a stream or a graph holds -------------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_WORK_H
#define NNCCEMU_DRIVER_WORK_H

#include "Types.h"
#include "nnccemu/Machine.h"
#include <chrono>
#include <variant>

namespace nncc::emu::driver {

struct Stream;
struct Pool;
struct Plan;

/// A place in a stream: done once all before it is done.
struct Mark {
  Stream *stream = nullptr; ///< valid until it is done
  bool done = false;
  std::chrono::steady_clock::time_point at;
};
using MarkRef = std::shared_ptr<Mark>;

struct KernelWork {
  CUfunction function = nullptr;
  LaunchShape shape;
  std::vector<std::byte> params; ///< at Kernel::offsets
};

/// One side of a copy; whether it is on a device, and on which, is seen from the address.
struct Side {
  uint64_t address = 0;
  uint64_t pitch = 0, slice = 0; ///< bytes from row to row and from layer to layer
};

struct CopyWork {
  Side to, from;
  uint64_t width = 0, height = 1, depth = 1; ///< bytes, rows, layers
  std::vector<std::byte> staged;             ///< pageable memory, read when the copy was enqueued
  std::optional<size_t> sum;                 ///< of pinned memory, which must not change until it is read
};

struct FillWork {
  uint64_t address = 0, pitch = 0;
  uint32_t value = 0;
  unsigned width = 1; ///< bytes of an element
  uint64_t count = 0, height = 1;
};

struct HostWork {
  CUhostFn call = nullptr;
  void *data = nullptr;
};

struct CallbackWork {
  CUstreamCallback call = nullptr;
  CUstream stream = nullptr;
  void *data = nullptr;
};

struct RecordWork {
  MarkRef mark;
};

struct WaitWork {
  MarkRef mark;
};

struct FreeWork {
  CUdeviceptr address = 0;
};

/// Nodes of a graph that record an event, or wait for it as it is when the graph is launched.
struct EventNode {
  CUevent event = nullptr;
  bool records = false;
};

struct GraphWork {
  std::shared_ptr<const Plan> plan;
  std::vector<MarkRef> marks; ///< of the event nodes, in their order
};

struct EmptyWork {};

using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, CallbackWork, RecordWork, WaitWork,
                          FreeWork, EventNode, GraphWork>;

/// A graph's nodes in the order in which they run.
struct Plan {
  std::vector<Work> steps;
  std::vector<CUgraphNode> nodes;          ///< whose step each is
  std::vector<std::vector<size_t>> behind; ///< which steps each comes behind
};

} // namespace nncc::emu::driver

#endif
