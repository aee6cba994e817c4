//===- Schemas.h - operators of a model: opsets, schemas, functions ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_SCHEMAS_H
#define NNCC_LIB_IMPORT_ONNX_SCHEMAS_H

#include "Reporter.h"
#include "onnx/defs/schema.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::import {

/// "ai.onnx" is a long form of the domain "".
inline llvm::StringRef normalizeDomain(llvm::StringRef domain) { return domain == "ai.onnx" ? "" : domain; }

/// How a message names an operator: "ai.onnx::Conv".
std::string operatorName(llvm::StringRef domain, llvm::StringRef op);

/// The version of each domain that a model or a function imports.
using Opsets = llvm::StringMap<int>;

/// Reads and checks opset imports. `place` is the function that they belong to, or empty.
Opsets readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports, llvm::StringRef place,
                  Reporter &reporter);

/// The newest opset of a domain that the library knows; 0 for domains that are not of the standard.
int newestOpset(llvm::StringRef domain);
/// A domain of the ONNX standard.
bool isStandardDomain(llvm::StringRef domain);
/// The schema of an operator in a version of its domain, also when it is deprecated there; null when there is none.
const onnx::OpSchema *findSchema(llvm::StringRef domain, llvm::StringRef op, int version);

/// Why a version of a domain has no such operator; empty when there is nothing to say.
std::string whyUnknown(llvm::StringRef domain, llvm::StringRef op, int version);

/// The functions of a model, by domain, name and overload.
class LocalFunctions {
public:
  explicit LocalFunctions(const onnx::ModelProto &model);
  const onnx::FunctionProto *lookup(const onnx::NodeProto &node) const;
  /// Those that appear twice.
  llvm::ArrayRef<const onnx::FunctionProto *> duplicates() const { return repeated; }

private:
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::SmallVector<const onnx::FunctionProto *> repeated;
};

/// How an operator arrives.
enum class Arrival { Table, LocalFunction, SchemaFunction, ContextFunction, None };
/// Finds it without types: a ContextFunction may turn out to have no body for the types of a node.
Arrival arrivalOf(const onnx::NodeProto &node, const Opsets &opsets, const LocalFunctions &functions);

/// How a node is called: by its name, or by its operator and position. In functions, which may be called more than once, behind the
/// `prefix` of the call.
std::string placeOf(const onnx::NodeProto &node, int index, llvm::StringRef prefix, bool inFunction);

/// At most so many graphs may be nested.
constexpr unsigned kMaxGraphDepth = 32;
/// At most so many functions may be in one another.
constexpr unsigned kMaxFunctionDepth = 64;
/// At most so many nodes, once functions are expanded.
constexpr uint64_t kMaxNodes = uint64_t(1) << 20;

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_SCHEMAS_H
