//===- Emitters.h - the ways to write a contraction -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_EMITTERS_H
#define NNCC_LIB_CPU_CONTRACTION_EMITTERS_H

#include "Product.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

/// Writes one contraction. What is decided, is decided when it is made, from types and target alone.
class ContractionEmitter {
public:
  virtual ~ContractionEmitter() = default;
  virtual mlir::Value emitTiles(IndexMath &m) const = 0;
  virtual void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const = 0;
  virtual int64_t getScratchBytes() const = 0;
  /// For readers: register tiles, blocks, what is packed or copied.
  virtual void describe(llvm::raw_ostream &os) const = 0;
};

class MatMulEmitter : public ContractionEmitter {
public:
  MatMulEmitter(const ContractionSite &site, const CPUTarget &target);
  mlir::Value emitTiles(IndexMath &m) const override;
  void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const override;
  int64_t getScratchBytes() const override;
  void describe(llvm::raw_ostream &os) const override { plan.describe(os, kind); }

private:
  const ContractionSite &site;
  ElementKind kind;
  ProductShape shape;
  ProductPlan plan;
};

/// One scalar loop nest: the level 0, and the shapes that are only known at run time.
class NaiveEmitter : public ContractionEmitter {
public:
  NaiveEmitter(const ContractionSite &site, const CPUTarget &target);
  mlir::Value emitTiles(IndexMath &m) const override;
  void emitTile(IndexMath &m, mlir::Value tile, mlir::Value scratch) const override;
  int64_t getScratchBytes() const override { return 0; }
  void describe(llvm::raw_ostream &os) const override;

private:
  const ContractionSite &site;
  ElementKind kind;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_EMITTERS_H
