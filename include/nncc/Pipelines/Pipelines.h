//===- Pipelines.h - the contents page of the compiler ----------------------------------------------------------*- C++ -*-===//
///
/// \file
/// One function a stage of the design. Each leaves a module that can be printed and read back.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_PIPELINES_PIPELINES_H
#define NNCC_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace nncc {

enum class Device { CPU, CUDA };

struct PipelineOptions {
  Device device = Device::CPU;
  unsigned optLevel = 3; ///< 0: no rewrites, no fusion, no packing; each op a kernel of its own
  bool fuse = true;
  bool winograd = true;         ///< 3x3 convolutions by transforms, where that is faster; false: sums in order
  bool separateBuffers = false; ///< nothing shares memory: for AddressSanitizer
};

/// nn as imported -> nn simplified, with layouts decided and constants hoisted to @weights.
void buildOptimise(mlir::OpPassManager &passes, const PipelineOptions &options);
/// nn -> linalg and the tensor ops of exec. The last stage that can find a model impossible.
void buildLowerOperators(mlir::OpPassManager &passes, const PipelineOptions &options);
/// nn -> kernels and the schedule that launches them, on tensors. The module @weights, if there is one, stays on tensors: it is a
/// model of its own.
void buildFormKernels(mlir::OpPassManager &passes, const PipelineOptions &options);
/// The module @weights, taken out -> kernels and schedule, each op a kernel of its own.
void buildFormWeightKernels(mlir::OpPassManager &passes);
/// The schedule -> memrefs in a planned arena.
void buildPlanMemory(mlir::OpPassManager &passes, const PipelineOptions &options);
/// The planned schedule -> the LLVM dialect.
void buildScheduleToLLVM(mlir::OpPassManager &passes);

} // namespace nncc

#endif // NNCC_PIPELINES_PIPELINES_H
