//===- KernelRunner.cpp - compiles one exec.kernel and runs it in this process --------------------------------------===//

#include "KernelRunner.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "nncc/Target/Codegen.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <cstring>

using namespace mlir;
using namespace nncc;

//===--------------------------------------------------------------------------------------------------------------===//
// Memory
//===--------------------------------------------------------------------------------------------------------------===//

static constexpr size_t kGuard = 4096;
static constexpr char kGuardByte = 0x5a;

Buffer::Buffer(size_t bytes)
    : bytes(bytes),
      memory(static_cast<char *>(std::aligned_alloc(64, (bytes + 2 * kGuard + 63) / 64 * 64)), &std::free),
      data(memory.get() + kGuard) {
  std::memset(memory.get(), kGuardByte, bytes + 2 * kGuard);
}

Buffer::~Buffer() = default;

bool Buffer::isIntact() const {
  auto isGuard = [](char byte) { return byte == kGuardByte; };
  return std::all_of(data - kGuard, data, isGuard) && std::all_of(data + bytes, data + bytes + kGuard, isGuard);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Code
//===--------------------------------------------------------------------------------------------------------------===//

struct RunnableKernel::State {
  std::unique_ptr<llvm::orc::LLJIT> engine;
  void (*run)(const uint64_t *, int64_t, void *) = nullptr;
  int64_t (*tiles)(const uint64_t *) = nullptr;
  int64_t scratchBytes = 0;
  target::ObjectBytes object;
};

RunnableKernel::RunnableKernel() : state(std::make_unique<State>()) {}
RunnableKernel::~RunnableKernel() = default;
int64_t RunnableKernel::getScratchBytes() const { return state->scratchBytes; }
llvm::StringRef RunnableKernel::getObject() const { return {state->object.data(), state->object.size()}; }

static cpu::CPUTarget getTarget(const target::CPULevel &level, unsigned optLevel) {
  cpu::CPUTarget target;
  target.vectorBits = level.getVectorBits();
  target.hasFMA = level.hasAVX2();
  target.hasVNNI = level.features.find("avx512vnni") != std::string::npos;
  target.optLevel = optLevel;
  target.l2Bytes = level.hasAVX512() ? 1 << 20 : 512 << 10;
  return target;
}

std::unique_ptr<RunnableKernel> RunnableKernel::compile(const std::string &text, const std::string &cpu,
                                                        unsigned optLevel, std::string &error) {
  static bool initialized = (llvm::InitializeNativeTarget(), llvm::InitializeNativeTargetAsmPrinter(), true);
  (void)initialized;
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  cpu::registerKernelDialects(registry);
  target::registerTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { error += diagnostic.str() + "\n"; });
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  PassManager passes(&context);
  passes.addPass(exec::createDecomposeLines());
  if (!module || failed(passes.run(*module)))
    return nullptr;
  exec::KernelOp kernel = *module->getOps<exec::KernelOp>().begin();
  std::string name = kernel.getSymName().str();
  auto take = [&](auto expected) {
    if (!expected)
      error += llvm::toString(expected.takeError());
    return expected ? std::make_optional(std::move(*expected)) : std::nullopt;
  };
  auto level = take(target::resolveCPULevel(cpu));
  if (!level)
    return nullptr;
  OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, getTarget(*level, optLevel));
  if (!code)
    return nullptr;
  target::CodegenOptions options;
  options.level = *level;
  auto object = take(target::compileToObject(*code, options));
  auto engine = take(llvm::orc::LLJITBuilder().setPlatformSetUp(llvm::orc::setUpInactivePlatform).create());
  if (!object || !engine)
    return nullptr;

  std::unique_ptr<RunnableKernel> result(new RunnableKernel());
  result->state->engine = std::move(*engine);
  result->state->scratchBytes = code.get()->getAttrOfType<IntegerAttr>(cpu::scratchBytesAttrName).getInt();
  llvm::orc::LLJIT &jit = *result->state->engine;
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(StringRef(object->data(), object->size()), "kernel");
  if (llvm::Error failure = jit.addObjectFile(std::move(buffer))) {
    error += llvm::toString(std::move(failure));
    return nullptr;
  }
  // The symbols are hidden: for the linker of the object alone, whose part is played here.
  auto lookup = [&](const std::string &symbol) {
    llvm::orc::JITDylibSearchOrder order{{&jit.getMainJITDylib(), llvm::orc::JITDylibLookupFlags::MatchAllSymbols}};
    return take(jit.getExecutionSession().lookup(order, jit.mangleAndIntern(symbol)));
  };
  auto run = lookup(name), tiles = lookup(name + ".tiles");
  if (!run || !tiles)
    return nullptr;
  result->state->run = run->getAddress().toPtr<void (*)(const uint64_t *, int64_t, void *)>();
  result->state->object = std::move(*object);
  result->state->tiles = tiles->getAddress().toPtr<int64_t (*)(const uint64_t *)>();
  return result;
}

static std::vector<uint64_t> withFault(llvm::ArrayRef<uint64_t> slots, int64_t *fault) {
  std::vector<uint64_t> all{reinterpret_cast<uint64_t>(fault)};
  all.insert(all.end(), slots.begin(), slots.end());
  return all;
}

int64_t RunnableKernel::countTiles(llvm::ArrayRef<uint64_t> slots) const {
  int64_t fault[2] = {0, 0};
  return state->tiles(withFault(slots, fault).data());
}

void RunnableKernel::run(llvm::ArrayRef<uint64_t> slots, bool backwards) const {
  int64_t fault[2] = {0, 0};
  std::vector<uint64_t> all = withFault(slots, fault);
  static thread_local std::vector<char> memory;
  memory.resize(state->scratchBytes + 64);
  auto scratch = reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
  int64_t count = state->tiles(all.data());
  for (int64_t tile = 0; tile < count; ++tile)
    state->run(all.data(), backwards ? count - 1 - tile : tile, scratch);
}

void RunnableKernel::runTile(const uint64_t *slots, int64_t tile, void *scratch) const {
  state->run(slots, tile, scratch);
}

std::vector<std::string> getRunnableLevels() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> levels{"x86-64"};
  if (features.lookup("avx2") && features.lookup("fma"))
    levels.push_back("x86-64-v3");
  if (features.lookup("avx512f") && features.lookup("avx512bw") && features.lookup("avx512vl"))
    levels.push_back("x86-64-v4");
  return levels;
}

bool hasVNNI() {
  return getRunnableLevels().back() == "x86-64-v4" && llvm::sys::getHostCPUFeatures().lookup("avx512vnni");
}
