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
#include "nncc/Dialect/NN/IR/NNDialect.h"

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
    rememberInterface();
    NNTypeConverter converter;
    ConversionTarget target(getContext());
    target.addLegalDialect<affine::AffineDialect, arith::ArithDialect, linalg::LinalgDialect, math::MathDialect,
                           memref::MemRefDialect, tensor::TensorDialect, exec::ExecDialect>();
    target.addLegalOp<ModuleOp, UnrealizedConversionCastOp>();
    target.addIllegalDialect<nn::NNDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>(
        [&](func::FuncOp func) { return converter.isSignatureLegal(func.getFunctionType()) && converter.isLegal(&func.getBody()); });
    target.addDynamicallyLegalOp<func::ReturnOp>([&](Operation *op) { return converter.isLegal(op->getOperandTypes()); });

    RewritePatternSet patterns(&getContext());
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    populateAttention(converter, patterns);
    populateControl(converter, patterns);
    populateConvolution(converter, patterns);
    populateElementwise(converter, patterns);
    populateMatMul(converter, patterns);
    populateNormalization(converter, patterns);
    populatePooling(converter, patterns);
    populateQuantization(converter, patterns);
    populateRecurrent(converter, patterns);
    populateReduction(converter, patterns);
    populateSelection(converter, patterns);
    populateTensor(converter, patterns);
    populateVision(converter, patterns);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    if (failed(refuseWhatIsLeft()))
      signalPassFailure();
  }

private:
  /// The types of nn say more than those behind: signs, booleans, symbols. Arguments and results of @main keep them as attributes
  /// for the descriptor, and the module lists the symbols.
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
    getOperation()->setAttr("exec.symbols", b.getStrArrayAttr(llvm::to_vector_of<StringRef>(symbols)));
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      main.setArgAttr(i, "nn.type", TypeAttr::get(main.getArgumentTypes()[i]));
    for (unsigned i = 0; i < main.getNumResults(); ++i)
      main.setResultAttr(i, "nn.type", TypeAttr::get(main.getResultTypes()[i]));
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
};

} // namespace
} // namespace nncc
