//===- Passes.td - passes that make kernel bodies for CPUs ----------------------------------------------------------------===//

#ifndef NNCC_CPU_PASSES
#define NNCC_CPU_PASSES

include "mlir/Pass/PassBase.td"

def EmitKernels : Pass<"cpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Each exec.kernel becomes functions on memory";
  let description = [{
    What `nncc::cpu::compileKernel` does with one kernel, for all kernels of a module, for tests: the code of each comes in a module of its own
    in the place of the kernel. `stage=vector` stops before the LLVM dialect.

    ```mlir
    exec.kernel @k(%x: tensor<8xf32>) -> tensor<8xf32> {
      %init = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {..} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) { .. arith.negf .. } -> tensor<8xf32>
      exec.yield %0 : tensor<8xf32>
    }
    ```
    becomes, with `opt=0 stage=vector`
    ```mlir
    module {
      llvm.func @k.tiles(%slots: !llvm.ptr) -> i64 { .. }
      llvm.func @k(%slots: !llvm.ptr, %tile: i64, %scratch: !llvm.ptr) { .. func.call @k.body(..) .. }
      func.func private @k.body(%fault: !llvm.ptr, %x: !llvm.ptr {..}, %result: !llvm.ptr {..}, %tile: index, ..) {
        scf.for %i = %c0 to %c8 step %c1 { .. memref.load .. arith.negf .. memref.store .. }
      }
    }
    ```
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "\"x86-64-v3\"", "x86-64, x86-64-v2, x86-64-v3 or x86-64-v4">,
    Option<"opt", "opt", "unsigned", "3", "0: scalar loops, one op after the other">,
    Option<"stage", "stage", "std::string", "\"llvm\"", "Where to stop: vector or llvm">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::func::FuncDialect", "::mlir::index::IndexDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"];
}

def MoveSmallFloatsAsIntegers : Pass<"cpu-move-small-floats-as-integers"> {
  let summary = "Loads, stores and selections of f16 and bf16 move integers";
  let description = [{
    Of vectors of bf16 LLVM moves each element for itself, some through f32 and back by a call.

    ```mlir
    llvm.intr.masked.store %x, %p, %mask {alignment = 2 : i32} : vector<16xbf16>, vector<16xi1> into !llvm.ptr
    ```
    becomes
    ```mlir
    %0 = llvm.bitcast %x : vector<16xbf16> to vector<16xi16>
    llvm.intr.masked.store %0, %p, %mask {alignment = 2 : i32} : vector<16xi16>, vector<16xi1> into !llvm.ptr
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ExpandMaskedMoves : Pass<"cpu-expand-masked-moves"> {
  let summary = "Masked loads and stores go through memory on the stack";
  let description = [{
    For elements that the CPU cannot mask (AVX2: below 32 bits), of which LLVM would make a branch a lane. The mask must be one of the
    first lanes, as those of tails are.

    ```mlir
    %mask = vector.create_mask %n : vector<32xi1>
    vector.maskedstore %to[%i], %mask, %x : memref<?xi8>, vector<32xi1>, vector<32xi8>
    ```
    becomes
    ```mlir
    %slot = memref.alloca() {alignment = 64 : i64} : memref<32xi8>
    vector.store %x, %slot[%c0] : memref<32xi8>, vector<32xi8>
    scf.for %k = %c0 to %n step %c1 {
      %from = arith.addi %c0, %k : index
      %at = arith.addi %i, %k : index
      %e = memref.load %slot[%from] : memref<32xi8>
      memref.store %e, %to[%at] : memref<?xi8>
    }
    ```
  }];
  let options = [Option<"below", "below", "unsigned", "32", "Narrower elements are moved so">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def HoistFaults : Pass<"cpu-hoist-faults"> {
  let summary = "Faults that do not depend on a loop leave it";
  let description = [{
    The check of a row's index, repeated for each element of the row, keeps LLVM from vectorising the copy: it writes memory. What it
    needs, also elements of arguments that nothing writes, leaves the loop with it.

    ```mlir
    scf.for %j = %c0 to %n step %c1 {
      %i = memref.load %index[] : memref<index>
      %bad = arith.cmpi uge, %i, %size : index
      exec.fault %bad, 1, %i : index
      ..
    }
    ```
    becomes
    ```mlir
    %runs = arith.cmpi slt, %c0, %n : index
    scf.if %runs {
      %i = memref.load %index[] : memref<index>
      %bad = arith.cmpi uge, %i, %size : index
      exec.fault %bad, 1, %i : index
      scf.for %j = %c0 to %n step %c1 { .. }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

#endif // NNCC_CPU_PASSES
