//===- ConvTests.cpp - convolutions, run ----------------------------------------------------------------------------===//

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

/// Dims of the tensors of a case: input, filter, bias, output.
std::vector<Dims> getTensors(const ConvCase &c) {
  return {concat({{c.batch}, c.input, {c.channels}}),
          concat({{c.groups}, c.kernel, {c.channels / c.groups, c.outputs / c.groups}}),
          {c.outputs},
          concat({{c.batch}, c.getOutput(), {c.outputs}})};
}

std::string tensorType(Dims dims, bool isDynamic) {
  std::string text = "tensor<";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (isDynamic && i + 1 < dims.size() ? "?" : std::to_string(dims[i])) + "x";
  return text + "f32>";
}

/// Depthwise and the like: panels go across groups.
bool isNarrow(const ConvCase &c) {
  int64_t outputs = c.outputs / c.groups;
  return c.groups > 1 && outputs <= 8 && (outputs & (outputs - 1)) == 0 && c.channels / c.groups <= 2 * outputs;
}

Dims getPackedFilter(const ConvCase &c) {
  if (isNarrow(c))
    return {1, (c.outputs + 15) / 16, product(c.kernel) * c.channels / c.groups, 16};
  return {c.groups, (c.outputs / c.groups + 15) / 16, product(c.kernel) * c.channels / c.groups, 16};
}

std::string convKernel(const ConvCase &c, Variant variant) {
  std::vector<Dims> tensors = getTensors(c);
  bool isDynamic = variant == Dynamic;
  std::string input = tensorType(tensors[0], isDynamic), output = tensorType(tensors[3], isDynamic);
  std::string filter = tensorType(variant == Packed ? getPackedFilter(c) : tensors[1], false);
  std::string bias = tensorType(tensors[2], false), sizes, arguments;
  if (isDynamic)
    for (size_t i = 0; i + 1 < tensors[3].size(); ++i) {
      sizes += formatv(", %d{0}: index", i);
      arguments += formatv("{0}%d{1}", i ? ", " : "", i);
    }
  auto list = [](const Dims &values) {
    return llvm::join(llvm::map_range(values, [](int64_t v) { return std::to_string(v); }), ", ");
  };
  std::string packed = variant == Packed ? formatv(", packed = array<i64: {0}>", list(tensors[1])).str() : "";
  return formatv(R"(exec.kernel @k(%x: {0}, %w: {1}, %b: {2}{3}) -> {4} {{
  %e = tensor.empty({5}) : {4}
  %0 = exec.conv %x, %w bias(%b : {2}) outs(%e) {{strides = array<i64: {6}>, dilations = array<i64: {7}>,
      pads = array<i64: {8}>, groups = {9} : i64{10}} : {0}, {1}, {4} -> {4}
  exec.yield %0 : {4}
})",
                 input, filter, bias, sizes, output, arguments, list(c.strides), list(c.dilations), list(c.pads),
                 c.groups, packed);
}

void fillSmall(const Buffer &buffer, uint32_t seed) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < buffer.size() / 4; ++i)
    buffer.as<float>()[i] = float(int(random() % 9) - 4);
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

std::vector<float> computeReference(const ConvCase &c, const float *x, const float *w, const float *bias) {
  Dims output = c.getOutput();
  size_t rank = output.size();
  int64_t inputs = c.channels / c.groups, outputs = c.outputs / c.groups;
  std::vector<float> result;
  Dims sizes = concat({{c.batch}, output, {c.outputs}}), at(sizes.size(), 0);
  do {
    int64_t o = at.back(), group = o / outputs;
    float sum = bias[o];
    Dims tap(rank, 0);
    int64_t tapIndex = 0;
    do {
      int64_t pixel = at[0];
      bool inside = true;
      for (size_t i = 0; i < rank; ++i) {
        int64_t place = at[i + 1] * c.strides[i] + tap[i] * c.dilations[i] - c.pads[i];
        inside &= place >= 0 && place < c.input[i];
        pixel = pixel * c.input[i] + place;
      }
      for (int64_t k = 0; inside && k < inputs; ++k)
        sum += x[pixel * c.channels + group * inputs + k] *
               w[((group * product(c.kernel) + tapIndex) * inputs + k) * outputs + o % outputs];
      ++tapIndex;
    } while (advance(tap, c.kernel));
    result.push_back(sum);
  } while (advance(at, sizes));
  return result;
}

/// Panels of 16 columns.
void pack(const ConvCase &c, const float *filter, float *packed) {
  int64_t outputs = c.outputs / c.groups, depth = product(c.kernel) * c.channels / c.groups;
  int64_t perPanelRow = isNarrow(c) ? c.outputs : outputs; // columns that panels are cut from
  for (int64_t first = 0; first < c.outputs; first += perPanelRow)
    for (int64_t panel = 0; panel * 16 < perPanelRow; ++panel)
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t lane = 0; lane < 16; ++lane, ++packed) {
          int64_t column = panel * 16 + lane, o = first + column;
          *packed = column < perPanelRow ? filter[((o / outputs) * depth + k) * outputs + o % outputs] : 0;
        }
}

void checkConv(const ConvCase &c, Variant variant, const std::string &level, unsigned optLevel = 3) {
  std::string text = convKernel(c, variant), error;
  SCOPED_TRACE(level + " -O" + std::to_string(optLevel) + "\n" + text);
  auto kernel = RunnableKernel::compile(text, level, optLevel, error);
  ASSERT_TRUE(kernel) << error;
  std::vector<Dims> tensors = getTensors(c);
  std::vector<Buffer> buffers;
  for (const Dims &dims : tensors)
    buffers.emplace_back(product(dims) * 4);
  for (int i = 0; i < 3; ++i)
    fillSmall(buffers[i], i + 1);
  std::vector<float> wanted =
      computeReference(c, buffers[0].as<float>(), buffers[1].as<float>(), buffers[2].as<float>());
  Buffer packed(product(getPackedFilter(c)) * 4);
  pack(c, buffers[1].as<float>(), packed.as<float>());
  std::vector<uint64_t> slots;
  auto add = [&](size_t i) {
    slots.push_back(i == 1 && variant == Packed ? packed.address() : buffers[i].address());
    if (variant == Dynamic && i % 3 == 0)
      slots.insert(slots.end(), tensors[i].begin(), tensors[i].end() - 1);
  };
  add(0), add(1), add(2);
  if (variant == Dynamic)
    slots.insert(slots.end(), tensors[3].begin(), tensors[3].end() - 1);
  add(3);
  kernel->run(slots);
  int64_t wrong = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    wrong += wanted[i] != buffers[3].as<float>()[i];
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
    {1, {2, 2}, 8, 8, 8, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
    {1, {11, 12}, 16, 8, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, {9, 9}, 32, 32, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
};

TEST(Conv, IsExactOnSmallIntegers) {
  for (const std::string &level : getRunnableLevels())
    for (const ConvCase &c : kCases)
      for (Variant variant : {Plain, Packed, Dynamic})
        checkConv(c, variant, level);
}

TEST(Conv, LevelZeroIsExactToo) {
  for (const ConvCase &c : kCases)
    for (Variant variant : {Plain, Packed, Dynamic})
      checkConv(c, variant, "x86-64", 0);
}

} // namespace
