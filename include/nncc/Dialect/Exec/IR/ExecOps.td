//===- ExecOps.td - how a model runs: kernels, launches, buffers -------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_EXEC_IR_EXECOPS_TD
#define NNCC_DIALECT_EXEC_IR_EXECOPS_TD

include "nncc/Dialect/Exec/IR/ExecBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------------------------------------------------------===//
// Values that the schedule starts from
//===----------------------------------------------------------------------------------------------------------------------===//

def Exec_SymbolOp : Exec_Op<"symbol", [Pure]> {
  let summary = "The value of a symbolic dim in this run";
  let description = "Bound by the runtime from the sizes of the inputs, before the schedule starts.";
  let arguments = (ins StrAttr:$name);
  let results = (outs Index:$result);
  let assemblyFormat = "$name attr-dict";
}

def Exec_InputOp : Exec_Op<"input", [Pure, AllTypesMatch<["argument", "result"]>]> {
  let summary = "An argument of the schedule together with its sizes";
  let description = [{
    The runtime hands over no more than an address. `sizes`, one for each dynamic dim, are what the symbols make of them. An argument
    that has dynamic dims is used by this operation alone.
  }];
  let arguments = (ins AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$argument, Variadic<Index>:$sizes);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$argument `(` $sizes `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Exec_WeightOp : Exec_Op<"weight", [Pure]> {
  let summary = "Result `index` of the function @weights, which was computed while compiling";
  let description = "With `host`, the copy that the host has of it.";
  let arguments = (ins I64Attr:$index, UnitAttr:$host);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$index (`host` $host^)? attr-dict `:` type($result)";
}

def Exec_HostInputOp : Exec_Op<"host_input", [Pure]> {
  let summary = "Argument `index` of the schedule on the host, in a program for a device";
  let description = "Where the caller's tensor is on the host it is that, else a copy: of a static type, and small.";
  let arguments = (ins I64Attr:$index);
  let results = (outs AnyTypeOf<[AnyStaticShapeTensor, AnyStaticShapeMemRef]>:$result);
  let assemblyFormat = "$index attr-dict `:` type($result)";
}

def Exec_TransferOp : Exec_Op<"transfer", [Pure, AllTypesMatch<["source", "result"]>]> {
  let summary = "A tensor of the device on the host, or one of the host on the device";
  let description = [{
    To the host it waits for all launches before it. PlanMemory makes it an `exec.copy` between memory spaces.
  }];
  let arguments = (ins AnyStaticShapeTensor:$source, UnitAttr:$to_host);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$source (`to_host` $to_host^)? attr-dict `:` type($result)";
}

def Exec_FileOp : Exec_Op<"file", [Pure]> {
  let summary = "Bytes of a file, in @weights only";
  let arguments = (ins StrAttr:$file, I64Attr:$offset, I64Attr:$length);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$file `[` $offset `,` $length `]` attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------------------------------------------------------===//

def Exec_KernelOp : Exec_Op<"kernel", [IsolatedFromAbove, Symbol, FunctionOpInterface, AffineScope]> {
  let summary = "The unit of fusion, merging, code generation and profiling";
  let description = [{
    A function on tensors, `index` sizes and scalars, with one block of linalg ops (always `linalg.generic` or `linalg.fill`),
    `exec.grid`, `exec.attention`, `exec.recurrence`, `tensor.empty`, `tensor.dim`, reshapes (`tensor.expand_shape`, `tensor.collapse_shape`) and arithmetic on
    scalars, ended by `exec.yield`.

    As machine code it is `void k(const uint64_t *args, int64_t tile, void *scratch)` and `int64_t k.tiles(const uint64_t *args)`,
    the number of tiles, which may run at once in any order. Slot 0 of `args` points to the fault word of the run (see
    `exec.fault`). Then, argument by argument and result by result: a tensor takes one slot for the address of its first element and
    one for each dynamic dim, an index or scalar takes one slot (its bits, zero-extended).

    `may_alias[i]`, one entry a result, names the argument whose buffer result `i` may share (-1: none): each element of the
    argument is read before the same element of the result is written, by the same tile.

    `must_alias[i]` names the argument whose buffer result `i` shares in every launch (-1: none): the result starts with what the
    argument holds, and no other argument is that buffer. PlanMemory copies first where the argument lives on.

    With `host`, in a program for a device: runs on the host, on tensors of the host.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DenseI64ArrayAttr>:$may_alias, OptionalAttr<DenseI64ArrayAttr>:$must_alias, UnitAttr:$host,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The argument whose buffer result `number` may or must share, or -1.
    int64_t getAlias(unsigned number);
    /// A kernel of this type with an empty entry block.
    static KernelOp createEmpty(::mlir::OpBuilder &b, ::mlir::Location loc, ::llvm::StringRef name, ::mlir::FunctionType type);
  }];
  let hasVerifier = 1;
}

def Exec_YieldOp : Exec_Op<"yield", [Pure, Terminator]> {
  let summary = "Ends a kernel (its results), a phase of a recurrence (its values) or the body of a grid (nothing)";
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Exec_LaunchOp : Exec_Op<"launch", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                       DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Runs all tiles of a kernel";
  let description = [{
    On tensors: operands and results are those of the kernel. On memrefs: no results; `inputs` are the kernel's arguments and `outputs`
    one memref a result, which the kernel fills.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs, Variadic<AnyMemRef>:$outputs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` (`outs` `(` $outputs^ `:` type($outputs) `)`)? attr-dict `:` functional-type($inputs, $results)
  }];
  let extraClassDeclaration = [{
    KernelOp lookupKernel(::mlir::SymbolTableCollection *tables = nullptr);
  }];
}

def Exec_GridOp : Exec_Op<"grid", [AttrSizedOperandSegments, SingleBlock]> {
  let summary = "A tensor op whose body is written as loops on memrefs";
  let description = [{
    What linalg cannot say: sort, select, scatter, recurrences, boxes. The body runs once for each point of the grid, in any order
    and at once, with the point's coordinates, a memref for each input (never written) and one for each output. Different points
    must write different elements. An output starts with the contents of its `outs` operand (undefined for a `tensor.empty`). Besides
    its block arguments the body may use index values and scalars from around it, but no tensors. Without a grid it runs once.

    With the attribute `exec.independent` the loops that stand in the body itself have steps that depend on no other step, of their own loop or of another one:
    on a GPU they are points, too. So are the steps of a loop, at any depth, that has the attribute itself; what the other loops do in each of them keeps its order.

    ```mlir
    %r = exec.grid (%n) ins(%x : tensor<?x?xf32>) outs(%init : tensor<?xf32>) {
    ^bb0(%row: index, %in: memref<?x?xf32>, %out: memref<?xf32>):
      ...
      exec.yield
    } -> tensor<?xf32>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, Variadic<AnyRankedTensor>:$inputs, Variadic<AnyRankedTensor>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` ($sizes^)? `)` (`ins` `(` $inputs^ `:` type($inputs) `)`)? `outs` `(` $inits `:` type($inits) `)` attr-dict-with-keyword
    $body `->` type($results)
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    // Result types are those of `inits`; `emit` gets the builder inside the body and the block arguments in three groups.
    OpBuilder<(ins "::mlir::ValueRange":$sizes, "::mlir::ValueRange":$inputs, "::mlir::ValueRange":$inits,
      "::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::mlir::ValueRange, ::mlir::ValueRange, ::mlir::ValueRange)>":$emit)>
  ];
  let hasVerifier = 1;
}

def Exec_FaultOp : Exec_Op<"fault", [MemoryEffects<[MemWrite]>]> {
  let summary = "Reports a value that the caller must not give (an index out of range)";
  let description = [{
    Inside a kernel: when `condition` (i1) is true, the run ends with a status after this launch. `code` and `value` say what. The kernel goes on,
    so it must not use the bad value (clamp it first). Codes are in runtime/include/nnccrt/abi.h.
  }];
  let arguments = (ins I1:$condition, I64Attr:$code, AnyTypeOf<[Index, I64]>:$value);
  let assemblyFormat = "$condition `,` $code `,` $value attr-dict `:` type($value)";
}

def Exec_CheckOp : Exec_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "In the schedule: ends the run with a status unless `condition` holds";
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Roots that linalg has no name for
//===----------------------------------------------------------------------------------------------------------------------===//

defvar contractionText = [{
    Element types: f16, bf16 and f32 are accumulated in f32, f64 in f64, and the result has the type of the operands or of the
    accumulator; i8 and i16 (also mixed; an `_unsigned` attribute says how to widen them) give i32, exact modulo 2^32; i32 and i64 give
    their own type. The elements of one sum are added in the order of K at every level of optimisation.

    `packed` is set by --exec-pack-weights: the right operand is then in panels, and `packed` is the shape that it had before.
    What may be fused behind it in one kernel: linalg.generics with parallel dims only, in which results and whatever the kernel computes
    have the identity map and other operands are broadcast along any dims, their innermost dim, if not broadcast, being the
    result's.
  }];

class Exec_ContractionOp<string mnemonic, list<Trait> traits = []> : Exec_Op<mnemonic, [Pure] # traits> {
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

def Exec_MatMulOp : Exec_ContractionOp<"matmul"> {
  let summary = "Batched matrix product";
  let description = [{
    `lhs` is B1 x .. x M x K and `rhs` is B1' x .. x K x N (`transpose_rhs`: N x K); batch dims are equal, or 1, or `rhs` is a plain matrix;
    the result is B1 x .. x M x N. `init` only gives its shape.
  }] # contractionText;
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, AnyRankedTensor:$init, UnitAttr:$transpose_rhs,
                       UnitAttr:$lhs_unsigned, UnitAttr:$rhs_unsigned, OptionalAttr<DenseI64ArrayAttr>:$packed);
  let assemblyFormat = [{
    $lhs `,` $rhs `outs` `(` $init `)` attr-dict `:` type($lhs) `,` type($rhs) `,` type($init) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// The shape of rhs, as it was before packing.
    ::llvm::ArrayRef<int64_t> getRhsShape();
  }];
}

def Exec_ConvOp : Exec_ContractionOp<"conv", [AttrSizedOperandSegments]> {
  let summary = "Convolution of channels-last data";
  let description = [{
    `input` is N x D1..Dk x C, `filter` is G x K1..Kk x C/G x O/G (k = 1, 2 or 3), the result N x E1..Ek x O. `bias`, if present, is O and has
    the result's element type. `init` only gives its shape. Pads are (begins, ends), none negative; outside the input counts as
    `outside` (the zero point of a quantised input), zero if absent. What is read outside is never touched in memory.
  }] # contractionText;
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$filter, Optional<AnyRankedTensor>:$bias, Optional<AnySignlessInteger>:$outside,
                       AnyRankedTensor:$init, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       I64Attr:$groups, UnitAttr:$input_unsigned, UnitAttr:$filter_unsigned,
                       OptionalAttr<DenseI64ArrayAttr>:$packed);
  let assemblyFormat = [{
    $input `,` $filter (`bias` `(` $bias^ `:` type($bias) `)`)? (`outside` `(` $outside^ `:` type($outside) `)`)? `outs` `(` $init `)`
    attr-dict `:` type($input) `,` type($filter) `,` type($init) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// The shape of the filter, as it was before packing.
    ::llvm::ArrayRef<int64_t> getFilterShape();
    /// K1..Kk.
    ::llvm::ArrayRef<int64_t> getKernelShape() { return getFilterShape().drop_front().drop_back(2); }
    /// Whether a vector holds the results of several groups: they are so small, and fill it evenly. Then panels go across groups.
    bool hasNarrowGroups() { return hasNarrowGroups(getFilterShape(), getGroups()); }
    static bool hasNarrowGroups(::llvm::ArrayRef<int64_t> filter, int64_t groups);
  }];
}

def Exec_AttentionOp : Exec_Op<"attention", [Pure, DestinationStyleOpInterface]> {
  let summary = "Scaled dot-product attention, as one kernel";
  let description = [{
    The meaning is that of nn.attention: softmax over the keys n of scale * Q K^T + masks, times V, over batch dims b.., rows m, depth d
    and columns e. `indexing_maps` (Support/AttentionMaps.h) are those of query, key, value, the masks and the result; each may have its own order
    of dims, so that a kernel reads heads where the projections left them. No score reaches memory that others see.

    f16, bf16, f32 or f64; scores and weights are of the type that sums have. `init` only gives the shape. A kernel for a CPU exists
    where `isFusable`, one for a GPU always; elsewhere, and at level 0, --exec-decompose-attention makes products and rows of it.

    ```mlir
    %0 = exec.attention %q, %k, %v outs(%init) {indexing_maps = [affine_map<(h, m, n, d, e) -> (0, m, h, d)>, ..], scale = 1.250000e-01 : f64}
      : tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32> -> tensor<1x128x12x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key, AnyRankedTensor:$value, Variadic<AnyRankedTensor>:$masks,
                       AnyRankedTensor:$init, AffineMapArrayAttr:$indexing_maps, F64Attr:$scale, UnitAttr:$nan_as_zero);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`masks` `(` $masks^ `:` type($masks) `)`)? `outs` `(` $init `)` attr-dict `:` type($query) `,` type($key) `,`
    type($value) `,` type($init) `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Those of query, key, value, the masks, and the result.
    ::llvm::SmallVector<::mlir::AffineMap> getMaps();
    /// The types of the same tensors.
    ::llvm::SmallVector<::mlir::RankedTensorType> getTensorTypes();
    /// Rows, keys, depth and columns, ShapedType::kDynamic where one is not known.
    int64_t getDimSize(unsigned dim);
    /// Whether one kernel of a CPU computes it well: f32, of known depth and columns that are neither empty nor very many; query, result and masks that
    /// have their innermost dims last; and so many rows (if their number is known) that they fill the lanes of a vector. A row alone, as when a
    /// text is continued word by word, is a product with a vector: memory decides, and the lanes are better keys.
    bool isFusable();
  }];
  let hasVerifier = 1;
}

def Exec_RecurrenceOp : Exec_Op<"recurrence", [Pure, AttrSizedOperandSegments, DestinationStyleOpInterface]> {
  let summary = "A recurrent layer: all steps in time, as one kernel";
  let description = [{
    T times, B rows, D directions, H units (`hidden`), G gates (the sum of `gates`), N parameters and S states. For each direction, each row and
    each time, from the first to the last or, where `reverse` says so, from the last to the first:

        vector = state 0
        for each phase i:
          sums = vector * weights[i]                  gates[i] numbers a unit
          values = phase i (inputs, sums, parameters, states, values of the phase before)
          vector = value 0
        states = values

    The region of a phase is the arithmetic of one unit: elementwise ops on scalars of the element type, f32 or f64, with G + gates[i] + N
    + S arguments and those of the phase before; it ends with exec.yield. There are one or two phases (a GRU that resets its state before
    the product has two).

    ```mlir
    %y, %h = exec.recurrence (%x) weights(%r) outs(%y0, %h0) {gates = array<i64: 1>, hidden = 8, reverse = array<i1: false>} {
    ^bb0(%input: f32, %sum: f32, %state: f32):
      %0 = arith.addf %input, %sum : f32
      %1 = math.tanh %0 : f32
      exec.yield %1 : f32
    }
    ```

    `input` is T x B x D*G*H, weights[i] is D x H x gates[i]*H, `parameters` D x N x H. `initial` has a D x B x H for each state, or nothing: zeros.
    The results are the sequence of state 0, T x D x B x H, and each state after the last step, D x B x H. With `batch_major` they are B x T x
    .., B x D x H and B x T x D x H. `inits` only give shapes. A row that has a length (`lengths`, B, in [0, T]) goes that far, and starts there
    when it is reversed; behind it the sequence is zero.

    `packed` is set by --exec-pack-weights: weights[i] is then in panels, as that of D matrix products.
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<AnyRankedTensor>:$weights, Optional<AnyRankedTensor>:$parameters,
                       Variadic<AnyRankedTensor>:$initial, Optional<AnyRankedTensor>:$lengths, Variadic<AnyRankedTensor>:$inits,
                       DenseI64ArrayAttr:$gates, I64Attr:$hidden, DenseBoolArrayAttr:$reverse, UnitAttr:$batch_major, UnitAttr:$packed);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region VariadicRegion<SizedRegion<1>>:$phases);
  let assemblyFormat = [{
    `(` $input `:` type($input) `)` `weights` `(` $weights `:` type($weights) `)` (`parameters` `(` $parameters^ `:` type($parameters) `)`)?
    (`initial` `(` $initial^ `:` type($initial) `)`)? (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict-with-keyword $phases `->` type($results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    int64_t getNumDirections() { return getReverse().size(); }
    int64_t getNumStates() { return getInits().size() - 1; }
    /// Gates of all phases.
    int64_t getNumGates();
    ::mlir::FloatType getElementType();
    /// The shape of weights `phase`, as it was before packing.
    ::llvm::SmallVector<int64_t> getWeightShape(unsigned phase);
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory of the schedule (behind PlanMemory)
//===----------------------------------------------------------------------------------------------------------------------===//

def Exec_BufferOp : Exec_Op<"buffer", [Pure]> {
  let summary = "A planned buffer in the arena";
  let description = [{
    At the byte `offset` of the arena when the plan is static; else at the offset that the runtime chose for plan slot `slot` from the
    sizes that the model's size function computed.
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$slot, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "(`offset` $offset^)? (`slot` $slot^)? `(` $sizes `)` attr-dict `:` type($result)";
}

def Exec_ViewOp : Exec_Op<"view", [Pure]> {
  let summary = "The elements of a buffer under another shape";
  let description = "As many elements, in the same order. `sizes`, one for each dynamic dim of the result.";
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$source `(` $sizes `)` attr-dict `:` type($source) `to` type($result)";
}

def Exec_AllocOp : Exec_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A buffer whose size is known only now; lives until the enclosing exec.release (or the end of the run)";
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($result)";
}

def Exec_MarkOp : Exec_Op<"mark", [MemoryEffects<[MemAlloc]>]> {
  let summary = "Remembers how much is allocated";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Exec_ReleaseOp : Exec_Op<"release", [MemoryEffects<[MemFree]>]> {
  let summary = "Gives back what was allocated since the mark";
  let arguments = (ins Index:$mark);
  let assemblyFormat = "$mark attr-dict";
}

def Exec_CarryOp : Exec_Op<"carry", [MemoryEffects<[MemAlloc, MemWrite]>]> {
  let summary = "A copy of `source` in a growing buffer of its own, that a loop carries";
  let description = [{
    Carried value `id` of the model has two buffers that grow as needed and survive exec.release; a carry writes the one that
    it did not write last, so the old and the new value of one iteration coexist.
  }];
  let arguments = (ins I64Attr:$id, AnyMemRef:$source);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$id `,` $source attr-dict `:` type($source) `->` type($result)";
}

def Exec_OutputOp : Exec_Op<"output", [MemoryEffects<[MemAlloc]>]> {
  let summary = "The buffer of output `index`, of these sizes";
  let arguments = (ins I64Attr:$index, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$index `(` $sizes `)` attr-dict `:` type($result)";
}

def Exec_CopyOp : Exec_Op<"copy", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Copies all elements between two contiguous buffers of the same shape";
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$target);
  let assemblyFormat = "$source `to` $target attr-dict `:` type($source) `to` type($target)";
}

#endif // NNCC_DIALECT_EXEC_IR_EXECOPS_TD
