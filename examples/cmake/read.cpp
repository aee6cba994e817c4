// Which handwritten digits are in images? read IMAGE.pgm ...
// Two models are asked, one in floating point and one in 8 bits; each is a class in a header that nncc wrote.

#include "../digits/pgm.h"
#include "digits.h"
#include "small_digits.h"
#include <algorithm>
#include <cstdio>

static int fail(const char *what, const char *why) {
  std::fprintf(stderr, "read: %s: %s\n", what, why);
  return 1;
}

static int largest(nncc::View<const float> values) {
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

int main(int argc, char **argv) {
  auto model = digits::Model::load();
  auto smallModel = digits::small::Model::load();
  if (!model || !smallModel)
    return fail("load", (model ? smallModel.status() : model.status()).message());
  auto run = model->context();
  auto smallRun = smallModel->context();
  if (!run || !smallRun)
    return fail("context", (run ? smallRun.status() : run.status()).message());
  for (int i = 1; i < argc; ++i) {
    GrayImage image;
    if (const char *problem = readPgm(argv[i], image))
      return fail(argv[i], problem);
    auto input = run->image(); // a view into the context's memory: no copy
    if (image.pixels.size() != input.size())
      return fail(argv[i], "the models want 8 x 8 pixels");
    std::copy(image.pixels.begin(), image.pixels.end(), input.begin());
    // The other model reads the same memory.
    if (auto status = smallRun->bind_image(input); !status)
      return fail(argv[i], status.message());
    if (auto status = run->run(); !status)
      return fail(argv[i], status.message());
    if (auto status = smallRun->run(); !status)
      return fail(argv[i], status.message());
    std::printf("%s: %d, in 8 bits %d\n", argv[i], largest(run->probabilities()), largest(smallRun->scores()));
  }
  return 0;
}
