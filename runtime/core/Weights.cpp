//===- Weights.cpp - where a model's weights come from ----------------------------------------------------------===//

#include "Program.h"
#include "Sha256.h"
#include <cstdio>
#include <cstring>

namespace nncc::rt {

static unsigned long long number(uint64_t value) { return value; }

static bool checkHash(const nnccrt_model &model, const void *hash, const char *source, Report &report) {
  return !std::memcmp(hash, model.weights_hash, sizeof(model.weights_hash)) ||
         report.fail(NNCCRT_MISMATCH, "the weights in %s are not those of model '%.160s': their hash differs", source,
                     model.name);
}

/// A file is the weights and their hash. The hash at the end tells at once whether the file belongs to the model.
static bool loadFile(nnccrt_program &program, const char *path, Report &report) {
  const nnccrt_model &model = *program.model;
  if (!os::map(path, program.file, report))
    return false;
  uint64_t expected = model.weights_bytes + sizeof(model.weights_hash);
  if (program.file.bytes != expected)
    return report.fail(NNCCRT_MISMATCH, "'%s' has %llu bytes, the weights of model '%.160s' take %llu", path,
                       number(program.file.bytes), model.name, number(expected));
  program.weights = program.file.data;
  return checkHash(model, program.file.data + model.weights_bytes, path, report);
}

/// The file that the model names, in a directory; null: where its code is.
static bool loadNamedFile(nnccrt_program &program, const char *directory, Report &report) {
  char path[4096];
  if (directory)
    std::snprintf(path, sizeof(path), "%s/", directory);
  else
    os::directoryOf(program.model, path, sizeof(path));
  size_t length = std::strlen(path);
  if (std::snprintf(path + length, sizeof(path) - length, "%s", program.model->weights_file) >=
      static_cast<int>(sizeof(path) - length))
    return report.fail(NNCCRT_IO, "the path of the weights of model '%.160s' is too long", program.model->name);
  return loadFile(program, path, report);
}

static bool loadMemory(nnccrt_program &program, const nnccrt_load_options &options, Report &report) {
  const nnccrt_model &model = *program.model;
  if (options.weights_bytes != model.weights_bytes)
    return report.fail(NNCCRT_MISMATCH,
                       "nnccrt_load_options.weights has %llu bytes, the weights of model '%.160s' take %llu",
                       number(options.weights_bytes), model.name, number(model.weights_bytes));
  if (reinterpret_cast<uintptr_t>(options.weights) % kAlignment)
    return report.fail(NNCCRT_MISMATCH, "nnccrt_load_options.weights: address %p is not aligned to 64 bytes",
                       options.weights);
  program.weights = static_cast<const char *>(options.weights);
  return true;
}

static bool loadCallback(nnccrt_program &program, const nnccrt_load_options &options, Report &report) {
  constexpr uint64_t piece = 64u << 20; // so that a reader can show progress and end the load
  const nnccrt_model &model = *program.model;
  program.ownWeights = os::allocate(model.weights_bytes);
  if (!program.ownWeights)
    return report.failNoMemory(model.weights_bytes);
  char *target = static_cast<char *>(program.ownWeights);
  for (uint64_t offset = 0; offset < model.weights_bytes; offset += piece) {
    uint64_t left = model.weights_bytes - offset;
    if (int error = options.read_weights(options.user, offset, target + offset, left < piece ? left : piece))
      return report.fail(NNCCRT_IO, "nnccrt_load_options.read_weights returned %d at byte %llu of model '%.160s'",
                         error, number(offset), model.name);
  }
  program.weights = target;
  return true;
}

static bool loadFrom(nnccrt_program &program, const nnccrt_load_options &options, Report &report) {
  const nnccrt_model &model = *program.model;
  if (options.weights_path)
    return loadFile(program, options.weights_path, report);
  if (options.weights)
    return loadMemory(program, options, report);
  if (options.read_weights)
    return loadCallback(program, options, report);
  if (model.weights_file)
    return loadNamedFile(program, options.weights_directory, report);
  return report.fail(NNCCRT_INVALID,
                     "the weights of model '%.160s' are not in its object: say where they are in nnccrt_load_options",
                     model.name);
}

bool loadWeights(nnccrt_program &program, const nnccrt_load_options &options, Report &report) {
  const nnccrt_model &model = *program.model;
  int sources = (options.weights_path != nullptr) + (options.weights != nullptr) + (options.read_weights != nullptr);
  if (sources > 1)
    return report.fail(NNCCRT_INVALID, "nnccrt_load_options names %d sources of weights: one at most", sources);
  if (sources && (model.weights || !model.weights_bytes))
    return report.fail(NNCCRT_INVALID,
                       "nnccrt_load_options names weights, but those of model '%.160s' are in its object", model.name);
  program.weights = static_cast<const char *>(model.weights);
  if (!model.weights && model.weights_bytes && !loadFrom(program, options, report))
    return false;
  if (!(options.flags & NNCCRT_VERIFY_WEIGHTS) || !model.weights_bytes)
    return true;
  uint8_t digest[32];
  sha256(program.weights, model.weights_bytes, digest);
  return checkHash(model, digest, "memory", report);
}

} // namespace nncc::rt
