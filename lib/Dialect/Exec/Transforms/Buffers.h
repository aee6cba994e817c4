//===- Buffers.h - which buffer each tensor of a schedule lies in -----------------------------------------------*- C++ -*-===//
///
/// \file
/// The analysis behind PlanMemory. Every tensor lies in a buffer; a view lies in that of its source, and the result of control flow
/// in one of several. Buffers become one where a value may be written straight to where it is wanted: over an operand that dies, into
/// what a loop carries, into an output.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_BUFFERS_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_BUFFERS_H

#include "SizeExpr.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace nncc::exec {

enum class BufferKind {
  ReadOnly, // an input, a weight, a constant
  Planned,  // in the arena, of a size known before the run
  RunTime,  // of a size known when it is allocated
  Output,   // output number `index`
  Spare,    // the one of two buffers that value `index` of `loop` is not in
  Carried   // the growing buffers of an exec.carry
};

struct Buffer {
  BufferKind kind;
  SizeExpr bytes;
  mlir::Operation *firstOp = nullptr; // fills it first
  unsigned first = 0, last = 0;       // positions in the schedule
  mlir::Operation *loop = nullptr;
  unsigned index = 0;
  llvm::SmallVector<mlir::Region *, 1> homes; // the regions of the operations that fill it
};

/// How a loop carries one of its values from an iteration to the next.
struct LoopCarry {
  enum Kind {
    Scalar,   // no tensor
    Constant, // each iteration hands on what it got: the initial value itself
    InPlace,  // in one buffer
    Spare,    // in two buffers by turns; the next value is written into the spare one, or copied there
    Growing   // by exec.carry number `id`, of a size that changes
  } kind = Scalar;
  unsigned current = 0, spare = 0; // buffers
  unsigned id = 0;
};

class BufferAssignment {
public:
  BufferAssignment(mlir::func::FuncOp schedule, SizeAnalysis &sizes, bool separate = false);

  /// The buffer that `tensor` lies in, or nothing when it may be in one of several.
  std::optional<unsigned> lookupId(mlir::Value tensor);
  bool mayBeIn(mlir::Value tensor, unsigned id) { return llvm::is_contained(resolve(tensor), find(id)); }
  /// Buffers that were joined have one id that stands for them.
  unsigned find(unsigned id);
  const Buffer &getBuffer(unsigned id) { return buffers[find(id)]; }
  unsigned getNumBuffers() const { return buffers.size(); }

  llvm::ArrayRef<LoopCarry> getCarries(mlir::Operation *loop) { return carries[loop]; }
  unsigned getNumGrowing() const { return numGrowing; }

private:
  using Ids = llvm::SmallVector<unsigned, 1>;

  void number(mlir::Operation *op);
  unsigned create(BufferKind kind, mlir::Value tensor, mlir::Operation *op);
  unsigned createFresh(mlir::Value tensor, mlir::Operation *op);
  void assign(mlir::Block &block);
  void assignLoop(mlir::Operation *loop, mlir::Block::BlockArgListType arguments, mlir::ValueRange inits,
                  mlir::ValueRange yielded);
  void assignResults(mlir::Operation *op);

  unsigned usePosition(mlir::Operation *user, mlir::Region *home);
  void findLifetimes();

  void merge(unsigned a, unsigned b);
  Ids resolve(mlir::Value tensor);
  std::optional<unsigned> lookupFresh(mlir::Value tensor);
  bool canReuse(LaunchOp launch, unsigned number, llvm::function_ref<bool(mlir::Value)> dies);
  void reuseOperands(mlir::func::FuncOp schedule);
  void joinControlFlow(mlir::func::FuncOp schedule);
  void joinBranches(mlir::scf::IfOp branch);
  void joinLoop(mlir::Operation *loop, mlir::Block::BlockArgListType arguments, mlir::ValueRange inits,
                mlir::ValueRange yielded);
  void joinYielded(mlir::Operation *loop, LoopCarry &carry, unsigned number, mlir::BlockArgument argument,
                   mlir::Value yielded);
  unsigned lastUse(mlir::Operation *loop, mlir::BlockArgument argument, const LoopCarry &carry);
  void assignOutputs(mlir::func::FuncOp schedule);

  SizeAnalysis &sizes;
  bool separate; ///< no buffer has a place in the arena
  std::vector<Buffer> buffers;
  std::vector<unsigned> parents; // of the union-find forest
  llvm::MapVector<mlir::Value, Ids> assigned;
  llvm::DenseMap<mlir::Operation *, unsigned> begins, ends; // positions
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<LoopCarry>> carries;
  unsigned numPositions = 0, numGrowing = 0;
};

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_BUFFERS_H
