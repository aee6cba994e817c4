//===- Header.cpp - the header of a model -------------------------------------------------------------------------===//

#include "nncc/Target/Header.h"
#include "nncc/Target/Identifiers.h"
#include "nnccrt/abi.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::target {

namespace {
struct ElementType {
  const char *name;
  const char *cxx; ///< null: no view of nnccrt/View.h holds it
};

class HeaderWriter {
public:
  HeaderWriter(const ModelDescription &model, StringRef cxxNamespace, raw_ostream &out)
      : model(model), cxxNamespace(cxxNamespace), symbols(makeSymbolIdentifiers(model.symbols)), out(out) {}

  void write();

private:
  void writeC();
  void writeConstants(StringRef kind, ArrayRef<std::pair<std::string, std::string>> names);
  void writeSymbols();
  void writeContext();
  void writeInput(const ValueDescription &value, size_t index);
  void writeOutput(const ValueDescription &value, size_t index);
  /// The comment above an accessor; false if the value has no C++ type.
  bool writeComment(StringRef what, const ValueDescription &value);
  void writeSizeFunctions();
  void writeModel();

  const ModelDescription &model;
  StringRef cxxNamespace;
  std::vector<std::string> symbols;
  raw_ostream &out;
};
} // namespace

static ElementType getElementType(uint32_t dtype) {
  static constexpr ElementType kTypes[] = {{"undefined", nullptr},
                                           {"f32", "float"},
                                           {"u8", "uint8_t"},
                                           {"i8", "int8_t"},
                                           {"u16", "uint16_t"},
                                           {"i16", "int16_t"},
                                           {"i32", "int32_t"},
                                           {"i64", "int64_t"},
                                           {"string", nullptr},
                                           {"bool", "bool"},
                                           {"f16", "nncc::half"},
                                           {"f64", "double"},
                                           {"u32", "uint32_t"},
                                           {"u64", "uint64_t"},
                                           {"complex64", "nncc::complex64"},
                                           {"complex128", "nncc::complex128"},
                                           {"bf16", "nncc::bfloat16"},
                                           {"f8e4m3fn", "nncc::float8"},
                                           {"f8e4m3fnuz", "nncc::float8"},
                                           {"f8e5m2", "nncc::float8"},
                                           {"f8e5m2fnuz", "nncc::float8"},
                                           {"u4", "nncc::packed"},
                                           {"i4", "nncc::packed"},
                                           {"f4e2m1", "nncc::packed"},
                                           {"f8e8m0", "nncc::float8"},
                                           {"u2", "nncc::packed"},
                                           {"i2", "nncc::packed"}};
  static_assert(std::size(kTypes) == NNCCRT_I2 + 1);
  return dtype < std::size(kTypes) ? kTypes[dtype] : kTypes[0];
}

/// Text of the model in a comment: nothing in it can end the comment or hide what follows.
static std::string forComment(StringRef text) {
  bool plain = all_of(text, [](char c) { return isAlnum(c) || StringRef(" _+-*/()").contains(c); });
  return plain ? text.str() : quoteForC(text);
}

static std::string describeDims(const ValueDescription &value) {
  auto dim = [](const DimDescription &d) { return d.size >= 0 ? std::to_string(d.size) : forComment(d.text); };
  return join(map_range(value.dims, dim), " x ");
}

void HeaderWriter::write() {
  std::string guard = "NNCC_MODEL_" + model.identifier + "_H";
  out << "// The model " << quoteForC(model.name) << ", compiled by " << forComment(model.producer)
      << ". A generated file: changes will be lost.\n\n";
  out << "#ifndef " << guard << "\n#define " << guard << "\n\n";
  writeC();
  out << "#ifdef __cplusplus\n\n#include \"nnccrt/Model.h\"\n\nnamespace " << cxxNamespace << " {\n\n";
  writeSymbols();
  writeContext();
  writeModel();
  out << "} // namespace " << cxxNamespace << "\n\n#endif // __cplusplus\n\n#endif // " << guard << "\n";
}

void HeaderWriter::writeC() {
  out << "#include \"nnccrt/nnccrt.h\"\n\n";
  out << "#ifdef __cplusplus\nextern \"C\" {\n#endif\nextern const nnccrt_model " << model.getExportedSymbol()
      << ";\n#ifdef __cplusplus\n}\n#endif\n\n";
  auto identify = [](const ValueDescription &value) { return std::pair(value.identifier, value.name); };
  out << "#ifndef __cplusplus // indices for the functions of nnccrt.h\n";
  writeConstants("input", map_to_vector(model.inputs, identify));
  writeConstants("output", map_to_vector(model.outputs, identify));
  writeConstants("symbol", map_to_vector(zip(symbols, model.symbols),
                                         [](auto pair) { return std::pair(std::get<0>(pair), std::get<1>(pair)); }));
  out << "#endif\n\n";
}

void HeaderWriter::writeConstants(StringRef kind, ArrayRef<std::pair<std::string, std::string>> names) {
  if (names.empty())
    return;
  out << "enum {\n";
  for (auto [index, entry] : enumerate(names))
    out << "  " << model.identifier << '_' << kind << '_' << entry.first << " = " << index << ", // "
        << quoteForC(entry.second) << '\n';
  out << "};\n";
}

void HeaderWriter::writeSymbols() {
  if (symbols.empty())
    return;
  out << "/// Sizes that the caller chooses.\nstruct Symbols {\n";
  for (auto [identifier, name] : zip_equal(symbols, model.symbols))
    out << "  int64_t " << identifier << " = 0; ///< " << quoteForC(name) << '\n';
  out << "};\n\n";
}

void HeaderWriter::writeContext() {
  out << "/// Memory to run the model in; used by one thread at a time.\n"
         "class Context : public nncc::Context {\npublic:\n";
  for (auto [index, value] : enumerate(model.inputs))
    writeInput(value, index);
  for (auto [index, value] : enumerate(model.outputs))
    writeOutput(value, index);
  writeSizeFunctions();
  out << "};\n\n";
}

bool HeaderWriter::writeComment(StringRef what, const ValueDescription &value) {
  ElementType type = getElementType(value.dtype);
  bool hasView = value.kind == NNCCRT_TENSOR && type.cxx;
  out << "  /// " << what << ' ' << quoteForC(value.name) << ": ";
  if (value.kind == NNCCRT_TENSOR)
    out << type.name << (value.dims.empty() ? ", a scalar" : ", " + describeDims(value));
  else
    out << (value.kind == NNCCRT_SEQUENCE ? "a sequence" : value.kind == NNCCRT_OPTIONAL ? "an optional" : "a map");
  out << (hasView ? ".\n" : "; only by nnccrt.h.\n\n");
  return hasView;
}

void HeaderWriter::writeInput(const ValueDescription &value, size_t index) {
  if (!writeComment("Input", value))
    return;
  StringRef type = getElementType(value.dtype).cxx, name = value.identifier;
  out << "  nncc::View<" << type << "> " << name << "() { return input_at<" << type << ">(" << index << "); }\n"
      << "  nncc::Status bind_" << name << "(nncc::View<const " << type << "> view) { return bind_input_at(" << index
      << ", view); }\n"
      << "  nncc::Status unbind_" << name << "() { return unbind_input_at(" << index << "); }\n\n";
}

void HeaderWriter::writeOutput(const ValueDescription &value, size_t index) {
  if (!writeComment("Output", value))
    return;
  StringRef type = getElementType(value.dtype).cxx, name = value.identifier;
  out << "  nncc::View<const " << type << "> " << name << "() { return output_at<" << type << ">(" << index << "); }\n"
      << "  nncc::Status bind_" << name << "(nncc::View<" << type << "> view) { return bind_output_at(" << index
      << ", view); }\n"
      << "  nncc::Status unbind_" << name << "() { return unbind_output_at(" << index << "); }\n\n";
}

void HeaderWriter::writeSizeFunctions() {
  if (symbols.empty())
    return;
  std::string values = "    const int64_t values[] = {";
  for (StringRef symbol : symbols)
    values += (symbol == symbols[0] ? "symbols." : ", symbols.") + symbol.str();
  values += "};\n";
  std::string arguments = "({values, " + std::to_string(symbols.size()) + "});\n  }\n";
  out << "  /// Plans for these sizes: the only call that allocates.\n"
         "  nncc::Status resize(const Symbols &symbols) {\n"
      << values << "    return resize_to" << arguments
      << "  /// What a run takes with these sizes.\n"
         "  nncc::Result<uint64_t> workspace_bytes(const Symbols &symbols) {\n"
      << values << "    return workspace_bytes_for" << arguments;
}

void HeaderWriter::writeModel() {
  out << "/// Immutable, shared by all threads. Contexts may outlive it.\n"
         "class Model : public nncc::Model {\npublic:\n"
         "  static nncc::Result<Model> load(const nncc::LoadOptions &options = {}) {\n"
         "    return load_as<Model>("
      << model.getExportedSymbol()
      << ", options);\n  }\n"
         "  nncc::Result<Context> context(const nncc::ContextOptions &options = {}) const {\n"
         "    return context_as<Context>(options);\n  }\n};\n\n";
}

static Error checkNamespace(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, "::");
  for (StringRef part : parts)
    if (!isUsableIdentifier(part))
      return createStringError("'" + text + "' cannot be a C++ namespace: '" + part + "' is no identifier");
  return Error::success();
}

Expected<std::string> generateHeader(const ModelDescription &model, StringRef cxxNamespace) {
  if (cxxNamespace.empty())
    cxxNamespace = model.identifier;
  if (Error error = checkNamespace(cxxNamespace))
    return error;
  std::string text;
  raw_string_ostream out(text);
  HeaderWriter(model, cxxNamespace, out).write();
  return text;
}

} // namespace nncc::target
