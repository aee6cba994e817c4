//===- MoveTransposes.h - transposes to channels first move towards the results -------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_MOVETRANSPOSES_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_MOVETRANSPOSES_H

#include "mlir/IR/PatternMatch.h"

namespace nncc::nn {

/// N, C, D1.. -> N, D1.., C.
llvm::SmallVector<int64_t> toChannelsLast(int64_t rank);
/// N, D1.., C -> N, C, D1...
llvm::SmallVector<int64_t> toChannelsFirst(int64_t rank);

/// Transposes from channels last to channels first move behind the ops that use them, until they meet their inverse. Never are there more
/// transposes of whole tensors than before.
void populateMoveTransposes(mlir::RewritePatternSet &patterns);
/// Where a transpose ends before a flattening and a constant matrix, the matrix takes the other order.
void populateFlattenedMatrices(mlir::RewritePatternSet &patterns);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_MOVETRANSPOSES_H
