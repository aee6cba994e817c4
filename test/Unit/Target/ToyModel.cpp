//===- ToyModel.cpp - a small model, written by hand in the LLVM dialect ------------------------------------------===//

#include "ToyModel.h"
#include "nncc/Target/Descriptor.h"
#include "nncc/Target/Link.h"
#include "nnccrt/abi.h"

namespace nncc::target {

const char *const kToyKernel = R"(
  llvm.mlir.global internal constant @one(1 : i64) : i64
  llvm.func @k0_scale(%args: !llvm.ptr, %tile: i64, %scratch: !llvm.ptr) {
    %x_slot = llvm.getelementptr %args[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %w_slot = llvm.getelementptr %args[16] : (!llvm.ptr) -> !llvm.ptr, i8
    %y_slot = llvm.getelementptr %args[24] : (!llvm.ptr) -> !llvm.ptr, i8
    %x = llvm.load %x_slot : !llvm.ptr -> !llvm.ptr
    %w = llvm.load %w_slot : !llvm.ptr -> !llvm.ptr
    %y = llvm.load %y_slot : !llvm.ptr -> !llvm.ptr
    %x_at = llvm.getelementptr %x[%tile] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %w_at = llvm.getelementptr %w[%tile] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %y_at = llvm.getelementptr %y[%tile] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x_value = llvm.load %x_at : !llvm.ptr -> f32
    %w_value = llvm.load %w_at : !llvm.ptr -> f32
    %product = llvm.call @scale(%x_value, %w_value) : (f32, f32) -> f32
    llvm.store %product, %y_at : f32, !llvm.ptr
    llvm.return
  }
  llvm.func @scale(%x: f32, %w: f32) -> f32 attributes {sym_visibility = "private", no_inline} {
    %power = llvm.intr.exp2(%x) : (f32) -> f32
    %product = llvm.fmul %power, %w : f32
    llvm.return %product : f32
  }
  llvm.func @k0_scale.tiles(%args: !llvm.ptr) -> i64 {
    %tiles = llvm.mlir.constant(4 : i64) : i64
    llvm.return %tiles : i64
  }
)";

const char *const kToySchedule = R"(
  llvm.func @run(%frame: !llvm.ptr) -> i32 {
    %one = llvm.mlir.constant(1 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %zero = llvm.mlir.constant(0 : i32) : i32
    %failed = llvm.mlir.constant(-1 : i32) : i32
    %null = llvm.mlir.zero : !llvm.ptr
    %args = llvm.alloca %one x !llvm.array<4 x ptr> : (i64) -> !llvm.ptr
    %dims = llvm.alloca %one x i64 : (i64) -> !llvm.ptr
    llvm.store %four, %dims : i64, !llvm.ptr
    %services = llvm.load %frame : !llvm.ptr -> !llvm.ptr
    %launch_slot = llvm.getelementptr %services[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %output_slot = llvm.getelementptr %services[48] : (!llvm.ptr) -> !llvm.ptr, i8
    %launch = llvm.load %launch_slot : !llvm.ptr -> !llvm.ptr
    %get_output = llvm.load %output_slot : !llvm.ptr -> !llvm.ptr
    %output = llvm.call %get_output(%frame, %zero, %dims) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> !llvm.ptr
    %none = llvm.icmp "eq" %output, %null : !llvm.ptr
    llvm.cond_br %none, ^end(%failed : i32), ^go
  ^go:
    %weights_slot = llvm.getelementptr %frame[32] : (!llvm.ptr) -> !llvm.ptr, i8
    %inputs_slot = llvm.getelementptr %frame[40] : (!llvm.ptr) -> !llvm.ptr, i8
    %weights = llvm.load %weights_slot : !llvm.ptr -> !llvm.ptr
    %inputs = llvm.load %inputs_slot : !llvm.ptr -> !llvm.ptr
    %input = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
    %x = llvm.getelementptr %args[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %w = llvm.getelementptr %args[16] : (!llvm.ptr) -> !llvm.ptr, i8
    %y = llvm.getelementptr %args[24] : (!llvm.ptr) -> !llvm.ptr, i8
    llvm.store %input, %x : !llvm.ptr, !llvm.ptr
    llvm.store %weights, %w : !llvm.ptr, !llvm.ptr
    llvm.store %output, %y : !llvm.ptr, !llvm.ptr
    %status = llvm.call %launch(%frame, %zero, %args) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> i32
    llvm.br ^end(%status : i32)
  ^end(%result: i32):
    llvm.return %result : i32
  }
)";

static mlir::DialectRegistry makeRegistry() {
  mlir::DialectRegistry registry;
  registerTranslations(registry);
  return registry;
}

ParsedModule::ParsedModule(llvm::StringRef text) : context(makeRegistry(), mlir::MLIRContext::Threading::DISABLED) {
  context.allowUnregisteredDialects();
  module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    abort();
}

std::string changeToyKernel(llvm::StringRef from, llvm::StringRef to) {
  auto [before, after] = llvm::StringRef(kToyKernel).split(from);
  EXPECT_FALSE(after.empty()) << "the toy kernel has no " << from.str();
  return (before + to + after).str();
}

ModelDescription describeToy(llvm::StringRef name, llvm::ArrayRef<std::string> levels) {
  ModelDescription model;
  model.name = model.identifier = name.str();
  model.producer = "nncc test";
  model.inputs = {{"x", "x", NNCCRT_TENSOR, NNCCRT_F32, {{4, -1, "4"}}}};
  model.outputs = {{"y", "y", NNCCRT_TENSOR, NNCCRT_F32, {{4, -1, "4"}}}};
  model.kernels = {{"k0_scale", {"/Exp", "/Mul"}}};
  model.levels = get(resolveCPULevels(levels));
  model.arenaBytes = 64;
  WeightBlob weights = makeToyWeights();
  model.weightsBytes = weights.size();
  model.weightsHash = weights.hash();
  model.metadata = {{"author", "nobody"}};
  return model;
}

WeightBlob makeToyWeights() {
  const float values[4] = {1, 10, 100, 1000};
  WeightBlob weights;
  weights.add(std::vector<char>(reinterpret_cast<const char *>(values), reinterpret_cast<const char *>(values + 4)));
  weights.add({'e', 'n', 'd'});
  return weights;
}

std::vector<ObjectBytes> compileToy(const ModelDescription &model, unsigned optLevel, Sanitizer sanitizer,
                                    llvm::StringRef kernel) {
  CodegenOptions options;
  options.moduleName = options.prefix = model.getSymbolPrefix();
  options.optLevel = optLevel;
  options.sanitizer = sanitizer;
  std::vector<ObjectBytes> objects;
  for (const CPULevel &level : model.levels) {
    options.level = level;
    options.suffix = level.getSuffix();
    objects.push_back(get(compileToObject(*ParsedModule(kernel).module, options)));
  }
  options.level = CPULevel::getBaseline();
  options.suffix = "";
  objects.push_back(get(compileToObject(*ParsedModule(kToySchedule).module, options)));
  objects.push_back(get(compileDescriptor(model)));
  return objects;
}

ObjectBytes buildToy(const ModelDescription &model, Sanitizer sanitizer, llvm::StringRef kernel) {
  return get(joinObjects(compileToy(model, /*optLevel=*/3, sanitizer, kernel), model.getExportedSymbol(), sanitizer));
}

} // namespace nncc::target
