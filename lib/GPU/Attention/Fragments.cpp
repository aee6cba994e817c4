//===- Fragments.cpp - operands of tensor cores in registers ------------------------------------------------------------===//

#include "Fragments.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

Fragments::Fragments(IndexMath &m, Type element, const GPUTarget &target)
    : m(m), element(element), isDeep(target.hasAmpereMma()) {}

/// Lanes 0 to 15 point to the lines of the first 8 columns, the others to those of the last 8.
Value Fragments::getLaneOffset(Value lane, int64_t pitch) const {
  return m.add(m.mul(m.rem(lane, size), pitch), m.mul(m.div(lane, size), halfSize));
}

SmallVector<Value> Fragments::load(Value pointer, int64_t offset, bool isTransposed) const {
  OpBuilder &b = m.builder();
  SmallVector<Type> registers(4, b.getI32Type());
  auto matrices =
      NVVM::LdMatrixOp::create(b, m.location(), LLVM::LLVMStructType::getLiteral(b.getContext(), registers),
                               moveBytes(m, pointer, offset * element.getIntOrFloatBitWidth() / 8), /*num=*/4,
                               isTransposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
                               NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8), NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, m.location(), matrices.getResult(), i));
  return values;
}

Value Fragments::asOperand(Value word) const {
  if (element.isBF16())
    return word;
  return LLVM::BitcastOp::create(m.builder(), m.location(), VectorType::get(2, element), word);
}

/// Registers of the left operand: two of the first 8 elements of the sum, two of the others; of the right one, one each.
void Fragments::multiplyAdd(ValueRange left, ValueRange right, MutableArrayRef<Value> sums) const {
  OpBuilder &b = m.builder();
  auto type = element.isF16() ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  auto result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  auto asOperands = [&](ValueRange words) {
    return llvm::map_to_vector(words, [&](Value word) { return asOperand(word); });
  };
  int64_t parts = isDeep ? 1 : 2;
  for (int64_t part = 0; part < parts; ++part) {
    auto product = NVVM::MmaOp::create(b, m.location(), result, asOperands(left.slice(part * 2, 4 / parts)),
                                       asOperands(right.slice(part, 2 / parts)), ValueRange(sums),
                                       ArrayRef<int64_t>{size, halfSize, size / parts}, std::nullopt, std::nullopt,
                                       std::array{type, type}, std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
    for (int64_t i = 0; i < 4; ++i)
      sums[i] = LLVM::ExtractValueOp::create(b, m.location(), product.getResult(), i);
  }
}

Value Fragments::pack(Value low, Value high) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto pair = VectorType::get(2, element);
  if (isDeep) { // one instruction
    StringRef name = element.isF16() ? "llvm.nvvm.ff2f16x2.rn" : "llvm.nvvm.ff2bf16x2.rn";
    Value packed =
        LLVM::CallIntrinsicOp::create(b, loc, pair, b.getStringAttr(name), ValueRange{high, low}).getResults();
    return LLVM::BitcastOp::create(b, loc, b.getI32Type(), packed);
  }
  Value rounded = joinVector(m, {arith::TruncFOp::create(b, loc, element, low).getResult(),
                                 arith::TruncFOp::create(b, loc, element, high).getResult()});
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), rounded);
}
