/* The least that runs a model: calls every tile of every kernel in turn. MODEL names the descriptor, LEVEL the index of the level. */
#include "nnccrt/abi.h"
#include <stdio.h>

#ifndef LEVEL
#define LEVEL 0
#endif

static int32_t launch(const nnccrt_model *model, const uint64_t *args, uint32_t index) {
  const nnccrt_kernel *kernel = &model->levels[LEVEL].kernels[index];
  for (int64_t tile = 0, tiles = kernel->tiles(args); tile < tiles; ++tile)
    kernel->run(args, tile, 0);
  return 0;
}

static int32_t launch_in(struct nnccrt_frame *frame, uint32_t index, uint64_t *args) {
  return launch(frame->context, args, index);
}

static int run(const nnccrt_model *model) {
  float input[4] = {0, 1, 2, 3}, output[4] = {0};
  void *values[] = {input, output};
  nnccrt_services services = {sizeof(services), 0, launch_in, 0, 0, 0, 0, 0, 0};
  nnccrt_frame frame = {&services, 0, 0, (char *)output, model->weights, values, (void *)model};
  if (model->abi_version != NNCCRT_ABI_VERSION || model->size != sizeof(*model))
    return 1;
  if ((uintptr_t)model->weights % 64 || model->run(&frame))
    return 2;
  printf("%s %g %g %g %g\n", model->name, output[0], output[1], output[2], output[3]);
  return 0;
}

#ifndef NO_MAIN
extern const nnccrt_model MODEL;
#ifdef MODEL2
extern const nnccrt_model MODEL2;
#endif

int main(void) {
  int status = run(&MODEL);
#ifdef MODEL2
  status |= run(&MODEL2);
#endif
  return status;
}
#endif
