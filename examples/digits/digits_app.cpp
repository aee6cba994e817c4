// Says which handwritten digits are in images: digits_app IMAGE.pgm ...
// The model is a class in digits.h, which nncc wrote beside digits.o. Where that was compiled for GPUs (-target=cuda), the same program
// runs on one.

#include "digits.h"
#include "pgm.h"
#include <algorithm>
#include <cstdio>

static int fail(const char *what, const char *why) {
  std::fprintf(stderr, "digits_app: %s: %s\n", what, why);
  return 1;
}

static void draw(const GrayImage &image) {
  for (int y = 0; y < image.height; ++y) {
    std::printf("    ");
    for (int x = 0; x < image.width; ++x) {
      char ink = " .:-=+*%@"[static_cast<int>(image.pixels[y * image.width + x] * 8 + 0.5f)];
      std::printf("%c%c", ink, ink);
    }
    std::printf("\n");
  }
}

int main(int argc, char **argv) {
  auto model = digits::Model::load();
  if (!model)
    return fail("digits", model.status().message());
  std::printf("running on %s\n", model->device());
  auto run = model->context();
  if (!run)
    return fail("digits", run.status().message());
  for (int i = 1; i < argc; ++i) {
    GrayImage image;
    if (const char *problem = readPgm(argv[i], image))
      return fail(argv[i], problem);
    auto input = run->image(); // a view into the context's memory: no copy
    if (image.pixels.size() != input.size())
      return fail(argv[i], "the model wants 8 x 8 pixels");
    std::copy(image.pixels.begin(), image.pixels.end(), input.begin());
    if (auto status = run->run(); !status)
      return fail(argv[i], status.message());
    auto probabilities = run->probabilities();
    auto best = std::max_element(probabilities.begin(), probabilities.end());
    draw(image);
    std::printf("%s: %d (%.1f %%)\n", argv[i], static_cast<int>(best - probabilities.begin()), 100.0 * *best);
  }
  return 0;
}
