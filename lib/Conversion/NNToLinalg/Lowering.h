//===- Lowering.h - what the patterns of all families share -----------------------------------------------------*- C++ -*-===//
///
/// \file
/// A pattern sees each operand twice: the *original* value of nn, whose type has the symbolic dims and the signs, and the *converted*
/// one (`adaptor`), a plain tensor. Sizes come from the former, data from the latter.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CONVERSION_NNTOLINALG_LOWERING_H
#define NNCC_LIB_CONVERSION_NNTOLINALG_LOWERING_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/DialectConversion.h"
#include "nncc/Dialect/NN/IR/Dim.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

namespace nncc {

using Sizes = llvm::SmallVector<mlir::OpFoldResult>;
/// Emits the value of one result element from the loaded operand elements.
using ElementBuilder = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;
using utils_iterator = mlir::utils::IteratorType;

/// Element types from stage 3 on: signless integers, booleans as i8, text unchanged; floats of 8 and 4 bits are their bits in an i8,
/// integers of 4 and 2 bits are numbers in an i8.
mlir::Type convertElementType(mlir::Type type);
/// Floats of 8 and 4 bits, which no CPU computes with.
bool isSmallFloat(mlir::Type type);
/// Integers of 4 and 2 bits.
bool isSmallInteger(mlir::Type type);

/// An axis that inference has checked, counted from the front.
inline int64_t axisFromFront(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// The base of all patterns.
template <typename OpTy> class Lowering : public mlir::OpConversionPattern<OpTy> {
public:
  using mlir::OpConversionPattern<OpTy>::OpConversionPattern;
  using OpAdaptor = OpTy::Adaptor;

protected:
  /// Replaces the op; a result of a more precise or less precise type than declared is cast to the converted declared type.
  void replace(OpTy op, mlir::ValueRange values, mlir::ConversionPatternRewriter &rewriter) const {
    llvm::SmallVector<mlir::Value> results;
    for (auto [value, declared] : llvm::zip_equal(values, op->getResultTypes())) {
      mlir::Type wanted = this->getTypeConverter()->convertType(declared);
      results.push_back(value.getType() == wanted
                            ? value
                            : mlir::tensor::CastOp::create(rewriter, op.getLoc(), wanted, value).getResult());
    }
    rewriter.replaceOp(op, results);
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------------------------------------------------------===//

/// A known size as a number or as index arithmetic on exec.symbol.
mlir::OpFoldResult materialize(mlir::OpBuilder &b, mlir::Location loc, const nn::Dim &dim);
/// The size of dim `index` of `original`: a number, symbol arithmetic, or the size of `converted` at run time.
mlir::OpFoldResult sizeOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value original, mlir::Value converted,
                          int64_t index);
Sizes sizesOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value original, mlir::Value converted);
/// The number as an index value.
mlir::Value asIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult size);
mlir::Value constantIndex(mlir::OpBuilder &b, mlir::Location loc, int64_t value);
/// Arithmetic on sizes that folds numbers.
mlir::OpFoldResult addSizes(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult x, mlir::OpFoldResult y);
mlir::OpFoldResult subSizes(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult x, mlir::OpFoldResult y);
mlir::OpFoldResult mulSizes(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult x, mlir::OpFoldResult y);
/// Steps of `by` that `span` takes, rounded up; not above 0 when they go opposite ways. A step of 0 counts as 1.
mlir::Value countSteps(mlir::OpBuilder &b, mlir::Location loc, mlir::Value span, mlir::Value by);
/// Element `index` of a small integer tensor (a shape, axes ...) as an index: a number or symbol arithmetic when it is known, else read
/// at run time by the schedule.
mlir::OpFoldResult elementAsSize(mlir::OpBuilder &b, mlir::Location loc, mlir::Value original, mlir::Value converted,
                                 int64_t index);
/// Element `indices` of a tensor, read by the schedule.
mlir::Value readElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value converted, llvm::ArrayRef<int64_t> indices);
/// The element of a tensor that has one, whatever its rank.
mlir::Value onlyElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value converted);
/// A size computed at run time, which must not be negative: else `message` is the status of the run.
mlir::OpFoldResult checkedSize(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult size,
                               llvm::StringRef message);

/// The dims before an axis as one, the axis, and the dims behind it as one.
struct AxisSplit {
  mlir::Value axis, outer, length, inner;
};
/// Splits at an axis that may be known only at run time; one that is out of range ends the run. A negative axis counts from behind
/// `rank` dims.
AxisSplit splitAtAxis(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                      mlir::Value originalAxis, mlir::Value axis, int64_t rank);

//===----------------------------------------------------------------------------------------------------------------------===//
// Tensor computations
//===----------------------------------------------------------------------------------------------------------------------===//

/// An uninitialised tensor.
mlir::Value emptyTensor(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType);
/// A tensor of one value.
mlir::Value fillTensor(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::Value scalar);
/// A tensor operand of a loop nest and how the loops index it.
struct LoopOperand {
  mlir::Value tensor;
  mlir::AffineMap map;
};
/// A parallel loop nest over `sizes`, one result element a point.
mlir::Value mapElements(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType, llvm::ArrayRef<LoopOperand> operands, ElementBuilder body);
/// A parallel loop nest whose body computes its own indices: `body` gets the coordinates, and may tensor.extract from anything.
mlir::Value generateElements(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                             mlir::Type elementType, ElementBuilder body);

/// Emits one element of a result at `point`, from memrefs.
using RowElementBuilder =
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange point, mlir::ValueRange inputs)>;
/// Movement of data: an exec.grid over all dims but the last, with a loop along the last one. Unlike in generateElements, what does not
/// depend on the innermost index is computed once a row, and contiguous rows become copies.
mlir::Value generateRows(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::Type elementType, mlir::ValueRange inputs, RowElementBuilder body);
/// Nested loops over `sizes` inside a kernel body; `body` gets the coordinates.
void emitLoops(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
               llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)> body);
/// An index read from a tensor of indices, counted from the front and in range of `size`: one that is not is a fault of the run (and 0
/// here). Inside kernel bodies.
mlir::Value checkedIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::Value element, mlir::Value size);

/// The sizes that `originals` broadcast to. Where two sizes are only known at run time, the result's size is computed then, and a size
/// that fits neither is a status of the run.
Sizes broadcastSizes(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange originals, mlir::ValueRange converted);
/// The size at run time of sizes that may broadcast; anything but one size and ones ends the run.
mlir::OpFoldResult broadcastSizeAtRunTime(mlir::OpBuilder &b, mlir::Location loc,
                                          llvm::ArrayRef<mlir::OpFoldResult> sizes);
/// `converted` as a loop operand of a nest over `sizes` under broadcasting. An operand that may or may not broadcast at run time is
/// expanded first.
LoopOperand broadcastOperand(mlir::OpBuilder &b, mlir::Location loc, mlir::Value original, mlir::Value converted,
                             llvm::ArrayRef<mlir::OpFoldResult> sizes, llvm::ArrayRef<nn::Dim> dims);
/// mapElements over the broadcast of all operands.
mlir::Value mapBroadcast(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange originals, mlir::ValueRange converted,
                         mlir::Type elementType, ElementBuilder body);

/// The same elements, row-major, under other sizes (their products agree).
mlir::Value reshapeTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// How many elements of `type` a byte holds at the interface of a model: 2 or 4 of 4 and 2 bits (the first in the low bits), else 1.
int64_t elementsInByte(mlir::Type type);
/// A tensor of `sizes`, one element an i8, of the packed bytes of elements of the original type `type`; and back.
mlir::Value unpackBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bytes,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type type);
mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value elements,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type type);

//===----------------------------------------------------------------------------------------------------------------------===//
// Scalars. `type` is the original element type, which has the sign.
//===----------------------------------------------------------------------------------------------------------------------===//

mlir::Value constantOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Type convertedType, double value);
bool isUnsigned(mlir::Type type);
/// An i8 boolean as i1 and back.
mlir::Value toBit(mlir::OpBuilder &b, mlir::Location loc, mlir::Value boolean);
mlir::Value fromBit(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bit);
/// 1 / (1 + e^-x), of f32 or f64.
mlir::Value sigmoidScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
/// nn.cast of one element.
mlir::Value castScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Type from, mlir::Type to,
                       bool saturate = true, llvm::StringRef rounding = "up");
/// The f32 that the bits of a small float mean.
mlir::Value decodeSmallFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bits, mlir::FloatType type);
/// The bits of the small float next to an f32.
mlir::Value encodeSmallFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::FloatType type,
                             bool saturate, llvm::StringRef rounding);
/// Larger and smaller of two numbers; NaN when either is.
mlir::Value maxScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, mlir::Type type);
mlir::Value minScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, mlir::Type type);
/// x < y; false when either is NaN.
mlir::Value lessScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, mlir::Type type);

//===----------------------------------------------------------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------------------------------------------------------===//

/// nn.if and nn.loop become scf, still on tensors of nn: the conversion of all else changes the types. The casts between the two that it
/// leaves cancel behind the conversion.
void lowerControl(mlir::ModuleOp module);

//===----------------------------------------------------------------------------------------------------------------------===//
// Families, one file each
//===----------------------------------------------------------------------------------------------------------------------===//

void populateAttention(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateAxes(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateConvolution(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateElementwise(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateGather(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateMatMul(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateNormalization(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populatePooling(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateQuantization(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateRecurrent(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateReduction(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateSampling(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateScans(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateSelection(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateSlices(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateSpectral(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateTensor(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
void populateVision(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);

} // namespace nncc

#endif // NNCC_LIB_CONVERSION_NNTOLINALG_LOWERING_H
