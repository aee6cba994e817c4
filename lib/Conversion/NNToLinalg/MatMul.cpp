//===- MatMul.cpp - matrix products to exec.matmul ------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/MatMul.h"
#include "Lowering.h"
#include "Products.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

struct MatMulLowering : Lowering<nn::MatMulOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::MatMulOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Sizes lhsSizes = sizesOf(rewriter, loc, op.getLhs(), adaptor.getLhs());
    Sizes rhsSizes = sizesOf(rewriter, loc, op.getRhs(), adaptor.getRhs());
    checkInnerSizes(op, lhsSizes.back(), rhsSizes[rhsSizes.size() - 2], rewriter);

    if (isPlainMatrix(op.getRhs())) {
      // All rows of the left operand are rows of one matrix.
      OpFoldResult rows = rewriter.getIndexAttr(1);
      for (OpFoldResult size : ArrayRef(lhsSizes).drop_back())
        rows = mulSizes(rewriter, loc, rows, size);
      Value lhs = lhsSizes.size() == 2 ? adaptor.getLhs()
                                       : reshapeTensor(rewriter, loc, adaptor.getLhs(), {rows, lhsSizes.back()});
      Value rhs = rhsSizes.size() == 2
                      ? adaptor.getRhs()
                      : reshapeTensor(rewriter, loc, adaptor.getRhs(), ArrayRef(rhsSizes).take_back(2));
      Value product = multiply(op, lhs, rhs, {rows, rhsSizes.back()}, rewriter);
      Sizes sizes(rhsSizes.size() > lhsSizes.size() ? rhsSizes.size() - lhsSizes.size() : 0, rewriter.getIndexAttr(1));
      sizes.append(lhsSizes.begin(), lhsSizes.end() - 1);
      sizes.push_back(rhsSizes.back());
      replace(op, sizes.size() == 2 ? product : reshapeTensor(rewriter, loc, product, sizes), rewriter);
      return success();
    }
    batched(op, adaptor, lhsSizes, rhsSizes, rewriter);
    return success();
  }

private:
  static bool isPlainMatrix(Value value) {
    RankedTensorType type = nn::typeOf(value);
    return llvm::all_of(type.getShape().drop_back(2), [](int64_t size) { return size == 1; });
  }

  static void checkInnerSizes(nn::MatMulOp op, OpFoldResult k, OpFoldResult otherK, OpBuilder &b) {
    RankedTensorType lhs = nn::typeOf(op.getLhs()), rhs = nn::typeOf(op.getRhs());
    if (nn::Dim::of(lhs, lhs.getRank() - 1) == nn::Dim::of(rhs, rhs.getRank() - 2))
      return;
    Value same = arith::CmpIOp::create(b, op.getLoc(), arith::CmpIPredicate::eq, asIndex(b, op.getLoc(), k),
                                       asIndex(b, op.getLoc(), otherK));
    exec::CheckOp::create(b, op.getLoc(), same, b.getStringAttr("inner sizes of a matrix product differ"));
  }

  static Value multiply(nn::MatMulOp op, Value lhs, Value rhs, ArrayRef<OpFoldResult> sizes, OpBuilder &b) {
    Value init = emptyTensor(b, op.getLoc(), sizes, convertElementType(nn::typeOf(op.getResult()).getElementType()));
    return exec::MatMulOp::create(b, op.getLoc(), init.getType(), lhs, rhs, init, /*transpose_rhs=*/false,
                                  isWidenedUnsigned(op.getLhs()), isWidenedUnsigned(op.getRhs()), /*packed=*/nullptr)
        .getResult();
  }

  /// Batch dims of equal rank, each equal or 1. What may or may not broadcast at run time is expanded.
  void batched(nn::MatMulOp op, OpAdaptor adaptor, const Sizes &lhsSizes, const Sizes &rhsSizes,
               ConversionPatternRewriter &rewriter) const {
    size_t rank = std::max(lhsSizes.size(), rhsSizes.size());
    auto [lhs, lhsBatch] = withRank(op.getLhs(), adaptor.getLhs(), lhsSizes, rank, rewriter);
    auto [rhs, rhsBatch] = withRank(op.getRhs(), adaptor.getRhs(), rhsSizes, rank, rewriter);
    Sizes sizes = broadcastBatch(op, lhsBatch, rhsBatch, rewriter);
    lhs = expandBatch(op.getLhs(), op.getRhs(), lhs, lhsBatch, sizes, rewriter);
    rhs = expandBatch(op.getRhs(), op.getLhs(), rhs, rhsBatch, sizes, rewriter);
    sizes.push_back(lhsSizes[lhsSizes.size() - 2]);
    sizes.push_back(rhsSizes.back());
    replace(op, multiply(op, lhs, rhs, sizes, rewriter), rewriter);
  }

  static std::pair<Value, Sizes> withRank(Value original, Value converted, const Sizes &sizes, size_t rank,
                                          OpBuilder &b) {
    Sizes padded(rank - sizes.size(), b.getIndexAttr(1));
    llvm::append_range(padded, sizes);
    Value value = sizes.size() == rank ? converted : reshapeTensor(b, original.getLoc(), converted, padded);
    return {value, padded};
  }

  /// The size of batch dim `index`, counted in the result of rank `rank`; 1 where the operand has no such dim.
  static nn::Dim batchDim(Value original, size_t rank, size_t index) {
    RankedTensorType type = nn::typeOf(original);
    int64_t at = int64_t(index) - (int64_t(rank) - type.getRank());
    return at < 0 ? nn::Dim(1) : nn::Dim::of(type, at);
  }

  static Sizes broadcastBatch(nn::MatMulOp op, const Sizes &lhs, const Sizes &rhs, OpBuilder &b) {
    Sizes sizes;
    for (size_t i = 0; i + 2 < lhs.size(); ++i) {
      nn::Dim x = batchDim(op.getLhs(), lhs.size(), i), y = batchDim(op.getRhs(), lhs.size(), i);
      if (x.isStatic(1) || y.isStatic(1) || x == y)
        sizes.push_back(x.isStatic(1) ? rhs[i] : lhs[i]);
      else
        sizes.push_back(broadcastSizeAtRunTime(b, op.getLoc(), {lhs[i], rhs[i]}));
    }
    return sizes;
  }

  static Value expandBatch(Value original, Value other, Value converted, const Sizes &own, const Sizes &batch,
                           OpBuilder &b) {
    size_t rank = own.size();
    bool clear = true;
    for (size_t i = 0; i + 2 < rank; ++i) {
      nn::Dim x = batchDim(original, rank, i), y = batchDim(other, rank, i);
      clear &= x.isStatic(1) || y.isStatic(1) || x == y;
    }
    if (clear)
      return converted;
    Sizes sizes(batch);
    llvm::append_range(sizes, ArrayRef(own).take_back(2));
    return generateElements(
        b, original.getLoc(), sizes, cast<RankedTensorType>(converted.getType()).getElementType(),
        [&](OpBuilder &nested, Location loc, ValueRange point) -> Value {
          SmallVector<Value> position(point);
          for (size_t i = 0; i + 2 < rank; ++i) {
            Value isOne = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::eq, asIndex(nested, loc, own[i]),
                                                constantIndex(nested, loc, 1));
            position[i] = arith::SelectOp::create(nested, loc, isOne, constantIndex(nested, loc, 0), position[i]);
          }
          return tensor::ExtractOp::create(nested, loc, converted, position);
        });
  }
};

} // namespace

void populateMatMul(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<MatMulLowering>(converter, patterns.getContext());
}

} // namespace nncc
