//===- FewRowsAttention.h - attention of a row or a few ------------------------------------------------------*- C++ -*-===//
//
// When a text is continued word by word, keys and values are read for one row, and memory decides. A block has a row and some of its keys: first 8
// threads a key add its score, then threads share columns and keys. Where keys are many they are cut into parts for different blocks, whose sums the
// next phase joins in the order of the parts.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_ATTENTION_FEWROWSATTENTION_H
#define NNCC_LIB_GPU_ATTENTION_FEWROWSATTENTION_H

#include "../KernelWriter.h"
#include "AttentionOperands.h"

namespace nncc::gpu {

/// As many rows are worth a tile.
inline constexpr int64_t leastRowsOfTile = 8;

/// Appends the phases; where the number of rows is not known, they are launched if it is below leastRowsOfTile.
void addFewRowsAttention(KernelPlan &plan, exec::AttentionOp op);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_FEWROWSATTENTION_H
