//===- KernelWriter.h - the ways to write a kernel ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_KERNELWRITER_H
#define NNCC_LIB_CPU_KERNELWRITER_H

#include "KernelFunction.h"
#include "nncc/CPU/Target.h"
#include <memory>

namespace nncc::cpu {

/// Writes the functions of one kernel: how it is cut into tiles, and what a tile does.
class KernelWriter {
public:
  virtual ~KernelWriter() = default;

  /// The number of tiles, an index. Fails with a diagnostic, as the other.
  virtual mlir::FailureOr<mlir::Value> writeTileCount(mlir::OpBuilder &b, const KernelFunction &function) = 0;
  /// Returns how many bytes of scratch a tile needs.
  virtual mlir::FailureOr<int64_t> writeTile(mlir::OpBuilder &b, const KernelFunction &function) = 0;
  /// How the kernel is cut: one paragraph, for --emit=tiled.
  virtual void describe(llvm::raw_ostream &os) const = 0;
};

/// The best way for the ops of `kernel`. The kernel may be changed, and must outlive the writer.
std::unique_ptr<KernelWriter> createKernelWriter(exec::KernelOp kernel, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_KERNELWRITER_H
