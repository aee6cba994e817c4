//===- FunctionPatterns.cpp - the functions `run` and `sizes` -------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nnccrt/abi.h"

using namespace mlir;
using namespace nncc;

namespace {

/// A function whose first block is new: what it starts with, then a branch to what it was.
class FunctionLowering : public OpConversionPattern<func::FuncOp> {
public:
  FunctionLowering(const TypeConverter &types, MLIRContext *context, const ScheduleInfo &info)
      : OpConversionPattern(types, context), info(info) {}

  LogicalResult matchAndRewrite(func::FuncOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    bool isSizes = op.getSymName() == "sizes";
    Type ptr = LLVM::LLVMPointerType::get(getContext()), i32 = rewriter.getI32Type();
    auto type = isSizes ? LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), {ptr, ptr})
                        : LLVM::LLVMFunctionType::get(i32, {ptr});
    auto function = LLVM::LLVMFuncOp::create(rewriter, op.getLoc(), isSizes ? "sizes" : "run", type);
    SmallVector<MemRefType> arguments;
    for (Type argument : op.getArgumentTypes())
      arguments.push_back(cast<MemRefType>(argument));
    rewriter.inlineRegionBefore(op.getBody(), function.getBody(), function.getBody().end());
    FailureOr<Block *> body = rewriter.convertRegionTypes(&function.getBody(), *getTypeConverter());
    if (failed(body))
      return failure();
    rewriter.createBlock(&function.getBody(), function.getBody().begin(), type.getParams(),
                         SmallVector<Location>(type.getNumParams(), op.getLoc()));
    if (isSizes)
      LLVM::BrOp::create(rewriter, op.getLoc(), ValueRange(), *body);
    else
      startRun(rewriter, function, arguments, *body);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Room for the arguments of launches, the addresses of the inputs; and at the end the block in which all failures meet.
  void startRun(ConversionPatternRewriter &rewriter, LLVM::LLVMFuncOp function, ArrayRef<MemRefType> arguments,
                Block *body) const {
    RunBuilder run(rewriter, function.getLoc(), function);
    LLVM::AllocaOp::create(rewriter, run.loc, run.ptr, run.i64, run.constant(info.numSlots));
    Value inputs = run.loadField(run.frame, offsetof(nnccrt_frame, inputs), run.ptr);
    SmallVector<Value> operands;
    for (auto [index, argument] : llvm::enumerate(arguments)) {
      operands.push_back(run.loadField(inputs, index * sizeof(void *), run.ptr));
      // The sizes of an input come from its exec.input: nothing reads these.
      for (size_t i = 0; i < argument.getNumDynamicDims(); ++i)
        operands.push_back(run.constant(0));
    }
    LLVM::BrOp::create(rewriter, run.loc, operands, body);
    Block *end = rewriter.createBlock(&function.getBody(), function.getBody().end(), {run.i32}, {run.loc});
    LLVM::ReturnOp::create(rewriter, run.loc, end->getArgument(0));
  }

  const ScheduleInfo &info;
};

/// `run` returns 0, `sizes` stores what it returned.
class ReturnLowering : public OpConversionPattern<func::ReturnOp> {
public:
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(func::ReturnOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
    RunBuilder run(rewriter, op.getLoc(), function);
    if (function.getNumArguments() == 1) {
      rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, run.constant(0, 32));
      return success();
    }
    for (auto [index, bytes] : llvm::enumerate(adaptor.getOperands())) {
      Value address = LLVM::GEPOp::create(rewriter, run.loc, run.ptr, run.i64, function.getArgument(1),
                                          ArrayRef<LLVM::GEPArg>{int32_t(index)});
      LLVM::StoreOp::create(rewriter, run.loc, bytes, address);
    }
    rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, ValueRange());
    return success();
  }
};

class SymbolLowering : public OpConversionPattern<exec::SymbolOp> {
public:
  SymbolLowering(const TypeConverter &types, MLIRContext *context, const ScheduleInfo &info)
      : OpConversionPattern(types, context), info(info) {}

  LogicalResult matchAndRewrite(exec::SymbolOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
    RunBuilder run(rewriter, op.getLoc(), function);
    Value symbols = function.getNumArguments() == 1 ? run.loadField(run.frame, offsetof(nnccrt_frame, symbols), run.ptr)
                                                    : Value(function.getArgument(0));
    rewriter.replaceOp(op, run.loadField(symbols, info.symbols.lookup(op.getName()) * sizeof(int64_t), run.i64));
    return success();
  }

private:
  const ScheduleInfo &info;
};

} // namespace

void nncc::populateFunctionPatterns(RewritePatternSet &patterns, const LLVMTypeConverter &types,
                                    const ScheduleInfo &info) {
  patterns.add<FunctionLowering, SymbolLowering>(types, patterns.getContext(), info);
  patterns.add<ReturnLowering>(types, patterns.getContext());
}
