//===- ExecLines.td - sorts and scans ----------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_EXEC_IR_EXECLINES_TD
#define NNCC_DIALECT_EXEC_IR_EXECLINES_TD

include "nncc/Dialect/Exec/IR/ExecBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"

def Exec_SortOp : Exec_Op<"sort", [AttrSizedOperandSegments, DestinationStyleOpInterface]> {
  let summary = "The first elements of lines, in order";
  let description = [{
    For each point of the grid a line of `length` elements, numbered from 0. The region `key` gives, for the coordinates, the number of an element
    and a memref for each input, what the element is sorted by: any count of scalars, also none. The region `before` says for two elements of a line
    whether the first comes before the second; it gets the coordinates, both numbers, the keys of the first and of the second, and the inputs. It is
    a strict weak order; of two elements of which neither comes before the other the lower number does.

    Results: the numbers (i64) in order, and behind it, or not at all, a tensor for each key. Their coordinates are those of the point, with the
    place in the order at `axis`; of places there are at most `length`. `inits` only give shapes. Both regions may use index values and scalars from around.

    ```mlir
    %order, %best = exec.sort (%rows) length %n axis 1 ins(%x : tensor<?x?xf32>) outs(%o, %v : tensor<?x5xi64>, tensor<?x5xf32>) key {
    ^bb0(%row: index, %i: index, %in: memref<?x?xf32>):
      %0 = memref.load %in[%row, %i] : memref<?x?xf32>
      exec.yield %0 : f32
    } before {
    ^bb0(%row: index, %i: index, %j: index, %a: f32, %b: f32, %in: memref<?x?xf32>):
      %0 = arith.cmpf ogt, %a, %b : f32
      exec.yield %0 : i1
    } -> tensor<?x5xi64>, tensor<?x5xf32>
    ```
    Where tiles are threads, --exec-decompose-lines makes an exec.grid of it.
  }];
  let arguments = (ins Variadic<Index>:$sizes, Index:$length, Variadic<AnyRankedTensor>:$inputs, Variadic<AnyRankedTensor>:$inits,
                       I64Attr:$axis);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$key, SizedRegion<1>:$before);
  let assemblyFormat = [{
    `(` ($sizes^)? `)` `length` $length `axis` $axis (`ins` `(` $inputs^ `:` type($inputs) `)`)? `outs` `(` $inits `:` type($inits) `)`
    attr-dict-with-keyword `key` $key `before` $before `->` type($results)
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    // `key` and `before` get the builder inside and the block arguments as they are above, and give what the region yields.
    OpBuilder<(ins "::mlir::ValueRange":$sizes, "::mlir::Value":$length, "int64_t":$axis, "::mlir::ValueRange":$inputs, "::mlir::ValueRange":$inits,
      "::mlir::TypeRange":$keys, "::nncc::exec::LineBuilder":$key, "::nncc::exec::LineBuilder":$before)>
  ];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    ::mlir::TypeRange getKeyTypes() { return getKey().front().getTerminator()->getOperandTypes(); }
  }];
  let hasVerifier = 1;
}

def Exec_ScanOp : Exec_Op<"scan", [AttrSizedOperandSegments, DestinationStyleOpInterface]> {
  let summary = "Lines of sums so far";
  let description = [{
    For each point of the grid a line of `length` elements, which the region `element` computes from the coordinates, the number of the element and a
    memref for each input. Element i of the result is elements 0 to i joined by the region `combine`, which is associative (floating-point sums
    count as such) and gets what comes first as its first argument; with `exclusive` it is elements 0 to i - 1, and `neutral` where there is none; with
    `reverse` the line is gone along from its end. The result's coordinates are those of the point, with the number at `axis`, where it is as
    long as the line. `init` only gives its shape. The regions may use index values and scalars from around.

    ```mlir
    %sums = exec.scan (%rows) length %n axis 1 ins(%x : tensor<?x?xf32>) outs(%init : tensor<?x?xf32>) {neutral = 0.0 : f32} element {
    ^bb0(%row: index, %i: index, %in: memref<?x?xf32>):
      %0 = memref.load %in[%row, %i] : memref<?x?xf32>
      exec.yield %0 : f32
    } combine {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.addf %a, %b : f32
      exec.yield %0 : f32
    } -> tensor<?x?xf32>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, Index:$length, Variadic<AnyRankedTensor>:$inputs, AnyRankedTensor:$init, I64Attr:$axis,
                       TypedAttrInterface:$neutral, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$element, SizedRegion<1>:$combine);
  let assemblyFormat = [{
    `(` ($sizes^)? `)` `length` $length `axis` $axis (`ins` `(` $inputs^ `:` type($inputs) `)`)? `outs` `(` $init `:` type($init) `)`
    attr-dict-with-keyword `element` $element `combine` $combine `->` type($result)
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::ValueRange":$sizes, "::mlir::Value":$length, "int64_t":$axis, "::mlir::ValueRange":$inputs, "::mlir::Value":$init,
      "::mlir::TypedAttr":$neutral, "bool":$exclusive, "bool":$reverse, "::nncc::exec::LineBuilder":$element, "::nncc::exec::LineBuilder":$combine)>
  ];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let hasVerifier = 1;
}

#endif // NNCC_DIALECT_EXEC_IR_EXECLINES_TD
