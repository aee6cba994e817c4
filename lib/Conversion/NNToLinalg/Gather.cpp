//===- Gather.cpp - gathers and scatters to loops -------------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/IR/GridLoops.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace nncc {
namespace {

Value dimOf(OpBuilder &b, Location loc, Value memref, int64_t index) {
  return memref::DimOp::create(b, loc, memref, index);
}

/// Loads, unless the memref may be empty: then the position is not valid, the run has a fault, and any value will do.
Value loadIfAny(OpBuilder &b, Location loc, Value memref, ValueRange position, RankedTensorType original) {
  if (original.hasStaticShape() && original.getNumElements() != 0)
    return memref::LoadOp::create(b, loc, memref, position);
  Value any = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  for (int64_t i = 0; i < original.getRank(); ++i)
    any = arith::AndIOp::create(
        b, loc, any,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, dimOf(b, loc, memref, i), constantIndex(b, loc, 0)));
  Type elementType = cast<MemRefType>(memref.getType()).getElementType();
  auto choice = scf::IfOp::create(b, loc, elementType, any, /*withElseRegion=*/true);
  OpBuilder yes = choice.getThenBodyBuilder(), no = choice.getElseBodyBuilder();
  scf::YieldOp::create(yes, loc, memref::LoadOp::create(yes, loc, memref, position).getResult());
  scf::YieldOp::create(no, loc, constantOf(no, loc, elementType, 0));
  return choice.getResult(0);
}

/// The elements of a tensor at positions that indices say. A loop nest, which is one kernel with what uses the elements, where the tensor
/// is known to have any; else rows, which read nothing where there is nothing. A copy of a short row is a few moves, but its vectors
/// would have lanes to mask.
class PickedElements {
public:
  PickedElements(OpBuilder &b, Value original, Value input, Value indices)
      : b(b), type(nn::typeOf(original)), input(input), indices(indices) {}

  /// Emits where the element at `point` is, given the integers there.
  using Locate =
      function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange point, ValueRange integers, ValueRange sizes)>;
  /// `places` are those of the integers for one element, as maps from the loops over `sizes`. `movesRows`: the last loop is the tensor's
  /// last dim, and the integers are the same along it.
  Value create(Location loc, const Sizes &sizes, ArrayRef<AffineMap> places, bool movesRows, Locate locate) const {
    bool hasElements = type.hasStaticShape() && type.getNumElements() != 0;
    return hasElements && !(movesRows && hasShortRows()) ? createNest(loc, sizes, places, locate)
                                                         : createRows(loc, sizes, places, locate);
  }

private:
  bool hasShortRows() const {
    constexpr int64_t vectorBytes = 64, longBytes = 512;
    int64_t bits = convertElementType(type.getElementType()).getIntOrFloatBitWidth();
    int64_t bytes = type.getShape().back() * bits / 8;
    return bytes % vectorBytes != 0 && bytes < longBytes;
  }

  Value createNest(Location loc, const Sizes &sizes, ArrayRef<AffineMap> places, Locate locate) const {
    auto operands = llvm::map_to_vector(places, [&](AffineMap map) { return LoopOperand{indices, map}; });
    return mapElements(b, loc, sizes, convertElementType(type.getElementType()), operands,
                       [&](OpBuilder &body, Location l, ValueRange integers) -> Value {
                         SmallVector<Value> point, bounds;
                         for (size_t i = 0; i < sizes.size(); ++i)
                           point.push_back(linalg::IndexOp::create(body, l, i));
                         for (int64_t size : type.getShape())
                           bounds.push_back(constantIndex(body, l, size));
                         return tensor::ExtractOp::create(body, l, input, locate(body, l, point, integers, bounds));
                       });
  }

  Value createRows(Location loc, const Sizes &sizes, ArrayRef<AffineMap> places, Locate locate) const {
    return generateRows(b, loc, sizes, convertElementType(type.getElementType()), {input, indices},
                        [&](OpBuilder &body, Location l, ValueRange point, ValueRange inputs) {
                          SmallVector<Value> integers, bounds;
                          for (AffineMap map : places)
                            integers.push_back(loadAt(body, l, inputs[1], map, point));
                          for (int64_t i = 0; i < type.getRank(); ++i)
                            bounds.push_back(dimOf(body, l, inputs[0], i));
                          return loadIfAny(body, l, inputs[0], locate(body, l, point, integers, bounds), type);
                        });
  }

  static Value loadAt(OpBuilder &b, Location loc, Value memref, AffineMap map, ValueRange point) {
    SmallVector<Value> position;
    for (AffineExpr expr : map.getResults()) {
      auto constant = dyn_cast<AffineConstantExpr>(expr);
      position.push_back(constant ? constantIndex(b, loc, constant.getValue())
                                  : point[cast<AffineDimExpr>(expr).getPosition()]);
    }
    return memref::LoadOp::create(b, loc, memref, position);
  }

  OpBuilder &b;
  RankedTensorType type;
  Value input, indices;
};

struct GatherLowering : Lowering<nn::GatherOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t rank = nn::typeOf(op.getInput()).getRank(), axis = axisFromFront(op.getAxis(), rank);
    int64_t indexRank = nn::typeOf(op.getIndices()).getRank();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes indexSizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    sizes.erase(sizes.begin() + axis);
    sizes.insert(sizes.begin() + axis, indexSizes.begin(), indexSizes.end());
    AffineMap place = rewriter.getMultiDimIdentityMap(sizes.size()).getSliceMap(axis, indexRank);
    PickedElements elements(rewriter, op.getInput(), adaptor.getInput(), adaptor.getIndices());
    Value result =
        elements.create(loc, sizes, place, /*movesRows=*/axis + 1 < rank,
                        [&](OpBuilder &b, Location l, ValueRange point, ValueRange integers, ValueRange bounds) {
                          SmallVector<Value> position(point.take_front(axis));
                          position.push_back(checkedIndex(b, l, integers.front(), bounds[axis]));
                          llvm::append_range(position, point.drop_front(axis + indexRank));
                          return position;
                        });
    replace(op, result, rewriter);
    return success();
  }
};

/// An index of a dim of `indices`, which may be larger than that of the input.
Value indexInBoth(OpBuilder &b, Location loc, Value index, Value input, int64_t inputDim, Value indices, int64_t dim,
                  Value bound) {
  bool isSame = nn::Dim::of(nn::typeOf(input), inputDim) == nn::Dim::of(nn::typeOf(indices), dim);
  return isSame ? index : checkedIndex(b, loc, index, bound);
}

struct GatherElementsLowering : Lowering<nn::GatherElementsOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = axisFromFront(op.getAxis(), nn::typeOf(op.getInput()).getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    PickedElements elements(rewriter, op.getInput(), adaptor.getInput(), adaptor.getIndices());
    Value result =
        elements.create(loc, sizes, rewriter.getMultiDimIdentityMap(sizes.size()), /*movesRows=*/false,
                        [&](OpBuilder &b, Location l, ValueRange point, ValueRange integers, ValueRange bounds) {
                          SmallVector<Value> position;
                          for (auto [i, index] : llvm::enumerate(point))
                            position.push_back(int64_t(i) == axis ? checkedIndex(b, l, integers.front(), bounds[i])
                                                                  : indexInBoth(b, l, index, op.getInput(), i,
                                                                                op.getIndices(), i, bounds[i]));
                          return position;
                        });
    replace(op, result, rewriter);
    return success();
  }
};

struct GatherNDLowering : Lowering<nn::GatherNDOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType indices = nn::typeOf(op.getIndices());
    int64_t batch = op.getBatchDims(), tuple = indices.getShape().back(), outer = indices.getRank() - 1;
    Sizes sizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    sizes.pop_back();
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    sizes.append(inputSizes.begin() + batch + tuple, inputSizes.end());
    SmallVector<AffineMap> places;
    for (int64_t i = 0; i < tuple; ++i) {
      AffineMap tuples = rewriter.getMultiDimIdentityMap(sizes.size()).getSliceMap(0, outer);
      places.push_back(tuples.insertResult(rewriter.getAffineConstantExpr(i), outer));
    }
    PickedElements elements(rewriter, op.getInput(), adaptor.getInput(), adaptor.getIndices());
    Value result = elements.create(
        loc, sizes, places, /*movesRows=*/batch + tuple < nn::typeOf(op.getInput()).getRank(),
        [&](OpBuilder &b, Location l, ValueRange point, ValueRange integers, ValueRange bounds) {
          SmallVector<Value> position;
          for (int64_t i = 0; i < batch; ++i)
            position.push_back(indexInBoth(b, l, point[i], op.getInput(), i, op.getIndices(), i, bounds[i]));
          for (auto [i, integer] : llvm::enumerate(integers))
            position.push_back(checkedIndex(b, l, integer, bounds[batch + i]));
          llvm::append_range(position, point.drop_front(outer));
          return position;
        });
    replace(op, result, rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------------------------------------------------------===//

Value combine(OpBuilder &b, Location loc, StringRef reduction, Value old, Value update, Type type) {
  bool isFloat = isa<FloatType>(type);
  if (reduction == "add") {
    if (type.isInteger(1))
      return arith::OrIOp::create(b, loc, old, update);
    return isFloat ? arith::AddFOp::create(b, loc, old, update).getResult()
                   : arith::AddIOp::create(b, loc, old, update).getResult();
  }
  if (reduction == "mul")
    return isFloat ? arith::MulFOp::create(b, loc, old, update).getResult()
                   : arith::MulIOp::create(b, loc, old, update).getResult();
  if (reduction == "max")
    return maxScalar(b, loc, old, update, type);
  if (reduction == "min")
    return minScalar(b, loc, old, update, type);
  return update;
}

/// One after the other over all updates: several may be for one element. `locate` gives the place of the update at `point`, which along the dims of
/// `apart` is the update's own: from step to step of their loops it is another element.
Value scatter(
    OpBuilder &b, Location loc, Value input, Value indices, Value updates, StringRef reduction, Type elementType,
    const llvm::SmallBitVector &apart,
    function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange point, Value indices, Value target)> locate) {
  auto op = exec::GridOp::create(
      b, loc, ValueRange(), ValueRange{indices, updates}, input,
      [&](OpBuilder &nested, Location l, ValueRange, ValueRange inputs, ValueRange outputs) {
        SmallVector<Value> sizes;
        for (int64_t i = 0, rank = cast<MemRefType>(inputs[1].getType()).getRank(); i < rank; ++i)
          sizes.push_back(dimOf(nested, l, inputs[1], i));
        Value target = outputs[0];
        // An empty target has no place that an index could mean.
        Value any = arith::ConstantOp::create(nested, l, nested.getBoolAttr(true));
        for (int64_t i = 0, rank = cast<MemRefType>(target.getType()).getRank(); i < rank; ++i)
          any = arith::AndIOp::create(nested, l, any,
                                      arith::CmpIOp::create(nested, l, arith::CmpIPredicate::ne,
                                                            dimOf(nested, l, target, i), constantIndex(nested, l, 0)));
        auto guard = scf::IfOp::create(nested, l, any, /*withElseRegion=*/false);
        OpBuilder inside = guard.getThenBodyBuilder();
        emitLoops(inside, l, sizes, [&](OpBuilder &body, Location bodyLoc, ValueRange point) {
          for (unsigned dim : apart.set_bits())
            point[dim].getParentBlock()->getParentOp()->setAttr(exec::independentAttrName, body.getUnitAttr());
          SmallVector<Value> position = locate(body, bodyLoc, point, inputs[0], target);
          Value update = memref::LoadOp::create(body, bodyLoc, inputs[1], point);
          Value value = update;
          if (reduction != "none")
            value = combine(body, bodyLoc, reduction, memref::LoadOp::create(body, bodyLoc, target, position), update,
                            elementType);
          memref::StoreOp::create(body, bodyLoc, value, target, position);
        });
      });
  return op.getResult(0);
}

/// The first `count` dims of both must agree: where that is not known, the run checks it.
void checkSameSizes(OpBuilder &b, Location loc, Value x, Value convertedX, Value y, Value convertedY, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (nn::Dim::of(nn::typeOf(x), i) == nn::Dim::of(nn::typeOf(y), i))
      continue;
    Value same =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, asIndex(b, loc, sizeOf(b, loc, x, convertedX, i)),
                              asIndex(b, loc, sizeOf(b, loc, y, convertedY, i)));
    exec::CheckOp::create(b, loc, same, b.getStringAttr("indices and updates of a scatter have different sizes"));
  }
}

struct ScatterElementsLowering : Lowering<nn::ScatterElementsOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ScatterElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = axisFromFront(op.getAxis(), input.getRank());
    checkSameSizes(rewriter, op.getLoc(), op.getUpdates(), adaptor.getUpdates(), op.getIndices(), adaptor.getIndices(),
                   input.getRank());
    llvm::SmallBitVector apart(input.getRank(), true);
    apart.reset(axis);
    Value result = scatter(rewriter, op.getLoc(), adaptor.getInput(), adaptor.getIndices(), adaptor.getUpdates(),
                           op.getReduction(), input.getElementType(), apart,
                           [&](OpBuilder &b, Location l, ValueRange point, Value indices, Value target) {
                             SmallVector<Value> position(point);
                             Value index = memref::LoadOp::create(b, l, indices, point);
                             for (int64_t i = 0; i < input.getRank(); ++i)
                               position[i] = checkedIndex(b, l, i == axis ? index : point[i], dimOf(b, l, target, i));
                             return position;
                           });
    replace(op, result, rewriter);
    return success();
  }
};

/// Element `at` of the index tuple at `outer`.
Value loadTupleIndex(OpBuilder &b, Location loc, Value indices, ValueRange outer, int64_t at) {
  SmallVector<Value> position(outer);
  position.push_back(constantIndex(b, loc, at));
  return memref::LoadOp::create(b, loc, indices, position);
}

struct ScatterNDLowering : Lowering<nn::ScatterNDOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ScatterNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    RankedTensorType input = nn::typeOf(op.getInput()), indices = nn::typeOf(op.getIndices());
    int64_t tuple = indices.getShape().back(), outer = indices.getRank() - 1;
    checkSameSizes(rewriter, op.getLoc(), op.getUpdates(), adaptor.getUpdates(), op.getIndices(), adaptor.getIndices(),
                   outer);
    llvm::SmallBitVector apart(nn::typeOf(op.getUpdates()).getRank());
    apart.set(outer, apart.size());
    Value result =
        scatter(rewriter, op.getLoc(), adaptor.getInput(), adaptor.getIndices(), adaptor.getUpdates(),
                op.getReduction(), input.getElementType(), apart,
                [&](OpBuilder &b, Location l, ValueRange point, Value indicesMemref, Value target) {
                  SmallVector<Value> position;
                  for (int64_t i = 0; i < tuple; ++i)
                    position.push_back(checkedIndex(
                        b, l, loadTupleIndex(b, l, indicesMemref, point.take_front(outer), i), dimOf(b, l, target, i)));
                  for (auto [i, index] : llvm::enumerate(point.drop_front(outer)))
                    position.push_back(checkedIndex(b, l, index, dimOf(b, l, target, tuple + i)));
                  return position;
                });
    replace(op, result, rewriter);
    return success();
  }
};

} // namespace

void populateGather(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<GatherLowering, GatherElementsLowering, GatherNDLowering, ScatterElementsLowering, ScatterNDLowering>(
      converter, patterns.getContext());
}

} // namespace nncc
