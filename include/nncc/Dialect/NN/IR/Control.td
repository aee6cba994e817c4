//===- Control.td - If, Loop and Scan --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_CONTROL_TD
#define NNCC_DIALECT_NN_IR_CONTROL_TD

include "nncc/Dialect/NN/IR/NNBase.td"

// The results of control flow say what all ways through it have in common: a size that differs between them is unknown.
class NN_ControlOp<string mnemonic, list<Trait> traits = []> : NN_Op<mnemonic, [SingleBlock] # traits> {
  code joinedTypes = [{
    /// The types that the regions make of the results; nothing when their numbers, ranks or element types differ: `complain` says how.
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::RankedTensorType>>
    joinTypes(::llvm::function_ref<::mlir::InFlightDiagnostic()> complain);
  }];
  let hasVerifier = 1;
}

def NN_IfOp : NN_ControlOp<"if", [NoRegionArguments]> {
  let summary = "One of two branches";
  let description = [{
    `condition` has one element. The branches see the values around them.
    (C1) The branches yield as many values as there are results, of the same element types and ranks.

    ```mlir
    %r = nn.if %c : tensor<i1> -> tensor<4xf32> {
      nn.yield %x : tensor<4xf32>
    } else {
      %0 = nn.relu %x : tensor<4xf32> -> tensor<4xf32>
      nn.yield %0 : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins NN_BoolTensor:$condition);
  let results = (outs Variadic<NN_Tensor>:$results);
  let regions = (region SizedRegion<1>:$then_region, SizedRegion<1>:$else_region);
  let assemblyFormat = [{
    $condition attr-dict `:` type($condition) `->` type($results) $then_region `else` $else_region
  }];
  let extraClassDeclaration = joinedTypes # [{
    /// Puts what the taken branch does before this op, which goes away; the first op of that, or null.
    ::mlir::Operation *replaceByBranch(bool taken);
  }];
}

def NN_LoopOp : NN_ControlOp<"loop", [AttrSizedOperandSegments]> {
  let summary = "Repeats a body that carries values from one iteration to the next";
  let description = [{
    At most `trips` times (absent: without a limit; below 0: not at all) and as long as the condition holds: `condition` at first (absent:
    true), then what the body yields first. The body gets the number of the iteration, from 0, and what is carried: `inits` at first, then
    what it yields behind the condition. What it yields behind that are elements that the loop stacks: all have one shape, and the result
    has one of them an iteration along a new first dim.

    The results are the carried values behind the last iteration, then the stacks. ONNX's Loop is this; its Scan takes slices in the body.
    (C1) Element types and ranks of a carried value never change; its sizes may.

    ```mlir
    %last, %all = nn.loop trips %n : tensor<i64> carries %x : tensor<4xf32> -> tensor<4xf32>, tensor<?x4xf32> {
    ^bb0(%i: tensor<i64>, %v: tensor<4xf32>):
      %0 = nn.relu %v : tensor<4xf32> -> tensor<4xf32>
      nn.yield %true, %0, %0 : tensor<i1>, tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Optional<NN_IndexTensor>:$trips, Optional<NN_BoolTensor>:$condition, Variadic<NN_Tensor>:$inits);
  let results = (outs Variadic<NN_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`trips` $trips^ `:` type($trips))? (`while` $condition^ `:` type($condition))? (`carries` $inits^ `:` type($inits))?
    attr-dict `->` type($results) $body
  }];
  let extraClassDeclaration = joinedTypes # [{
    unsigned getNumCarried() { return getInits().size(); }
    unsigned getNumStacked() { return getNumResults() - getNumCarried(); }
    YieldOp getYield();
    /// True when only `trips` and the condition before the first iteration end the loop: what the body yields is true.
    bool isCounted();
  }];
}

def NN_ExpectOp : Op<NN_Dialect, "expect", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the run with a status unless a condition is what it was taken for";
  let description = "What follows is right only then.";
  let arguments = (ins NN_BoolTensor:$condition, BoolAttr:$value, StrAttr:$message);
  let assemblyFormat = "$condition `is` $value `,` $message attr-dict `:` type($condition)";
}

def NN_YieldOp : NN_Op<"yield", [Terminator, ParentOneOf<["IfOp", "LoopOp"]>]> {
  let summary = "Ends a branch of nn.if or the body of nn.loop";
  let arguments = (ins Variadic<NN_Tensor>:$operands);
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // NNCC_DIALECT_NN_IR_CONTROL_TD
