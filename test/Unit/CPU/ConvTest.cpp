//===- ConvTest.cpp - convolutions, run ----------------------------------------------------------------------------===//

#include "KernelRunner.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>
#include <random>

using llvm::formatv;

namespace {

using Dims = std::vector<int64_t>;

struct ConvCase {
  int64_t batch;
  Dims input;
  int64_t channels, outputs, groups;
  Dims kernel, strides, dilations, pads; // pads: begins, ends

  Dims getOutput() const {
    Dims output;
    for (size_t i = 0; i < input.size(); ++i)
      output.push_back((input[i] + pads[i] + pads[i + input.size()] - dilations[i] * (kernel[i] - 1) - 1) / strides[i] +
                       1);
    return output;
  }
};

int64_t product(const Dims &dims) {
  int64_t result = 1;
  for (int64_t dim : dims)
    result *= dim;
  return result;
}

Dims concat(std::initializer_list<Dims> parts) {
  Dims result;
  for (const Dims &part : parts)
    result.insert(result.end(), part.begin(), part.end());
  return result;
}

enum Variant { Plain, Packed, Dynamic };

/// How a case is computed.
struct Way {
  std::string level;
  Variant variant = Plain;
  unsigned optLevel = 3;
  /// i8 of these signs instead of f32; what is outside of the image.
  bool isInteger = false, inputUnsigned = false, filterUnsigned = false;
  int outside = 0;
};

/// Dims of the tensors of a case: input, filter, bias, output.
std::vector<Dims> getTensors(const ConvCase &c) {
  return {concat({{c.batch}, c.input, {c.channels}}),
          concat({{c.groups}, c.kernel, {c.channels / c.groups, c.outputs / c.groups}}),
          {c.outputs},
          concat({{c.batch}, c.getOutput(), {c.outputs}})};
}

std::string tensorType(Dims dims, bool isDynamic, const std::string &element) {
  std::string text = "tensor<";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (isDynamic && i + 1 < dims.size() ? "?" : std::to_string(dims[i])) + "x";
  return text + element + ">";
}

/// Depthwise and the like: panels go across groups.
bool isNarrow(const ConvCase &c) {
  int64_t outputs = c.outputs / c.groups;
  return c.groups > 1 && outputs <= 8 && (outputs & (outputs - 1)) == 0 && c.channels / c.groups <= 2 * outputs;
}

Dims getPackedFilter(const ConvCase &c, bool isInteger) {
  int64_t inputs = c.channels / c.groups, step = isInteger && !isNarrow(c) ? 4 : 1;
  int64_t steps = product(c.kernel) * ((inputs + step - 1) / step);
  if (isNarrow(c))
    return {1, (c.outputs + 15) / 16, steps, 16};
  return {c.groups, (c.outputs / c.groups + 15) / 16, steps, 16 * step};
}

std::string convKernel(const ConvCase &c, const Way &way) {
  std::vector<Dims> tensors = getTensors(c);
  bool isDynamic = way.variant == Dynamic, isPacked = way.variant == Packed;
  std::string element = way.isInteger ? "i8" : "f32", sum = way.isInteger ? "i32" : "f32";
  std::string input = tensorType(tensors[0], isDynamic, element), output = tensorType(tensors[3], isDynamic, sum);
  std::string filter = tensorType(isPacked ? getPackedFilter(c, way.isInteger) : tensors[1], false, element);
  std::string bias = tensorType(tensors[2], false, sum), sizes, arguments, more;
  if (isDynamic)
    for (size_t i = 0; i + 1 < tensors[3].size(); ++i) {
      sizes += formatv(", %d{0}: index", i);
      arguments += formatv("{0}%d{1}", i ? ", " : "", i);
    }
  auto list = [](const Dims &values) {
    return llvm::join(llvm::map_range(values, [](int64_t v) { return std::to_string(v); }), ", ");
  };
  if (isPacked)
    more += formatv(", packed = array<i64: {0}>", list(tensors[1]));
  more += way.inputUnsigned ? ", input_unsigned" : "";
  std::string outside;
  if (way.isInteger)
    outside = formatv("%outside = arith.constant {0} : i8", int(int8_t(way.outside)));
  more += way.filterUnsigned ? ", filter_unsigned" : "";
  return formatv(R"(exec.kernel @k(%x: {0}, %w: {1}, %b: {2}{3}) -> {4} {{
  %e = tensor.empty({5}) : {4}
  {11}
  %0 = exec.conv %x, %w bias(%b : {2}) {12} outs(%e) {{strides = array<i64: {6}>,
      dilations = array<i64: {7}>, pads = array<i64: {8}>, groups = {9} : i64{10}} : {0}, {1}, {4} -> {4}
  exec.yield %0 : {4}
})",
                 input, filter, bias, sizes, output, arguments, list(c.strides), list(c.dilations), list(c.pads),
                 c.groups, more, outside, way.isInteger ? "outside(%outside : i8)" : "");
}

/// Small integers in f32, whose products and sums are exact in any order; any i8.
void fill(const Buffer &buffer, uint32_t seed, bool isBytes) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < buffer.size() / (isBytes ? 1 : 4); ++i)
    if (isBytes)
      buffer.as<uint8_t>()[i] = random();
    else
      buffer.as<float>()[i] = float(int(random() % 9) - 4);
}

/// An element as a number.
double at(const Buffer &buffer, int64_t i, const Way &way, bool isUnsigned) {
  if (!way.isInteger)
    return buffer.as<float>()[i];
  return isUnsigned ? buffer.as<uint8_t>()[i] : buffer.as<int8_t>()[i];
}

/// Steps through all positions of `dims`.
bool advance(Dims &position, const Dims &dims) {
  for (size_t i = dims.size(); i-- > 0;) {
    if (++position[i] < dims[i])
      return true;
    position[i] = 0;
  }
  return false;
}

std::vector<double> computeReference(const ConvCase &c, const Way &way, const std::vector<Buffer> &buffers) {
  Dims output = c.getOutput();
  size_t rank = output.size();
  int64_t inputs = c.channels / c.groups, outputs = c.outputs / c.groups;
  std::vector<double> result;
  Dims sizes = concat({{c.batch}, output, {c.outputs}}), position(sizes.size(), 0);
  if (product(sizes) == 0)
    return result;
  do {
    int64_t o = position.back(), group = o / outputs;
    double sum = way.isInteger ? double(buffers[2].as<int32_t>()[o]) : buffers[2].as<float>()[o];
    Dims tap(rank, 0);
    int64_t tapIndex = 0;
    do {
      int64_t pixel = position[0];
      bool inside = true;
      for (size_t i = 0; i < rank; ++i) {
        int64_t place = position[i + 1] * c.strides[i] + tap[i] * c.dilations[i] - c.pads[i];
        inside &= place >= 0 && place < c.input[i];
        pixel = pixel * c.input[i] + place;
      }
      for (int64_t k = 0; k < inputs; ++k) {
        int64_t weight = ((group * product(c.kernel) + tapIndex) * inputs + k) * outputs + o % outputs;
        double x =
            inside ? at(buffers[0], pixel * c.channels + group * inputs + k, way, way.inputUnsigned) : way.outside;
        sum += x * at(buffers[1], weight, way, way.filterUnsigned);
      }
      ++tapIndex;
    } while (advance(tap, c.kernel));
    result.push_back(sum);
  } while (advance(position, sizes));
  return result;
}

/// Panels of 16 columns.
template <typename T> void pack(const ConvCase &c, const Way &way, const T *filter, const Buffer &buffer) {
  T *packed = buffer.as<T>();
  Dims panels = getPackedFilter(c, way.isInteger);
  int64_t inputs = c.channels / c.groups, outputs = c.outputs / c.groups, depth = product(c.kernel) * inputs;
  int64_t step = panels[3] / 16, runSteps = (inputs + step - 1) / step;
  int64_t columns = isNarrow(c) ? c.outputs : outputs; // that panels are cut from
  Dims position(4, 0);
  if (product(panels) == 0)
    return;
  do {
    int64_t column = position[1] * 16 + position[3] / step, o = position[0] * columns + column;
    int64_t k = position[2] % runSteps * step + position[3] % step, tap = position[2] / runSteps;
    bool exists = column < columns && k < inputs;
    *packed++ = exists ? filter[((o / outputs) * depth + tap * inputs + k) * outputs + o % outputs] : T(0);
  } while (advance(position, panels));
}

void checkConv(const ConvCase &c, const Way &way) {
  std::string text = convKernel(c, way), error;
  SCOPED_TRACE(way.level + " -O" + std::to_string(way.optLevel) + "\n" + text);
  auto kernel = RunnableKernel::compile(text, way.level, way.optLevel, error);
  ASSERT_TRUE(kernel) << error;
  std::vector<Dims> tensors = getTensors(c);
  std::vector<Buffer> buffers;
  buffers.reserve(4);
  for (size_t i = 0; i < 4; ++i)
    buffers.emplace_back(product(tensors[i]) * (way.isInteger && i < 2 ? 1 : 4));
  for (int i = 0; i < 3; ++i)
    fill(buffers[i], i + 1, way.isInteger);
  std::vector<double> wanted = computeReference(c, way, buffers);
  Buffer packed(product(getPackedFilter(c, way.isInteger)) * (way.isInteger ? 1 : 4));
  if (way.isInteger)
    pack(c, way, buffers[1].as<int8_t>(), packed);
  else
    pack(c, way, buffers[1].as<float>(), packed);
  std::vector<uint64_t> slots;
  auto add = [&](size_t i) {
    slots.push_back(i == 1 && way.variant == Packed ? packed.address() : buffers[i].address());
    if (way.variant == Dynamic && i % 3 == 0)
      slots.insert(slots.end(), tensors[i].begin(), tensors[i].end() - 1);
  };
  add(0), add(1), add(2);
  if (way.variant == Dynamic)
    slots.insert(slots.end(), tensors[3].begin(), tensors[3].end() - 1);
  add(3);
  kernel->run(slots);
  int64_t wrong = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    wrong += way.isInteger ? int32_t(int64_t(wanted[i])) != buffers[3].as<int32_t>()[i]
                           : wanted[i] != buffers[3].as<float>()[i];
  EXPECT_EQ(wrong, 0) << "of " << wanted.size();
  EXPECT_TRUE(buffers[3].isIntact());
}

const ConvCase kCases[] = {
    {1, {9, 11}, 5, 17, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {2, {14, 14}, 16, 32, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {1, {7, 7}, 33, 40, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {30, 29}, 3, 16, 1, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
    {2, {10, 10}, 8, 24, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {1, {13, 10}, 8, 24, 1, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
    {1, {20, 21}, 4, 8, 1, {3, 3}, {1, 1}, {2, 3}, {2, 3, 1, 0}},
    {1, {12, 16}, 12, 20, 2, {3, 2}, {1, 1}, {1, 1}, {0, 1, 1, 0}},
    {1, {40}, 6, 10, 1, {5}, {1}, {1}, {2, 2}},
    {2, {33}, 6, 10, 1, {4}, {3}, {2}, {0, 0}},
    {1, {4, 9, 8}, 3, 5, 1, {2, 3, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 1, 1, 1, 1}},
    {1, {3, 3}, 20, 12, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {6, 5}, 8, 12, 1, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {1, {5, 60}, 8, 48, 1, {3, 3}, {3, 1}, {1, 1}, {2, 1, 2, 1}},
    {1, {16, 18}, 24, 24, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {17, 15}, 40, 40, 40, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}},
    {1, {9, 9}, 8, 32, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {2, {6, 20}, 26, 26, 13, {3, 3}, {2, 1}, {1, 2}, {0, 1, 2, 3}},
    {1, {50}, 19, 19, 19, {7}, {1}, {1}, {6, 0}},
    {1, {5, 6, 7}, 4, 4, 4, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}},
    {1, {6, 6}, 0, 4, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {0, {6, 6}, 4, 4, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {6, 6}, 4, 4, 1, {1, 1}, {1, 1}, {1, 1}, {2, 1, 0, 1}},
    {1, {2, 2}, 8, 8, 8, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {1, {11, 12}, 16, 8, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {9, 9}, 32, 32, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
};

TEST(Conv, IsExactOnSmallIntegers) {
  for (const std::string &level : getRunnableLevels())
    for (const ConvCase &c : kCases)
      for (Variant variant : {Plain, Packed, Dynamic})
        if (level == "x86-64-v3" || variant == Packed)
          checkConv(c, {level, variant});
}

TEST(Conv, LevelZeroIsExactToo) {
  for (const ConvCase &c : kCases)
    for (Variant variant : {Plain, Dynamic})
      checkConv(c, {"x86-64", variant, 0});
}

TEST(Conv, OfIntegersIsExact) {
  std::vector<std::string> levels = getRunnableLevels();
  if (hasVNNI())
    levels.push_back("cascadelake");
  int number = 0;
  for (const ConvCase &c : kCases)
    for (const std::string &level : levels) { // each time with other signs
      Way way{level, Packed, 3, true, number % 2 == 0, number / 2 % 2 == 0, 0};
      way.outside = way.inputUnsigned ? 131 : -7;
      checkConv(c, way);
      ++number;
    }
  checkConv(kCases[0], {levels.back(), Plain, 3, true, true, false, 128});
  checkConv(kCases[0], {"x86-64", Plain, 0, true, false, true, -1});
}

} // namespace
