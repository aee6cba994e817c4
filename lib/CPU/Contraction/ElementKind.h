//===- ElementKind.h - what is multiplied, and in what the products are summed --------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_ELEMENTKIND_H
#define NNCC_LIB_CPU_CONTRACTION_ELEMENTKIND_H

#include "nncc/CPU/Target.h"
#include "nncc/Kernel/ProductTypes.h"

namespace nncc::cpu {

using namespace kernel;

/// How products are made.
enum class StepKind {
  Single, ///< one element of K a step, both operands widened to the type of sums
  Pairs,  ///< two i16 a step
  Quads,  ///< four i8 a step
};

struct ElementKind : kernel::ProductTypes {
  /// Lanes of a vector of sums; 1: scalars.
  int64_t lanes = 1;
  bool hasFMA = false;
  StepKind steps = StepKind::Single;
  /// Quads: the instruction that multiplies u8 by s8 and adds four products to an i32.
  bool hasVNNI = false;

  /// The operands and result of exec.matmul or exec.conv.
  static ElementKind of(mlir::Operation *root, const CPUTarget &target);

  /// Elements of K that a step takes; they are adjacent in both operands.
  int64_t getStepSize() const { return steps == StepKind::Quads ? 4 : steps == StepKind::Pairs ? 2 : 1; }
  /// Columns of a panel of packed weights: the lanes that fill 64 bytes, whatever the target.
  int64_t getPanelColumns() const { return sum.getIntOrFloatBitWidth() == 64 ? 8 : 16; }
  /// Elements of the right operand that a step takes of a panel.
  int64_t getPanelStep() const { return getPanelColumns() * getStepSize(); }
  int64_t getLeftBytes() const { return left.getIntOrFloatBitWidth() / 8; }
  mlir::Type getSumType() const { return lanes == 1 ? sum : mlir::VectorType::get(lanes, sum); }
  /// What the left operand is in copies: the type that it is multiplied in, so that it is widened once.
  mlir::Type getCopiedLeft() const;
  bool widensLeft() const { return getCopiedLeft() != left; }
  /// Both operands of a product have the same sign where VNNI wants different ones.
  bool needsSignFlip() const { return hasVNNI && leftUnsigned == rightUnsigned; }

  mlir::Value zero(IndexMath &m) const;
  /// One element of the left operand in all lanes.
  mlir::Value loadLeft(IndexMath &m, mlir::Value memref, mlir::Value index) const;
  /// Adjacent elements of the right operand, one a lane.
  mlir::Value loadRight(IndexMath &m, mlir::Value memref, mlir::Value index, mlir::Value mask) const;
  /// The same as an element of a copy of the left operand.
  mlir::Value toCopiedLeft(IndexMath &m, mlir::Value value) const;
  mlir::Value multiplyAdd(IndexMath &m, mlir::Value left, mlir::Value right, mlir::Value sum) const;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_ELEMENTKIND_H
