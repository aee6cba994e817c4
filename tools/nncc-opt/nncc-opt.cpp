//===- nncc-opt.cpp - runs passes on IR, for tests and for curiosity ------------------------------------------------------===//

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "nncc/CPU/Passes.h"
#include "nncc/Conversion/ExecToLLVM/Passes.h"
#include "nncc/Conversion/NNToLinalg/Passes.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"
#include "nncc/GPU/Passes.h"
#include "nncc/Kernel/Passes.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  nncc::cpu::registerNNCCCPUPasses();
  nncc::gpu::registerNNCCGPUPasses();
  nncc::kernel::registerNNCCKernelPasses();
  nncc::exec::registerNNCCExecPasses();
  nncc::registerNNCCExecToLLVMPasses();
  nncc::registerNNCCNNToLinalgPasses();
  nncc::nn::registerNNCCNNPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<nncc::nn::NNDialect, nncc::exec::ExecDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "nncc optimizer\n", registry));
}
