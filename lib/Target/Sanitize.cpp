//===- Sanitize.cpp - instrumentation of kernels ------------------------------------------------------------------===//

#include "Sanitize.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Instrumentation/ThreadSanitizer.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace nncc::target {

namespace {
/// LLVM's ThreadSanitizer passes over accesses of more than 16 bytes and over masked ones: nearly all that a kernel does. This reports
/// them to its run-time library.
class VectorAccessReporter {
public:
  explicit VectorAccessReporter(Module &module)
      : layout(module.getDataLayout()), sizeType(layout.getIntPtrType(module.getContext())),
        read(declare(module, "__tsan_read_range")), write(declare(module, "__tsan_write_range")) {}

  void run(Function &function);

private:
  FunctionCallee declare(Module &module, StringRef name) {
    LLVMContext &context = module.getContext();
    return module.getOrInsertFunction(name, Type::getVoidTy(context), PointerType::get(context, 0), sizeType);
  }
  /// `type` at `address`, just before `position`.
  void report(Instruction *position, Value *address, Type *type, bool isWrite) {
    Value *size = ConstantInt::get(sizeType, layout.getTypeStoreSize(type));
    IRBuilder<>(position).CreateCall(isWrite ? write : read, {address, size});
  }
  void reportWhole(Instruction *access, Value *address, Type *type, bool isWrite);
  void reportMasked(IntrinsicInst *access);

  const DataLayout &layout;
  Type *sizeType;
  FunctionCallee read, write;
};

struct VectorAccessReporterPass : PassInfoMixin<VectorAccessReporterPass> {
  PreservedAnalyses run(Module &module, ModuleAnalysisManager &) {
    VectorAccessReporter reporter(module);
    for (Function &function : module)
      if (function.hasFnAttribute(Attribute::SanitizeThread))
        reporter.run(function);
    return PreservedAnalyses::none();
  }
  static bool isRequired() { return true; }
};
} // namespace

/// What ThreadSanitizer itself takes is left to it.
void VectorAccessReporter::reportWhole(Instruction *access, Value *address, Type *type, bool isWrite) {
  uint64_t bytes = layout.getTypeStoreSize(type);
  if (!isPowerOf2_64(bytes) || bytes > 16)
    report(access, address, type, isWrite);
}

/// One report for each lane that the mask lets through.
void VectorAccessReporter::reportMasked(IntrinsicInst *access) {
  Intrinsic::ID id = access->getIntrinsicID();
  bool isWrite = id == Intrinsic::masked_store || id == Intrinsic::masked_scatter;
  bool isScattered = id == Intrinsic::masked_gather || id == Intrinsic::masked_scatter;
  Value *pointer = access->getArgOperand(isWrite ? 1 : 0);
  Value *mask = access->getArgOperand(isWrite ? 2 : 1);
  auto *vector = cast<FixedVectorType>(isWrite ? access->getArgOperand(0)->getType() : access->getType());
  for (unsigned lane = 0; lane < vector->getNumElements(); ++lane) {
    IRBuilder<> builder(access);
    Value *address = isScattered ? builder.CreateExtractElement(pointer, lane)
                                 : builder.CreateConstGEP1_32(vector->getElementType(), pointer, lane);
    Value *active = builder.CreateExtractElement(mask, lane);
    Instruction *then = SplitBlockAndInsertIfThen(active, access, /*Unreachable=*/false);
    report(then, address, vector->getElementType(), isWrite);
  }
}

void VectorAccessReporter::run(Function &function) {
  SmallVector<Instruction *> instructions; // reports split blocks
  for (Instruction &instruction : llvm::instructions(function))
    instructions.push_back(&instruction);
  for (Instruction *instruction : instructions) {
    if (auto *load = dyn_cast<LoadInst>(instruction)) {
      reportWhole(load, load->getPointerOperand(), load->getType(), /*isWrite=*/false);
    } else if (auto *store = dyn_cast<StoreInst>(instruction)) {
      reportWhole(store, store->getPointerOperand(), store->getValueOperand()->getType(), /*isWrite=*/true);
    } else if (auto *call = dyn_cast<IntrinsicInst>(instruction)) {
      Intrinsic::ID id = call->getIntrinsicID();
      if (id == Intrinsic::masked_load || id == Intrinsic::masked_store || id == Intrinsic::masked_gather ||
          id == Intrinsic::masked_scatter)
        reportMasked(call);
    }
  }
}

static void addThreadSanitizer(ModulePassManager &passes) {
  passes.addPass(VectorAccessReporterPass());
  passes.addPass(ModuleThreadSanitizerPass());
  passes.addPass(createModuleToFunctionPassAdaptor(ThreadSanitizerPass()));
}

void addSanitizer(PassBuilder &builder, Module &module, Sanitizer sanitizer) {
  if (sanitizer == Sanitizer::None)
    return;
  bool address = sanitizer == Sanitizer::Address;
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(address ? Attribute::SanitizeAddress : Attribute::SanitizeThread);
  builder.registerOptimizerLastEPCallback([=](ModulePassManager &passes, OptimizationLevel, ThinOrFullLTOPhase) {
    if (address)
      // Globals without the sections that the final linker would have to collect: ours are joined before.
      passes.addPass(AddressSanitizerPass(AddressSanitizerOptions(), /*UseGlobalGC=*/false));
    else
      addThreadSanitizer(passes);
  });
}

} // namespace nncc::target
