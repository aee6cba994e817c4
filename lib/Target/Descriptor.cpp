//===- Descriptor.cpp - the constant that a model object exports --------------------------------------------------===//

#include "nncc/Target/Descriptor.h"
#include "Machine.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace nncc::target {

namespace {
/// Writes the structs of abi.h as constants: an anonymous struct type has the same padding as C's.
class DescriptorBuilder {
public:
  /// `weights`: those of another descriptor in the module; null: the first makes them.
  DescriptorBuilder(const ModelDescription &model, Module &module, Constant *sharedWeights = nullptr)
      : model(model), module(module), context(module.getContext()), sharedWeights(sharedWeights) {}

  /// The struct.
  Expected<GlobalVariable *> build(GlobalValue::LinkageTypes linkage);

private:
  Constant *i32(uint64_t value) {
    return ConstantInt::get(Type::getInt32Ty(context), value, false, /*implicitTrunc=*/true);
  }
  Constant *i64(uint64_t value) { return ConstantInt::get(Type::getInt64Ty(context), value); }
  Constant *null() { return ConstantPointerNull::get(PointerType::get(context, 0)); }
  Constant *record(ArrayRef<Constant *> fields) { return ConstantStruct::getAnon(context, fields); }
  Constant *bytes(ArrayRef<uint8_t> value) { return ConstantDataArray::get(context, value); }
  GlobalVariable *global(Constant *value, GlobalValue::LinkageTypes linkage, const Twine &name);
  Constant *text(const std::string &value);
  Constant *textOrNull(const std::string &value);
  Constant *array(ArrayRef<Constant *> elements);
  /// Makes one element of an array of each item.
  template <typename Range, typename Make> Constant *arrayOf(const Range &range, Make make) {
    return array(map_to_vector(range, make));
  }
  Constant *function(const Twine &name);

  Constant *dim(const DimDescription &dim) { return record({i64(dim.size), i32(dim.symbol), i32(0), text(dim.text)}); }
  Constant *value(const ValueDescription &value);
  Constant *level(const CPULevel &level);
  Constant *weights();
  Constant *metadata();
  Constant *kernel(const CudaImageDescription &image, const CudaKernelDescription &kernel);
  Constant *part(const std::string &part);
  Constant *image(const CudaImageDescription &image);
  Constant *cuda();
  Expected<Constant *> fallback();

  const ModelDescription &model;
  Module &module;
  LLVMContext &context;
  Constant *sharedWeights;
};
} // namespace

GlobalVariable *DescriptorBuilder::global(Constant *value, GlobalValue::LinkageTypes linkage, const Twine &name) {
  auto *variable = new GlobalVariable(value->getType(), /*isConstant=*/true, linkage, value, name);
  module.insertGlobalVariable(variable);
  return variable;
}

/// No text is a null pointer only where the struct says so: weights().
Constant *DescriptorBuilder::text(const std::string &value) {
  GlobalVariable *address = global(ConstantDataArray::getString(context, value), GlobalValue::PrivateLinkage, "");
  address->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return address;
}

Constant *DescriptorBuilder::textOrNull(const std::string &value) { return value.empty() ? null() : text(value); }

Constant *DescriptorBuilder::array(ArrayRef<Constant *> elements) {
  if (elements.empty())
    return null();
  auto *type = ArrayType::get(elements[0]->getType(), elements.size());
  return global(ConstantArray::get(type, elements), GlobalValue::PrivateLinkage, "");
}

Constant *DescriptorBuilder::function(const Twine &name) {
  auto *type = FunctionType::get(Type::getVoidTy(context), false);
  FunctionCallee callee = module.getOrInsertFunction((model.getSymbolPrefix() + name).str(), type);
  auto *function = cast<Function>(callee.getCallee());
  function->setVisibility(GlobalValue::HiddenVisibility);
  return function;
}

Constant *DescriptorBuilder::value(const ValueDescription &value) {
  return record({text(value.name), text(value.identifier), i32(value.kind), i32(value.dtype), i32(value.dims.size()),
                 i32(0), arrayOf(value.dims, [&](const DimDescription &d) { return dim(d); })});
}

Constant *DescriptorBuilder::level(const CPULevel &level) {
  auto kernel = [&](const KernelDescription &kernel) {
    if (!model.images.empty() && !kernel.onHost)
      return record({null(), null()});
    return record({function(kernel.name + level.getSuffix()), function(kernel.name + ".tiles" + level.getSuffix())});
  };
  return record({text(level.name), i64(level.required), arrayOf(model.kernels, kernel)});
}

/// All that MC, lld and objcopy ever see of the weights: an empty local object of the section that they will be
/// appended to.
Constant *DescriptorBuilder::weights() {
  if (!model.hasEmbeddedWeights())
    return null();
  if (sharedWeights)
    return sharedWeights;
  auto *none = ArrayType::get(Type::getInt8Ty(context), 0);
  GlobalVariable *weights =
      global(ConstantAggregateZero::get(none), GlobalValue::InternalLinkage, model.getSymbolPrefix() + "weights");
  weights->setSection(".lrodata");
  weights->setAlignment(Align(64));
  return sharedWeights = weights;
}

Constant *DescriptorBuilder::kernel(const CudaImageDescription &image, const CudaKernelDescription &kernel) {
  std::string suffix = getCudaSuffix(image.sm);
  Constant *phases = arrayOf(kernel.phases, [&](const CudaPhaseDescription &phase) {
    return record({text(phase.entry), function(phase.shape + suffix)});
  });
  return record({i32(kernel.phases.size()), i32(kernel.numArgs), i32(kernel.part), i32(0), phases,
                 kernel.workspace.empty() ? null() : function(kernel.workspace + suffix)});
}

/// PTX ends with NUL.
Constant *DescriptorBuilder::part(const std::string &part) {
  GlobalVariable *data = global(ConstantDataArray::getString(context, part), GlobalValue::PrivateLinkage, "");
  data->setAlignment(Align(16));
  return record({data, i64(part.size())});
}

Constant *DescriptorBuilder::image(const CudaImageDescription &image) {
  return record({i32(image.sm), i32(image.isCubin ? NNCCRT_CUDA_CUBIN : NNCCRT_CUDA_PTX), i32(image.parts.size()),
                 i32(0), arrayOf(image.parts, [&](const std::string &one) { return part(one); }),
                 arrayOf(image.kernels, [&](const CudaKernelDescription &k) { return kernel(image, k); })});
}

Constant *DescriptorBuilder::cuda() {
  if (model.images.empty())
    return null();
  Constant *images = arrayOf(model.images, [&](const CudaImageDescription &one) { return image(one); });
  return global(record({i32(model.images.size()), i32(0), images, i64(model.deviceWeightsBytes)}),
                GlobalValue::PrivateLinkage, "");
}

Expected<Constant *> DescriptorBuilder::fallback() {
  if (!model.fallback)
    return null();
  return DescriptorBuilder(*model.fallback, module, sharedWeights).build(GlobalValue::PrivateLinkage);
}

Constant *DescriptorBuilder::metadata() {
  SmallVector<Constant *> pairs;
  for (const auto &[key, value] : model.metadata)
    pairs.append({text(key), text(value)});
  return array(pairs);
}

Expected<GlobalVariable *> DescriptorBuilder::build(GlobalValue::LinkageTypes linkage) {
  auto values = [&](ArrayRef<ValueDescription> list) {
    return arrayOf(list, [&](const ValueDescription &v) { return value(v); });
  };
  Constant *symbols = arrayOf(model.symbols, [&](const std::string &name) { return text(name); });
  Constant *infos = arrayOf(model.kernels, [&](const KernelDescription &kernel) {
    return record(
        {text(kernel.name), text(join(kernel.nodes, "\n")), textOrNull(kernel.operations), textOrNull(kernel.bytes)});
  });
  Constant *levels = arrayOf(model.levels, [&](const CPULevel &l) { return level(l); });
  Constant *slots = arrayOf(model.slots, [&](const SlotDescription &slot) {
    return record({i64(slot.bytes), i32(slot.first), i32(slot.last)});
  });
  bool isStatic = model.isStaticPlan();
  Constant *blob = weights();
  Expected<Constant *> other = fallback();
  if (!other)
    return other.takeError();
  Constant *fields[] = {i32(sizeof(nnccrt_model)),
                        i32(NNCCRT_ABI_VERSION),
                        text(model.name),
                        text(model.producer),
                        i32(model.inputs.size()),
                        i32(model.outputs.size()),
                        i32(model.symbols.size()),
                        i32(model.kernels.size()),
                        i32(model.levels.size()),
                        i32(isStatic ? 0 : model.slots.size()),
                        i32(model.numCarries),
                        i32(model.metadata.size()),
                        values(model.inputs),
                        values(model.outputs),
                        symbols,
                        infos,
                        levels,
                        isStatic ? null() : slots,
                        i64(model.arenaBytes),
                        i64(model.scratchBytes),
                        blob,
                        i64(model.weightsBytes),
                        textOrNull(model.weightsFile),
                        bytes(model.weightsHash),
                        isStatic ? null() : function("sizes"),
                        function("run"),
                        metadata(),
                        cuda(),
                        *other};
  Constant *value = record(fields);
  if (module.getDataLayout().getTypeAllocSize(value->getType()) != sizeof(nnccrt_model))
    return createStringError("the descriptor is not laid out as nnccrt_model in nnccrt/abi.h");
  bool isExported = linkage == GlobalValue::ExternalLinkage;
  return global(value, linkage, isExported ? model.getExportedSymbol() : "");
}

Expected<ObjectBytes> compileDescriptor(const ModelDescription &model) {
  std::shared_lock optionsLock(getLLVMOptionsLock());
  auto machine = createMachine(CPULevel::getBaseline(), /*optLevel=*/0);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  Module module(model.identifier, context);
  prepareModule(module, **machine);
  if (auto built = DescriptorBuilder(model, module).build(GlobalValue::ExternalLinkage); !built)
    return built.takeError();
  ObjectBytes object;
  raw_svector_ostream out(object);
  if (Error error = emitModule(module, **machine, CodeGenFileType::ObjectFile, out))
    return error;
  return object;
}

} // namespace nncc::target
