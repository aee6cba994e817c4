//===- CheckModel.h - whether a model is well formed ------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_CHECKMODEL_H
#define NNCC_LIB_IMPORT_ONNX_CHECKMODEL_H

#include "Schemas.h"
#include "nncc/Support/SourceFiles.h"

namespace nncc::import {

/// The opsets of a model; those of old models that need none.
Opsets modelOpsets(const onnx::ModelProto &model, Reporter &reporter);
/// The opsets of a function: domains that it does not import are the model's.
Opsets functionOpsets(const onnx::FunctionProto &function, const Opsets &modelOpsets, Reporter &reporter);

/// Reports everything that can be wrong with a model without looking at shapes. False after an error.
bool checkModel(const onnx::ModelProto &model, const LocalFunctions &functions, SourceFiles &files, Reporter &reporter);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_CHECKMODEL_H
