//===- ReadModel.h - from a file to a protobuf message ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_READMODEL_H
#define NNCC_LIB_IMPORT_ONNX_READMODEL_H

#include "Reporter.h"
#include "nncc/Support/SourceFiles.h"

namespace onnx {
class ModelProto;
} // namespace onnx

namespace nncc::import {

/// Reads a model: binary, ONNX's own text (.onnxtxt) or protobuf's (.textproto, .pbtxt, .prototxt, .txtpb). Large
/// tensors of a binary model stay in the file (WireScan.h). False after an error.
bool readModel(SourceFiles &files, onnx::ModelProto &model, Reporter &reporter);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_READMODEL_H
