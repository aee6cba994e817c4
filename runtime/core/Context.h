//===- Context.h - a program with memory to run in ----------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_CONTEXT_H
#define NNCCRT_CORE_CONTEXT_H

#include "Device.h"
#include "Memory.h"
#include "Program.h"
#include "Shapes.h"
#include "Tensor.h"

namespace nncc::rt {

/// An input or output in a context.
struct Slot {
  static constexpr uint64_t kDynamic = UINT64_MAX;

  nnccrt_tensor bound; ///< the caller's; dims and strides point to boundDims and boundStrides
  bool isBound;
  bool anyDims; ///< bound without dims
  bool isStale; ///< bound before the last resize: the resize says what its dims should be
  bool strided; ///< bound with gaps: copied before or after the run
  bool staged;  ///< of a program for a device: bound to memory of the host, and copied
  bool onHost;  ///< an output of a device: the host has a copy of what the last run gave
  bool ready;   ///< an input that is not bound: handed out to be filled. An output: the last run gave it.
  int64_t *boundDims, *boundStrides;
  int64_t *dims;     ///< of an input in the present plan, of an output after the last run
  int64_t *nextDims; ///< for the symbols that are being looked at; -1: not known before the run
  uint64_t nextBytes;
  Buffer buffer;
  Buffer spare;   ///< of an output whose last buffer is now bound as an input
  Buffer staging; ///< of a program for a device: what the caller fills or reads, on the host
  void *data;     ///< what the run reads or writes

  /// A run needs memory of the context for it.
  bool needsBuffer() const { return !isBound || strided || staged; }
};

/// Whether these bytes are some of the caller's memory that the slot is bound to.
bool overlaps(const Slot &slot, const void *data, uint64_t bytes);

/// The arena for one set of symbol values.
struct Plan {
  int64_t *symbols;
  Array<int64_t> offsets; ///< empty: static
  int64_t arenaBytes;
  uint64_t lastUse;
};

/// A range of tiles that one thread starts on and the others take from when they have none left.
struct alignas(64) TileRange {
  std::atomic<int64_t> next;
  int64_t end;
};

enum class RunState : uint32_t { Idle, Running, Cancelled };

} // namespace nncc::rt

struct nnccrt_context {
  explicit nnccrt_context(nnccrt_program &program);
  nnccrt_context(const nnccrt_context &) = delete;
  nnccrt_context &operator=(const nnccrt_context &) = delete;
  ~nnccrt_context();

  using Report = nncc::rt::Report;
  using Slot = nncc::rt::Slot;

  /// Once, before anything else.
  bool initialize(const nnccrt_context_options &given, Report &report);

  bool isIdle(Report &report) const;
  bool bindInput(uint32_t index, const nnccrt_tensor *tensor, Report &report);
  bool bindOutput(uint32_t index, const nnccrt_tensor *tensor, Report &report);
  bool getInput(uint32_t index, nnccrt_tensor *tensor, Report &report);
  bool getOutput(uint32_t index, nnccrt_tensor *tensor, Report &report);
  /// On the device of the program.
  bool getDeviceOutput(uint32_t index, nnccrt_tensor *tensor, Report &report);

  // Layout.cpp
  bool resize(const int64_t *values, uint32_t count, Report &report);
  bool workspaceBytes(const int64_t *values, uint32_t count, uint64_t &bytes, Report &report);
  bool setWorkspace(void *memory, uint64_t bytes, Report &report);
  void trim();
  /// Symbols, plan, memory and the addresses of inputs for the next run.
  bool prepare(Report &report);

  /// Lets `task` use the context, unless another thread does.
  template <typename Task> bool exclusively(Report &report, const Task &task);

  // Run.cpp
  bool run(Report &report);
  bool runOn(void *stream, Report &report);
  bool prepareRun(Report &report);
  bool synchronize(Report &report);

  const nnccrt_model &model() const { return *program.model; }

  nnccrt_program &program;
  nnccrt_context_options options{};
  uint32_t threads = 1;
  std::atomic<nncc::rt::RunState> state{nncc::rt::RunState::Idle};

  nncc::rt::cuda::Session *session = nullptr; ///< of a program for a device
  nncc::rt::Array<Slot> inputs, outputs;
  nncc::rt::Memory memory, staging; ///< of the run; of the host, for a run on a device
  nncc::rt::Stack stack{memory};
  nncc::rt::Buffer arena, scratch;
  uint64_t scratchStride = 0;
  nncc::rt::Array<nncc::rt::Buffer> carries; ///< two for each carried value
  nncc::rt::Array<uint8_t> carryParity;
  nncc::rt::Array<void *> inputPointers;
  nncc::rt::TileRange *ranges = nullptr;
  const nncc::rt::Plan *plan = nullptr; ///< the present one; null: plan before the next run
  int64_t *symbols = nullptr;           ///< values of the present plan

private:
  bool allocateSlots(Report &report);
  bool bind(Slot &slot, const nncc::rt::ValueName &name, const nnccrt_tensor *tensor, bool anyDims, Report &report);
  bool placeInput(Slot &slot, const nnccrt_value &value, Report &report);
  void dropPlan();
  void unbindOwnMemory();
  void dropViews();
  void releaseAll();

  // Plans.cpp
  const nncc::rt::Plan *findPlan(const int64_t *values, Report &report);
  bool makePlan(nncc::rt::Plan &plan, const int64_t *values, Report &report);
  nncc::rt::Plan &oldestPlan();

  // Layout.cpp
  bool computeAllDims(const int64_t *values, Report &report);
  bool checkFilled(Report &report);
  bool keepOutputsThatAreInputs(Report &report);
  template <typename Function> bool forEachBuffer(const nncc::rt::Plan &used, const Function &function);
  bool startWorkspace(const nncc::rt::Plan &used, bool isResize, Report &report);
  bool reserveAll(const nncc::rt::Plan &used, bool isResize, Report &report);
  bool useSymbols(const int64_t *values, bool isResize, Report &report);
  bool checkInputsSet(Report &report);

  static constexpr uint32_t kMaxPlans = 8;
  nncc::rt::Plan plans[kMaxPlans] = {};
  uint64_t planClock = 0;
  nncc::rt::Array<int64_t> dimStorage, symbolStorage;
  nncc::rt::Array<const int64_t *> boundDims;
  int64_t *resized = nullptr; ///< values of the last resize
  int64_t *solved = nullptr;  ///< room for new values
  bool isResized = false, bindingsChanged = true;
  uint64_t inputsEnd = 0, plannedEnd = 0; ///< in a workspace: where the inputs, where all planned memory ends
};

#endif // NNCCRT_CORE_CONTEXT_H
