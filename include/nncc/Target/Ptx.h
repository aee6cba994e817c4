//===- Ptx.h - from the LLVM and NVVM dialects to PTX ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_PTX_H
#define NNCC_TARGET_PTX_H

#include "mlir/IR/BuiltinOps.h"
#include "nncc/GPU/Target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nncc::target {

/// What a context needs whose device modules are compiled: the translations of the LLVM and NVVM dialects.
void registerPtxTranslations(mlir::DialectRegistry &registry);

/// Compiles the device module of one kernel (see gpu::compileKernel) to a text of PTX with its header. Its kernels keep their names; all else
/// in it is named after `name`, which is different for all modules of an image. May run in many threads at once on modules of different
/// contexts. Floating point is exact IEEE, with subnormals and without contraction.
llvm::Expected<std::string> compileToPtx(mlir::ModuleOp module, const gpu::GPUTarget &target, llvm::StringRef name,
                                         bool verify = true);

/// The `.version`, `.target` and `.address_size` of an image.
std::string getPtxHeader(const gpu::GPUTarget &target);

/// The module of each text, where an image is made of several that the driver compiles at once: of about the same size, and none so small
/// that a thread is not worth it. The texts alone decide.
llvm::SmallVector<unsigned> divideIntoModules(llvm::ArrayRef<std::string> texts);

/// The texts of the kernels of one module, or the modules of one image, as one module: one header, and what follows each.
llvm::Expected<std::string> joinPtx(llvm::ArrayRef<std::string> texts, const gpu::GPUTarget &target);

} // namespace nncc::target

#endif // NNCC_TARGET_PTX_H
