//===- JIT.cpp - a compiled model inside this process -------------------------------------------------------------===//

#include "nncc/Target/JIT.h"
#include "Builtins.h"
#include "LibrarySymbols.h"
#include "Machine.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace nncc::target {

struct LoadedModel::Linked {
  std::string messages; // of the session, which would print them
  std::unique_ptr<orc::LLJIT> jit;
};

LoadedModel::LoadedModel(std::unique_ptr<Linked> linked, const nnccrt_model *descriptor)
    : linked(std::move(linked)), descriptor(descriptor) {}
LoadedModel::~LoadedModel() = default;

static Expected<std::unique_ptr<orc::LLJIT>> createJIT() {
  auto machine =
      createMachine(CPULevel::getBaseline(), /*optLevel=*/0); // sets up the target; LLJIT makes one of its own
  if (!machine)
    return machine.takeError();
  orc::LLJITBuilder builder;
  builder.setJITTargetMachineBuilder(orc::JITTargetMachineBuilder((*machine)->getTargetTriple()));
  builder.setLinkProcessSymbolsByDefault(false);
  builder.setPlatformSetUp(orc::setUpInactivePlatform); // our code has no constructors and no thread-local variables
  auto jit = builder.create();
  if (!jit)
    return jit.takeError();
  auto isLibrary = [](const orc::SymbolStringPtr &name) { return isLibrarySymbol(*name, Sanitizer::None); };
  auto libraries =
      orc::DynamicLibrarySearchGenerator::GetForCurrentProcess((*jit)->getDataLayout().getGlobalPrefix(), isLibrary);
  if (!libraries)
    return libraries.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*libraries));
  return jit;
}

static Error addObject(orc::LLJIT &jit, const ObjectBytes &object) {
  return jit.addObjectFile(MemoryBuffer::getMemBufferCopy(StringRef(object.data(), object.size()), "object"));
}

Expected<std::unique_ptr<LoadedModel>> LoadedModel::load(ArrayRef<ObjectBytes> objects, StringRef exported) {
  Expected<std::optional<ObjectBytes>> builtins = compileBuiltinsFor(objects);
  if (!builtins)
    return builtins.takeError();
  std::shared_lock optionsLock(getLLVMOptionsLock());
  auto jit = createJIT();
  if (!jit)
    return jit.takeError();
  auto linked = std::make_unique<Linked>();
  linked->jit = std::move(*jit);
  linked->jit->getExecutionSession().setErrorReporter(
      [messages = &linked->messages](Error error) { *messages += "\n" + toString(std::move(error)); });
  if (*builtins)
    if (Error error = addObject(*linked->jit, **builtins))
      return error;
  for (const ObjectBytes &object : objects)
    if (Error error = addObject(*linked->jit, object))
      return error;
  auto address = linked->jit->lookup(exported);
  if (!address)
    return createStringError(toString(address.takeError()) + linked->messages);
  return std::unique_ptr<LoadedModel>(new LoadedModel(std::move(linked), address->toPtr<const nnccrt_model *>()));
}

} // namespace nncc::target
