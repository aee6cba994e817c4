//===- KernelCase.cpp - one kernel text, run in every way ---------------------------------------------------------===//

#include "KernelCase.h"
#include "KernelRunner.h"
#include "KernelValues.h"
#include "nnccrt/abi.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <thread>

namespace nncc::cpu {
namespace {

//===----------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------===//

enum class Order { Forwards, Backwards, TwoThreads };

struct Way {
  std::string level;
  unsigned optLevel;
  bool isDynamic;
  Order order = Order::Forwards;
  bool isInPlace = false;
  bool ofMagnitudes = false;
};

/// Compiled once: with dynamic sizes the text is the same for all of them.
RunnableKernel *compile(const KernelCase &test, const Way &way) {
  static std::map<std::tuple<std::string, std::string, unsigned>, std::unique_ptr<RunnableKernel>> known;
  std::set<char> dynamic;
  for (auto [letter, size] : test.sizes)
    if (way.isDynamic)
      dynamic.insert(letter);
  const std::string &body = way.ofMagnitudes ? test.magnitudes : test.text;
  std::string text = caseMaps + instantiate(body, test.sizes, dynamic, test.element);
  auto [it, isNew] = known.try_emplace({text, way.level, way.optLevel});
  std::string error;
  if (isNew)
    it->second = RunnableKernel::compile(text, way.level, way.optLevel, error);
  if (!it->second)
    ADD_FAILURE() << error << text;
  return it->second.get();
}

void runTiles(const RunnableKernel &kernel, const std::vector<uint64_t> &slots, Order order) {
  int64_t tiles = kernel.countTiles(llvm::ArrayRef(slots).drop_front());
  auto runSome = [&](int64_t first, int64_t step) {
    Buffer scratch(kernel.getScratchBytes());
    for (int64_t tile = first; tile >= 0 && tile < tiles; tile += step)
      kernel.runTile(slots.data(), tile, scratch.as<void>());
    EXPECT_TRUE(scratch.isIntact()) << "a kernel writes outside of its scratch memory";
  };
  if (order == Order::Forwards)
    return runSome(0, 1);
  if (order == Order::Backwards)
    return runSome(tiles - 1, -1);
  std::thread other([&] { runSome(1, 2); });
  runSome(0, 2);
  other.join();
}

/// The results.
std::vector<Bytes> run(const KernelCase &test, const Way &way) {
  RunnableKernel *kernel = compile(test, way);
  if (!kernel)
    return {};
  nnccrt_fault fault = {};
  std::vector<uint64_t> slots{reinterpret_cast<uint64_t>(&fault)};
  std::vector<Buffer> buffers;
  std::vector<std::pair<Shape, char *>> results;
  // Memory is aligned to elements, no more.
  auto add = [&](const Shape &shape, char *memory) {
    slots.push_back(reinterpret_cast<uint64_t>(memory));
    if (way.isDynamic)
      for (char letter : shape.letters)
        slots.push_back(test.sizes.at(letter));
  };
  std::mt19937 random(1);
  std::vector<char *> arguments;
  for (const std::string &text : test.arguments) {
    Shape shape(text, test);
    buffers.emplace_back(shape.bytes() + 8);
    arguments.push_back(buffers.back().as<char>() + 8);
    for (int64_t i = 0; i < shape.count; ++i)
      writeRandom(arguments.back() + i * getBytes(shape.element), shape.element, random, way.ofMagnitudes);
    add(shape, arguments.back());
  }
  for (auto [letter, size] : test.sizes)
    slots.push_back(size);
  for (auto [number, text] : llvm::enumerate(test.results)) {
    Shape shape(text, test);
    buffers.emplace_back(shape.bytes());
    bool isShared = way.isInPlace && test.inPlace[number] >= 0;
    results.push_back({shape, isShared ? arguments[test.inPlace[number]] : buffers.back().as<char>()});
    add(shape, results.back().second);
  }
  runTiles(*kernel, slots, way.order);
  for (const Buffer &buffer : buffers)
    EXPECT_TRUE(buffer.isIntact()) << "a kernel writes outside of an operand";
  EXPECT_EQ(fault.code, 0);
  std::vector<Bytes> bytes;
  bytes.reserve(results.size());
  for (auto &[shape, memory] : results)
    bytes.emplace_back(memory, memory + shape.bytes());
  return bytes;
}

/// How far two evaluations of sums of products may be apart, whatever the order of their sums and whether products are rounded: each
/// term of an element goes through at most n roundings of relative error u, hence (Higham, Accuracy and Stability, lemma 3.1) each
/// evaluation is within g = n u / (1 - n u) times the sum of the terms' magnitudes of the exact value. That sum, evaluated in the same
/// way, is itself off by a factor of at most 1 - g.
double getBound(const KernelCase &test, double magnitude) {
  constexpr double unit = 0x1p-24;
  double g = double(test.roundings) * unit / (1 - double(test.roundings) * unit);
  return 2 * g / (1 - g) * magnitude + 2 * test.ownError;
}

/// The largest difference as a share of what is allowed.
double getShareOfBound(const KernelCase &test, const Bytes &x, const Bytes &y, const Bytes &magnitudes,
                       const std::string &element) {
  double worst = 0;
  for (size_t i = 0; i < x.size(); i += getBytes(element)) {
    double a = toDouble(&x[i], element), b = toDouble(&y[i], element);
    if (std::isnan(a) || std::isnan(b))
      return INFINITY;
    if (a != b)
      worst = std::max(worst, std::abs(a - b) / getBound(test, toDouble(&magnitudes[i], element)));
  }
  return worst;
}

std::string describe(const KernelCase &test, const Way &way) {
  std::string text = way.level + " -O" + std::to_string(way.optLevel) + " " + test.element;
  for (auto [letter, size] : test.sizes)
    text += std::string(" ") + letter + "=" + std::to_string(size);
  return text + (way.isDynamic ? " dynamic" : " static") + (way.isInPlace ? " in place" : "") + " order " +
         std::to_string(int(way.order));
}

} // namespace

void check(const KernelCase &test) {
  std::vector<Bytes> expected = run(test, {"x86-64", 0, /*isDynamic=*/false}), first;
  std::vector<std::string> levels = getRunnableLevels();
  if (test.onVNNI && hasVNNI())
    levels.push_back("cascadelake");
  for (const std::string &level : llvm::ArrayRef(levels).drop_front())
    for (bool isDynamic : {false, true})
      for (Order order : {Order::Forwards, Order::Backwards, Order::TwoThreads})
        for (bool isInPlace : {false, true}) {
          Way way{level, 3, isDynamic, order, isInPlace};
          if ((isInPlace && test.inPlace.empty()) || (isDynamic && test.isStatic))
            continue;
          std::vector<Bytes> results = run(test, way);
          if (first.empty())
            first = results;
          if (results.size() != expected.size() || results != first) {
            ADD_FAILURE() << describe(test, way) << ": other bits than the first way";
            return;
          }
        }
  std::vector<Bytes> magnitudes;
  if (!test.magnitudes.empty())
    magnitudes = run(test, {"x86-64", 0, /*isDynamic=*/false, Order::Forwards, /*isInPlace=*/false, true});
  auto expectClose = [&](const std::vector<Bytes> &results, const Way &way) {
    for (size_t i = 0; i < results.size(); ++i) {
      std::string element = Shape(test.results[i], test).element;
      if (magnitudes.empty())
        EXPECT_LE(getDistance(results[i], expected[i], element), test.tolerance)
            << describe(test, way) << ", result " << i;
      else
        EXPECT_LE(getShareOfBound(test, results[i], expected[i], magnitudes[i], element), 1)
            << describe(test, way) << ", result " << i;
    }
  };
  expectClose(first, {"all", 3, false});
  if (test.onSSE2) {
    Way way{"x86-64", 3, /*isDynamic=*/false};
    expectClose(run(test, way), way);
  }
}

} // namespace nncc::cpu
