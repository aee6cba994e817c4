//===- DescribeTiling.cpp - what the plans of the kernel writers say to readers -----------------------------------===//
//
// The text of --emit=tiled: what was decided from types and target alone, before any loop is written.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "AttentionPlan.h"
#include "Contraction/ConvLines.h"
#include "Contraction/ConvNarrow.h"
#include "KernelWriter.h"
#include "NestPlan.h"
#include "RecurrencePlan.h"
#include "nncc/CPU/CompileKernel.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

std::string cpu::describeTiling(exec::KernelOp kernel, const CPUTarget &target) {
  OwningOpRef<exec::KernelOp> copy = kernel.clone(); // A writer may change what it writes.
  std::string text;
  llvm::raw_string_ostream os(text);
  createKernelWriter(*copy, target)->describe(os);
  return text;
}

//===--------------------------------------------------------------------------------------------------------------===//
// Contractions
//===--------------------------------------------------------------------------------------------------------------===//

/// "14 x 32 (2 vectors)".
static void describeRegisters(llvm::raw_ostream &os, const RegisterShape &registers, const ElementKind &kind) {
  os << "register tiles of " << registers.rows << " x " << registers.vectors * kind.lanes << " (vectors of "
     << kind.lanes << ")";
}

void ProductPlan::describe(llvm::raw_ostream &os, const ElementKind &kind) const {
  os << "a product in ";
  describeRegisters(os, registers, kind);
  os << "; a tile takes " << rows.getTilesPerBlock() << " x " << columns.getTilesPerBlock() << " of them";
  if (rowsFirst)
    os << "; tiles of the same columns follow each other";
  if (depthPart)
    os << "; K in parts of " << depthPart << ", sums wait in scratch";
  if (packsLeft)
    os << "; the left operand is copied to scratch";
  if (packsRight)
    os << "; the right operand is copied to scratch, a register tile of columns at a time";
  if (prefetch)
    os << "; the right operand is fetched ahead";
}

void ConvLinesEmitter::describe(llvm::raw_ostream &os) const {
  os << "a convolution of image lines in ";
  describeRegisters(os, plan.registers, kind);
  if (plan.joinedLines)
    os << ", each of " << plan.joinedLines << " lines";
  os << "; a tile takes " << plan.lines.getRowsPerBlock() << " lines of " << plan.getPixelsPerBlock() << " pixels and "
     << plan.columns.getColumnsPerBlock() << " channels";
  if (plan.isCopied)
    os << "; its input lines are first copied to scratch" << (plan.skipsPixels ? ", without the pixels between" : "");
  if (plan.prefetch)
    os << "; the filter is fetched ahead";
}

void ConvNarrowEmitter::describe(llvm::raw_ostream &os) const {
  os << "a convolution of groups, several in a vector of " << kind.lanes << "; " << pixelsAtOnce
     << " pixels at once; a tile takes " << lines.getRowsPerBlock() << " lines and " << columns.getColumnsPerBlock()
     << " channels";
}

void NaiveEmitter::describe(llvm::raw_ostream &os) const { os << "scalar loops; a tile is one row of the result"; }

//===--------------------------------------------------------------------------------------------------------------===//
// Attention and recurrent layers
//===--------------------------------------------------------------------------------------------------------------===//

void AttentionPlan::describe(llvm::raw_ostream &os) const {
  os << "an attention; a tile takes " << rowsPerTile << " rows as lanes and " << keysPerBlock
     << " keys at once; scores in register tiles of " << keyTiles.getRowsPerTile() << " x " << getWidth()
     << ", sums in such of " << columnTiles.getRowsPerTile() << " x " << getWidth();
}

void RecurrencePlan::describe(llvm::raw_ostream &os) const {
  os << "all of time; a tile takes one direction and " << rowsPerTile << " rows";
  auto describeTiles = [&](const ProductTiles &tiles) {
    os << tiles.rows.getRowsPerTile() << " x " << tiles.columns.getColumnsPerTile();
  };
  for (const PhasePlan &phase : phases) {
    os << "; products in register tiles of ";
    describeTiles(phase.many);
    if (phase.few) {
      os << ", of up to " << kFewRows << " rows in such of ";
      describeTiles(*phase.few);
    }
  }
}

//===--------------------------------------------------------------------------------------------------------------===//
// Nests of linalg ops
//===--------------------------------------------------------------------------------------------------------------===//

static void describeLoop(llvm::raw_ostream &os, const KernelGraph &graph, unsigned loop) {
  int64_t size = graph.classes[loop].size;
  if (ShapedType::isDynamic(size))
    os << "?";
  else
    os << size;
}

void NestPlan::describe(llvm::raw_ostream &os, const KernelGraph &graph) const {
  os << "loops over ";
  llvm::interleave(shared, os, [&](unsigned loop) { describeLoop(os, graph, loop); }, " x ");
  os << (shared.empty() ? "nothing, one tile" : ", cut into tiles");
  if (vectorClass >= 0) {
    os << "; vectors of " << lanes << " along ";
    describeLoop(os, graph, vectorClass);
    os << ", " << unroll << " at once";
  }
  if (transposedClass >= 0)
    os << "; squares of " << lanes << " x " << lanes << " are transposed in registers";
  for (const NestGroup &group : groups) {
    os << "; " << group.entries.size() << (group.entries.size() == 1 ? " op" : " ops together");
    if (group.loops.empty())
      continue;
    os << " over ";
    llvm::interleave(group.loops, os, [&](unsigned loop) { describeLoop(os, graph, loop); }, " x ");
    if (group.vectorClass >= 0)
      os << ", " << group.unroll << " vectors of " << lanes << " at once";
  }
  if (!storage.empty())
    os << "; " << storage.size() << " results between in memory of the tile";
}
