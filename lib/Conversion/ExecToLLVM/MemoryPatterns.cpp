//===- MemoryPatterns.cpp - buffers and what the schedule itself reads and writes -----------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nnccrt/abi.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::exec;

namespace {

class BufferLowering : public SchedulePattern<BufferOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(BufferOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    Value arena = run.loadField(run.frame, offsetof(nnccrt_frame, arena), run.ptr), offset;
    if (op.getSlot()) {
      Value offsets = run.loadField(run.frame, offsetof(nnccrt_frame, offsets), run.ptr);
      offset = run.loadField(offsets, *op.getSlot() * sizeof(int64_t), run.i64);
    } else {
      offset = run.constant(op.getOffset().value_or(0));
    }
    rewriter.replaceOpWithMultiple(op, {makeMemRef(run.advance(arena, offset), adaptor.getSizes())});
    return success();
  }
};

class ViewLowering : public SchedulePattern<ViewOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(ViewOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(op, {makeMemRef(adaptor.getSource().front(), adaptor.getSizes())});
    return success();
  }
};

class InputLowering : public SchedulePattern<InputOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(InputOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(op, {makeMemRef(adaptor.getArgument().front(), adaptor.getSizes())});
    return success();
  }
};

class HostInputLowering : public SchedulePattern<HostInputOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(HostInputOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    auto type = cast<MemRefType>(op.getType());
    Value bytes = run.constant(type.getNumElements() * getElementBytes(type.getElementType()));
    Value address =
        run.callService(offsetof(nnccrt_services, host_input), run.ptr, {run.constant(op.getIndex(), 32), bytes});
    run.endIfFailed(rewriter, address);
    rewriter.replaceOp(op, address);
    return success();
  }
};

class WeightLowering : public SchedulePattern<WeightOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(WeightOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    RunBuilder run(rewriter, op);
    int64_t field = op.getHost() ? offsetof(nnccrt_frame, host_weights) : offsetof(nnccrt_frame, weights);
    Value weights = run.loadField(run.frame, field, run.ptr);
    rewriter.replaceOp(op, run.advance(weights, run.constant(info.weightOffsets[op.getIndex()])));
    return success();
  }
};

class CopyLowering : public SchedulePattern<CopyOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(CopyOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<MemRefType>(op.getSource().getType());
    MemRefParts source(type, adaptor.getSource());
    Value bytes = source.getBytes(rewriter, op.getLoc()), target = adaptor.getTarget().front();
    bool toDevice = info.isOnDevice(cast<MemRefType>(op.getTarget().getType()));
    if (info.isOnDevice(type) || toDevice) {
      int64_t service = !toDevice               ? offsetof(nnccrt_services, read)
                        : info.isOnDevice(type) ? offsetof(nnccrt_services, copy)
                                                : offsetof(nnccrt_services, write);
      RunBuilder run(rewriter, op);
      run.endIfFailed(rewriter, run.callService(service, run.i32, {target, source.getAddress(), bytes}));
    } else {
      LLVM::MemcpyOp::create(rewriter, op.getLoc(), target, source.getAddress(), bytes, /*isVolatile=*/false);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

class DimLowering : public SchedulePattern<memref::DimOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(memref::DimOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    std::optional<int64_t> index = op.getConstantIndex();
    if (!index)
      return op.emitOpError("asks for a dim by a number that is no constant");
    MemRefParts source(cast<MemRefType>(op.getSource().getType()), adaptor.getSource());
    rewriter.replaceOp(op, source.getSize(rewriter, op.getLoc(), *index));
    return success();
  }
};

/// The address of one element.
Value getElement(OpBuilder &builder, Location loc, const LLVMTypeConverter &types, const MemRefParts &memref,
                 ArrayRef<ValueRange> indices) {
  Value linear;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (linear) {
      linear = LLVM::MulOp::create(builder, loc, linear, memref.getSize(builder, loc, dim));
      linear = LLVM::AddOp::create(builder, loc, linear, index.front());
    } else {
      linear = index.front();
    }
  }
  if (!linear)
    return memref.getAddress();
  Type element = types.convertType(memref.type.getElementType());
  return LLVM::GEPOp::create(builder, loc, memref.getAddress().getType(), element, memref.getAddress(),
                             ArrayRef<LLVM::GEPArg>{linear});
}

class LoadLowering : public SchedulePattern<memref::LoadOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(memref::LoadOp op, Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto &types = *getTypeConverter<LLVMTypeConverter>();
    MemRefParts memref(op.getMemRefType(), adaptor.getMemref());
    Value address = getElement(rewriter, op.getLoc(), types, memref, llvm::to_vector(adaptor.getIndices()));
    if (info.isOnDevice(op.getMemRefType())) {
      RunBuilder run(rewriter, op);
      Value copy = run.getArguments(), bytes = run.constant(getElementBytes(op.getType()));
      run.endIfFailed(rewriter, run.callService(offsetof(nnccrt_services, read), run.i32, {copy, address, bytes}));
      address = copy;
    }
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, types.convertType(op.getType()), address);
    return success();
  }
};

class StoreLowering : public SchedulePattern<memref::StoreOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(memref::StoreOp op, Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (info.isOnDevice(op.getMemRefType()))
      return op.emitOpError("writes an element to the device: tensors of scalars are the host's");
    MemRefParts memref(op.getMemRefType(), adaptor.getMemref());
    Value address = getElement(rewriter, op.getLoc(), *getTypeConverter<LLVMTypeConverter>(), memref,
                               llvm::to_vector(adaptor.getIndices()));
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, adaptor.getValue().front(), address);
    return success();
  }
};

class SelectLowering : public SchedulePattern<arith::SelectOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "selects scalars");
    SmallVector<Value> parts;
    for (auto [a, b] : llvm::zip_equal(adaptor.getTrueValue(), adaptor.getFalseValue()))
      parts.push_back(LLVM::SelectOp::create(rewriter, op.getLoc(), adaptor.getCondition().front(), a, b));
    rewriter.replaceOpWithMultiple(op, {parts});
    return success();
  }
};

class GetGlobalLowering : public SchedulePattern<memref::GetGlobalOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(memref::GetGlobalOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(op, LLVM::LLVMPointerType::get(getContext()), op.getName());
    return success();
  }
};

class GlobalLowering : public SchedulePattern<memref::GlobalOp> {
public:
  using SchedulePattern::SchedulePattern;
  LogicalResult matchAndRewrite(memref::GlobalOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    auto &types = *getTypeConverter<LLVMTypeConverter>();
    auto value = dyn_cast_or_null<ElementsAttr>(op.getInitialValueAttr());
    if (!value)
      return op.emitOpError("has no elements");
    Type type = types.convertType(op.getType().getElementType());
    if (auto indices = dyn_cast<DenseIntElementsAttr>(value); indices && op.getType().getElementType().isIndex())
      value = indices.mapValues(type, [](const APInt &index) { return index.sextOrTrunc(64); });
    for (int64_t size : llvm::reverse(op.getType().getShape()))
      type = LLVM::LLVMArrayType::get(type, size);
    Attribute initial = value;
    if (op.getType().getRank() == 0)
      initial = value.getValues<Attribute>()[0];
    rewriter.replaceOpWithNewOp<LLVM::GlobalOp>(op, type, /*isConstant=*/true, LLVM::Linkage::Internal, op.getSymName(),
                                                initial,
                                                /*alignment=*/64);
    return success();
  }
};

} // namespace

void nncc::populateMemoryPatterns(RewritePatternSet &patterns, const LLVMTypeConverter &types,
                                  const ScheduleInfo &info) {
  patterns.add<BufferLowering, ViewLowering, InputLowering, HostInputLowering, WeightLowering, CopyLowering,
               DimLowering, LoadLowering, StoreLowering, SelectLowering, GetGlobalLowering, GlobalLowering>(
      types, patterns.getContext(), info);
}
