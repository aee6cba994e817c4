//===- StrictApp.cpp - an application in C++17 without exceptions and RTTI ---------------------------------------===//
///
/// \file
/// Built with more warnings than the project's own and linked without the C++ library: that it builds is most of the test.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "nnccrt/Model.h"

extern "C" const nnccrt_model nncc_model_tiny;

/// What nncc writes for TinyModel.c.
namespace tiny {
class Context : public nncc::Context {
public:
  nncc::View<float> x() { return input_at<float>(0); }
  nncc::Status bind_x(nncc::View<const float> view) { return bind_input_at(0, view); }
  nncc::View<const float> y() { return output_at<float>(0); }
};

class Model : public nncc::Model {
public:
  static nncc::Result<Model> load(const nncc::LoadOptions &options = {}) {
    return load_as<Model>(nncc_model_tiny, options);
  }
  // As in generated headers. NOLINTNEXTLINE(bugprone-derived-method-shadowing-base-method)
  nncc::Result<Context> context(const nncc::ContextOptions &options = {}) const { return context_as<Context>(options); }
};
} // namespace tiny

static int fail(const nncc::Status &status) { return std::puts(status.message()), 1; }

int main() {
  auto model = tiny::Model::load();
  if (!model)
    return fail(model.status());
  auto run = model->context();
  if (!run)
    return fail(run.status());
  float x[] = {1, 2, 3};
  if (auto status = run->bind_x(nncc::view(x)); !status)
    return fail(status);
  if (auto status = run->run(); !status)
    return fail(status);
  float sum = 0;
  for (float value : run->y())
    sum += value;
  return sum == 9 ? 0 : 1;
}
