//===- Program.cpp - loading a model ----------------------------------------------------------------------------===//

#include "Program.h"
#include "Cpu.h"
#include "Expression.h"
#include "Options.h"
#include <cstdio>
#include <cstdlib>

namespace nncc::rt {

static const char *kindName(uint32_t kind) {
  switch (kind) {
  case NNCCRT_SEQUENCE:
    return "a sequence";
  case NNCCRT_OPTIONAL:
    return "an optional";
  case NNCCRT_MAP:
    return "a map";
  default:
    return "of an unknown kind";
  }
}

/// Whether the runtime can hold such a value at all, and the descriptor makes sense.
static bool checkValue(const nnccrt_model &model, const char *what, const nnccrt_value &value, bool isInput,
                       Report &report) {
  constexpr uint32_t maxRank = 64;
  if (value.kind != NNCCRT_TENSOR)
    return report.fail(NNCCRT_UNSUPPORTED, "%s '%.160s' is %s: this runtime (" NNCCRT_VERSION ") takes tensors only",
                       what, value.name, kindName(value.kind));
  if (!nnccrt_dtype_bits(value.dtype))
    return report.fail(NNCCRT_UNSUPPORTED,
                       "%s '%.160s' has element type %s (%u), which this runtime (" NNCCRT_VERSION ") does not take",
                       what, value.name, nnccrt_dtype_name(value.dtype), value.dtype);
  if (value.rank > maxRank)
    return report.fail(NNCCRT_UNSUPPORTED, "%s '%.160s' has %u dims, more than %u", what, value.name, value.rank,
                       maxRank);
  for (uint32_t i = 0; i < value.rank; ++i) {
    const nnccrt_dim &dim = value.dims[i];
    bool isSymbol = dim.size == -1 && dim.symbol >= 0 && static_cast<uint32_t>(dim.symbol) < model.num_symbols;
    if (dim.size < 0 && !isSymbol && dim.size != -3 && (dim.size != -2 || isInput))
      return report.fail(NNCCRT_INTERNAL, "%s '%.160s' dim %u: the descriptor's size %lld, symbol %d make no sense",
                         what, value.name, i, static_cast<long long>(dim.size), dim.symbol);
  }
  return true;
}

static bool checkPlan(const nnccrt_model &model, Report &report) {
  if (!model.sizes)
    return model.arena_bytes >= 0 ||
           report.fail(NNCCRT_INTERNAL, "model '%.160s' has neither the size of its memory nor a function for it",
                       model.name);
  if (model.num_slots && !model.slots)
    return report.fail(NNCCRT_INTERNAL, "model '%.160s' has %u buffers without a table of them", model.name,
                       model.num_slots);
  for (uint32_t i = 0; i < model.num_slots; ++i)
    if (model.slots[i].first > model.slots[i].last)
      return report.fail(NNCCRT_INTERNAL, "model '%.160s' buffer %u ends before it begins", model.name, i);
  return true;
}

bool checkModel(const nnccrt_model *model, Report &report) {
  if (!model)
    return report.fail(NNCCRT_INVALID, "the model is a null pointer");
  // Nothing else of the descriptor means anything before this.
  if (model->abi_version != NNCCRT_ABI_VERSION || model->size < sizeof(nnccrt_model))
    return report.fail(
        NNCCRT_UNSUPPORTED,
        "the model was compiled for runtime ABI %u (descriptor of %u bytes), this runtime (" NNCCRT_VERSION
        ") has ABI %u (%zu bytes): compile the model again or link the runtime of its nncc",
        model->abi_version, model->size, NNCCRT_ABI_VERSION, sizeof(nnccrt_model));
  if (!model->run || !model->num_levels || !model->levels || model->scratch_bytes < 0)
    return report.fail(NNCCRT_INTERNAL, "model '%.160s' has no code", model->name);
  for (uint32_t i = 0; i < model->num_inputs; ++i)
    if (!checkValue(*model, "input", model->inputs[i], /*isInput=*/true, report))
      return false;
  for (uint32_t i = 0; i < model->num_outputs; ++i)
    if (!checkValue(*model, "output", model->outputs[i], /*isInput=*/false, report))
      return false;
  return checkPlan(*model, report);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
/// "auto", "cpu", "cuda", "cuda:1"
struct DeviceName {
  enum Kind { Auto, Cpu, Cuda } kind = Auto;
  int32_t index = -1; ///< -1: not said
};
} // namespace

static bool parseDevice(const char *text, const char *where, DeviceName &device, Report &report) {
  if (!std::strcmp(text, "auto"))
    return true;
  char *end = nullptr;
  long index = std::strncmp(text, "cuda:", 5) != 0 ? -1 : std::strtol(text + 5, &end, 10);
  bool hasIndex = end && end != text + 5 && !*end && index >= 0 && index < 1024;
  if (!std::strcmp(text, "cpu"))
    device.kind = DeviceName::Cpu;
  else if (!std::strcmp(text, "cuda") || hasIndex)
    device.kind = DeviceName::Cuda;
  else
    return report.fail(NNCCRT_UNSUPPORTED, "%s is '%.64s': a device is 'auto', 'cpu', 'cuda' or 'cuda:N'", where, text);
  device.index = hasIndex ? static_cast<int32_t>(index) : -1;
  return true;
}

/// Says once a process why a model that could run on a GPU does not: the one thing that the runtime prints.
static void tellFallback(const nnccrt_model &model, const char *reason) {
  static std::atomic<bool> isTold;
  if (!isTold.exchange(true, std::memory_order_relaxed))
    std::fprintf(stderr, "nncc: model '%.160s' runs on the CPU: %s\n", model.name, reason);
}

/// Takes the program for a device or for the CPU, of those that the descriptor has.
static bool chooseProgram(nnccrt_program &program, const nnccrt_load_options &options, Report &report) {
  const nnccrt_model &model = *program.model;
  DeviceName device;
  if (options.device && !parseDevice(options.device, "nnccrt_load_options.device", device, report))
    return false;
  if (!model.cuda)
    return device.kind != DeviceName::Cuda ||
           report.fail(NNCCRT_UNSUPPORTED,
                       "device '%.64s': model '%.160s' was compiled for the CPU (nncc -target=cuda)", options.device,
                       model.name);
  const char *variable = device.kind == DeviceName::Auto ? std::getenv("NNCC_DEVICE") : nullptr;
  if (variable && !parseDevice(variable, "the environment variable NNCC_DEVICE", device, report))
    return false;
  if (device.kind == DeviceName::Cpu && !model.fallback)
    return report.fail(NNCCRT_UNSUPPORTED,
                       "device 'cpu': model '%.160s' was compiled for GPUs alone (nncc -target=cuda,cpu)", model.name);
  if (device.kind == DeviceName::Cuda || !model.fallback)
    return cuda::open(program, device.index, options.memory_limit, report);
  if (device.kind == DeviceName::Auto) {
    nnccrt_status status;
    Report attempt(&status);
    if (cuda::open(program, device.index, options.memory_limit, attempt))
      return true;
    tellFallback(model, status.message);
  }
  program.model = model.fallback;
  return true;
}

static bool load(nnccrt_program &program, const nnccrt_model *model, const nnccrt_load_options *given, Report &report) {
  nnccrt_load_options options;
  if (!readOptions(given, "nnccrt_load_options", options, report) || !checkModel(model, report) ||
      (model->fallback && !checkModel(model->fallback, report)))
    return false;
  program.model = model;
  program.isDescription = options.flags & NNCCRT_DESCRIBE_ONLY;
  if (program.isDescription)
    return true;
  if (!chooseProgram(program, options, report))
    return false;
  program.level = chooseLevel(*program.model, report);
  return program.level && loadWeights(program, options, report);
}

} // namespace nncc::rt

using namespace nncc::rt;

nnccrt_program::~nnccrt_program() {
  cuda::close(device);
  os::unmap(file);
  os::free(ownWeights);
  if (library)
    closeLibrary(library);
}

nnccrt_code nnccrt_load(const nnccrt_model *model, const nnccrt_load_options *options, nnccrt_program **result,
                        nnccrt_status *status) {
  Report report(status);
  if (!result) {
    report.fail(NNCCRT_INVALID, "the place for the program is a null pointer");
    return report.code();
  }
  *result = nullptr;
  nnccrt_program *program = create<nnccrt_program>();
  if (!program)
    report.failNoMemory(sizeof(nnccrt_program));
  else if (load(*program, model, options, report))
    *result = program;
  else
    destroy(program);
  return report.code();
}

void nnccrt_unload(nnccrt_program *program) {
  if (program && program->shares.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroy(program);
}

const nnccrt_model *nnccrt_describe(const nnccrt_program *program) { return program ? program->model : nullptr; }

const char *nnccrt_cpu_level(const nnccrt_program *program) {
  return program && program->level ? program->level->cpu : "";
}

const char *nnccrt_device(const nnccrt_program *program) { return cuda::name(program ? program->device : nullptr); }

static int32_t find(const nnccrt_value *values, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; ++i)
    if (!std::strcmp(values[i].name, name))
      return static_cast<int32_t>(i);
  for (uint32_t i = 0; i < count; ++i)
    if (values[i].identifier && !std::strcmp(values[i].identifier, name))
      return static_cast<int32_t>(i);
  return -1;
}

int32_t nnccrt_find_input(const nnccrt_program *program, const char *name) {
  return program && name ? find(program->model->inputs, program->model->num_inputs, name) : -1;
}

int32_t nnccrt_find_output(const nnccrt_program *program, const char *name) {
  return program && name ? find(program->model->outputs, program->model->num_outputs, name) : -1;
}

int32_t nnccrt_find_symbol(const nnccrt_program *program, const char *name) {
  for (uint32_t i = 0; program && name && i < program->model->num_symbols; ++i)
    if (!std::strcmp(program->model->symbols[i], name))
      return static_cast<int32_t>(i);
  return -1;
}

const char *nnccrt_version(void) { return NNCCRT_VERSION; }
