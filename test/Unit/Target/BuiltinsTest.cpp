//===- BuiltinsTest.cpp - conversions that the baseline CPU does not have -----------------------------------------===//

#include "ToyModel.h"
#include "nncc/Target/JIT.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using llvm::APFloat;

namespace nncc::target {
namespace {

/// A function `f` compiled for x86-64, from its MLIR.
template <typename Function> class Compiled {
public:
  explicit Compiled(llvm::StringRef text)
      : model(get(LoadedModel::load({get(compileToObject(*ParsedModule(text).module, {}))}, "f"))) {}
  Function *operator*() const {
    return reinterpret_cast<Function *>(const_cast<nnccrt_model *>(&model->getDescriptor()));
  }

private:
  std::unique_ptr<LoadedModel> model;
};

std::string narrowing(llvm::StringRef wide, llvm::StringRef narrow) {
  return ("llvm.func @f(%x: " + wide + ") -> i16 { %y = llvm.fptrunc %x : " + wide + " to " + narrow +
          "\n %bits = llvm.bitcast %y : " + narrow + " to i16\n llvm.return %bits : i16 }")
      .str();
}

double widen(const llvm::fltSemantics &semantics, uint16_t bits) {
  APFloat value(semantics, llvm::APInt(16, bits));
  bool exact;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &exact);
  return value.convertToDouble();
}

uint16_t narrow(const llvm::fltSemantics &semantics, double number) {
  APFloat value(number);
  bool exact;
  value.convert(semantics, APFloat::rmNearestTiesToEven, &exact);
  return uint16_t(value.bitcastToAPInt().getZExtValue());
}

/// Compares at each 16-bit value, half way to the next, and beside both.
template <typename Wide> void expectRounded(const llvm::fltSemantics &semantics, uint16_t (*convert)(Wide)) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double value = widen(semantics, uint16_t(bits)), next = widen(semantics, uint16_t(bits + 1));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(widen(semantics, convert(Wide(value)))));
      continue;
    }
    for (Wide point : {Wide(value), Wide(value + (next - value) / 2)})
      for (Wide x : {std::nextafter(point, Wide(-INFINITY)), point, std::nextafter(point, Wide(INFINITY))})
        if (!std::isnan(x)) {
          ASSERT_EQ(convert(x), narrow(semantics, x)) << x;
        }
  }
}

TEST(Builtins, HalfToFloat) {
  Compiled<float(uint16_t)> f("llvm.func @f(%bits: i16) -> f32 { %x = llvm.bitcast %bits : i16 to f16\n"
                              "%y = llvm.fpext %x : f16 to f32\n llvm.return %y : f32 }");
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double expected = widen(APFloat::IEEEhalf(), uint16_t(bits));
    float value = (*f)(uint16_t(bits));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(value));
    else
      ASSERT_EQ(llvm::bit_cast<uint32_t>(value), llvm::bit_cast<uint32_t>(float(expected))) << bits;
  }
}

TEST(Builtins, FloatToHalf) {
  Compiled<uint16_t(float)> f(narrowing("f32", "f16"));
  expectRounded(APFloat::IEEEhalf(), *f);
}

TEST(Builtins, DoubleToHalf) {
  Compiled<uint16_t(double)> f(narrowing("f64", "f16"));
  expectRounded(APFloat::IEEEhalf(), *f);
}

TEST(Builtins, FloatToBFloat) {
  Compiled<uint16_t(float)> f(narrowing("f32", "bf16"));
  expectRounded(APFloat::BFloat(), *f);
}

TEST(Builtins, DoubleToBFloat) {
  Compiled<uint16_t(double)> f(narrowing("f64", "bf16"));
  expectRounded(APFloat::BFloat(), *f);
}

} // namespace
} // namespace nncc::target
