//===- Lowering.cpp - sizes and loop nests for all families ---------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/Broadcast.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nncc {

Type convertElementType(Type type) {
  if (isSmallFloat(type))
    return IntegerType::get(type.getContext(), 8);
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? IntegerType::get(type.getContext(), std::max(integer.getWidth(), 8u)) : type;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------------------------------------------------------===//

Value constantIndex(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value asIndex(OpBuilder &b, Location loc, OpFoldResult size) { return getValueOrCreateConstantIndexOp(b, loc, size); }

static Value sizeArithmetic(OpBuilder &b, Location loc, StringRef op, Value x, Value y) {
  if (op == "+")
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  if (op == "*")
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  if (op == "floordiv")
    return b.createOrFold<arith::FloorDivSIOp>(loc, x, y);
  if (op == "ceildiv")
    return b.createOrFold<arith::CeilDivSIOp>(loc, x, y);
  if (op == "mod") // of sizes: x - floordiv(x, y) * y
    return b.createOrFold<arith::SubIOp>(
        loc, x, b.createOrFold<arith::MulIOp>(loc, b.createOrFold<arith::FloorDivSIOp>(loc, x, y), y));
  if (op == "min")
    return b.createOrFold<arith::MinSIOp>(loc, x, y);
  return b.createOrFold<arith::MaxSIOp>(loc, x, y);
}

OpFoldResult materialize(OpBuilder &b, Location loc, const nn::Dim &dim) {
  if (dim.isStatic())
    return b.getIndexAttr(dim.getStatic());
  return dim.evaluate<Value>(
      [&](int64_t value) { return constantIndex(b, loc, value); },
      [&](StringRef name) -> Value { return exec::SymbolOp::create(b, loc, b.getStringAttr(name)); },
      [&](StringRef op, Value x, Value y) { return sizeArithmetic(b, loc, op, x, y); });
}

OpFoldResult sizeOf(OpBuilder &b, Location loc, Value original, Value converted, int64_t index) {
  nn::Dim dim = nn::Dim::of(nn::typeOf(original), index);
  if (!dim.isUnknown())
    return materialize(b, loc, dim);
  return tensor::getMixedSize(b, loc, converted, index);
}

Sizes sizesOf(OpBuilder &b, Location loc, Value original, Value converted) {
  Sizes sizes;
  for (int64_t i = 0; i < nn::typeOf(original).getRank(); ++i)
    sizes.push_back(sizeOf(b, loc, original, converted, i));
  return sizes;
}

static OpFoldResult foldSizes(OpBuilder &b, Location loc, StringRef op, OpFoldResult x, OpFoldResult y) {
  Value result = sizeArithmetic(b, loc, op, asIndex(b, loc, x), asIndex(b, loc, y));
  if (std::optional<int64_t> number = getConstantIntValue(result))
    return b.getIndexAttr(*number);
  return result;
}

OpFoldResult addSizes(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  return foldSizes(b, loc, "+", x, y);
}

OpFoldResult mulSizes(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  return foldSizes(b, loc, "*", x, y);
}

OpFoldResult subSizes(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  return addSizes(b, loc, x, mulSizes(b, loc, y, b.getIndexAttr(-1)));
}

Value readElement(OpBuilder &b, Location loc, Value converted, ArrayRef<int64_t> indices) {
  SmallVector<Value> values = llvm::map_to_vector(indices, [&](int64_t index) { return constantIndex(b, loc, index); });
  return b.createOrFold<tensor::ExtractOp>(loc, converted, values);
}

Value countSteps(OpBuilder &b, Location loc, Value span, Value by) {
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1), minusOne = constantIndex(b, loc, -1);
  Value forward = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, by, zero);
  Value isZero = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, by, zero);
  Value divisor = b.createOrFold<arith::SelectOp>(loc, isZero, one, by);
  // One less than a step, in the direction of the step, rounds a division towards zero up.
  Value almost =
      b.createOrFold<arith::SubIOp>(loc, divisor, b.createOrFold<arith::SelectOp>(loc, forward, one, minusOne));
  return b.createOrFold<arith::DivSIOp>(loc, b.createOrFold<arith::AddIOp>(loc, span, almost), divisor);
}

OpFoldResult elementAsSize(OpBuilder &b, Location loc, Value original, Value converted, int64_t index) {
  if (std::optional<SmallVector<nn::Dim>> elements = nn::getShapeElements(original))
    if (!(*elements)[index].isUnknown())
      return materialize(b, loc, (*elements)[index]);
  SmallVector<int64_t> position(cast<RankedTensorType>(converted.getType()).getRank(), index);
  Value element = readElement(b, loc, converted, position);
  bool zeroExtend = nn::typeOf(original).getElementType().isUnsignedInteger();
  return zeroExtend ? arith::IndexCastUIOp::create(b, loc, b.getIndexType(), element).getResult()
                    : arith::IndexCastOp::create(b, loc, b.getIndexType(), element).getResult();
}

Value onlyElement(OpBuilder &b, Location loc, Value converted) {
  return readElement(b, loc, converted, SmallVector<int64_t>(cast<RankedTensorType>(converted.getType()).getRank(), 0));
}

OpFoldResult checkedSize(OpBuilder &b, Location loc, OpFoldResult size, StringRef message) {
  if (getConstantIntValue(size))
    return size;
  Value value = asIndex(b, loc, size);
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, value, constantIndex(b, loc, 0));
  exec::CheckOp::create(b, loc, fits, b.getStringAttr(message));
  return value;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Tensor computations
//===----------------------------------------------------------------------------------------------------------------------===//

Value emptyTensor(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(b, loc, sizes, elementType);
}

Value fillTensor(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value init = emptyTensor(b, loc, sizes, scalar.getType());
  return linalg::FillOp::create(b, loc, scalar, init).getResult(0);
}

Value mapElements(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type elementType,
                  ArrayRef<LoopOperand> operands, ElementBuilder body) {
  Value init = emptyTensor(b, loc, sizes, elementType);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const LoopOperand &operand : operands) {
    inputs.push_back(operand.tensor);
    maps.push_back(operand.map);
  }
  maps.push_back(b.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils_iterator> iterators(sizes.size(), utils_iterator::parallel);
  auto generic = linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps, iterators,
                                           [&](OpBuilder &nested, Location nestedLoc, ValueRange arguments) {
                                             linalg::YieldOp::create(nested, nestedLoc,
                                                                     body(nested, nestedLoc, arguments.drop_back()));
                                           });
  return generic.getResult(0);
}

Value generateElements(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type elementType,
                       ElementBuilder body) {
  return mapElements(b, loc, sizes, elementType, {}, [&](OpBuilder &nested, Location nestedLoc, ValueRange) {
    SmallVector<Value> point;
    for (size_t i = 0; i < sizes.size(); ++i)
      point.push_back(linalg::IndexOp::create(nested, nestedLoc, i));
    return body(nested, nestedLoc, point);
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------------------------------------------------------===//

static constexpr StringRef kDoNotBroadcast = "sizes of the operands do not broadcast";

namespace {
/// All operands' sizes at one dim of the result, counted from the back.
struct DimAcross {
  SmallVector<nn::Dim> dims;
  SmallVector<OpFoldResult> sizes;
};
} // namespace

/// Which of these sizes all others are that are not 1, as far as they broadcast at all; nothing where that is not known.
static std::optional<size_t> findCommon(ArrayRef<nn::Dim> dims) {
  std::optional<size_t> common;
  for (size_t i = 0; i < dims.size(); ++i)
    if (!common || dims[*common].isStatic(1) || isCapped(dims[*common], dims[i]))
      common = i;
  bool isCommon = common && llvm::all_of(llvm::enumerate(dims), [&](auto dim) {
                    return dim.index() == *common || dim.value().isStatic(1) || dim.value() == dims[*common] ||
                           isCapped(dim.value(), dims[*common]);
                  });
  return isCommon ? common : std::nullopt;
}

/// The size of a dim of the result: that of operand number `common`, which those that may be too long for a table have as well.
static OpFoldResult takeCommon(OpBuilder &b, Location loc, const DimAcross &across, size_t common) {
  for (auto [dim, size] : llvm::zip_equal(across.dims, across.sizes)) {
    if (!isCapped(dim, across.dims[common]))
      continue;
    Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, asIndex(b, loc, size),
                                       asIndex(b, loc, across.sizes[common]));
    exec::CheckOp::create(b, loc, same, b.getStringAttr(kDoNotBroadcast));
  }
  return across.sizes[common];
}

OpFoldResult broadcastSizeAtRunTime(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes) {
  Value one = constantIndex(b, loc, 1);
  Value result = asIndex(b, loc, sizes.front());
  for (OpFoldResult size : sizes.drop_front()) {
    Value other = asIndex(b, loc, size);
    Value resultIsOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, result, one);
    Value otherIsOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, other, one);
    Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, result, other);
    Value fits = arith::OrIOp::create(b, loc, same, arith::OrIOp::create(b, loc, resultIsOne, otherIsOne));
    exec::CheckOp::create(b, loc, fits, b.getStringAttr(kDoNotBroadcast));
    result = arith::SelectOp::create(b, loc, resultIsOne, other, result);
  }
  return result;
}

Sizes broadcastSizes(OpBuilder &b, Location loc, ValueRange originals, ValueRange converted) {
  int64_t rank = 0;
  for (Value original : originals)
    rank = std::max(rank, nn::typeOf(original).getRank());
  Sizes result;
  for (int64_t i = 0; i < rank; ++i) {
    DimAcross across;
    for (auto [original, value] : llvm::zip_equal(originals, converted)) {
      int64_t index = i - (rank - nn::typeOf(original).getRank());
      if (index < 0)
        continue;
      across.dims.push_back(nn::Dim::of(nn::typeOf(original), index));
      across.sizes.push_back(sizeOf(b, loc, original, value, index));
    }
    std::optional<size_t> common = findCommon(across.dims);
    result.push_back(common ? takeCommon(b, loc, across, *common) : broadcastSizeAtRunTime(b, loc, across.sizes));
  }
  return result;
}

LoopOperand broadcastOperand(OpBuilder &b, Location loc, Value original, Value converted, ArrayRef<OpFoldResult> sizes,
                             ArrayRef<nn::Dim> dims) {
  RankedTensorType type = nn::typeOf(original);
  int64_t rank = sizes.size(), shift = rank - type.getRank();
  SmallVector<AffineExpr> exprs;
  SmallVector<bool> mayBroadcast;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    nn::Dim dim = nn::Dim::of(type, i);
    bool isOne = dim.isStatic(1);
    exprs.push_back(isOne ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(i + shift));
    // `dims` is unknown where the operands do not agree: this one may be the 1 among them.
    mayBroadcast.push_back(!isOne && !dim.isStatic() && dim != dims[i + shift] && !isCapped(dim, dims[i + shift]));
  }
  auto map = AffineMap::get(rank, 0, exprs, b.getContext());
  if (llvm::none_of(mayBroadcast, [](bool may) { return may; }))
    return {converted, map};

  Value expanded = generateElements(b, loc, sizes, cast<RankedTensorType>(converted.getType()).getElementType(),
                                    [&](OpBuilder &nested, Location nestedLoc, ValueRange point) -> Value {
                                      SmallVector<Value> position;
                                      for (int64_t i = 0; i < type.getRank(); ++i) {
                                        Value zero = constantIndex(nested, nestedLoc, 0);
                                        Value at = type.getDimSize(i) == 1 ? zero : point[i + shift];
                                        if (mayBroadcast[i]) {
                                          Value size = tensor::DimOp::create(nested, nestedLoc, converted, i);
                                          Value isOne =
                                              arith::CmpIOp::create(nested, nestedLoc, arith::CmpIPredicate::eq, size,
                                                                    constantIndex(nested, nestedLoc, 1));
                                          at = arith::SelectOp::create(nested, nestedLoc, isOne, zero, at);
                                        }
                                        position.push_back(at);
                                      }
                                      return tensor::ExtractOp::create(nested, nestedLoc, converted, position);
                                    });
  return {expanded, b.getMultiDimIdentityMap(rank)};
}

/// The size of each result dim where all operands agree; unknown where they do not.
static SmallVector<nn::Dim> agreedDims(ValueRange originals, int64_t rank) {
  SmallVector<nn::Dim> result;
  for (int64_t i = 0; i < rank; ++i) {
    SmallVector<nn::Dim> across;
    for (Value original : originals)
      if (int64_t index = i - (rank - nn::typeOf(original).getRank()); index >= 0)
        across.push_back(nn::Dim::of(nn::typeOf(original), index));
    std::optional<size_t> common = findCommon(across);
    result.push_back(common ? across[*common] : nn::Dim::unknown());
  }
  return result;
}

/// True when at this dim a single operand is not the number 1, so that the result has its size, known or not.
static bool isOnlyOne(ValueRange originals, Value candidate, int64_t fromBack) {
  return llvm::all_of(originals, [&](Value original) {
    RankedTensorType type = nn::typeOf(original);
    return original == candidate || fromBack >= type.getRank() || type.getDimSize(type.getRank() - 1 - fromBack) == 1;
  });
}

Value mapBroadcast(OpBuilder &b, Location loc, ValueRange originals, ValueRange converted, Type elementType,
                   ElementBuilder body) {
  Sizes sizes = broadcastSizes(b, loc, originals, converted);
  int64_t rank = sizes.size();
  SmallVector<nn::Dim> dims = agreedDims(originals, rank);
  SmallVector<LoopOperand> operands;
  for (auto [original, value] : llvm::zip_equal(originals, converted)) {
    // An unknown size that nothing else competes with is the result's size; it equals nothing as a Dim, so drop it from the check by
    // taking the identity map there.
    RankedTensorType type = nn::typeOf(original);
    bool plain = true;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      nn::Dim dim = nn::Dim::of(type, i);
      int64_t shift = rank - type.getRank();
      plain &= dim.isStatic() || dim == dims[i + shift] || isCapped(dim, dims[i + shift]) ||
               isOnlyOne(originals, original, type.getRank() - 1 - i);
    }
    if (plain) {
      SmallVector<AffineExpr> exprs;
      for (int64_t i = 0; i < type.getRank(); ++i)
        exprs.push_back(type.getDimSize(i) == 1 ? b.getAffineConstantExpr(0)
                                                : b.getAffineDimExpr(i + rank - type.getRank()));
      operands.push_back({value, AffineMap::get(rank, 0, exprs, b.getContext())});
    } else {
      operands.push_back(broadcastOperand(b, loc, original, value, sizes, dims));
    }
  }
  return mapElements(b, loc, sizes, elementType, operands, body);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------------------------------------------------------===//

Value reshapeTensor(OpBuilder &b, Location loc, Value tensor, ArrayRef<OpFoldResult> sizes) {
  auto source = cast<RankedTensorType>(tensor.getType());
  auto [shape, dynamicSizes] = decomposeMixedValues(SmallVector<OpFoldResult>(sizes));
  auto target = RankedTensorType::get(shape, source.getElementType());
  if (source == target && source.hasStaticShape())
    return tensor;
  if (source.hasStaticShape() && target.hasStaticShape() && source.getRank() != target.getRank())
    if (std::optional<SmallVector<ReassociationIndices>> groups = getReassociationIndicesForReshape(source, target)) {
      if (source.getRank() > target.getRank())
        return tensor::CollapseShapeOp::create(b, loc, target, tensor, *groups);
      return tensor::ExpandShapeOp::create(b, loc, target, tensor, *groups);
    }
  // Through one dim. (A rank-0 tensor has no dims to group.)
  auto all = [](int64_t rank) {
    return SmallVector<ReassociationIndices>(rank ? 1 : 0, llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
  };
  Value flat = tensor;
  if (source.getRank() == 0)
    flat = tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get({1}, source.getElementType()), tensor,
                                         ArrayRef<ReassociationIndices>());
  else if (source.getRank() > 1)
    flat = tensor::CollapseShapeOp::create(b, loc, tensor, all(source.getRank()));
  if (target.getRank() == 1)
    return flat.getType() == target ? flat : tensor::CastOp::create(b, loc, target, flat).getResult();
  if (target.getRank() == 0) {
    auto one = RankedTensorType::get({1}, source.getElementType());
    if (flat.getType() != one)
      flat = tensor::CastOp::create(b, loc, one, flat);
    return tensor::CollapseShapeOp::create(b, loc, target, flat, ArrayRef<ReassociationIndices>());
  }
  if (target.hasStaticShape()) { // the verifier wants the flat size of a static result to be static too
    auto flatType = RankedTensorType::get({target.getNumElements()}, source.getElementType());
    if (flat.getType() != flatType)
      flat = tensor::CastOp::create(b, loc, flatType, flat);
  } else if (cast<RankedTensorType>(flat.getType()).hasStaticShape()) {
    flat = tensor::CastOp::create(b, loc, RankedTensorType::get({ShapedType::kDynamic}, source.getElementType()), flat);
  }
  return tensor::ExpandShapeOp::create(b, loc, target, flat, all(target.getRank()), sizes);
}

} // namespace nncc
