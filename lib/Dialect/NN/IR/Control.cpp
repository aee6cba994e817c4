//===- Control.cpp - If, Loop and Scan of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Control.cpp.inc"

RankedTensorType nncc::nn::joinTypes(Type a, Type b) {
  auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
  if (!first || !second || first.getRank() != second.getRank() || first.getElementType() != second.getElementType())
    return nullptr;
  SmallVector<Dim> dims;
  for (auto [x, y] : llvm::zip_equal(getDims(first), getDims(second)))
    dims.push_back(x == y ? x : Dim::unknown());
  return makeTensorType(dims, first.getElementType());
}

using Complaint = function_ref<InFlightDiagnostic()>;

static LogicalResult checkOneElement(Operation *op, Value value, StringRef what) {
  auto type = value ? typeOf(value) : RankedTensorType();
  for (int64_t size : type ? type.getShape() : ArrayRef<int64_t>())
    if (size != 1 && !ShapedType::isDynamic(size))
      return op->emitOpError() << "has " << what << " of more or less than one element: " << type;
  return success();
}

/// Whether the results are what the regions make of them, as far as one can see.
template <typename OpTy> static LogicalResult verifyResults(OpTy op) {
  auto joined = op.joinTypes([&] { return op.emitOpError(); });
  if (failed(joined))
    return failure();
  for (auto [number, type, declared] : llvm::enumerate(*joined, op.getResultTypes()))
    if (!areCompatibleTypes(type, declared))
      return op.emitOpError() << "has the result " << declared << " at #" << number << ", which is to be " << type;
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// IfOp
//===----------------------------------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<RankedTensorType>> IfOp::joinTypes(Complaint complain) {
  auto valuesOf = [](Region &region) { return region.front().getTerminator()->getOperands(); };
  ValueRange yes = valuesOf(getThenRegion()), no = valuesOf(getElseRegion());
  if (yes.size() != getNumResults() || no.size() != getNumResults()) {
    complain() << "has " << getNumResults() << " results, but its branches yield " << yes.size() << " and "
               << no.size();
    return failure();
  }
  SmallVector<RankedTensorType> types;
  for (auto [a, b] : llvm::zip_equal(yes, no)) {
    types.push_back(nn::joinTypes(a.getType(), b.getType()));
    if (!types.back()) {
      complain() << "has branches that yield " << a.getType() << " and " << b.getType() << " for one result";
      return failure();
    }
  }
  return types;
}

LogicalResult IfOp::verify() {
  if (failed(checkOneElement(*this, getCondition(), "a condition")))
    return failure();
  return verifyResults(*this);
}

Operation *IfOp::replaceByBranch(bool taken) {
  Block &block = (taken ? getThenRegion() : getElseRegion()).front();
  Operation *yield = block.getTerminator(), *first = &block.front();
  for (auto [value, result] : llvm::zip_equal(yield->getOperands(), getResults()))
    result.replaceAllUsesWith(value);
  first = first == yield ? nullptr : first;
  yield->erase();
  Block *around = (*this)->getBlock();
  around->getOperations().splice(Block::iterator(*this), block.getOperations());
  erase();
  return first;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// LoopOp
//===----------------------------------------------------------------------------------------------------------------------===//

YieldOp LoopOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

/// A condition that is known.
static std::optional<bool> getKnown(Value condition) {
  std::optional<SmallVector<int64_t>> known = getConstantInts(condition);
  return known && known->size() == 1 ? std::optional(known->front() != 0) : std::nullopt;
}

bool LoopOp::isCounted() { return getTrips() && getKnown(getYield().getOperand(0)).value_or(false); }

Dim nncc::nn::getTripCount(Value trips, Value condition, Value again) {
  std::optional<bool> starts = condition ? getKnown(condition) : true;
  if (starts && !*starts)
    return 0;
  std::optional<SmallVector<Dim>> count = trips ? getShapeElements(trips) : std::nullopt;
  if (!starts || !getKnown(again).value_or(false) || !count || count->size() != 1)
    return Dim::unknown();
  return count->front().isAtLeast(0) ? count->front() : Dim::max(count->front(), 0);
}

/// A carried value has the type of the body's argument; a stack that of its elements and the number of iterations.
FailureOr<SmallVector<RankedTensorType>> LoopOp::joinTypes(Complaint complain) {
  Block &block = getBody().front();
  unsigned carried = getNumCarried();
  ValueRange yielded = block.getTerminator()->getOperands();
  if (block.getNumArguments() != 1 + carried || getNumResults() < carried || yielded.size() != 1 + getNumResults()) {
    complain() << "carries " << carried << " values and has " << getNumResults() << " results, but its body takes "
               << block.getNumArguments() << " values and yields " << yielded.size();
    return failure();
  }
  SmallVector<RankedTensorType> types;
  for (unsigned i = 0; i < carried; ++i) {
    Type got = block.getArgument(i + 1).getType();
    for (Type given : {getInits()[i].getType(), yielded[i + 1].getType()})
      if (!areCompatibleTypes(given, got)) {
        complain() << "carries " << got << ", which cannot become " << given;
        return failure();
      }
    types.push_back(cast<RankedTensorType>(got));
  }
  for (Value element : yielded.drop_front(1 + carried)) {
    SmallVector<Dim> dims{getTripCount(getTrips(), getCondition(), yielded.front())};
    llvm::append_range(dims, getDims(typeOf(element)));
    types.push_back(makeTensorType(dims, typeOf(element).getElementType()));
  }
  return types;
}

LogicalResult LoopOp::verify() {
  if (failed(verifyResults(*this)) || failed(checkOneElement(*this, getTrips(), "a number of trips")) ||
      failed(checkOneElement(*this, getCondition(), "a condition")))
    return failure();
  Block &block = getBody().front();
  if (!typeOf(getYield().getOperand(0)).getElementType().isInteger(1))
    return emitOpError() << "has a body that yields no condition, but " << getYield().getOperand(0).getType();
  if (!typeOf(block.getArgument(0)).getElementType().isInteger(64))
    return emitOpError() << "has a body that counts in " << block.getArgument(0).getType();
  if (failed(checkOneElement(*this, getYield().getOperand(0), "a condition")))
    return failure();
  return checkOneElement(*this, block.getArgument(0), "a number of the iteration");
}
