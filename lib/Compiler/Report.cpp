//===- Report.cpp - what a compilation did, as JSON -----------------------------------------------------------------------===//

#include "Report.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nnccrt/nnccrt.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using llvm::json::fixUTF8;
using llvm::json::OStream;

namespace nncc {

std::map<std::string, unsigned> countOperations(ModuleOp module) {
  std::map<std::string, unsigned> counts;
  module.walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() == "nn")
      ++counts[op->getName().getStringRef().str()];
  });
  return counts;
}

void Report::readProgram(ModuleOp module) {
  plan = exec::MemoryPlan::get(module);
  llvm::StringMap<unsigned> numbers;
  for (exec::KernelOp kernel : module.getOps<exec::KernelOp>()) {
    numbers[kernel.getSymName()] = bodies.size();
    std::vector<std::string> &body = bodies.emplace_back();
    for (Operation &op : kernel.getBody().front())
      if (isa<linalg::LinalgOp>(op) || (isa<exec::ExecDialect>(op.getDialect()) && !isa<exec::YieldOp>(op)))
        body.push_back(op.getName().getStringRef().str());
  }
  launches.resize(bodies.size());
  if (auto schedule = module.lookupSymbol<func::FuncOp>("main"))
    schedule.walk([&](exec::LaunchOp launch) { ++launches[numbers.lookup(launch.getKernel())]; });
}

/// A formula without slots is a number.
static void printCost(OStream &json, StringRef name, StringRef formula) {
  int64_t number = 0;
  if (!formula.getAsInteger(10, number))
    json.attribute(name, number);
  else if (formula.empty())
    json.attribute(name, nullptr);
  else
    json.attribute(name, formula);
}

static void printValues(OStream &json, StringRef name, ArrayRef<target::ValueDescription> values) {
  json.attributeArray(name, [&] {
    for (const target::ValueDescription &value : values)
      json.object([&] {
        json.attribute("name", fixUTF8(value.name));
        json.attribute("type", nnccrt_dtype_name(value.dtype));
        json.attributeArray("dims", [&] {
          for (const target::DimDescription &dim : value.dims)
            dim.size >= 0 ? json.value(dim.size) : json.value(fixUTF8(dim.text));
        });
      });
  });
}

/// How many entries of each image stand for kernel `number`.
static void printPhases(OStream &json, const target::ModelDescription &model, size_t number) {
  json.attributeObject("phases", [&] {
    for (const target::CudaImageDescription &image : model.images)
      if (number < image.kernels.size())
        json.attribute("sm_" + std::to_string(image.sm), int64_t(image.kernels[number].phases.size()));
  });
}

static void printKernels(OStream &json, const Report &report) {
  const target::ModelDescription &model = report.model;
  for (size_t i = 0; i < std::min(model.kernels.size(), report.bodies.size()); ++i)
    json.object([&] {
      const target::KernelDescription &kernel = model.kernels[i];
      json.attribute("name", kernel.name);
      json.attributeArray("nodes", [&] {
        for (const std::string &node : kernel.nodes)
          json.value(fixUTF8(node));
      });
      json.attributeArray("body", [&] {
        for (const std::string &op : report.bodies[i])
          json.value(op);
      });
      json.attribute("launches", report.launches[i]);
      if (report.options.target != TargetKind::CPU) {
        json.attribute("runs_on", kernel.onHost ? "host" : "cuda");
        printPhases(json, model, i);
      }
      printCost(json, "operations", kernel.operations);
      printCost(json, "bytes", kernel.bytes);
      json.attributeObject("object_bytes", [&] {
        if (report.options.target != TargetKind::CPU)
          return;
        for (auto [level, cpu] : llvm::enumerate(model.levels))
          if (size_t at = level * model.kernels.size() + i; at < report.codeBytes.size())
            json.attribute(cpu.name, int64_t(report.codeBytes[at]));
      });
    });
}

static void printFusion(OStream &json, StringRef name, ArrayRef<PassRemark> remarks, bool isMade) {
  json.attributeArray(name, [&] {
    for (const PassRemark &remark : remarks)
      if (remark.isMade == isMade && remark.category != "placement")
        json.object([&] {
          json.attribute("node", fixUTF8(remark.node));
          json.attribute("producer", fixUTF8(remark.producer));
          json.attribute("message", remark.message);
        });
  });
}

static void printPlacement(OStream &json, ArrayRef<PassRemark> remarks) {
  json.attributeArray("placement", [&] {
    for (const PassRemark &remark : remarks)
      if (remark.category == "placement")
        json.object([&] {
          json.attribute("node", fixUTF8(remark.node));
          json.attribute("waits", !remark.isMade);
          json.attribute("message", remark.message);
        });
  });
}

static void printImages(OStream &json, const target::ModelDescription &model) {
  json.attributeArray("images", [&] {
    for (const target::CudaImageDescription &image : model.images)
      json.object([&] {
        json.attribute("sm", image.sm);
        json.attribute("kind", image.isCubin ? "cubin" : "ptx");
        json.attribute("bytes", int64_t(image.bytes));
        json.attribute("modules", int64_t(image.numParts));
      });
  });
}

static void printMemory(OStream &json, const target::ModelDescription &model, const exec::MemoryPlan &plan) {
  json.attribute("static", plan.isStatic);
  if (plan.isStatic) {
    json.attribute("arena_bytes", plan.arenaBytes);
    json.attribute("bound_bytes", plan.boundBytes);
  } else {
    json.attribute("slots", int64_t(plan.slots.size()));
  }
  json.attribute("carried_values", plan.numCarries);
  json.attribute("scratch_bytes", model.scratchBytes);
  json.attribute("weights_bytes", int64_t(model.weightsBytes));
}

static void printFiles(OStream &json, const CompileResult &files) {
  for (auto [what, path] :
       {std::pair("output", &files.output), {"header", &files.header}, {"weights", &files.weights}}) {
    uint64_t bytes = 0;
    if (!path->empty() && !llvm::sys::fs::file_size(*path, bytes))
      json.attributeObject(what, [&] {
        json.attribute("path", fixUTF8(*path));
        json.attribute("bytes", int64_t(bytes));
      });
  }
}

void Report::print(llvm::raw_ostream &out) const {
  OStream json(out, 1);
  json.object([&] {
    json.attribute("report_version", 1);
    json.attribute("producer", model.producer);
    json.attribute("input", fixUTF8(options.input));
    json.attribute("model", fixUTF8(model.name));
    json.attributeArray("levels", [&] {
      for (const target::CPULevel &level : model.levels)
        json.value(level.name);
    });
    json.attributeArray("stages", [&] {
      for (const Progress::Time &stage : stages)
        json.object([&] {
          json.attribute("name", stage.name);
          json.attribute("ms", stage.ms);
        });
    });
    printValues(json, "inputs", model.inputs);
    printValues(json, "outputs", model.outputs);
    json.attributeObject("operations", [&] {
      for (const auto &[name, count] : operations)
        json.attribute(name, count);
    });
    json.attributeArray("kernels", [&] { printKernels(json, *this); });
    json.attributeObject("fusion", [&] {
      printFusion(json, "made", remarks, /*isMade=*/true);
      printFusion(json, "missed", remarks, /*isMade=*/false);
    });
    if (options.target != TargetKind::CPU) {
      printImages(json, model);
      printPlacement(json, remarks);
    }
    if (plan)
      json.attributeObject("memory", [&] { printMemory(json, model, *plan); });
    json.attributeObject("files", [&] { printFiles(json, files); });
  });
  out << "\n";
}

} // namespace nncc
