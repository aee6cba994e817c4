//===- ExecBase.td - the exec dialect ----------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_EXEC_IR_EXECBASE_TD
#define NNCC_DIALECT_EXEC_IR_EXECBASE_TD

include "mlir/IR/OpBase.td"

def Exec_Dialect : Dialect {
  let name = "exec";
  let summary = "How a model runs: kernels, launches, buffers";
  let description = [{
    From FormKernels on, a module holds kernels (`exec.kernel`) and the schedule (`func.func @main`), which launches them, does the
    arithmetic on sizes, and has the control flow. Up to PlanMemory the schedule works on tensors; behind it on memrefs, which are
    always whole, row-major and contiguous. Kernel bodies stay on tensors until the kernel is compiled.

    Types from here on: signless integers; a boolean is an i8 holding 0 or 1.

    A module with the attribute `exec.device` (see --exec-place) runs on that device: its tensors lie in the memory of the device, but for
    those of which `exec::isOnHost` says otherwise. As memrefs these have the memory space "host".
  }];
  let cppNamespace = "::nncc::exec";
}

class Exec_Op<string mnemonic, list<Trait> traits = []> : Op<Exec_Dialect, mnemonic, traits>;

#endif // NNCC_DIALECT_EXEC_IR_EXECBASE_TD
