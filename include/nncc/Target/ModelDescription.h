//===- ModelDescription.h - a compiled model, as the runtime will see it --------------------------------*- C++ -*-===//
///
/// \file
/// What the compiler collects for the descriptor and the header of a model. Mirrors nnccrt/abi.h, which says what each
/// field means.
///
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_TARGET_MODELDESCRIPTION_H
#define NNCC_TARGET_MODELDESCRIPTION_H

#include "nncc/Target/CPULevel.h"
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nncc::target {

/// One dim of an input or output.
struct DimDescription {
  enum : int64_t { Symbol = -1, Unknown = -2, Expression = -3 };
  int64_t size = 0;    ///< >= 0, or one of the above
  int32_t symbol = -1; ///< index into ModelDescription::symbols
  std::string text;    ///< as the model names it
};

struct ValueDescription {
  std::string name;
  std::string identifier; ///< see assignIdentifiers
  uint32_t kind = 0;      ///< NNCCRT_TENSOR ...
  uint32_t dtype = 0;     ///< NNCCRT_F32 ...
  std::vector<DimDescription> dims;
};

struct KernelDescription {
  std::string name;                  ///< of its function: "k17_conv_relu"
  std::vector<std::string> nodes;    ///< ONNX nodes in it
  std::string operations{}, bytes{}; ///< what a launch costs; see nnccrt_kernel_info
  bool onHost = false;               ///< of a program for a device: runs on the host all the same
};

/// nnccrt_cuda_phase, nnccrt_cuda_kernel. Names of functions are without prefix and suffix.
struct CudaPhaseDescription {
  std::string entry, shape;
};
struct CudaKernelDescription {
  std::vector<CudaPhaseDescription> phases; ///< none: a kernel of the host
  std::string workspace;                    ///< empty: none
  uint32_t numArgs = 0;
  uint32_t part = 0; ///< of the image
};

/// nnccrt_cuda_image.
struct CudaImageDescription {
  unsigned sm = 0;
  bool isCubin = false;
  std::vector<std::string> parts;             ///< modules
  std::vector<CudaKernelDescription> kernels; ///< of all kernels of the model
  size_t numParts = 0;
  uint64_t bytes = 0; ///< of all parts, which an object that is only described has not
};

/// What the names of the host functions of an image's kernels end in: ".sm_75".
inline std::string getCudaSuffix(unsigned sm) { return ".sm_" + std::to_string(sm); }

struct SlotDescription {
  int64_t bytes = 0; ///< -1: computed by `sizes`
  uint32_t first = 0, last = 0;
};

struct ModelDescription {
  std::string name;
  std::string identifier; ///< of the exported symbol and the C++ namespace; see assignIdentifiers
  std::string producer;
  std::vector<ValueDescription> inputs, outputs;
  std::vector<std::string> symbols;
  std::vector<KernelDescription> kernels;
  std::vector<CPULevel> levels; ///< as resolveCPULevels orders them
  std::vector<SlotDescription> slots;
  int64_t arenaBytes = 0; ///< of a static plan; -1: `slots` are packed by the runtime
  int64_t scratchBytes = 0;
  uint32_t numCarries = 0;
  uint64_t weightsBytes = 0;
  std::array<uint8_t, 32> weightsHash = {};
  std::string weightsFile; ///< empty: in the object
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<CudaImageDescription> images;           ///< none: a program for CPUs
  uint64_t deviceWeightsBytes = 0;                    ///< of the weights, from the start: what the device needs
  std::shared_ptr<const ModelDescription> fallback{}; ///< the same model for CPUs, beside a program for GPUs
  std::string variant;                                ///< "cpu." for such a fallback

  bool isStaticPlan() const { return arenaBytes >= 0; }
  bool hasEmbeddedWeights() const { return weightsBytes != 0 && weightsFile.empty(); }
  /// The one symbol that the object exports.
  std::string getExportedSymbol() const { return "nncc_model_" + identifier; }
  /// CodegenOptions::prefix for the schedule and the kernels. The kernels' suffix is that of their level, the schedule
  /// has none.
  std::string getSymbolPrefix() const { return "nncc." + identifier + "." + variant; }
};

} // namespace nncc::target

#endif // NNCC_TARGET_MODELDESCRIPTION_H
