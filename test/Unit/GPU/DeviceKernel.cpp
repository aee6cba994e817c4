//===- DeviceKernel.cpp - compiles one exec.kernel to PTX and runs it on the emulator --------------------------------===//

#include "DeviceKernel.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "nncc/GPU/CompileKernel.h"
#include "nncc/Target/Codegen.h"
#include "nncc/Target/Ptx.h"
#include "nnccrt/abi.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;

namespace nncc::gpu {

struct DeviceKernel::State {
  explicit State(const emu::Card &card) : device(card) {}

  emu::Device device;
  std::string ptx;
  std::unique_ptr<llvm::orc::LLJIT> engine;
  struct Phase {
    emu::Function function;
    void (*shape)(const uint64_t *, nnccrt_cuda_launch *);
  };
  std::vector<Phase> phases;
  int64_t (*workspace)(const uint64_t *) = nullptr;
};

/// A card of the family.
static const emu::Card &getCard(unsigned sm) {
  const char *name = sm >= 90   ? "h100"
                     : sm >= 80 ? "a100"
                     : sm >= 75 ? "t4"
                     : sm >= 70 ? "v100"
                     : sm >= 61 ? "p4"
                     : sm >= 60 ? "p100"
                                : "gtx1080";
  return *emu::cardNamed(name);
}

DeviceKernel::DeviceKernel() = default;
DeviceKernel::~DeviceKernel() = default;
const std::string &DeviceKernel::getPtx() const { return state->ptx; }
emu::Counters &DeviceKernel::getCounters() { return state->device.counters; }

//===----------------------------------------------------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------------------------------------------------===//

std::unique_ptr<DeviceKernel> DeviceKernel::compile(const std::string &text, const GPUTarget &target,
                                                    std::string &error) {
  static bool initialized = (llvm::InitializeNativeTarget(), llvm::InitializeNativeTargetAsmPrinter(), true);
  (void)initialized;
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerKernelDialects(registry);
  target::registerTranslations(registry);
  target::registerPtxTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { error += diagnostic.str() + "\n"; });
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return nullptr;
  auto take = [&](auto expected) {
    if (!expected)
      error += llvm::toString(expected.takeError());
    return expected ? std::make_optional(std::move(*expected)) : std::nullopt;
  };
  FailureOr<CompiledKernel> code = compileKernel(*module->getOps<exec::KernelOp>().begin(), target);
  if (failed(code))
    return nullptr;
  auto ptx = take(target::compileToPtx(*code->device, target, "k"));
  target::CodegenOptions options;
  auto level = take(target::resolveCPULevel("x86-64"));
  if (!ptx || !level)
    return nullptr;
  options.level = *level;
  auto object = take(target::compileToObject(*code->host, options));
  auto engine = take(llvm::orc::LLJITBuilder().setPlatformSetUp(llvm::orc::setUpInactivePlatform).create());
  if (!object || !engine)
    return nullptr;

  std::unique_ptr<DeviceKernel> result(new DeviceKernel());
  result->state = std::make_unique<State>(getCard(target.sm));
  State &state = *result->state;
  state.ptx = std::move(*ptx);
  state.engine = std::move(*engine);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(StringRef(object->data(), object->size()), "kernel");
  if (llvm::Error failure = state.engine->addObjectFile(std::move(buffer))) {
    error += llvm::toString(std::move(failure));
    return nullptr;
  }
  emu::Diagnostic diagnostic;
  std::optional<unsigned> loaded = state.device.load(state.ptx, diagnostic);
  if (!loaded) {
    error += "line " + std::to_string(diagnostic.line) + ": " + diagnostic.message;
    return nullptr;
  }
  // The symbols are hidden: for the linker of the object alone, whose part is played here.
  auto lookup = [&](const std::string &symbol) {
    llvm::orc::JITDylibSearchOrder order{
        {&state.engine->getMainJITDylib(), llvm::orc::JITDylibLookupFlags::MatchAllSymbols}};
    return take(state.engine->getExecutionSession().lookup(order, state.engine->mangleAndIntern(symbol)));
  };
  for (const CompiledPhase &phase : code->phases) {
    auto function = state.device.function(*loaded, phase.entry);
    auto shape = lookup(phase.shape);
    if (!function || !shape) {
      error += "no phase " + phase.entry;
      return nullptr;
    }
    state.phases.push_back({*function, shape->getAddress().toPtr<void (*)(const uint64_t *, nnccrt_cuda_launch *)>()});
  }
  if (!code->workspace.empty())
    if (auto workspace = lookup(code->workspace))
      state.workspace = workspace->getAddress().toPtr<int64_t (*)(const uint64_t *)>();
  return result;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------===//

uint64_t DeviceKernel::allocate(uint64_t bytes) { return state->device.allocate(std::max<uint64_t>(bytes, 1)); }

void DeviceKernel::release(uint64_t address) { (void)state->device.release(address); }

uint64_t DeviceKernel::upload(const std::vector<char> &bytes) {
  uint64_t address = allocate(bytes.size());
  (void)state->device.write(address, bytes.data(), bytes.size());
  return address;
}

std::vector<char> DeviceKernel::download(uint64_t address, uint64_t count) {
  std::vector<char> bytes(count);
  (void)state->device.read(bytes.data(), address, count);
  return bytes;
}

std::string DeviceKernel::run(const std::vector<uint64_t> &slots) {
  std::vector<uint64_t> all{upload(std::vector<char>(sizeof(nnccrt_fault)))};
  all.insert(all.end(), slots.begin(), slots.end());
  uint64_t bytes = state->workspace ? state->workspace(all.data()) : 0, workspace = 0;
  std::vector<char> counters(NNCCRT_CUDA_COUNTER_BYTES);
  if (bytes) {
    workspace = allocate(counters.size() + bytes);
    (void)state->device.write(workspace, counters.data(), counters.size());
  }
  all.push_back(bytes ? workspace + counters.size() : 0);
  std::vector<const void *> params;
  params.reserve(all.size());
  for (const uint64_t &slot : all)
    params.push_back(&slot);
  std::string message;
  for (const State::Phase &phase : state->phases) {
    nnccrt_cuda_launch launch = {};
    phase.shape(all.data(), &launch);
    if (launch.blocks == 0)
      continue;
    emu::LaunchShape shape{{unsigned(launch.blocks), 1, 1}, {launch.threads, 1, 1}, launch.shared_bytes};
    if (auto trap = state->device.launch(phase.function, shape, params)) {
      message = trap->text();
      break;
    }
  }
  std::vector<char> fault = download(all.front(), sizeof(nnccrt_fault));
  nnccrt_fault found = {};
  std::memcpy(&found, fault.data(), sizeof(found));
  if (message.empty() && found.code != 0)
    message = "fault " + std::to_string(found.code);
  release(all.front());
  if (workspace && download(workspace, counters.size()) != counters && message.empty())
    message = "counters are left behind";
  if (workspace)
    release(workspace);
  return message;
}

} // namespace nncc::gpu
