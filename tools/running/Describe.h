//===- Describe.h - what an object says about its model ---------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_DESCRIBE_H
#define NNCC_TOOLS_RUNNING_DESCRIBE_H

#include "nncc/Compiler/Compiler.h"
#include "nnccrt/abi.h"

namespace nncc {

ModelInfo describe(const nnccrt_model &model);

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_DESCRIBE_H
