//===- Gather.cpp - gathers and scatters to loops -------------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

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

struct GatherLowering : Lowering<nn::GatherOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = axisFromFront(op.getAxis(), input.getRank());
    int64_t indexRank = nn::typeOf(op.getIndices()).getRank();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes indexSizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    sizes.erase(sizes.begin() + axis);
    sizes.insert(sizes.begin() + axis, indexSizes.begin(), indexSizes.end());
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()),
                                {adaptor.getInput(), adaptor.getIndices()},
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  Value index = memref::LoadOp::create(b, l, inputs[1], point.slice(axis, indexRank));
                                  SmallVector<Value> position(point.take_front(axis));
                                  position.push_back(checkedIndex(b, l, index, dimOf(b, l, inputs[0], axis)));
                                  llvm::append_range(position, point.drop_front(axis + indexRank));
                                  return loadIfAny(b, l, inputs[0], position, input);
                                });
    replace(op, result, rewriter);
    return success();
  }
};

struct GatherElementsLowering : Lowering<nn::GatherElementsOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = axisFromFront(op.getAxis(), input.getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    Value result = generateRows(
        rewriter, loc, sizes, convertElementType(input.getElementType()), {adaptor.getInput(), adaptor.getIndices()},
        [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
          Value index = memref::LoadOp::create(b, l, inputs[1], point);
          SmallVector<Value> position(point);
          for (int64_t i = 0; i < input.getRank(); ++i) // the other dims may be larger in the indices
            position[i] = checkedIndex(b, l, i == axis ? index : point[i], dimOf(b, l, inputs[0], i));
          return loadIfAny(b, l, inputs[0], position, input);
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

struct GatherNDLowering : Lowering<nn::GatherNDOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::GatherNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), indices = nn::typeOf(op.getIndices());
    int64_t batch = op.getBatchDims(), tuple = indices.getShape().back(), outer = indices.getRank() - 1;
    Sizes sizes = sizesOf(rewriter, loc, op.getIndices(), adaptor.getIndices());
    sizes.pop_back();
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    sizes.append(inputSizes.begin() + batch + tuple, inputSizes.end());
    Value result = generateRows(
        rewriter, loc, sizes, convertElementType(input.getElementType()), {adaptor.getInput(), adaptor.getIndices()},
        [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
          SmallVector<Value> position;
          for (int64_t i = 0; i < batch; ++i)
            position.push_back(checkedIndex(b, l, point[i], dimOf(b, l, inputs[0], i)));
          for (int64_t i = 0; i < tuple; ++i)
            position.push_back(checkedIndex(b, l, loadTupleIndex(b, l, inputs[1], point.take_front(outer), i),
                                            dimOf(b, l, inputs[0], batch + i)));
          llvm::append_range(position, point.drop_front(outer));
          return loadIfAny(b, l, inputs[0], position, input);
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

/// One after the other over all updates: several may be for one element. `locate` gives the place of the update at `point`.
Value scatter(
    OpBuilder &b, Location loc, Value input, Value indices, Value updates, StringRef reduction, Type elementType,
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
    Value result = scatter(rewriter, op.getLoc(), adaptor.getInput(), adaptor.getIndices(), adaptor.getUpdates(),
                           op.getReduction(), input.getElementType(),
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

struct ScatterNDLowering : Lowering<nn::ScatterNDOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ScatterNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    RankedTensorType input = nn::typeOf(op.getInput()), indices = nn::typeOf(op.getIndices());
    int64_t tuple = indices.getShape().back(), outer = indices.getRank() - 1;
    checkSameSizes(rewriter, op.getLoc(), op.getUpdates(), adaptor.getUpdates(), op.getIndices(), adaptor.getIndices(),
                   outer);
    Value result = scatter(
        rewriter, op.getLoc(), adaptor.getInput(), adaptor.getIndices(), adaptor.getUpdates(), op.getReduction(),
        input.getElementType(), [&](OpBuilder &b, Location l, ValueRange point, Value indicesMemref, Value target) {
          SmallVector<Value> position;
          for (int64_t i = 0; i < tuple; ++i)
            position.push_back(checkedIndex(b, l, loadTupleIndex(b, l, indicesMemref, point.take_front(outer), i),
                                            dimOf(b, l, target, i)));
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
