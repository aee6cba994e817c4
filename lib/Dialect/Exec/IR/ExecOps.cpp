//===- ExecOps.cpp - the exec dialect -------------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace nncc::exec;

#include "nncc/Dialect/Exec/IR/ExecDialect.cpp.inc"
#include "nncc/Dialect/Exec/IR/ExecEnums.cpp.inc"
#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/IR/ExecOps.cpp.inc"

void ExecDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/Exec/IR/ExecOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------------------------------------------------------===//

KernelOp KernelOp::createEmpty(OpBuilder &b, Location loc, StringRef name, FunctionType type) {
  auto kernel = create(b, loc, b.getStringAttr(name), TypeAttr::get(type), /*may_alias=*/nullptr, /*arg_attrs=*/nullptr,
                       /*res_attrs=*/nullptr);
  kernel.getBody().emplaceBlock().addArguments(type.getInputs(), SmallVector<Location>(type.getNumInputs(), loc));
  return kernel;
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto build = [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results, function_interface_impl::VariadicFlag,
                  std::string &) { return builder.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name),
                                                  build, getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}

LogicalResult KernelOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("must end with exec.yield");
  if (yield.getOperandTypes() != TypeRange(getFunctionType().getResults()))
    return emitOpError("yields ") << yield.getOperandTypes() << " but its type says " << getFunctionType().getResults();
  if (auto alias = getMayAlias(); alias && alias->size() != getFunctionType().getNumResults())
    return emitOpError("has ") << alias->size() << " entries of may_alias for " << getFunctionType().getNumResults() << " results";
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// LaunchOp
//===----------------------------------------------------------------------------------------------------------------------===//

KernelOp LaunchOp::lookupKernel(SymbolTableCollection *tables) {
  if (tables)
    return tables->lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  return SymbolTable::lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &tables) {
  KernelOp kernel = lookupKernel(&tables);
  if (!kernel)
    return emitOpError("launches ") << getKernelAttr() << ", which is no kernel";
  FunctionType type = kernel.getFunctionType();
  bool onTensors = getOutputs().empty();
  if (type.getNumInputs() != getInputs().size() || type.getNumResults() != (onTensors ? getNumResults() : getOutputs().size()))
    return emitOpError("has other operands than ") << getKernelAttr() << ", of type " << type;
  auto matches = [](Type given, Type wanted) {
    if (auto memref = dyn_cast<MemRefType>(given))
      return isa<RankedTensorType>(wanted) && memref.getElementType() == cast<RankedTensorType>(wanted).getElementType() &&
             memref.getShape() == cast<RankedTensorType>(wanted).getShape();
    return given == wanted;
  };
  for (auto [operand, wanted] : llvm::zip_equal(getInputs(), type.getInputs()))
    if (!matches(operand.getType(), wanted))
      return emitOpError("passes ") << operand.getType() << " where " << getKernelAttr() << " takes " << wanted;
  if (onTensors ? getResultTypes() != TypeRange(type.getResults())
                : !llvm::all_of(llvm::zip_equal(getOutputs(), type.getResults()),
                                [&](auto pair) { return matches(std::get<0>(pair).getType(), std::get<1>(pair)); }))
    return emitOpError("has other results than ") << getKernelAttr() << ", of type " << type;
  return success();
}

void LaunchOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getInputsMutable())
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : getOutputsMutable())
    effects.emplace_back(MemoryEffects::Write::get(), &operand);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// GridOp
//===----------------------------------------------------------------------------------------------------------------------===//

static MemRefType memrefOf(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

void GridOp::build(OpBuilder &b, OperationState &state, ValueRange sizes, ValueRange inputs, ValueRange inits,
                   function_ref<void(OpBuilder &, Location, ValueRange, ValueRange, ValueRange)> emit) {
  state.addOperands(sizes);
  state.addOperands(inputs);
  state.addOperands(inits);
  state.addTypes(inits.getTypes());
  state.getOrAddProperties<Properties>().operandSegmentSizes = {int32_t(sizes.size()), int32_t(inputs.size()), int32_t(inits.size())};
  Region *region = state.addRegion();
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(sizes.getTypes());
  for (Value value : llvm::concat<Value>(SmallVector<Value>(inputs), SmallVector<Value>(inits)))
    types.push_back(memrefOf(value.getType()));
  Block *block = b.createBlock(region, {}, types, SmallVector<Location>(types.size(), state.location));
  ValueRange arguments = block->getArguments();
  emit(b, state.location, arguments.take_front(sizes.size()), arguments.slice(sizes.size(), inputs.size()),
       arguments.take_back(inits.size()));
  YieldOp::create(b, state.location);
}

LogicalResult GridOp::verify() {
  if (getInits().getTypes() != getResultTypes())
    return emitOpError("has results of other types than outs");
  SmallVector<Type> wanted(getSizes().getTypes());
  for (Value value : getInputs())
    wanted.push_back(memrefOf(value.getType()));
  for (Value value : getInits())
    wanted.push_back(memrefOf(value.getType()));
  Block &block = getBody().front();
  if (block.getArgumentTypes() != TypeRange(wanted))
    return emitOpError("has a body for ") << block.getArgumentTypes() << ", expected " << TypeRange(wanted);
  if (!isa<YieldOp>(block.getTerminator()))
    return emitOpError("must have a body that ends with exec.yield");
  return success();
}
