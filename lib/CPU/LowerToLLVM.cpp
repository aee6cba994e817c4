//===- LowerToLLVM.cpp - from loops, vectors and memrefs to the LLVM dialect --------------------------------------===//

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/CPU/Passes.h"
#include "nncc/Kernel/Passes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

void cpu::registerKernelDialects(DialectRegistry &registry) {
  registry
      .insert<affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect, exec::ExecDialect, func::FuncDialect,
              index::IndexDialect, linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
              scf::SCFDialect, tensor::TensorDialect, ub::UBDialect, vector::VectorDialect>();
}

void cpu::buildLowerToLLVM(OpPassManager &passes, const CPUTarget &target) {
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  if (!target.hasAVX512()) {
    ExpandMaskedMovesOptions moves;
    moves.below = target.vectorBits == 256 ? 32 : 128; // SSE has no masks at all.
    passes.addPass(createExpandMaskedMoves(moves));
  }
  kernel::WidenSmallFloatsOptions floats;
  floats.expandF16 = target.vectorBits == 128;
  passes.addPass(kernel::createWidenSmallFloats(floats));
  kernel::ExpandMathOptions math;
  math.sse2 = !target.hasFMA;
  passes.addPass(kernel::createExpandMath(math));
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true; // LLVM would call a function of compiler-rt for each element.
  passes.addPass(arith::createArithExpandOpsPass(expand));
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertMathToLibmPass()); // what is left of f64
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertIndexToLLVMPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createMoveSmallFloatsAsIntegers());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}
