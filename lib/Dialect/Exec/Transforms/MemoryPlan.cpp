//===- MemoryPlan.cpp - what PlanMemory tells the rest about memory -------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace nncc::exec;

std::optional<MemoryPlan> MemoryPlan::get(ModuleOp module) {
  auto attribute = module->getAttrOfType<DictionaryAttr>("exec.plan");
  if (!attribute)
    return std::nullopt;
  auto number = [&](StringRef name) {
    auto integer = attribute.getAs<IntegerAttr>(name);
    return integer && integer.getType().isInteger(64) ? integer.getInt() : -1;
  };
  MemoryPlan plan;
  auto slots = attribute.getAs<ArrayAttr>("slots");
  plan.isStatic = !slots;
  if (!llvm::isUInt<32>(number("carries")))
    return std::nullopt;
  plan.numCarries = number("carries");
  if (plan.isStatic) {
    plan.arenaBytes = number("bytes");
    plan.boundBytes = number("bound");
    if (plan.arenaBytes < 0 || plan.boundBytes < 0)
      return std::nullopt;
  }
  for (Attribute slot : slots ? slots.getValue() : ArrayRef<Attribute>()) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(slot);
    if (!numbers || numbers.size() != 3 || numbers[0] < -1 || !llvm::isUInt<32>(numbers[1]) ||
        !llvm::isUInt<32>(numbers[2]) || numbers[1] > numbers[2])
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
