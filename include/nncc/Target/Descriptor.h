//===- Descriptor.h - the constant that a model object exports ------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_DESCRIPTOR_H
#define NNCC_TARGET_DESCRIPTOR_H

#include "nncc/Target/Codegen.h"
#include "nncc/Target/ModelDescription.h"

namespace nncc::target {

/// An object with the nnccrt_model of `model`. It refers to the functions of the schedule and of the kernels by the
/// names that ModelDescription gives them, and to an empty section .lrodata where the linker appends embedded weights.
llvm::Expected<ObjectBytes> compileDescriptor(const ModelDescription &model);

} // namespace nncc::target

#endif // NNCC_TARGET_DESCRIPTOR_H
