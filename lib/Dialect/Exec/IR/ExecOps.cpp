//===- ExecOps.cpp - the exec dialect -------------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "llvm/Support/MathExtras.h"

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
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/Exec/IR/ExecLines.cpp.inc"
      >();
}

int64_t nncc::exec::getElementBytes(Type element) {
  if (auto complex = dyn_cast<ComplexType>(element))
    return 2 * getElementBytes(complex.getElementType());
  return element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

LogicalResult InputOp::verify() {
  auto type = cast<ShapedType>(getType());
  if (type.getNumDynamicDims() != getSizes().size())
    return emitOpError("has ") << getSizes().size() << " sizes for the dynamic dims of " << type;
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------------------------------------------------------===//

KernelOp KernelOp::createEmpty(OpBuilder &b, Location loc, StringRef name, FunctionType type) {
  auto kernel = create(b, loc, b.getStringAttr(name), TypeAttr::get(type), /*may_alias=*/nullptr,
                       /*must_alias=*/nullptr, /*host=*/nullptr, /*arg_attrs=*/nullptr,
                       /*res_attrs=*/nullptr);
  kernel.getBody().emplaceBlock().addArguments(type.getInputs(), SmallVector<Location>(type.getNumInputs(), loc));
  return kernel;
}

int64_t KernelOp::getAlias(unsigned number) {
  if (auto must = getMustAlias(); must && (*must)[number] >= 0)
    return (*must)[number];
  return getMayAlias() ? (*getMayAlias())[number] : -1;
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto build = [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
                  function_interface_impl::VariadicFlag,
                  std::string &) { return builder.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false,
                                                  getFunctionTypeAttrName(result.name), build,
                                                  getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
                                           getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult KernelOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("must end with exec.yield");
  if (yield.getOperandTypes() != TypeRange(getFunctionType().getResults()))
    return emitOpError("yields ") << yield.getOperandTypes() << " but its type says " << getFunctionType().getResults();
  ArrayRef<Type> inputs = getFunctionType().getInputs();
  for (auto aliases : {getMayAlias(), getMustAlias()}) {
    if (aliases && aliases->size() != getFunctionType().getNumResults())
      return emitOpError("has ") << aliases->size() << " aliases for " << getFunctionType().getNumResults()
                                 << " results";
    for (int64_t alias : aliases.value_or(ArrayRef<int64_t>()))
      if (alias < -1 || alias >= int64_t(inputs.size()) || (alias >= 0 && !isa<RankedTensorType>(inputs[alias])))
        return emitOpError("has the alias ") << alias << ", which is no argument with a buffer";
  }
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
  if (type.getNumInputs() != getInputs().size() ||
      type.getNumResults() != (onTensors ? getNumResults() : getOutputs().size()))
    return emitOpError("has other operands than ") << getKernelAttr() << ", of type " << type;
  auto matches = [](Type given, Type wanted) {
    if (auto memref = dyn_cast<MemRefType>(given))
      return isa<RankedTensorType>(wanted) &&
             memref.getElementType() == cast<RankedTensorType>(wanted).getElementType() &&
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
  state.getOrAddProperties<Properties>().operandSegmentSizes = {int32_t(sizes.size()), int32_t(inputs.size()),
                                                                int32_t(inits.size())};
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

//===----------------------------------------------------------------------------------------------------------------------===//
// MatMulOp, ConvOp
//===----------------------------------------------------------------------------------------------------------------------===//

/// Whether two static or dynamic sizes can be equal.
static bool sizesAgree(int64_t left, int64_t right) {
  return left == right || ShapedType::isDynamic(left) || ShapedType::isDynamic(right);
}

/// The element types that a contraction takes: see its description.
static LogicalResult verifyContractionTypes(Operation *op, Type left, Type right, Type result, bool isUnsigned) {
  bool isSmallInteger = left.isInteger(8) || left.isInteger(16);
  if (isSmallInteger && (right.isInteger(8) || right.isInteger(16))) {
    if (!result.isInteger(32))
      return op->emitOpError("multiplies ") << left << " by " << right << ", which gives i32, not " << result;
    return success();
  }
  if (isUnsigned)
    return op->emitOpError("says how to widen operands of ") << left << " and " << right << ", which are not widened";
  bool isWidened = (left.isF16() || left.isBF16()) && result.isF32();
  bool isKnown =
      left.isF16() || left.isBF16() || left.isF32() || left.isF64() || left.isInteger(32) || left.isInteger(64);
  if (left != right || !isKnown || (result != left && !isWidened))
    return op->emitOpError("cannot multiply ") << left << " by " << right << " to give " << result;
  return success();
}

int64_t nncc::exec::getElementsPerStep(Operation *contraction) {
  auto elementOf = [&](unsigned operand) {
    return cast<RankedTensorType>(contraction->getOperand(operand).getType()).getElementType();
  };
  Type left = elementOf(0), right = elementOf(1);
  auto conv = dyn_cast<ConvOp>(contraction);
  if (conv && conv.hasNarrowGroups())
    return 1;
  if (left.isInteger(8) && right.isInteger(8))
    return 4;
  auto matmul = dyn_cast<MatMulOp>(contraction);
  bool isUnsigned =
      conv ? conv.getInputUnsigned() || conv.getFilterUnsigned() : matmul.getLhsUnsigned() || matmul.getRhsUnsigned();
  return left.isInteger(16) && right.isInteger(16) && !isUnsigned ? 2 : 1;
}

ArrayRef<int64_t> MatMulOp::getRhsShape() { return getPacked() ? *getPacked() : getRhs().getType().getShape(); }

LogicalResult MatMulOp::verify() {
  RankedTensorType lhs = getLhs().getType(), result = getType();
  ArrayRef<int64_t> rhs = getRhsShape();
  if (getInit().getType() != result)
    return emitOpError("has the result ") << result << " but outs of " << getInit().getType();
  if (failed(verifyContractionTypes(*this, lhs.getElementType(), getRhs().getType().getElementType(),
                                    result.getElementType(), getLhsUnsigned() || getRhsUnsigned())))
    return failure();
  int64_t rank = result.getRank();
  if (rank < 2 || lhs.getRank() != rank || (int64_t(rhs.size()) != rank && rhs.size() != 2))
    return emitOpError("has operands of rank ")
           << lhs.getRank() << " and " << rhs.size() << " and a result of rank " << rank;
  ArrayRef<int64_t> rhsMatrix = rhs.take_back(2);
  int64_t rhsRows = rhsMatrix[getTransposeRhs()], rhsColumns = rhsMatrix[!getTransposeRhs()];
  if (!sizesAgree(lhs.getDimSize(rank - 1), rhsRows) ||
      !sizesAgree(lhs.getDimSize(rank - 2), result.getDimSize(rank - 2)) ||
      !sizesAgree(rhsColumns, result.getDimSize(rank - 1)))
    return emitOpError("cannot multiply ") << lhs << " by a right operand of shape [" << rhs << "] to give " << result;
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t left = lhs.getDimSize(i), right = rhs.size() == 2 ? 1 : rhs[i];
    if ((left != 1 && !sizesAgree(left, result.getDimSize(i))) ||
        (right != 1 && !sizesAgree(right, result.getDimSize(i))))
      return emitOpError("has batch dim ")
             << i << " of sizes " << left << " and " << right << ", and " << result.getDimSize(i) << " in the result";
  }
  return success();
}

ArrayRef<int64_t> ConvOp::getFilterShape() { return getPacked() ? *getPacked() : getFilter().getType().getShape(); }

bool ConvOp::hasNarrowGroups(ArrayRef<int64_t> filter, int64_t groups) {
  int64_t inputs = filter[filter.size() - 2], outputs = filter.back();
  return groups > 1 && outputs > 0 && outputs <= 8 && llvm::isPowerOf2_64(outputs) && inputs <= 2 * outputs;
}

LogicalResult ConvOp::verify() {
  RankedTensorType input = getInput().getType(), result = getType();
  ArrayRef<int64_t> filter = getFilterShape();
  int64_t spatial = input.getRank() - 2, groups = getGroups();
  if (getInit().getType() != result)
    return emitOpError("has the result ") << result << " but outs of " << getInit().getType();
  if (failed(verifyContractionTypes(*this, input.getElementType(), getFilter().getType().getElementType(),
                                    result.getElementType(), getInputUnsigned() || getFilterUnsigned())))
    return failure();
  if (spatial < 1 || spatial > 3 || result.getRank() != input.getRank() || int64_t(filter.size()) != spatial + 3)
    return emitOpError("has an input of rank ")
           << input.getRank() << ", a filter of rank " << filter.size() << " and a result of rank " << result.getRank();
  if (int64_t(getStrides().size()) != spatial || int64_t(getDilations().size()) != spatial ||
      int64_t(getPads().size()) != 2 * spatial)
    return emitOpError("needs ") << spatial << " strides, " << spatial << " dilations and " << 2 * spatial << " pads";
  auto isPositive = [](int64_t value) { return value > 0; };
  if (!llvm::all_of(getStrides(), isPositive) || !llvm::all_of(getDilations(), isPositive) || groups < 1 ||
      llvm::any_of(getPads(), [](int64_t pad) { return pad < 0; }))
    return emitOpError("needs positive strides, dilations and groups, and no negative pads");
  if (getOutside() && getOutside().getType() != input.getElementType())
    return emitOpError("has an outside of ")
           << getOutside().getType() << " around an input of " << input.getElementType();
  auto times = [&](int64_t size) { return ShapedType::isDynamic(size) ? size : size * groups; };
  int64_t outputs = result.getDimSize(spatial + 1);
  if (!sizesAgree(filter.front(), groups) || !sizesAgree(times(filter[spatial + 1]), input.getDimSize(spatial + 1)) ||
      !sizesAgree(times(filter[spatial + 2]), outputs) || !sizesAgree(input.getDimSize(0), result.getDimSize(0)))
    return emitOpError("cannot apply a filter of shape [")
           << filter << "] in " << groups << " groups to " << input << " to give " << result;
  if (getBias() && (getBias().getType().getRank() != 1 || !sizesAgree(getBias().getType().getDimSize(0), outputs) ||
                    getBias().getType().getElementType() != result.getElementType()))
    return emitOpError("has a bias of ") << getBias().getType() << " for a result of " << result;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t size = input.getDimSize(i + 1), taps = filter[i + 1], given = result.getDimSize(i + 1);
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(taps) || ShapedType::isDynamic(given))
      continue;
    int64_t room = size + getPads()[i] + getPads()[i + spatial] - (getDilations()[i] * (taps - 1) + 1);
    int64_t wanted = room < 0 ? 0 : room / getStrides()[i] + 1;
    if (given != wanted)
      return emitOpError("has ") << given << " positions along spatial dim " << i << " of its result, expected "
                                 << wanted;
  }
  return success();
}
