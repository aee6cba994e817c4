//===- Program.cpp - loading a model ----------------------------------------------------------------------------===//

#include "Program.h"
#include "Cpu.h"
#include "Expression.h"
#include "Options.h"

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

static bool load(nnccrt_program &program, const nnccrt_model *model, const nnccrt_load_options *given, Report &report) {
  nnccrt_load_options options;
  if (!readOptions(given, "nnccrt_load_options", options, report) || !checkModel(model, report))
    return false;
  if (options.device && std::strcmp(options.device, "cpu") != 0 && std::strcmp(options.device, "auto") != 0)
    return report.fail(NNCCRT_UNSUPPORTED, "device '%s': this runtime has 'cpu' (and 'auto') only", options.device);
  program.model = model;
  if (options.flags & NNCCRT_DESCRIBE_ONLY)
    return true;
  program.level = chooseLevel(*model, report);
  return program.level && loadWeights(program, options, report);
}

} // namespace nncc::rt

using namespace nncc::rt;

nnccrt_program::~nnccrt_program() {
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
