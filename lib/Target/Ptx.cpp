//===- Ptx.cpp - from the LLVM and NVVM dialects to PTX -----------------------------------------------------------===//

#include "nncc/Target/Ptx.h"
#include "Machine.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;

namespace nncc::target {

void registerPtxTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

static void initializeNVPTX() {
  static const bool once = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)once;
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createPtxMachine(const gpu::GPUTarget &target) {
  initializeNVPTX();
  std::string error;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *backEnd = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backEnd)
    return llvm::createStringError(error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // Without optimisation the addresses of all memory would be generic.
  auto effort = llvm::CodeGenOpt::getLevel(std::clamp(target.optLevel, 1u, 3u)).value();
  return std::unique_ptr<llvm::TargetMachine>(backEnd->createTargetMachine(
      triple, "sm_" + std::to_string(target.sm), "+ptx" + std::to_string(target.getPtxVersion()), options, std::nullopt,
      std::nullopt, effort));
}

namespace {
/// One compilation, in steps.
class PtxCompilation {
public:
  PtxCompilation(ModuleOp source, const gpu::GPUTarget &target, StringRef name, bool verifies)
      : source(source), target(target), name(name), verifies(verifies) {}

  llvm::Expected<std::string> run();

private:
  llvm::Error translate();
  llvm::Error verify(StringRef when);
  void nameSymbols();
  void optimize();

  ModuleOp source;
  const gpu::GPUTarget &target;
  std::string name;
  bool verifies;
  std::shared_lock<std::shared_mutex> optionsLock{getLLVMOptionsLock()};
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module; // after the context: it goes first
};
} // namespace

llvm::Error PtxCompilation::translate() {
  std::string messages;
  ScopedDiagnosticHandler handler(source.getContext(), [&](Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return success();
  });
  module = translateModuleToLLVMIR(source, context, name, /*disableVerification=*/true);
  if (!module)
    return llvm::createStringError("translation to LLVM IR: " + messages);
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *module)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::NoUnwind);
  return llvm::Error::success();
}

/// Names that the back end makes up (of constants) must not meet those of another kernel.
void PtxCompilation::nameSymbols() {
  unsigned number = 0;
  for (llvm::GlobalVariable &variable : module->globals())
    if (!variable.isDeclaration())
      variable.setName(name + "$c" + std::to_string(number++));
}

llvm::Error PtxCompilation::verify(StringRef when) {
  return verifies ? verifyModule(*module, when) : llvm::Error::success();
}

/// Vectors are ours: what LLVM would make of scalar loops helps no GPU. At O0 the descriptors of memory would live on the stack.
void PtxCompilation::optimize() {
  auto level = target.optLevel == 0 ? llvm::OptimizationLevel::O1 : llvm::OptimizationLevel::O3;
  optimizeModule(*module, *machine, level, /*vectorizes=*/false);
}

llvm::Expected<std::string> PtxCompilation::run() {
  auto created = createPtxMachine(target);
  if (!created)
    return created.takeError();
  machine = std::move(*created);
  if (llvm::Error error = translate())
    return error;
  if (llvm::Error error = verify("from the kernels"))
    return error;
  optimize();
  nameSymbols();
  if (llvm::Error error = verify("behind the optimiser"))
    return error;
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream out(text);
  if (llvm::Error error = emitModule(*module, *machine, llvm::CodeGenFileType::AssemblyFile, out))
    return error;
  return std::string(text.begin(), text.end());
}

llvm::Expected<std::string> compileToPtx(ModuleOp module, const gpu::GPUTarget &target, StringRef name, bool verify) {
  return PtxCompilation(module, target, name, verify).run();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------------------------------------------------===//

std::string getPtxHeader(const gpu::GPUTarget &target) {
  unsigned version = target.getPtxVersion();
  return (".version " + Twine(version / 10) + "." + Twine(version % 10) + "\n.target sm_" + Twine(target.sm) +
          "\n.address_size 64\n")
      .str();
}

/// The largest go first, each to the module that has the least yet.
SmallVector<unsigned> divideIntoModules(ArrayRef<std::string> texts) {
  constexpr size_t leastBytes = 32 << 10, most = 16;
  size_t total = 0;
  for (StringRef text : texts)
    total += text.size();
  SmallVector<size_t> filled(std::clamp<size_t>(total / leastBytes, 1, most));
  auto order = llvm::to_vector(llvm::seq<size_t>(texts.size()));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::make_pair(texts[b].size(), a) < std::make_pair(texts[a].size(), b);
  });
  SmallVector<unsigned> modules(texts.size());
  for (size_t text : order) {
    auto least = llvm::min_element(filled);
    *least += texts[text].size();
    modules[text] = static_cast<unsigned>(least - filled.begin());
  }
  return modules;
}

llvm::Expected<std::string> joinPtx(ArrayRef<std::string> texts, const gpu::GPUTarget &target) {
  constexpr StringLiteral lastLine = ".address_size 64\n";
  std::string header = getPtxHeader(target), joined = header;
  for (StringRef text : texts) {
    size_t end = text.find(lastLine);
    // The header of each says what the image says.
    auto has = [&](StringRef line) { return text.take_front(end).contains(line); };
    SmallVector<StringRef> lines;
    StringRef(header).split(lines, '\n', -1, /*KeepEmpty=*/false);
    if (end == StringRef::npos || !llvm::all_of(ArrayRef(lines).drop_back(), has))
      return llvm::createStringError("a text of PTX without the header\n" + header);
    joined += text.drop_front(end + lastLine.size());
  }
  return joined;
}

} // namespace nncc::target
