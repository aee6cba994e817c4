// Runs the model often enough that all threads of the pool take part.

#include "model.h"
#include <algorithm>
#include <cstdio>

int main() {
  auto model = model::Model::load();
  if (!model)
    return std::printf("load: %s\n", model.status().message()), 1;
  auto run = model->context();
  if (!run)
    return std::printf("context: %s\n", run.status().message()), 1;
  auto input = run->x();
  std::fill(input.begin(), input.end(), 1.0f);
  for (int i = 0; i < 20; ++i)
    if (auto status = run->run(); !status)
      return std::printf("run: %s\n", status.message()), 1;
  return 0;
}
