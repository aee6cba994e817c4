//===- Describe.cpp - what an object says about its model -----------------------------------------------------------------===//

#include "Describe.h"
#include "llvm/ADT/StringExtras.h"

using llvm::ArrayRef;

namespace nncc {

static std::string text(const char *text) { return text ? text : ""; }

static std::vector<target::ValueDescription> describeValues(ArrayRef<nnccrt_value> values) {
  std::vector<target::ValueDescription> result;
  for (const nnccrt_value &value : values) {
    target::ValueDescription &added = result.emplace_back();
    added.name = value.name;
    added.identifier = value.identifier;
    added.kind = value.kind;
    added.dtype = value.dtype;
    for (const nnccrt_dim &dim : ArrayRef(value.dims, value.rank))
      added.dims.push_back({dim.size, dim.symbol, dim.text});
  }
  return result;
}

static target::KernelDescription describeKernel(const nnccrt_kernel_info &kernel) {
  target::KernelDescription result;
  result.name = kernel.name;
  llvm::SmallVector<llvm::StringRef> nodes;
  llvm::StringRef(kernel.nodes).split(nodes, '\n', -1, /*KeepEmpty=*/false);
  result.nodes.assign(nodes.begin(), nodes.end());
  result.operations = text(kernel.operations);
  result.bytes = text(kernel.bytes);
  return result;
}

static void describeImages(const nnccrt_model &model, target::ModelDescription &result) {
  if (!model.cuda)
    return;
  for (const nnccrt_cuda_image &image : ArrayRef(model.cuda->images, model.cuda->num_images)) {
    target::CudaImageDescription &added = result.images.emplace_back();
    added.sm = image.sm;
    added.isCubin = image.kind == NNCCRT_CUDA_CUBIN;
    added.numParts = image.num_parts;
    for (const nnccrt_cuda_part &part : ArrayRef(image.parts, image.num_parts))
      added.bytes += part.bytes;
    for (uint32_t i = 0; i < model.num_kernels; ++i)
      result.kernels[i].onHost = !image.kernels[i].num_phases;
  }
  if (model.fallback)
    result.fallback = std::make_shared<target::ModelDescription>(describe(*model.fallback).model);
}

ModelInfo describe(const nnccrt_model &model) {
  ModelInfo info;
  target::ModelDescription &result = info.model;
  result.name = model.name;
  result.producer = model.producer;
  result.inputs = describeValues({model.inputs, model.num_inputs});
  result.outputs = describeValues({model.outputs, model.num_outputs});
  for (const char *symbol : ArrayRef(model.symbols, model.num_symbols))
    result.symbols.push_back(symbol);
  for (const nnccrt_kernel_info &kernel : ArrayRef(model.kernel_infos, model.num_kernels))
    result.kernels.push_back(describeKernel(kernel));
  for (const nnccrt_level &level : ArrayRef(model.levels, model.num_levels))
    result.levels.push_back({level.cpu, level.features, "", "", ""});
  for (const nnccrt_slot &slot : ArrayRef(model.slots, model.num_slots))
    result.slots.push_back({slot.bytes, slot.first, slot.last});
  result.arenaBytes = model.arena_bytes;
  result.scratchBytes = model.scratch_bytes;
  result.numCarries = model.num_carries;
  result.weightsBytes = model.weights_bytes;
  result.weightsFile = text(model.weights_file);
  for (uint32_t i = 0; i < model.num_metadata; ++i)
    result.metadata.emplace_back(model.metadata[2 * i], model.metadata[2 * i + 1]);
  describeImages(model, result);
  return info;
}

} // namespace nncc
