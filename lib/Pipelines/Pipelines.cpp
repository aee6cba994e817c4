//===- Pipelines.cpp - the contents page of the compiler ------------------------------------------------------------------===//

#include "nncc/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Conversion/ExecToLLVM/Passes.h"
#include "nncc/Conversion/NNToLinalg/Passes.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

using namespace mlir;

namespace nncc {

void buildOptimise(OpPassManager &passes, const PipelineOptions &options) {
  // Shapes first: everything behind asks for sizes.
  passes.addNestedPass<func::FuncOp>(nn::createInferShapes());
  passes.addNestedPass<func::FuncOp>(nn::createFoldShapes());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());

  // At all levels: in integers a quantised model is exact, in floats its roundings flip.
  passes.addNestedPass<func::FuncOp>(nn::createIntegerArithmetic());
  // What only says in another way what is computed: the oracle does without.
  if (options.optLevel > 0) {
    // CPUs have no kernel for attention of small floats: nothing is gained by other roundings than those of its definition.
    passes.addNestedPass<func::FuncOp>(nn::createRecognize({.roundsScores = options.device == Device::CPU}));
    passes.addNestedPass<func::FuncOp>(nn::createMergeProducts());
    passes.addNestedPass<func::FuncOp>(nn::createSimplify());
    passes.addNestedPass<func::FuncOp>(nn::createFoldIntoConv());
  }
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());

  // Layouts are decided once for the whole graph; kernels take no other.
  passes.addNestedPass<func::FuncOp>(nn::createChannelsLast({.propagate = options.optLevel > 0}));
  passes.addNestedPass<func::FuncOp>(nn::createInferShapes());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());

  // Last, so that what the rewrites did to weights is done while compiling.
  passes.addPass(nn::createHoistConstants());
}

void buildLowerOperators(OpPassManager &passes, const PipelineOptions &) { passes.addPass(createConvertNNToLinalg()); }

void buildFormKernels(OpPassManager &passes, const PipelineOptions &options) {
  buildLowerOperators(passes, options);
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  // How vectors of a CPU are filled: nothing that a GPU gains by.
  bool forVectors = options.optLevel > 0 && options.device == Device::CPU;
  // Of a GPU, one kernel computes whatever there is.
  if (forVectors || options.optLevel == 0)
    passes.addPass(exec::createDecomposeAttention({.all = !forVectors}));
  if (options.device == Device::CPU)
    passes.addPass(exec::createDecomposeLines());
  if (forVectors)
    passes.addPass(exec::createJoinPixels());
  if (forVectors && options.winograd)
    passes.addPass(exec::createWinograd());
  if (forVectors)
    passes.addPass(exec::createPackWeights());
  passes.addPass(exec::createSeparateWeights());
  passes.addPass(exec::createFormKernels({.fuse = options.fuse && options.optLevel > 0}));
  passes.addPass(exec::createMergeKernels());
  if (options.device == Device::CUDA) {
    passes.addPass(exec::createPlace());
    passes.addPass(exec::createDecomposeLines({.onHost = true}));
  }
}

void buildFormWeightKernels(OpPassManager &passes) {
  passes.addPass(exec::createDecomposeLines());
  passes.addPass(exec::createFormKernels({.fuse = false}));
  passes.addPass(exec::createMergeKernels());
}

void buildPlanMemory(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(exec::createPlanMemory({.separate = options.separateBuffers}));
}

void buildScheduleToLLVM(OpPassManager &passes) { passes.addPass(createConvertExecToLLVM()); }

} // namespace nncc
