//===- KernelFarm.h - kernels compiled in parallel ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_KERNELFARM_H
#define NNCC_LIB_COMPILER_KERNELFARM_H

#include "Program.h"
#include "nncc/CPU/Target.h"
#include "nncc/GPU/Target.h"

namespace nncc {

/// One kernel for one level of CPUs or one family of GPUs.
struct KernelJob {
  llvm::StringRef bytecode;
  const target::CPULevel *level = nullptr; ///< null: for a GPU
  unsigned sm = 0;
  target::CodegenOptions codegen; ///< of what runs on the host
  // Results.
  std::optional<target::ObjectBytes> object; ///< the kernel, or the functions of the host that say how it is launched
  std::string ptx;
  target::CudaKernelDescription cuda;
  int64_t scratchBytes = 0;
  std::string error;
};

/// Does all jobs, on several threads, each with an MLIRContext of its own.
void compileKernels(llvm::MutableArrayRef<KernelJob> jobs, const ProgramOptions &options);

cpu::CPUTarget makeTarget(const target::CPULevel &level, const ProgramOptions &options);
gpu::GPUTarget makeTarget(unsigned sm, const ProgramOptions &options);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_KERNELFARM_H
