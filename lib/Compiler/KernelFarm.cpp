//===- KernelFarm.cpp - kernels compiled in parallel ----------------------------------------------------------------------===//

#include "KernelFarm.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/GPU/CompileKernel.h"
#include "nncc/Target/Ptx.h"
#include "nnccrt/abi.h"
#include "llvm/Support/FormatVariadic.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;

namespace nncc {

cpu::CPUTarget makeTarget(const target::CPULevel &level, const ProgramOptions &options) {
  cpu::CPUTarget target;
  target.vectorBits = level.getVectorBits();
  target.hasFMA = level.hasAVX2();
  target.hasVNNI = (level.required & NNCCRT_CPU_AVX512_VNNI) != 0;
  target.optLevel = options.optLevel;
  return target;
}

gpu::GPUTarget makeTarget(unsigned sm, const ProgramOptions &options) {
  gpu::GPUTarget target;
  target.sm = sm;
  target.optLevel = options.optLevel;
  target.tf32 = options.tf32;
  return target;
}

namespace {

/// Compiles jobs on several threads, each with an MLIRContext of its own.
class KernelFarm {
public:
  KernelFarm(MutableArrayRef<KernelJob> jobs, const ProgramOptions &options) : jobs(jobs), options(options) {
    cpu::registerKernelDialects(registry);
    gpu::registerKernelDialects(registry);
    target::registerTranslations(registry);
    target::registerPtxTranslations(registry);
  }

  void run() {
    unsigned count = std::min<size_t>(std::max(1u, options.jobs), jobs.size());
    SmallVector<std::thread> threads;
    for (unsigned i = 1; i < count; ++i)
      threads.emplace_back([this] { work(); });
    work();
    for (std::thread &thread : threads)
      thread.join();
  }

private:
  void work() {
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects(); // the emitters create what the kernel did not have
    for (size_t index = next++; index < jobs.size(); index = next++) {
      compile(jobs[index], context);
      if (options.progress) {
        std::lock_guard lock(progressLock);
        options.progress(++done, jobs.size());
      }
    }
  }

  void compile(KernelJob &job, MLIRContext &context) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        job.error += (job.error.empty() ? "" : "; ") + diagnostic.str();
      return success();
    });
    ParserConfig config(&context, /*verifyAfterParse=*/options.verify);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(job.bytecode, config);
    if (!module)
      return;
    auto kernel = *module->getOps<exec::KernelOp>().begin();
    job.level ? compileForCPU(job, kernel) : compileForGPU(job, kernel);
  }

  void compileForCPU(KernelJob &job, exec::KernelOp kernel) {
    OwningOpRef<ModuleOp> code = cpu::compileKernel(kernel, makeTarget(*job.level, options));
    if (!code)
      return;
    if (auto scratch = (*code)->getAttrOfType<IntegerAttr>(cpu::scratchBytesAttrName))
      job.scratchBytes = scratch.getInt();
    compileObject(job, *code);
  }

  void compileForGPU(KernelJob &job, exec::KernelOp kernel) {
    gpu::GPUTarget target = makeTarget(job.sm, options);
    FailureOr<gpu::CompiledKernel> code = gpu::compileKernel(kernel, target);
    if (failed(code))
      return;
    llvm::Expected<std::string> ptx =
        target::compileToPtx(*code->device, target, gpu::getEntryName(kernel.getSymName()), options.verify);
    if (!ptx) {
      job.error = llvm::toString(ptx.takeError());
      return;
    }
    job.ptx = std::move(*ptx);
    for (const gpu::CompiledPhase &phase : code->phases) {
      job.cuda.phases.push_back({phase.entry, phase.shape});
      // For readers of the text: PTX itself does not say what a launch asks for.
      if (phase.sharedBytes)
        job.ptx +=
            llvm::formatv("// launch {0}: threads {1}, shared {2}\n", phase.entry, phase.threads, *phase.sharedBytes);
    }
    job.cuda.workspace = code->workspace;
    job.cuda.numArgs = countArguments(kernel);
    compileObject(job, *code->host);
  }

  static void compileObject(KernelJob &job, ModuleOp code) {
    llvm::Expected<target::ObjectBytes> object = target::compileToObject(code, job.codegen);
    if (object)
      job.object = std::move(*object);
    else
      job.error = llvm::toString(object.takeError());
  }

  /// Slots, as exec.kernel documents them.
  static unsigned countArguments(exec::KernelOp kernel) {
    unsigned count = 1;
    for (TypeRange types : {TypeRange(kernel.getArgumentTypes()), TypeRange(kernel.getResultTypes())})
      for (Type type : types)
        count += 1 + (isa<RankedTensorType>(type) ? cast<RankedTensorType>(type).getNumDynamicDims() : 0);
    return count;
  }

  MutableArrayRef<KernelJob> jobs;
  const ProgramOptions &options;
  DialectRegistry registry;
  std::atomic<size_t> next = 0;
  std::mutex progressLock;
  size_t done = 0;
};

} // namespace

void compileKernels(MutableArrayRef<KernelJob> jobs, const ProgramOptions &options) { KernelFarm(jobs, options).run(); }

} // namespace nncc
