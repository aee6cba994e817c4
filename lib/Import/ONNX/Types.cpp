//===- Types.cpp - types of a model's inputs and outputs, with symbolic sizes ---------------------------------------------===//

#include "Types.h"
#include "Tensors.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mlir;

namespace nncc::import {

using nn::Dim;

/// What exporters write for a size that they do not know: each is an unknown of its own, whatever the others are
/// called.
static bool isPlaceholder(StringRef name) {
  name = name.trim();
  int64_t number = 0;
  return name.empty() || name == "?" || name == "None" || name.starts_with("unk__") ||
         (!name.getAsInteger(10, number) && number < 0);
}

InputTypes::InputTypes(MLIRContext *context, ArrayRef<const onnx::ValueInfoProto *> inputs,
                       const ImportOptions &options, Reporter &reporter)
    : context(context), reporter(reporter), inputs(inputs) {
  // Names of the model first: a name made for an unknown must be none of them.
  for (const onnx::ValueInfoProto *input : inputs)
    for (const auto &dim : input->type().tensor_type().shape().dim())
      if (!dim.has_dim_value() && !isPlaceholder(dim.dim_param())) {
        SmallVector<std::string> names;
        if (Dim parsed = Dim::parse(dim.dim_param()); !parsed.isUnknown())
          parsed.collectSymbols(names);
        for (const std::string &name : names)
          symbols[name] = true;
      }
  for (const onnx::ValueInfoProto *input : inputs)
    readDims(*input);
  for (const ShapeOverride &shape : options.shapes)
    applyShape(shape);
  for (const DimOverride &dim : options.dims)
    applyDim(dim);
  for (const onnx::ValueInfoProto *input : inputs)
    makeType(*input);
}

void InputTypes::readDims(const onnx::ValueInfoProto &input) {
  std::optional<Dims> &sizes = dims[input.name()];
  if (!input.type().tensor_type().has_shape())
    return;
  sizes.emplace();
  for (auto [i, dim] : llvm::enumerate(input.type().tensor_type().shape().dim())) {
    Dim size = Dim::unknown();
    if (dim.has_dim_value() && dim.dim_value() >= 0)
      size = Dim(dim.dim_value());
    else if (dim.has_dim_param() && !isPlaceholder(dim.dim_param()))
      size = Dim::parse(dim.dim_param());
    if (size.isUnknown() || (size.isStatic() && size.getStatic() < 0)) {
      std::string name = input.name() + "." + std::to_string(i);
      while (!symbols.try_emplace(name, true).second)
        name += "_";
      size = Dim::symbol(name);
    }
    sizes->push_back(size);
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------------------------------------------------------===//

std::string InputTypes::listInputs() const {
  std::string list = "the model's inputs are";
  for (const onnx::ValueInfoProto *input : inputs) {
    const std::optional<Dims> &sizes = dims.lookup(input->name());
    list += " " + input->name() + ":";
    list += sizes ? llvm::join(llvm::map_range(*sizes, [](const Dim &dim) { return dim.str(); }), "x") : "(any shape)";
  }
  return list;
}

void InputTypes::fix(StringRef symbol, int64_t value, StringRef option) {
  auto [entry, isNew] = fixed.try_emplace(symbol, value);
  if (!isNew && entry->second != value)
    reporter.error(DiagnosticCode::ShapeMismatch, "",
                   option + ": the size '" + symbol + "' cannot be both " + Twine(entry->second) + " and " +
                       Twine(value));
}

void InputTypes::applyShape(const ShapeOverride &shape) {
  std::string option = "--shape=" + shape.input;
  auto found = dims.find(shape.input);
  if (found == dims.end()) {
    reporter.error(DiagnosticCode::UnknownInput, "", option + ": the model has no input '" + shape.input + "'")
        .note(listInputs());
    return;
  }
  std::optional<Dims> &sizes = found->second;
  if (!sizes) { // an input of any shape gets this one
    sizes.emplace();
    for (auto [i, size] : llvm::enumerate(shape.sizes))
      sizes->push_back(size ? Dim(*size) : Dim::symbol(shape.input + "." + std::to_string(i)));
    return;
  }
  if (sizes->size() != shape.sizes.size()) {
    reporter
        .error(DiagnosticCode::ShapeMismatch, "",
               option + ": the input has " + Twine(sizes->size()) + " dims, not " + Twine(shape.sizes.size()))
        .note(listInputs());
    return;
  }
  for (auto [i, size] : llvm::enumerate(shape.sizes)) {
    const Dim &declared = (*sizes)[i];
    SmallVector<std::string> names;
    declared.collectSymbols(names);
    if (!size || declared.isStatic(*size))
      continue;
    if (names.size() == 1 && declared == Dim::symbol(names.front()))
      fix(names.front(), *size, option);
    else
      reporter
          .error(DiagnosticCode::ShapeMismatch, "",
                 option + ": dim " + Twine(i) + " of the input is " + declared.str() + ", not " + Twine(*size))
          .note(declared.isStatic() ? listInputs() : "fix the symbols in it: --dim=" + names.front() + "=N");
  }
}

void InputTypes::applyDim(const DimOverride &dim) {
  std::string option = "--dim=" + dim.symbol;
  if (!symbols.contains(dim.symbol)) {
    reporter.error(DiagnosticCode::UnknownSymbol, "", option + ": the model has no symbolic size '" + dim.symbol + "'")
        .note(listInputs());
    return;
  }
  if (dim.min < 0 || dim.max < dim.min)
    reporter.error(DiagnosticCode::ShapeMismatch, "",
                   option + ": not a size: " + Twine(dim.min) + ".." + Twine(dim.max));
  else if (dim.min == dim.max)
    fix(dim.symbol, dim.min, option);
  else
    bounds[dim.symbol] = {dim.min, dim.max};
}

Dim InputTypes::substitute(const Dim &dim) const {
  if (dim.isUnknown() || dim.isStatic() || fixed.empty())
    return dim;
  return dim.evaluate<Dim>([](int64_t value) { return Dim(value); },
                           [&](StringRef name) {
                             auto found = fixed.find(name);
                             return found == fixed.end() ? Dim::symbol(name) : Dim(found->second);
                           },
                           [](StringRef op, const Dim &a, const Dim &b) {
                             return op == "+"          ? a + b
                                    : op == "*"        ? a * b
                                    : op == "floordiv" ? a.floorDiv(b)
                                    : op == "ceildiv"  ? a.ceilDiv(b)
                                    : op == "mod"      ? a.mod(b)
                                    : op == "min"      ? Dim::min(a, b)
                                                       : Dim::max(a, b);
                           });
}

DictionaryAttr InputTypes::ranges() const {
  Builder b(context);
  SmallVector<NamedAttribute> entries;
  for (const auto &entry : bounds)
    if (!fixed.contains(entry.getKey()))
      entries.push_back(
          b.getNamedAttr(entry.getKey(), b.getDenseI64ArrayAttr({entry.getValue().first, entry.getValue().second})));
  return entries.empty() ? DictionaryAttr() : b.getDictionaryAttr(entries);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------------------------------------------------------===//

/// Sizes that cannot be counted, alone or together, never reach MLIR.
static bool isCountable(ArrayRef<Dim> dims) {
  SmallVector<int64_t> sizes;
  for (const Dim &dim : dims)
    sizes.push_back(dim.isStatic() ? dim.getStatic() : 1);
  return countElements(sizes, 64).has_value();
}

void InputTypes::makeType(const onnx::ValueInfoProto &input) {
  auto fail = [&](DiagnosticCode code, const Twine &message) -> nncc::Diagnostic & {
    return reporter.error(code, input.name(), message);
  };
  const onnx::TypeProto &type = input.type();
  if (type.value_case() == onnx::TypeProto::VALUE_NOT_SET) {
    fail(DiagnosticCode::BadType, "the input has no type");
    return;
  }
  if (!type.has_tensor_type()) {
    fail(DiagnosticCode::UnsupportedType, "the input is not a tensor");
    return;
  }
  Type element = elementType(context, type.tensor_type().elem_type());
  if (!element) {
    fail(DiagnosticCode::BadType, "the input has the unknown element type " + Twine(type.tensor_type().elem_type()));
    return;
  }
  const std::optional<Dims> &declared = dims.lookup(input.name());
  if (!declared) {
    fail(DiagnosticCode::UnsupportedType, "the number of dims of the input is not known")
        .note("give its shape: --shape=" + input.name() + ":1x2x3");
    return;
  }
  Dims sizes = llvm::map_to_vector(*declared, [&](const Dim &dim) { return substitute(dim); });
  if (!isCountable(sizes))
    fail(DiagnosticCode::TensorTooLarge, "the input has too many elements or dims");
  else
    types[input.name()] = nn::makeTensorType(sizes, element);
}

Type InputTypes::declared(const onnx::TypeProto &type) const {
  Type element = type.has_tensor_type() ? elementType(context, type.tensor_type().elem_type()) : Type();
  if (!element || !type.tensor_type().has_shape())
    return nullptr;
  Dims sizes;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    Dim size = dim.has_dim_value() ? Dim(dim.dim_value()) : Dim::unknown();
    if (dim.has_dim_param() && symbols.contains(dim.dim_param()))
      size = substitute(Dim::symbol(dim.dim_param()));
    sizes.push_back(size.isStatic() && size.getStatic() < 0 ? Dim::unknown() : size);
  }
  return isCountable(sizes) ? nn::makeTensorType(sizes, element) : Type();
}

onnx::TypeProto toProto(Type type) {
  onnx::TypeProto proto;
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return proto;
  proto.mutable_tensor_type()->set_elem_type(dataTypeOf(tensor.getElementType()));
  onnx::TensorShapeProto *shape = proto.mutable_tensor_type()->mutable_shape();
  for (const Dim &dim : nn::getDims(tensor)) {
    onnx::TensorShapeProto::Dimension *entry = shape->add_dim();
    if (dim.isStatic())
      entry->set_dim_value(dim.getStatic());
    else if (!dim.isUnknown())
      entry->set_dim_param(dim.str());
  }
  return proto;
}

} // namespace nncc::import
