//===- NNDialect.td - dialect, attributes, types and enums of nn -------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_NNDIALECT_TD
#define NNCC_DIALECT_NN_IR_NNDIALECT_TD

include "nncc/Dialect/NN/IR/NNBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"

def NN_DimsAttr : AttrDef<NN_Dialect, "Dims", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "dims";
  let summary = "Sizes of a tensor's dynamic dims, as expressions of named symbols";
  let description = [{
    One entry a dim: "" for a static dim and for an unknown without a name, else a canonical expression (see `nn::Dim`).

    ```mlir
    tensor<?x8xf32, #nn.dims<"batch", "">>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names);
  let assemblyFormat = "`<` $names `>`";
}

def NN_StringType : TypeDef<NN_Dialect, "String"> {
  let mnemonic = "string";
  let summary = "Element type of tensors of text (UTF-8)";
}

#endif // NNCC_DIALECT_NN_IR_NNDIALECT_TD
