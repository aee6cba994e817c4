//===- Patterns.h - what the conversion of the schedule is made of ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CONVERSION_EXECTOLLVM_PATTERNS_H
#define NNCC_LIB_CONVERSION_EXECTOLLVM_PATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc {

/// What the patterns know of the module they convert.
struct ScheduleInfo {
  llvm::StringMap<int64_t> symbols; // index of each
  llvm::StringMap<int64_t> kernels;
  llvm::SmallVector<int64_t> weightOffsets;
  llvm::StringMap<std::string> messages;                         // the global of each exec.check's message
  llvm::DenseMap<int64_t, mlir::RankedTensorType> packedOutputs; // as the caller sees those whose elements share bytes
  int64_t numSlots = 1;                                          // of the array on the stack that launches pass
  bool isForDevice = false;                                      // memrefs without the space "host" are the device's

  bool isOnDevice(mlir::MemRefType type) const { return isForDevice && !exec::isInHostSpace(type); }
};

/// Emits code of `run`, in the middle of a conversion.
class RunBuilder {
public:
  RunBuilder(mlir::OpBuilder &builder, mlir::Location loc, mlir::LLVM::LLVMFuncOp function);
  RunBuilder(mlir::OpBuilder &builder, mlir::Operation *at)
      : RunBuilder(builder, at->getLoc(), at->getParentOfType<mlir::LLVM::LLVMFuncOp>()) {}

  mlir::Value constant(int64_t value, unsigned bits = 64);
  mlir::Value loadField(mlir::Value base, int64_t offset, mlir::Type type);
  mlir::Value advance(mlir::Value base, mlir::Value bytes);
  /// The array on the stack; `storeArgument` fills it.
  mlir::Value getArguments();
  void storeArgument(int64_t slot, mlir::Value value);
  /// Calls the service at `offset` of nnccrt_services.
  mlir::Value callService(int64_t offset, mlir::Type result, mlir::ValueRange arguments);
  /// Ends the run if the service failed: a negative number or a null pointer. Goes on in a new block.
  void endIfFailed(mlir::ConversionPatternRewriter &rewriter, mlir::Value returned);
  mlir::Block *getEnd();

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::LLVM::LLVMFuncOp function;
  mlir::Value frame;
  mlir::Type ptr, i64, i32;
};

/// The operands of a memref as converted: the address, then the dynamic sizes.
struct MemRefParts {
  MemRefParts(mlir::MemRefType type, mlir::ValueRange parts) : type(type), parts(parts) {}
  mlir::Value getAddress() const { return parts.front(); }
  mlir::Value getSize(mlir::OpBuilder &builder, mlir::Location loc, unsigned dim) const;
  /// Elements times bytes of an element.
  mlir::Value getBytes(mlir::OpBuilder &builder, mlir::Location loc) const;

  mlir::MemRefType type;
  mlir::ValueRange parts;
};

template <typename OpTy> class SchedulePattern : public mlir::OpConversionPattern<OpTy> {
public:
  using Adaptor = mlir::OpConversionPattern<OpTy>::OneToNOpAdaptor;
  SchedulePattern(const mlir::TypeConverter &types, mlir::MLIRContext *context, const ScheduleInfo &info)
      : mlir::OpConversionPattern<OpTy>(types, context), info(info) {}

protected:
  const ScheduleInfo &info;
};

/// The address and the sizes of a memref that an operation makes.
llvm::SmallVector<mlir::Value> makeMemRef(mlir::Value address, llvm::ArrayRef<mlir::ValueRange> sizes);

void populateFunctionPatterns(mlir::RewritePatternSet &patterns, const mlir::LLVMTypeConverter &types,
                              const ScheduleInfo &info);
void populateServicePatterns(mlir::RewritePatternSet &patterns, const mlir::LLVMTypeConverter &types,
                             const ScheduleInfo &info);
void populateMemoryPatterns(mlir::RewritePatternSet &patterns, const mlir::LLVMTypeConverter &types,
                            const ScheduleInfo &info);

} // namespace nncc

#endif // NNCC_LIB_CONVERSION_EXECTOLLVM_PATTERNS_H
