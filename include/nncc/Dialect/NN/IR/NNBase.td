//===- NNBase.td - what every family of the nn dialect builds on -------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_NNBASE_TD
#define NNCC_DIALECT_NN_IR_NNBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let summary = "What a model computes";
  let description = [{
    The `nn` dialect is a small, opset-free language of tensor operations: the importer absorbs every version of every ONNX
    operator, so that no pass behind it knows one. Values are ranked tensors of any ONNX element type. Signed integers are signless
    (`i8`), unsigned ones `ui8`, booleans `i1`, text `!nn.string`.

    The sizes that are not known at compile time are expressions of named symbols, kept in the encoding of the type:
    `tensor<?x?x768xf32, #nn.dims<"batch", "past + 1", "">>`. A static dim has the name "". A dynamic dim with the name "" is an
    unknown of its own, for example the number of elements that NonZero finds.
  }];
  let cppNamespace = "::nncc::nn";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

// Every family of ops states its result types by inference from its operands (nn::Dim arithmetic, see ShapeInference.h). All ops
// are pure: a model has no state.
class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)>;

// An op whose result types follow from operands and attributes. Implement `inferReturnTypes(MLIRContext *, std::optional<Location>,
// Adaptor, SmallVectorImpl<Type> &)`; it must emit an error and fail rather than assert, whatever the operands are. The declared type
// of a result may say less than the inferred one (a rewrite refined an operand), so compatible types are accepted.
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([InferTypeOpAdaptorBase<[{
        static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange declared) {
          return ::nncc::nn::areCompatibleTypes(inferred, declared);
        }
      }]>], traits)>;

def NN_Tensor : RankedTensorOf<[AnyType]>;
def NN_FloatTensor : RankedTensorOf<[AnyFloat]>;
def NN_IntTensor : RankedTensorOf<[AnyInteger]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
def NN_NumericTensor : RankedTensorOf<[AnyFloat, AnyInteger, AnyComplex]>;
// Shapes, axes, indices: 32- or 64-bit signed integers.
def NN_IndexTensor : RankedTensorOf<[I32, I64]>;
def NN_ScalarOrVector : RankedTensorOf<[AnyType]>;

#endif // NNCC_DIALECT_NN_IR_NNBASE_TD
