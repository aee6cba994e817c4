//===- Chain.h - compositions of elementwise ops ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_CHAIN_H
#define NNCC_LIB_IMPORT_ONNX_CHAIN_H

#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Import/ONNX/NodeImporter.h"

namespace nncc::import {

/// Builds chains of ops on values; the first failure makes everything after it fail.
class Chain {
public:
  Chain(NodeImporter &node, mlir::Value value) : node(&node), value(value) {}

  template <typename OpTy> Chain apply() { return make<OpTy>(value); }
  template <typename OpTy> Chain with(mlir::Value other) { return make<OpTy>(value, other); }
  template <typename OpTy> Chain with(const Chain &other) { return make<OpTy>(value, other.value); }
  template <typename OpTy> Chain with(double number) { return make<OpTy>(value, scalar(number)); }
  /// Elementwise `condition ? this : other`.
  Chain where(const Chain &condition, const Chain &other) {
    return make<nn::WhereOp>(condition.value, value, other.value);
  }
  Chain cast(mlir::Type type, bool saturate = true) { return make<nn::CastOp>(value, type, saturate); }

  mlir::LogicalResult becomesOutput() {
    if (!value)
      return mlir::failure();
    node->setOutput(0, value);
    return mlir::success();
  }
  mlir::Value get() const { return value; }

private:
  mlir::Value scalar(double number) {
    return value ? node->constantScalar(llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType(), number)
                 : mlir::Value();
  }

  template <typename OpTy, typename... Args> Chain make(Args... args) {
    bool complete = true;
    auto check = [&](auto argument) {
      if constexpr (std::is_same_v<decltype(argument), mlir::Value>)
        complete &= bool(argument);
    };
    (check(args), ...);
    if (!complete)
      return Chain(*node, mlir::Value());
    mlir::FailureOr<OpTy> op = node->create<OpTy>(args...);
    return Chain(*node, mlir::failed(op) ? mlir::Value() : mlir::Value((*op)->getResult(0)));
  }

  NodeImporter *node;
  mlir::Value value;
};

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_CHAIN_H
