//===- Info.cpp - a model or an object, described for people --------------------------------------------------------------===//

#include "nncc/Compiler/Compiler.h"
#include "nncc/Target/GPUTable.h"
#include "nncc/Target/Link.h"
#include "nnccrt/nnccrt.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace nncc {
namespace {

std::string describeSize(int64_t bytes) {
  const char *const units[] = {"bytes", "KB", "MB", "GB"};
  size_t unit = 0;
  double amount = double(bytes);
  for (; amount >= 1000 && unit + 1 < std::size(units); ++unit)
    amount /= 1000;
  std::string text;
  raw_string_ostream(text) << format(unit ? "%.1f " : "%.0f ", amount) << units[unit];
  return text;
}

class InfoPrinter {
public:
  InfoPrinter(const ModelInfo &info, raw_ostream &out) : info(info), model(info.model), out(out) {}

  void print() {
    line("model") << printable(model.name) << (model.producer.empty() ? "" : ", by " + printable(model.producer))
                  << "\n";
    line("levels") << join(map_range(model.levels, [](const target::CPULevel &level) { return printable(level.name); }),
                           ", ")
                   << "\n";
    printImages();
    printValues("input", model.inputs);
    printValues("output", model.outputs);
    if (!model.symbols.empty())
      line("symbols") << join(map_range(model.symbols, [](const std::string &s) { return printable(s); }), ", ")
                      << "\n";
    if (!info.operations.empty())
      line("operations") << join(map_range(info.operations,
                                           [](const auto &entry) {
                                             return entry.first + " " + std::to_string(entry.second);
                                           }),
                                 ", ")
                         << "\n";
    line("weights") << describeSize(model.weightsBytes)
                    << (model.weightsFile.empty() ? "" : ", in " + printable(model.weightsFile)) << "\n";
    printMemory();
    printKernels();
    for (const auto &[key, value] : model.metadata)
      line("metadata") << printable(key) << " = " << printable(value) << "\n";
  }

private:
  raw_ostream &line(StringRef what) { return out << left_justify(what, 12); }

  void printValues(StringRef what, ArrayRef<target::ValueDescription> values) {
    for (const target::ValueDescription &value : values) {
      line(what) << "'" << printable(value.name) << "' "
                 << (value.kind == NNCCRT_TENSOR ? nnccrt_dtype_name(value.dtype) : "no tensor") << "[";
      interleave(
          value.dims, out,
          [&](const target::DimDescription &dim) {
            dim.size >= 0 ? out << dim.size : out << (dim.text.empty() ? "?" : printable(dim.text));
          },
          " x ");
      out << "]\n";
    }
  }

  void printImages() {
    if (model.images.empty())
      return;
    line("images")
        << join(map_range(model.images,
                          [](const target::CudaImageDescription &image) {
                            return "sm_" + std::to_string(image.sm) + (image.isCubin ? " cubin, " : " PTX, ") +
                                   describeSize(int64_t(image.bytes)) +
                                   (image.numParts > 1 ? " in " + std::to_string(image.numParts) + " modules" : "");
                          }),
                "; ")
        << (model.fallback
                ? "; and code for CPUs: " +
                      join(map_range(model.fallback->levels, [](const target::CPULevel &level) { return level.name; }),
                           ", ")
                : "")
        << "\n";
  }

  void printMemory() {
    line("memory");
    if (model.isStaticPlan())
      out << describeSize(model.arenaBytes) << " for a run";
    else
      out << model.slots.size() << " buffers, whose sizes follow from the symbols";
    if (model.scratchBytes)
      out << ", " << describeSize(model.scratchBytes) << " for each thread";
    out << (model.numCarries ? ", and what loops carry\n" : "\n");
  }

  void printKernels() {
    line("kernels") << model.kernels.size() << "\n";
    for (const target::KernelDescription &kernel : model.kernels) {
      out << "  " << printable(kernel.name) << ":";
      if (int64_t operations = 0; !StringRef(kernel.operations).getAsInteger(10, operations))
        out << format(" %.6g operations", double(operations));
      if (int64_t bytes = 0; !StringRef(kernel.bytes).getAsInteger(10, bytes))
        out << " " << describeSize(bytes);
      out << " of " << printable(join(kernel.nodes, ", ")) << (kernel.onHost ? ", on the host\n" : "\n");
    }
  }

  const ModelInfo &info;
  const target::ModelDescription &model;
  raw_ostream &out;
};

} // namespace

void printInfo(const ModelInfo &info, raw_ostream &out) { InfoPrinter(info, out).print(); }

void printGPUs(raw_ostream &out) { target::printGPUTable(out); }

std::optional<std::string> linkFlags(StringRef file, bool usesGPU, Diagnostics &diagnostics) {
  auto buffer = MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    diagnostics.error(DiagnosticCode::CannotRead, file, "", buffer.getError().message());
    return std::nullopt;
  }
  Expected<std::string> flags = target::linkFlags(**buffer, usesGPU);
  if (!flags) {
    diagnostics.error(DiagnosticCode::CannotRead, file, "", toString(flags.takeError()));
    return std::nullopt;
  }
  return *flags;
}

} // namespace nncc
