//===- Contraction.h - loops and register tiles for matrix products and convolutions --------------------*- C++ -*-===//
//
// One primitive, a batch-reduce GEMM, serves exec.matmul and exec.conv: a register tile of rows x vectors, accumulated
// over any number of K ranges of rows that lie a constant stride apart. What is fused behind the root is applied to the
// tile before it is stored.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_CPU_CONTRACTION_H
#define NNCC_CPU_CONTRACTION_H

#include "nncc/CPU/Target.h"
#include "nncc/Kernel/ContractionSite.h"

namespace nncc::cpu {

using kernel::ContractionSite;

/// Writes the number of tiles (an index) at the builder's insertion point. Fails with a diagnostic on the root.
mlir::FailureOr<mlir::Value> emitContractionTiles(mlir::OpBuilder &b, const ContractionSite &site,
                                                  const CPUTarget &target);

/// Writes the code of one tile: `tile` is an index, `scratch` a memref<?xi8> of at least getContractionScratchBytes
/// bytes, 64-byte aligned. Tiles may run in any order and at once; their number and their bits do not depend on how
/// many threads run them.
llvm::LogicalResult emitContraction(mlir::OpBuilder &b, const ContractionSite &site, mlir::Value tile,
                                    mlir::Value scratch, const CPUTarget &target);

/// Bytes of scratch that one tile needs.
int64_t getContractionScratchBytes(const ContractionSite &site, const CPUTarget &target);

/// How it is cut into register tiles and blocks.
void describeContraction(llvm::raw_ostream &os, const ContractionSite &site, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_CPU_CONTRACTION_H
