//===- NNToLinalg.cpp - the pass: all families at once --------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "nncc/Conversion/NNToLinalg/Passes.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/NNOps.h"

using namespace mlir;

namespace nncc {

#define GEN_PASS_DEF_CONVERTNNTOLINALG
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"

namespace {

/// Drops encodings, signs and i1 storage.
class NNTypeConverter : public TypeConverter {
public:
  NNTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) {
      return RankedTensorType::get(type.getShape(), convertElementType(type.getElementType()));
    });
    auto cast = [](OpBuilder &b, Type type, ValueRange inputs, Location loc) -> Value {
      return UnrealizedConversionCastOp::create(b, loc, type, inputs).getResult(0);
    };
    addSourceMaterialization(cast);
    addTargetMaterialization(cast);
  }
};

struct ConvertNNToLinalgPass : impl::ConvertNNToLinalgBase<ConvertNNToLinalgPass> {
  void runOnOperation() override {
    if (failed(refuseText()) || failed(refuseSmallTypes()))
      return signalPassFailure();
    rememberInterface();
    if (failed(packInterface()))
      return signalPassFailure();
    rememberSizes();
    lowerControl(getOperation());
    NNTypeConverter converter;
    ConversionTarget target(getContext());
    target.addLegalDialect<affine::AffineDialect, arith::ArithDialect, linalg::LinalgDialect, math::MathDialect,
                           memref::MemRefDialect, tensor::TensorDialect, exec::ExecDialect>();
    target.addLegalOp<ModuleOp, UnrealizedConversionCastOp>();
    target.addIllegalDialect<nn::NNDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp func) {
      return converter.isSignatureLegal(func.getFunctionType()) && converter.isLegal(&func.getBody());
    });
    target.addDynamicallyLegalOp<func::ReturnOp>(
        [&](Operation *op) { return converter.isLegal(op->getOperandTypes()); });

    RewritePatternSet patterns(&getContext());
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    populateAttention(converter, patterns);
    populateAxes(converter, patterns);
    populateConvolution(converter, patterns);
    populateElementwise(converter, patterns);
    populateGather(converter, patterns);
    populateMatMul(converter, patterns);
    populateNormalization(converter, patterns);
    populatePooling(converter, patterns);
    populateQuantization(converter, patterns);
    populateRecurrent(converter, patterns);
    populateReduction(converter, patterns);
    populateSampling(converter, patterns);
    populateScans(converter, patterns);
    populateSelection(converter, patterns);
    populateSlices(converter, patterns);
    populateSpectral(converter, patterns);
    populateTensor(converter, patterns);
    populateVision(converter, patterns);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    SmallVector<UnrealizedConversionCastOp> casts;
    getOperation().walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
    if (failed(refuseWhatIsLeft()))
      return signalPassFailure();
    nameSizesOfInputs();
  }

private:
  /// The types of nn say more than those behind: signs, booleans, symbols. The module keeps them for the descriptor: `exec.inputs` and
  /// `exec.outputs`, each {name, type}, and `exec.symbols`.
  void rememberInterface() {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    SmallVector<std::string> symbols;
    for (Type type : main.getArgumentTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        for (const nn::Dim &dim : nn::getDims(tensor))
          if (!dim.isUnknown())
            dim.collectSymbols(symbols);
    Builder b(&getContext());
    auto describe = [&](DictionaryAttr attributes, Type type, const Twine &fallback) -> Attribute {
      auto name = attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
      return b.getDictionaryAttr({b.getNamedAttr("name", name ? name : b.getStringAttr(fallback)),
                                  b.getNamedAttr("type", TypeAttr::get(type))});
    };
    SmallVector<Attribute> inputs, outputs;
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      inputs.push_back(describe(main.getArgAttrDict(i), main.getArgumentTypes()[i], "input" + Twine(i)));
    for (unsigned i = 0; i < main.getNumResults(); ++i)
      outputs.push_back(describe(main.getResultAttrDict(i), main.getResultTypes()[i], "output" + Twine(i)));
    getOperation()->setAttr("exec.symbols", b.getStrArrayAttr(llvm::to_vector_of<StringRef>(symbols)));
    getOperation()->setAttr("exec.inputs", b.getArrayAttr(inputs));
    getOperation()->setAttr("exec.outputs", b.getArrayAttr(outputs));
  }

  /// No kernel and no buffer has text, be it only passed on: it says so where the text comes from.
  LogicalResult refuseText() {
    auto isText = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && isa<nn::StringType>(tensor.getElementType());
    };
    bool ok = true;
    auto refuse = [&](Location loc, StringRef what) {
      emitError(loc) << what << " is text, which cannot be compiled";
      ok = false;
    };
    getOperation().walk([&](Operation *op) {
      if (auto function = dyn_cast<func::FuncOp>(op); function && !function.isExternal()) {
        for (BlockArgument argument : function.getArguments())
          if (isText(argument.getType()))
            refuse(argument.getLoc(), "the input");
      } else if (llvm::any_of(op->getResultTypes(), isText) && llvm::none_of(op->getOperandTypes(), isText)) {
        refuse(op->getLoc(), "its result");
      }
    });
    return success(ok);
  }

  /// Floats of 8 and 4 bits and integers of 4 and 2 bits are moved and cast, no more.
  LogicalResult refuseSmallTypes() {
    auto isSmall = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && (isSmallFloat(tensor.getElementType()) || isSmallInteger(tensor.getElementType()));
    };
    auto computes = [](Operation *op) {
      return isa<nn::NNDialect>(op->getDialect()) &&
             !isa<nn::CastOp, nn::ConcatOp, nn::ConstantOp, nn::ExpandOp, nn::ExpectOp, nn::FoldedOp, nn::FullOp,
                  nn::GatherElementsOp, nn::GatherNDOp, nn::GatherOp, nn::IfOp, nn::LoopOp, nn::PackOp, nn::PadOp,
                  nn::ReshapeOp, nn::ReverseSequenceOp, nn::ShapeOfOp, nn::SliceOp, nn::TileOp, nn::TransposeOp,
                  nn::UnpackOp, nn::WeightOp, nn::WhereOp, nn::YieldOp>(op);
    };
    bool ok = true;
    getOperation().walk([&](Operation *op) {
      if (!computes(op))
        return;
      for (Type type :
           llvm::concat<const Type>(SmallVector<Type>(op->getOperandTypes()), SmallVector<Type>(op->getResultTypes())))
        if (isSmall(type)) {
          op->emitError("tensors of ") << cast<RankedTensorType>(type).getElementType()
                                       << " can only be moved and cast";
          ok = false;
          return;
        }
    });
    return success(ok);
  }

  /// Elements of 4 and 2 bits cross the interface of a model in bytes that hold several of them.
  LogicalResult packInterface() {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return success();
    auto isPacked = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && elementsInByte(tensor.getElementType()) > 1;
    };
    Block &body = main.getBody().front();
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    for (BlockArgument argument : body.getArguments()) {
      if (!isPacked(argument.getType()))
        continue;
      Type type = argument.getType();
      argument.setType(nn::packedType(cast<RankedTensorType>(type)));
      auto unpacked = nn::UnpackOp::create(b, argument.getLoc(), type, argument);
      argument.replaceAllUsesExcept(unpacked, unpacked);
    }
    Operation *end = body.getTerminator();
    b.setInsertionPoint(end);
    for (OpOperand &result : end->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(result.get().getType());
      if (!isPacked(type))
        continue;
      if (llvm::any_of(nn::getDims(type), [](const nn::Dim &dim) { return dim.isUnknown(); }))
        return main.emitError("has an output of ") << type.getElementType() << " whose size depends on data";
      result.set(nn::PackOp::create(b, result.get().getLoc(), nn::packedType(type), result.get()));
    }
    main.setFunctionType(b.getFunctionType(body.getArgumentTypes(), end->getOperandTypes()));
    return success();
  }

  /// Conversion drops the symbols of types.
  void rememberSizes() {
    sizesOfInputs.clear();
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"))
      for (Type type : main.getArgumentTypes()) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        sizesOfInputs.push_back(tensor ? nn::getDims(tensor) : SmallVector<nn::Dim>());
      }
  }

  /// An input brings no sizes with it: they are what the symbols make of them.
  void nameSizesOfInputs() {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    OpBuilder b = OpBuilder::atBlockBegin(&main.getBody().front());
    for (BlockArgument argument : main.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || type.hasStaticShape())
        continue;
      SmallVector<Value> sizes;
      for (const nn::Dim &dim : sizesOfInputs[argument.getArgNumber()])
        if (!dim.isStatic())
          sizes.push_back(asIndex(b, argument.getLoc(), materialize(b, argument.getLoc(), dim)));
      auto input = exec::InputOp::create(b, argument.getLoc(), type, argument, sizes);
      argument.replaceAllUsesExcept(input.getResult(), input);
    }
  }

  LogicalResult refuseWhatIsLeft() {
    bool ok = true;
    getOperation().walk([&](Operation *op) {
      if (isa<nn::NNDialect>(op->getDialect()) || isa<UnrealizedConversionCastOp>(op)) {
        op->emitError("has no lowering for ") << op->getOperandTypes();
        ok = false;
      }
    });
    return success(ok);
  }

  SmallVector<SmallVector<nn::Dim>> sizesOfInputs;
};

} // namespace
} // namespace nncc
