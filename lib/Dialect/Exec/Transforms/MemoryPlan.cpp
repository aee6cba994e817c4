//===- MemoryPlan.cpp - what PlanMemory tells the rest about memory -------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace nncc::exec;

std::optional<MemoryPlan> MemoryPlan::get(ModuleOp module) {
  auto attribute = module->getAttrOfType<DictionaryAttr>("exec.plan");
  if (!attribute)
    return std::nullopt;
  MemoryPlan plan;
  if (auto carries = attribute.getAs<IntegerAttr>("carries"))
    plan.numCarries = carries.getInt();
  if (auto bytes = attribute.getAs<IntegerAttr>("bytes"))
    plan.arenaBytes = bytes.getInt();
  if (auto bytes = attribute.getAs<IntegerAttr>("bound"))
    plan.boundBytes = bytes.getInt();
  auto slots = attribute.getAs<ArrayAttr>("slots");
  plan.isStatic = !slots;
  for (Attribute slot : slots ? slots.getValue() : ArrayRef<Attribute>()) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(slot);
    if (!numbers || numbers.size() != 3)
      return std::nullopt;
    plan.slots.push_back({numbers[0], unsigned(numbers[1]), unsigned(numbers[2])});
  }
  return plan;
}

void MemoryPlan::setOn(ModuleOp module) const {
  Builder builder(module.getContext());
  NamedAttrList attributes;
  if (isStatic) {
    attributes.append("bytes", builder.getI64IntegerAttr(arenaBytes));
    attributes.append("bound", builder.getI64IntegerAttr(boundBytes));
  } else {
    attributes.append("slots", builder.getArrayAttr(llvm::map_to_vector(slots, [&](const Lifetime &slot) -> Attribute {
      return builder.getDenseI64ArrayAttr({slot.bytes, slot.first, slot.last});
    })));
  }
  attributes.append("carries", builder.getI64IntegerAttr(numCarries));
  module->setAttr("exec.plan", attributes.getDictionary(module.getContext()));
}
