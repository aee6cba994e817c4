/* The least that runs a model: calls every tile of every kernel in turn. MODEL names the descriptor. */
#include "nnccrt/abi.h"
#include <stdio.h>

static int32_t launch(struct nnccrt_frame *frame, uint32_t index, uint64_t *args) {
  const nnccrt_model *model = frame->context;
  const nnccrt_kernel *kernel = &model->levels[0].kernels[index];
  for (int64_t tile = 0, tiles = kernel->tiles(args); tile < tiles; ++tile)
    kernel->run(args, tile, 0);
  return 0;
}

static float answer[4];

static void *output(struct nnccrt_frame *frame, uint32_t index, const int64_t *dims) {
  return frame && index == 0 && dims[0] == 4 ? answer : 0;
}

static int run(const nnccrt_model *model) {
  float input[4] = {0, 1, 2, 3};
  void *inputs[] = {input};
  nnccrt_services services = {.size = sizeof(services), .launch = launch, .output = output};
  nnccrt_frame frame = {&services, 0, 0, 0, model->weights, inputs, (void *)model};
  if (model->abi_version != NNCCRT_ABI_VERSION || model->size != sizeof(*model))
    return 1;
  if ((uintptr_t)model->weights % 64 || model->run(&frame))
    return 2;
  printf("%s %g %g %g %g\n", model->name, answer[0], answer[1], answer[2], answer[3]);
  return 0;
}

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
