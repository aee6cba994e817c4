//===- NNDialect.cpp - the nn dialect, its attributes and types -----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/NNOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::nn;

#include "nncc/Dialect/NN/IR/NNDialect.cpp.inc"
#include "nncc/Dialect/NN/IR/NNEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "nncc/Dialect/NN/IR/NNAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "nncc/Dialect/NN/IR/NNTypes.cpp.inc"

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "nncc/Dialect/NN/IR/NNAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "nncc/Dialect/NN/IR/NNTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Attention.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Control.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Convolution.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Elementwise.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/MatMul.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Normalization.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Pooling.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Quantization.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Recurrent.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Reduction.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Selection.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Tensor.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/IR/Vision.cpp.inc"
      >();
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  return elements && elements.getType() == type ? ConstantOp::create(builder, loc, type, elements) : nullptr;
}

LogicalResult DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  if (getNames().size() != shape.size())
    return emitError() << "has rank " << shape.size() << " but names " << getNames().size() << " dims";
  for (auto [name, size] : llvm::zip_equal(getNames(), shape))
    if (!name.getValue().empty() && !ShapedType::isDynamic(size))
      return emitError() << "names a static dim '" << name.getValue() << "'";
  return success();
}

bool nncc::nn::areCompatibleTypes(TypeRange inferred, TypeRange declared) {
  return inferred.size() == declared.size() && llvm::all_of(llvm::zip_equal(inferred, declared), [](auto pair) {
           auto [a, b] = pair;
           auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
           if (!first || !second)
             return a == b;
           return first.getElementType() == second.getElementType() && succeeded(verifyCompatibleShape(first, second));
         });
}
