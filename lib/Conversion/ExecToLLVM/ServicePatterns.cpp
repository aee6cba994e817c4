//===- ServicePatterns.cpp - what a schedule asks of the runtime ----------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/NN/IR/Dim.h"
#include "nnccrt/abi.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::exec;

namespace {

class LaunchLowering : public SchedulePattern<LaunchOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(LaunchOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    int64_t slot = 1; // The first is the runtime's.
    for (ValueRange operand :
         llvm::concat<ValueRange>(llvm::to_vector(adaptor.getInputs()), llvm::to_vector(adaptor.getOutputs())))
      for (Value part : operand)
        run.storeArgument(slot++, part);
    Value kernel = run.constant(info.kernels.lookup(op.getKernel()), 32);
    Value status = run.callService(offsetof(nnccrt_services, launch), run.i32, {kernel, run.getArguments()});
    run.endIfFailed(rewriter, status);
    rewriter.eraseOp(op);
    return success();
  }
};

class AllocLowering : public SchedulePattern<AllocOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(AllocOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    auto type = cast<MemRefType>(op.getType());
    bool onHost = info.isForDevice && !info.isOnDevice(type);
    int64_t service = onHost ? offsetof(nnccrt_services, host_alloc) : offsetof(nnccrt_services, alloc);
    Value address = run.callService(service, run.ptr, checkedBytes(run, type, adaptor.getSizes()));
    run.endIfFailed(rewriter, address);
    rewriter.replaceOpWithMultiple(op, {makeMemRef(address, adaptor.getSizes())});
    return success();
  }

private:
  /// The runtime refuses a negative number: that is what a negative size or too great a product gives.
  static Value checkedBytes(RunBuilder &run, MemRefType type, ArrayRef<ValueRange> sizes) {
    int64_t fixed = getElementBytes(type.getElementType());
    for (int64_t size : type.getShape())
      fixed *= ShapedType::isDynamic(size) ? 1 : size;
    Value bytes = run.constant(fixed), bad;
    auto structType = LLVM::LLVMStructType::getLiteral(run.builder.getContext(), {run.i64, run.builder.getI1Type()});
    auto note = [&](Value condition) {
      bad = bad ? LLVM::OrOp::create(run.builder, run.loc, bad, condition).getResult() : condition;
    };
    for (ValueRange size : sizes) {
      auto product = LLVM::SMulWithOverflowOp::create(run.builder, run.loc, structType, bytes, size.front());
      bytes = LLVM::ExtractValueOp::create(run.builder, run.loc, product, ArrayRef<int64_t>{0});
      note(LLVM::ExtractValueOp::create(run.builder, run.loc, product, ArrayRef<int64_t>{1}));
      note(LLVM::ICmpOp::create(run.builder, run.loc, LLVM::ICmpPredicate::slt, size.front(), run.constant(0)));
    }
    return bad ? LLVM::SelectOp::create(run.builder, run.loc, bad, run.constant(-1), bytes).getResult() : bytes;
  }
};

class MarkLowering : public SchedulePattern<MarkOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(MarkOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    rewriter.replaceOp(op, run.callService(offsetof(nnccrt_services, mark), run.i64, {}));
    return success();
  }
};

class ReleaseLowering : public SchedulePattern<ReleaseOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(ReleaseOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    run.callService(offsetof(nnccrt_services, release), Type(), adaptor.getMark());
    rewriter.eraseOp(op);
    return success();
  }
};

class CarryLowering : public SchedulePattern<CarryOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(CarryOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    MemRefParts source(cast<MemRefType>(op.getSource().getType()), adaptor.getSource());
    Value address =
        run.callService(offsetof(nnccrt_services, carry), run.ptr,
                        {run.constant(op.getId(), 32), source.getAddress(), source.getBytes(rewriter, run.loc)});
    run.endIfFailed(rewriter, address);
    SmallVector<Value> parts = {address};
    llvm::append_range(parts, adaptor.getSource().drop_front());
    rewriter.replaceOpWithMultiple(op, {parts});
    return success();
  }
};

class OutputLowering : public SchedulePattern<OutputOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(OutputOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    auto type = cast<MemRefType>(op.getType());
    SmallVector<Value> parts = makeMemRef(Value(), adaptor.getSizes());
    MemRefParts sizes(type, parts);
    if (RankedTensorType packed = info.packedOutputs.lookup(op.getIndex()))
      storeDims(run, packed);
    else
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        run.storeArgument(dim, sizes.getSize(rewriter, run.loc, dim));
    parts.front() = run.callService(offsetof(nnccrt_services, output), run.ptr,
                                    {run.constant(op.getIndex(), 32), run.getArguments()});
    run.endIfFailed(rewriter, parts.front());
    rewriter.replaceOpWithMultiple(op, {parts});
    return success();
  }

private:
  /// The dims that the caller sees, from the symbols of the run.
  static void storeDims(RunBuilder &run, RankedTensorType type) {
    OpBuilder &b = run.builder;
    for (auto [index, dim] : llvm::enumerate(nn::getDims(type))) {
      Value size = dim.evaluate<Value>(
          [&](int64_t value) { return arith::ConstantIndexOp::create(b, run.loc, value); },
          [&](StringRef name) -> Value { return SymbolOp::create(b, run.loc, b.getStringAttr(name)); },
          [&](StringRef operation, Value x, Value y) { return evaluate(run, operation, x, y); });
      run.storeArgument(index, arith::IndexCastOp::create(b, run.loc, run.i64, size));
    }
  }

  static Value evaluate(RunBuilder &run, StringRef operation, Value x, Value y) {
    OpBuilder &b = run.builder;
    if (operation == "+")
      return arith::AddIOp::create(b, run.loc, x, y);
    if (operation == "*")
      return arith::MulIOp::create(b, run.loc, x, y);
    if (operation == "min")
      return arith::MinSIOp::create(b, run.loc, x, y);
    if (operation == "max")
      return arith::MaxSIOp::create(b, run.loc, x, y);
    // Sizes are not negative, divisors not zero.
    if (operation == "mod")
      return arith::RemSIOp::create(b, run.loc, x, y);
    Value one = arith::ConstantIndexOp::create(b, run.loc, 1);
    if (operation == "ceildiv")
      x = arith::AddIOp::create(b, run.loc, x, arith::SubIOp::create(b, run.loc, y, one));
    return arith::DivSIOp::create(b, run.loc, x, y);
  }
};

class CheckLowering : public SchedulePattern<CheckOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(CheckOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    Value condition = adaptor.getCondition().front();
    Block *current = rewriter.getInsertionBlock();
    Block *next = rewriter.splitBlock(current, rewriter.getInsertionPoint());
    Block *failing = rewriter.createBlock(next);
    Value text = LLVM::AddressOfOp::create(rewriter, run.loc, run.ptr, info.messages.lookup(op.getMessage()));
    Value status = run.callService(offsetof(nnccrt_services, fail), run.i32, text);
    LLVM::BrOp::create(rewriter, run.loc, status, run.getEnd());
    rewriter.setInsertionPointToEnd(current);
    LLVM::CondBrOp::create(rewriter, run.loc, condition, next, failing);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void nncc::populateServicePatterns(RewritePatternSet &patterns, const LLVMTypeConverter &types,
                                   const ScheduleInfo &info) {
  patterns
      .add<LaunchLowering, AllocLowering, MarkLowering, ReleaseLowering, CarryLowering, OutputLowering, CheckLowering>(
          types, patterns.getContext(), info);
}
