//===- Jit.h - an operation of the math dialect as a function ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_MATH_JIT_H
#define NNCC_TEST_UNIT_MATH_JIT_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// What code is made for, and how wide the IR is.
struct Machine {
  std::string cpu;
  /// Lanes of a vector; 1 is a scalar.
  int width = 1;
  /// The option of the pass.
  bool sse2 = false;
};

/// The machines whose code this one can run, the widest first.
std::vector<Machine> runnableMachines();

/// Compiles operations with --nncc-expand-math and runs them. No symbol is offered to the code: a call to a library
/// does not link.
class Jit {
public:
  /// out[i] = f(a[i], b[i], c[i]) for `count` elements, a multiple of 64.
  using Function = void (*)(const float *a, const float *b, const float *c, float *out, int64_t count);

  Jit();
  ~Jit();
  /// `body` computes %r from %a, %b and %c; $f stands for f32 lanes, $i for i32 lanes,
  /// $c<1.0> for a constant. `expand` is the pipeline that does it, by
  /// default the pass. Null with the reason in error() if it fails.
  Function compile(const std::string &body, const Machine &machine, const std::string &expand = "");
  /// The same of f64 scalars by the pass's option f64; $f is f64, $i is i64.
  using DoubleFunction = void (*)(const double *a, const double *b, const double *c, double *out, int64_t count);
  DoubleFunction compileDouble(const std::string &body, const Machine &machine);
  const std::string &error() const { return message; }

private:
  void *compileText(const std::string &text, const std::string &passes, const Machine &machine);

  struct State;
  std::unique_ptr<State> state;
  std::string message;
};

#endif // NNCC_TEST_UNIT_MATH_JIT_H
