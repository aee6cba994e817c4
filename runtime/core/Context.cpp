//===- Context.cpp - contexts: inputs, outputs and options ------------------------------------------------------===//

#include "Context.h"
#include "Options.h"
#include "Pool.h"

using namespace nncc::rt;

//===----------------------------------------------------------------------------------------------------------------------===//
// Life
//===----------------------------------------------------------------------------------------------------------------------===//

nnccrt_context::nnccrt_context(nnccrt_program &program) : program(program) {
  program.shares.fetch_add(1, std::memory_order_relaxed);
}

nnccrt_context::~nnccrt_context() {
  releaseAll();
  cuda::destroySession(*this);
  os::free(ranges);
  nnccrt_unload(&program);
}

bool nnccrt_context::allocateSlots(Report &report) {
  uint32_t numInputs = model().num_inputs, numOutputs = model().num_outputs, numSymbols = model().num_symbols;
  size_t numDims = 0;
  for (uint32_t i = 0; i < numInputs; ++i)
    numDims += 4 * model().inputs[i].rank;
  for (uint32_t i = 0; i < numOutputs; ++i)
    numDims += 4 * model().outputs[i].rank;
  // One element more than used, so that no pointer is null.
  if (!inputs.resize(numInputs) || !outputs.resize(numOutputs) || !dimStorage.resize(numDims + 1) ||
      !symbolStorage.resize((3 + kMaxPlans) * size_t(numSymbols) + 1) || !boundDims.resize(numInputs + 1) ||
      !inputPointers.resize(numInputs + 1) || !carries.resize(2 * size_t(model().num_carries)) ||
      !carryParity.resize(model().num_carries))
    return report.failNoMemory(numDims * sizeof(int64_t));

  int64_t *next = dimStorage.data();
  auto take = [&](uint32_t rank) { return std::exchange(next, next + rank); };
  auto assign = [&](Slot &slot, uint32_t rank) {
    slot.dims = take(rank);
    slot.nextDims = take(rank);
    slot.boundDims = take(rank);
    slot.boundStrides = take(rank);
  };
  for (uint32_t i = 0; i < numInputs; ++i)
    assign(inputs[i], model().inputs[i].rank);
  for (uint32_t i = 0; i < numOutputs; ++i)
    assign(outputs[i], model().outputs[i].rank);

  next = symbolStorage.data();
  resized = take(numSymbols);
  solved = take(numSymbols);
  symbols = take(numSymbols);
  for (Plan &one : plans)
    one.symbols = take(numSymbols);
  return true;
}

bool nnccrt_context::initialize(const nnccrt_context_options &given, Report &report) {
  options = given;
  if (program.device)
    return allocateSlots(report) && cuda::createSession(*this, report);
  if (!pool::threads(threads, report))
    return false;
  if (options.threads)
    threads = options.threads < threads || options.executor ? options.threads : threads;
  threads = threads < pool::maxThreads ? threads : pool::maxThreads;
  ranges = static_cast<TileRange *>(os::allocate(threads * sizeof(TileRange)));
  if (!ranges)
    return report.failNoMemory(threads * sizeof(TileRange));
  for (uint32_t i = 0; i < threads; ++i)
    new (&ranges[i]) TileRange{};
  scratchStride = model().scratch_bytes ? roundUp(static_cast<uint64_t>(model().scratch_bytes)) : 0;
  return allocateSlots(report);
}

bool nnccrt_context::isIdle(Report &report) const {
  return state.load(std::memory_order_relaxed) == RunState::Idle ||
         report.fail(NNCCRT_INVALID, "the context is running: it may be used by one thread at a time");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------------------------------------------------------===//

bool nnccrt_context::bind(Slot &slot, const ValueName &name, const nnccrt_tensor *tensor, bool anyDims,
                          Report &report) {
  if (!tensor) {
    slot.isBound = slot.strided = slot.staged = slot.anyDims = slot.ready = false;
    bindingsChanged = true;
    return true;
  }
  if (!checkTensor(*tensor, name, anyDims, cuda::ordinal(program.device), report))
    return false;
  bool isOnDevice = tensor->device_kind == NNCCRT_CUDA;
  if (session && !cuda::checkAddress(*this, *tensor, name, report))
    return false;
  uint32_t rank = name.value.rank;
  slot.bound = *tensor;
  slot.bound.rank = rank;
  slot.bound.dims = slot.boundDims;
  slot.bound.strides = nullptr;
  slot.isBound = true;
  slot.anyDims = anyDims;
  slot.isStale = false;
  slot.staged = session && !isOnDevice;
  slot.strided = !anyDims && !isContiguous(tensor->dims, tensor->strides, rank);
  for (uint32_t i = 0; i < rank && !anyDims; ++i) {
    slot.boundDims[i] = tensor->dims[i];
    slot.boundStrides[i] = slot.strided ? tensor->strides[i] : 0;
  }
  if (slot.strided)
    slot.bound.strides = slot.boundStrides;
  slot.ready = false;
  bindingsChanged = true;
  return true;
}

/// Whether the dims are left to the model.
static bool leavesDims(const nnccrt_tensor *tensor, const nnccrt_value &value) {
  return tensor && tensor->size == sizeof(nnccrt_tensor) && !tensor->rank && !tensor->dims &&
         (value.rank || tensor->capacity);
}

bool nnccrt_context::bindInput(uint32_t index, const nnccrt_tensor *tensor, Report &report) {
  if (index >= inputs.size())
    return report.fail(NNCCRT_INVALID, "there is no input %u: model '%.160s' has %zu inputs", index, model().name,
                       inputs.size());
  const nnccrt_value &value = model().inputs[index];
  return isIdle(report) && bind(inputs[index], {"input", value}, tensor, leavesDims(tensor, value), report);
}

bool nnccrt_context::bindOutput(uint32_t index, const nnccrt_tensor *tensor, Report &report) {
  if (index >= outputs.size())
    return report.fail(NNCCRT_INVALID, "there is no output %u: model '%.160s' has %zu outputs", index, model().name,
                       outputs.size());
  const nnccrt_value &value = model().outputs[index];
  return isIdle(report) && bind(outputs[index], {"output", value}, tensor, leavesDims(tensor, value), report);
}

/// The context's own tensor.
static nnccrt_tensor viewOf(const Slot &slot, const nnccrt_value &value, uint64_t capacity) {
  nnccrt_tensor view = {};
  view.size = sizeof(view);
  view.kind = NNCCRT_TENSOR;
  view.dtype = value.dtype;
  view.rank = value.rank;
  view.dims = slot.dims;
  view.data = slot.data;
  view.capacity = capacity;
  view.device_kind = NNCCRT_CPU;
  return view;
}

bool nnccrt_context::getInput(uint32_t index, nnccrt_tensor *tensor, Report &report) {
  if (index >= inputs.size())
    return report.fail(NNCCRT_INVALID, "there is no input %u: model '%.160s' has %zu inputs", index, model().name,
                       inputs.size());
  if (!checkTensorSize(tensor, report) || !isIdle(report))
    return false;
  Slot &slot = inputs[index];
  const nnccrt_value &value = model().inputs[index];
  if (!slot.isBound && !slot.ready && !placeInput(slot, value, report))
    return false;
  *tensor = slot.isBound ? slot.bound : viewOf(slot, value, slot.buffer.capacity);
  if (session && !slot.isBound)
    tensor->data = slot.staging.data;
  return true;
}

/// Finds an output that has a value.
static bool checkOutput(const nnccrt_context &context, uint32_t index, const nnccrt_tensor *tensor, Report &report) {
  const nnccrt_model &model = context.model();
  if (index >= context.outputs.size())
    return report.fail(NNCCRT_INVALID, "there is no output %u: model '%.160s' has %zu outputs", index, model.name,
                       context.outputs.size());
  if (!checkTensorSize(tensor, report) || !context.isIdle(report))
    return false;
  return context.outputs[index].ready ||
         report.fail(
             NNCCRT_INVALID,
             "output '%.160s' has no value: it is there after a run that succeeded, until the next run, resize or "
             "binding",
             model.outputs[index].name);
}

bool nnccrt_context::getOutput(uint32_t index, nnccrt_tensor *tensor, Report &report) {
  if (!checkOutput(*this, index, tensor, report))
    return false;
  Slot &slot = outputs[index];
  bool isOnDevice = session && slot.isBound && !slot.staged;
  if (session && !isOnDevice && !cuda::readOutput(*this, index, report))
    return false;
  *tensor = viewOf(slot, model().outputs[index], slot.isBound ? slot.bound.capacity : slot.buffer.capacity);
  if (isOnDevice) {
    tensor->device_kind = NNCCRT_CUDA;
    tensor->device_index = slot.bound.device_index;
  } else if (session) {
    tensor->data = slot.isBound ? slot.bound.data : slot.staging.data;
  }
  if (slot.strided) {
    tensor->data = slot.bound.data;
    tensor->strides = slot.boundStrides;
  }
  return true;
}

bool nnccrt_context::getDeviceOutput(uint32_t index, nnccrt_tensor *tensor, Report &report) {
  if (!checkOutput(*this, index, tensor, report))
    return false;
  if (!session)
    return report.fail(NNCCRT_INVALID, "the model runs on the CPU: its outputs lie on no device");
  const Slot &slot = outputs[index];
  *tensor =
      viewOf(slot, model().outputs[index], slot.isBound && !slot.staged ? slot.bound.capacity : slot.buffer.capacity);
  tensor->device_kind = NNCCRT_CUDA;
  tensor->device_index = static_cast<uint32_t>(cuda::ordinal(program.device));
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// C
//===----------------------------------------------------------------------------------------------------------------------===//

/// Calls the method of a context that may be null.
template <typename Method>
static nnccrt_code call(nnccrt_context *context, nnccrt_status *status, const Method &method) {
  Report report(status);
  if (!context)
    report.fail(NNCCRT_INVALID, "the context is a null pointer");
  else
    method(report);
  return report.code();
}

nnccrt_code nnccrt_create(nnccrt_program *program, const nnccrt_context_options *given, nnccrt_context **result,
                          nnccrt_status *status) {
  Report report(status);
  nnccrt_context_options options;
  if (result)
    *result = nullptr;
  if (!program || !result) {
    report.fail(NNCCRT_INVALID, "%s is a null pointer", program ? "the place for the context" : "the program");
    return report.code();
  }
  if (!readOptions(given, "nnccrt_context_options", options, report))
    return report.code();
  if (program->isDescription) {
    report.fail(NNCCRT_INVALID, "the program was loaded with NNCCRT_DESCRIBE_ONLY, it cannot run");
    return report.code();
  }
  nnccrt_context *context = create<nnccrt_context>(*program);
  if (!context)
    report.failNoMemory(sizeof(nnccrt_context));
  else if (context->initialize(options, report))
    *result = context;
  else
    destroy(context);
  return report.code();
}

void nnccrt_destroy(nnccrt_context *context) { destroy(context); }

const nnccrt_model *nnccrt_model_of(const nnccrt_context *context) { return context ? &context->model() : nullptr; }

nnccrt_code nnccrt_resize(nnccrt_context *context, const int64_t *symbols, uint32_t count, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->resize(symbols, count, report); });
}

nnccrt_code nnccrt_input(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->getInput(index, tensor, report); });
}

nnccrt_code nnccrt_output(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->getOutput(index, tensor, report); });
}

nnccrt_code nnccrt_device_output(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor,
                                 nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->getDeviceOutput(index, tensor, report); });
}

nnccrt_code nnccrt_bind_input(nnccrt_context *context, uint32_t index, const nnccrt_tensor *tensor,
                              nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->bindInput(index, tensor, report); });
}

nnccrt_code nnccrt_bind_output(nnccrt_context *context, uint32_t index, const nnccrt_tensor *tensor,
                               nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->bindOutput(index, tensor, report); });
}

static bool checkName(int32_t index, const char *what, const char *name, Report &report) {
  return index >= 0 || report.fail(NNCCRT_INVALID, "there is no %s '%.128s'", what, name ? name : "(null)");
}

nnccrt_code nnccrt_bind_input_named(nnccrt_context *context, const char *name, const nnccrt_tensor *tensor,
                                    nnccrt_status *status) {
  return call(context, status, [&](Report &report) {
    int32_t index = nnccrt_find_input(&context->program, name);
    if (checkName(index, "input", name, report))
      context->bindInput(static_cast<uint32_t>(index), tensor, report);
  });
}

nnccrt_code nnccrt_bind_output_named(nnccrt_context *context, const char *name, const nnccrt_tensor *tensor,
                                     nnccrt_status *status) {
  return call(context, status, [&](Report &report) {
    int32_t index = nnccrt_find_output(&context->program, name);
    if (checkName(index, "output", name, report))
      context->bindOutput(static_cast<uint32_t>(index), tensor, report);
  });
}

nnccrt_code nnccrt_workspace_bytes(nnccrt_context *context, const int64_t *symbols, uint32_t count, uint64_t *bytes,
                                   nnccrt_status *status) {
  return call(context, status, [&](Report &report) {
    if (!bytes)
      report.fail(NNCCRT_INVALID, "the place for the number of bytes is a null pointer");
    else
      context->workspaceBytes(symbols, count, *bytes, report);
  });
}

nnccrt_code nnccrt_set_workspace(nnccrt_context *context, void *memory, uint64_t bytes, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->setWorkspace(memory, bytes, report); });
}

void nnccrt_trim(nnccrt_context *context) {
  if (context)
    context->trim();
}

nnccrt_code nnccrt_run(nnccrt_context *context, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->run(report); });
}

nnccrt_code nnccrt_run_on(nnccrt_context *context, void *stream, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->runOn(stream, report); });
}

nnccrt_code nnccrt_prepare(nnccrt_context *context, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->prepareRun(report); });
}

nnccrt_code nnccrt_synchronize(nnccrt_context *context, nnccrt_status *status) {
  return call(context, status, [&](Report &report) { context->synchronize(report); });
}

void nnccrt_cancel(nnccrt_context *context) {
  RunState running = RunState::Running;
  if (context)
    context->state.compare_exchange_strong(running, RunState::Cancelled, std::memory_order_relaxed);
}
