// Handwritten digits, in memory that the application owns: one block for what the model computes with, arrays for image and answer. Once
// these are there nothing is allocated any more. own_memory IMAGE.pgm ...

#include "../digits/pgm.h"
#include "digits.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>

static unsigned long allocations = 0;

void *operator new(std::size_t bytes) {
  ++allocations;
  if (void *memory = std::malloc(bytes))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

static float pixels[8 * 8], probabilities[10];

static int fail(const char *what, const char *why) {
  std::fprintf(stderr, "own_memory: %s: %s\n", what, why);
  return 1;
}

int main(int argc, char **argv) {
  auto model = digits::Model::load();
  if (!model)
    return fail("load", model.status().message());
  auto run = model->context();
  if (!run)
    return fail("context", run.status().message());
  if (auto status = run->bind_image(nncc::view(pixels)); !status)
    return fail("image", status.message());
  if (auto status = run->bind_probabilities(nncc::view(probabilities)); !status)
    return fail("probabilities", status.message());

  // What is bound needs no room in the block. Too small a block is no accident but a status that says what it takes.
  auto needed = run->workspace_bytes_for({});
  if (!needed)
    return fail("workspace", needed.status().message());
  size_t bytes = std::max<size_t>((*needed + 63) / 64, 1) * 64;
  void *block = std::aligned_alloc(64, bytes);
  auto status = run->set_workspace(block, bytes / 128 * 64);
  if (status.code() != NNCCRT_TOO_SMALL || status.needed() != *needed)
    return fail("half of it", status.message());
  status = run->set_workspace(block, bytes);
  if (!status)
    return fail("workspace", status.message());
  std::printf("%zu bytes\n", bytes);

  for (int i = 1; i < argc; ++i) {
    GrayImage image;
    if (const char *problem = readPgm(argv[i], image))
      return fail(argv[i], problem);
    if (image.pixels.size() != std::size(pixels))
      return fail(argv[i], "the model wants 8 x 8 pixels");
    std::copy(image.pixels.begin(), image.pixels.end(), pixels);
    unsigned long before = allocations;
    status = run->run();
    if (!status)
      return fail(argv[i], status.message());
    auto best = std::max_element(std::begin(probabilities), std::end(probabilities));
    std::printf("%s: %d, %lu allocations\n", argv[i], static_cast<int>(best - probabilities), allocations - before);
  }
  std::free(block); // the context does not own it
  return 0;
}
