//===- CasesOnCards.cpp - the cases of the CPU's tests, on the PTX machine ------------------------------------------===//
//
// What NestTest and BodyTest check in every way on a CPU is checked here on cards: with static and dynamic sizes, against scalar loops, and
// that a second run gives the same bits.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "../../CPU/KernelRunner.h"
#include "../../CPU/KernelValues.h"
#include "../DeviceKernel.h"
#include "nnccrt/abi.h"
#include <gtest/gtest.h>
#include <map>

namespace nncc::cpu {
namespace {

struct Way {
  unsigned sm;
  bool isDynamic, isInPlace;
};

std::string getText(const KernelCase &test, bool isDynamic) {
  std::set<char> dynamic;
  for (auto [letter, size] : test.sizes)
    if (isDynamic)
      dynamic.insert(letter);
  return caseMaps + instantiate(test.text, test.sizes, dynamic, test.element);
}

std::vector<Bytes> getArguments(const KernelCase &test) {
  std::mt19937 random(1);
  std::vector<Bytes> arguments;
  for (const std::string &text : test.arguments) {
    Shape shape(text, test);
    arguments.emplace_back(shape.bytes());
    for (int64_t i = 0; i < shape.count; ++i)
      writeRandom(arguments.back().data() + i * getBytes(shape.element), shape.element, random, false);
  }
  return arguments;
}

/// The slots behind the fault word.
std::vector<uint64_t> getSlots(const KernelCase &test, const std::vector<uint64_t> &addresses, bool isDynamic) {
  std::vector<uint64_t> slots;
  auto add = [&](const std::string &text, uint64_t address) {
    slots.push_back(address);
    if (isDynamic)
      for (char letter : Shape(text, test).letters)
        slots.push_back(test.sizes.at(letter));
  };
  for (size_t i = 0; i < test.arguments.size(); ++i)
    add(test.arguments[i], addresses[i]);
  for (auto [letter, size] : test.sizes)
    slots.push_back(size);
  for (size_t i = 0; i < test.results.size(); ++i)
    add(test.results[i], addresses[test.arguments.size() + i]);
  return slots;
}

std::vector<Bytes> runLoops(const KernelCase &test) {
  std::string error;
  auto kernel = RunnableKernel::compile(getText(test, false), "x86-64-v3", 0, error);
  EXPECT_TRUE(kernel) << error;
  if (!kernel)
    return {};
  std::vector<Bytes> arguments = getArguments(test), results;
  std::vector<uint64_t> addresses;
  addresses.reserve(arguments.size());
  for (Bytes &bytes : arguments)
    addresses.push_back(reinterpret_cast<uint64_t>(bytes.data()));
  results.reserve(test.results.size());
  for (const std::string &text : test.results) {
    results.emplace_back(Shape(text, test).bytes());
    addresses.push_back(reinterpret_cast<uint64_t>(results.back().data()));
  }
  kernel->run(getSlots(test, addresses, false));
  return results;
}

/// Compiled once: with dynamic sizes the text is the same for all of them.
gpu::DeviceKernel *compile(const KernelCase &test, const Way &way) {
  static std::map<std::pair<std::string, unsigned>, std::unique_ptr<gpu::DeviceKernel>> known;
  std::string text = getText(test, way.isDynamic), error;
  auto [it, isNew] = known.try_emplace({text, way.sm});
  if (isNew)
    it->second = gpu::DeviceKernel::compile(text, {.sm = way.sm}, error);
  if (!it->second)
    ADD_FAILURE() << error << text;
  return it->second.get();
}

std::vector<Bytes> run(const KernelCase &test, const Way &way) {
  gpu::DeviceKernel *kernel = compile(test, way);
  if (!kernel)
    return {};
  std::vector<uint64_t> addresses;
  for (const Bytes &bytes : getArguments(test))
    addresses.push_back(kernel->upload(bytes));
  size_t numOwn = addresses.size();
  for (size_t i = 0; i < test.results.size(); ++i) {
    bool isShared = way.isInPlace && test.inPlace[i] >= 0;
    addresses.push_back(isShared ? addresses[test.inPlace[i]] : kernel->allocate(Shape(test.results[i], test).bytes()));
  }
  EXPECT_EQ(kernel->run(getSlots(test, addresses, way.isDynamic)), "");
  std::vector<Bytes> results;
  results.reserve(test.results.size());
  for (size_t i = 0; i < test.results.size(); ++i)
    results.push_back(kernel->download(addresses[numOwn + i], Shape(test.results[i], test).bytes()));
  for (size_t i = 0; i < addresses.size(); ++i)
    if (i < numOwn || !way.isInPlace || test.inPlace[i - numOwn] < 0)
      kernel->release(addresses[i]);
  return results;
}

} // namespace

void check(const KernelCase &test) {
  // Teams sum in an order of their own: a few hundred terms of magnitude 1.
  constexpr double orderOfSums = 4e-6;
  bool hasSums = test.text.find("\"reduction\"") != std::string::npos;
  std::vector<Bytes> expected = runLoops(test);
  for (unsigned sm : {50, 80})
    for (bool isDynamic : {false, true})
      for (bool isInPlace : {false, true}) {
        if ((isInPlace && test.inPlace.empty()) || (isDynamic && test.isStatic))
          continue;
        Way way{sm, isDynamic, isInPlace};
        std::string name = "sm_" + std::to_string(sm) + (isDynamic ? " dynamic" : " static") + " " + test.element;
        for (auto [letter, size] : test.sizes)
          name += std::string(" ") + letter + "=" + std::to_string(size);
        SCOPED_TRACE(name);
        std::vector<Bytes> results = run(test, way);
        ASSERT_EQ(results.size(), expected.size());
        EXPECT_EQ(results, run(test, way)) << "other bits the second time";
        for (size_t i = 0; i < results.size(); ++i) {
          std::string element = Shape(test.results[i], test).element;
          bool isFloat = element.find('f') != std::string::npos;
          EXPECT_LE(getDistance(results[i], expected[i], element),
                    std::max(test.tolerance, hasSums && isFloat ? orderOfSums : 0))
              << "result " << i;
        }
      }
}

} // namespace nncc::cpu
