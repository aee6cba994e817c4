//===- DeviceCase.cpp - one kernel text, run on cards and as scalar loops --------------------------------------------===//

#include "DeviceCase.h"
#include "../CPU/KernelRunner.h"
#include "DeviceKernel.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace nncc::gpu {
namespace {

const char *const maps = R"(
#n = affine_map<(d0, d1) -> (d0)>
#c = affine_map<(d0, d1) -> (d1)>
#nc = affine_map<(d0, d1) -> (d0, d1)>
)";

using Bytes = std::vector<char>;

int64_t getBytes(const std::string &element) {
  return std::stoi(element.substr(element.find_first_of("0123456789"))) / 8;
}

void writeNumber(char *target, const std::string &element, int64_t number) {
  double wide = double(number);
  float single = float(number);
  auto half = _Float16(number);
  const void *source = element == "f32"    ? static_cast<void *>(&single)
                       : element == "f64"  ? static_cast<void *>(&wide)
                       : element == "f16"  ? static_cast<void *>(&half)
                       : element == "bf16" ? reinterpret_cast<char *>(&single) + 2
                                           : static_cast<void *>(&number);
  std::memcpy(target, source, getBytes(element));
}

struct Shape {
  Shape(const std::string &text, const DeviceCase &test)
      : letters(text.substr(0, text.find(':'))), element(test.element) {
    if (letters.size() < text.size())
      element = text.substr(letters.size() + 1);
    for (char letter : letters)
      count *= test.sizes.at(letter);
  }
  int64_t bytes() const { return count * getBytes(element); }

  std::string letters, element;
  int64_t count = 1;
};

std::vector<Bytes> getArguments(const DeviceCase &test) {
  std::mt19937 random(1);
  std::vector<Bytes> arguments;
  for (const std::string &text : test.arguments) {
    Shape shape(text, test);
    arguments.emplace_back(shape.bytes());
    for (int64_t i = 0; i < shape.count; ++i) {
      int64_t number = int64_t(random() % (2 * test.largest + 1)) - test.largest;
      writeNumber(&arguments.back()[i * getBytes(shape.element)], shape.element, number);
    }
  }
  return arguments;
}

std::string getText(const DeviceCase &test, bool isDynamic) {
  std::set<char> dynamic;
  for (auto [letter, size] : test.sizes)
    if (isDynamic && test.fixed.find(letter) == std::string::npos)
      dynamic.insert(letter);
  return maps + cpu::instantiate(test.text, test.sizes, dynamic, test.element);
}

/// The slots without the fault word, for addresses of the arguments and of the results.
std::vector<uint64_t> getSlots(const DeviceCase &test, const std::vector<uint64_t> &arguments,
                               const std::vector<uint64_t> &results, bool isDynamic) {
  std::vector<uint64_t> slots;
  auto add = [&](const std::string &text, uint64_t address) {
    slots.push_back(address);
    if (isDynamic)
      for (char letter : Shape(text, test).letters)
        if (test.fixed.find(letter) == std::string::npos)
          slots.push_back(test.sizes.at(letter));
  };
  for (size_t i = 0; i < arguments.size(); ++i)
    add(test.arguments[i], arguments[i]);
  for (auto [letter, size] : test.sizes)
    slots.push_back(size);
  for (size_t i = 0; i < results.size(); ++i)
    add(test.results[i], results[i]);
  return slots;
}

/// By scalar loops on this machine.
std::vector<Bytes> runLoops(const DeviceCase &test) {
  std::string error;
  auto kernel = RunnableKernel::compile(getText(test, /*isDynamic=*/false), "x86-64-v3", 0, error);
  EXPECT_TRUE(kernel) << error;
  if (!kernel)
    return {};
  std::vector<Bytes> arguments = getArguments(test), results;
  std::vector<uint64_t> inputs, outputs;
  for (Bytes &bytes : arguments)
    inputs.push_back(reinterpret_cast<uint64_t>(bytes.data()));
  for (const std::string &text : test.results)
    results.emplace_back(Shape(text, test).bytes());
  for (Bytes &bytes : results)
    outputs.push_back(reinterpret_cast<uint64_t>(bytes.data()));
  kernel->run(getSlots(test, inputs, outputs, /*isDynamic=*/false));
  return results;
}

std::vector<Bytes> runOn(DeviceKernel &kernel, const DeviceCase &test, bool isDynamic, bool isInPlace) {
  std::vector<uint64_t> inputs, outputs;
  for (const Bytes &bytes : getArguments(test))
    inputs.push_back(kernel.upload(bytes));
  for (auto [i, text] : llvm::enumerate(test.results)) {
    bool isShared = isInPlace && test.inPlace[i] >= 0;
    outputs.push_back(isShared ? inputs[test.inPlace[i]] : kernel.allocate(Shape(text, test).bytes()));
  }
  EXPECT_EQ(kernel.run(getSlots(test, inputs, outputs, isDynamic)), "");
  std::vector<Bytes> results;
  for (auto [i, text] : llvm::enumerate(test.results))
    results.push_back(kernel.download(outputs[i], Shape(text, test).bytes()));
  for (uint64_t address : inputs)
    kernel.release(address);
  for (auto [i, address] : llvm::enumerate(outputs))
    if (!isInPlace || test.inPlace[i] < 0)
      kernel.release(address);
  return results;
}

} // namespace

void check(const DeviceCase &test) {
  std::vector<Bytes> expected = runLoops(test);
  for (unsigned sm : test.families)
    for (bool isDynamic : {false, true}) {
      if (isDynamic && test.isStatic)
        continue;
      std::string name = "sm_" + std::to_string(sm) + (isDynamic ? " dynamic " : " static ") + test.element;
      for (auto [letter, size] : test.sizes)
        name += std::string(" ") + letter + "=" + std::to_string(size);
      SCOPED_TRACE(name);
      GPUTarget target;
      target.sm = sm;
      target.tf32 = test.tf32;
      std::string error;
      auto kernel = DeviceKernel::compile(getText(test, isDynamic), target, error);
      ASSERT_TRUE(kernel) << error;
      bool multiplies =
          llvm::StringRef(kernel->getPtx()).contains("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
      EXPECT_EQ(multiplies, test.tf32 && sm >= 80);
      for (bool isInPlace : {false, true})
        if (!isInPlace || !test.inPlace.empty())
          EXPECT_EQ(runOn(*kernel, test, isDynamic, isInPlace), expected) << (isInPlace ? "in place" : "");
      if (test.hasNoConflicts)
        EXPECT_EQ(kernel->getCounters().bankConflicts, 0u);
    }
}

} // namespace nncc::gpu
