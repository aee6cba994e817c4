//===- Describe.cpp - what a module says about its model ------------------------------------------------------------------===//

#include "Program.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/KernelCost.h"
#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"
#include "nncc/Dialect/NN/IR/Dim.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Support/MLIRDiagnostics.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc {

/// The element type's number in ONNX; 0 when it has none.
static uint32_t dtypeOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return NNCCRT_BOOL;
    case 2:
      return isUnsigned ? NNCCRT_U2 : NNCCRT_I2;
    case 4:
      return isUnsigned ? NNCCRT_U4 : NNCCRT_I4;
    case 8:
      return isUnsigned ? NNCCRT_U8 : NNCCRT_I8;
    case 16:
      return isUnsigned ? NNCCRT_U16 : NNCCRT_I16;
    case 32:
      return isUnsigned ? NNCCRT_U32 : NNCCRT_I32;
    case 64:
      return isUnsigned ? NNCCRT_U64 : NNCCRT_I64;
    default:
      return 0;
    }
  }
  if (auto complex = dyn_cast<ComplexType>(type))
    return complex.getElementType().isF32() ? NNCCRT_C64 : complex.getElementType().isF64() ? NNCCRT_C128 : 0;
  return TypeSwitch<Type, uint32_t>(type)
      .Case([](Float32Type) { return NNCCRT_F32; })
      .Case([](Float64Type) { return NNCCRT_F64; })
      .Case([](Float16Type) { return NNCCRT_F16; })
      .Case([](BFloat16Type) { return NNCCRT_BF16; })
      .Case([](Float8E4M3FNType) { return NNCCRT_F8E4M3FN; })
      .Case([](Float8E4M3FNUZType) { return NNCCRT_F8E4M3FNUZ; })
      .Case([](Float8E5M2Type) { return NNCCRT_F8E5M2; })
      .Case([](Float8E5M2FNUZType) { return NNCCRT_F8E5M2FNUZ; })
      .Case([](Float8E8M0FNUType) { return NNCCRT_F8E8M0; })
      .Case([](Float4E2M1FNType) { return NNCCRT_F4E2M1; })
      .Case([](nn::StringType) { return NNCCRT_STRING; })
      .Default(uint32_t(0));
}

static target::DimDescription describeDim(const nn::Dim &dim, ArrayRef<std::string> symbols) {
  target::DimDescription result;
  result.text = dim.str();
  if (dim.isStatic()) {
    result.size = dim.getStatic();
    return result;
  }
  if (dim.isUnknown()) {
    result.size = target::DimDescription::Unknown;
    return result;
  }
  result.size = target::DimDescription::Expression;
  SmallVector<std::string> used;
  dim.collectSymbols(used);
  if (used.size() == 1 && dim == nn::Dim::symbol(used[0])) {
    auto found = llvm::find(symbols, used[0]);
    if (found != symbols.end()) {
      result.size = target::DimDescription::Symbol;
      result.symbol = found - symbols.begin();
      result.text = used[0];
    }
  }
  return result;
}

/// One entry of exec.inputs or exec.outputs.
static FailureOr<target::ValueDescription> describeValue(ModuleOp module, Attribute entry,
                                                         ArrayRef<std::string> symbols) {
  auto fields = dyn_cast<DictionaryAttr>(entry);
  auto name = fields ? fields.getAs<StringAttr>("name") : StringAttr();
  auto type = fields ? fields.getAs<TypeAttr>("type") : TypeAttr();
  if (!name || !type)
    return module.emitError("an entry of exec.inputs or exec.outputs lacks name or type");
  auto tensor = dyn_cast<RankedTensorType>(type.getValue());
  target::ValueDescription value;
  value.name = name.str();
  value.kind = NNCCRT_TENSOR;
  value.dtype = tensor ? dtypeOf(tensor.getElementType()) : 0;
  if (!value.dtype)
    return module.emitError("'") << name.getValue()
                                 << "' has a type that the runtime does not know: " << type.getValue();
  for (const nn::Dim &dim : nn::getDims(tensor))
    value.dims.push_back(describeDim(dim, symbols));
  return value;
}

static LogicalResult describeValues(ModuleOp module, StringRef attribute, ArrayRef<std::string> symbols,
                                    std::vector<target::ValueDescription> &values) {
  auto entries = module->getAttrOfType<ArrayAttr>(attribute);
  if (!entries)
    return module.emitError("lacks the attribute ") << attribute;
  for (Attribute entry : entries) {
    FailureOr<target::ValueDescription> value = describeValue(module, entry, symbols);
    if (failed(value))
      return failure();
    values.push_back(std::move(*value));
  }
  return success();
}

/// The nodes in a location, each once, in order. Equal kernels were merged, so there may be very many.
static void collectNodes(Location loc, llvm::StringSet<> &seen, std::vector<std::string> &nodes) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      collectNodes(part, seen, nodes);
    return;
  }
  StringRef name = nodeName(loc);
  if (!name.empty() && seen.insert(name).second)
    nodes.push_back(name.str());
}

LogicalResult describeModel(ModuleOp module, target::ModelDescription &model) {
  llvm::StringSet<> seen;
  if (auto symbols = module->getAttrOfType<ArrayAttr>("exec.symbols"))
    for (Attribute symbol : symbols) {
      auto name = dyn_cast<StringAttr>(symbol);
      if (!name || !seen.insert(name.getValue()).second)
        return module.emitError("exec.symbols is no list of different names");
      model.symbols.push_back(name.str());
    }
  if (failed(describeValues(module, "exec.inputs", model.symbols, model.inputs)) ||
      failed(describeValues(module, "exec.outputs", model.symbols, model.outputs)))
    return failure();
  for (exec::KernelOp kernel : module.getOps<exec::KernelOp>()) {
    target::KernelDescription &description = model.kernels.emplace_back();
    description.name = kernel.getSymName().str();
    description.onHost = kernel.getHost();
    llvm::StringSet<> named;
    collectNodes(kernel.getLoc(), named, description.nodes);
    exec::KernelCost cost = exec::computeKernelCost(kernel);
    description.operations = std::move(cost.operations);
    description.bytes = std::move(cost.bytes);
  }
  std::optional<exec::MemoryPlan> plan = exec::MemoryPlan::get(module);
  if (!plan)
    return module.emitError("exec.plan is no memory plan");
  model.arenaBytes = plan->isStatic ? plan->arenaBytes : -1;
  model.numCarries = plan->numCarries;
  for (const exec::Lifetime &slot : plan->slots)
    model.slots.push_back({slot.bytes, slot.first, slot.last});
  if (auto metadata = module->getAttrOfType<DictionaryAttr>("nn.metadata"))
    for (NamedAttribute entry : metadata)
      if (auto text = dyn_cast<StringAttr>(entry.getValue()))
        model.metadata.emplace_back(entry.getName().str(), text.str());
  if (auto doc = module->getAttrOfType<StringAttr>("nn.doc"))
    model.metadata.emplace_back("doc_string", doc.str());
  return success();
}

} // namespace nncc
