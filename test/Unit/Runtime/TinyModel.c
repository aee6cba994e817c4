/*===- TinyModel.c - what the compiler writes, by hand in C: y = x + 1 on three floats ------------------*- C -*-===*/

#include "nnccrt/abi.h"

static void run(const uint64_t *args, int64_t tile, void *scratch) {
  (void)scratch;
  ((float *)args[2])[tile] = ((const float *)args[1])[tile] + 1;
}

static int64_t tiles(const uint64_t *args) {
  (void)args;
  return 3;
}

static int32_t schedule(nnccrt_frame *frame) {
  const int64_t dims[] = {3};
  void *y = frame->services->output(frame, 0, dims);
  uint64_t args[] = {0, (uint64_t)frame->inputs[0], (uint64_t)y};
  return y ? frame->services->launch(frame, 0, args) : -1;
}

static const nnccrt_dim dims[] = {{3, -1, 0, "3"}};
static const nnccrt_value x = {"x", "x", NNCCRT_TENSOR, NNCCRT_F32, 1, 0, dims};
static const nnccrt_value y = {"y", "y", NNCCRT_TENSOR, NNCCRT_F32, 1, 0, dims};
static const nnccrt_kernel kernels[] = {{run, tiles}};
static const nnccrt_kernel_info infos[] = {{"k0_add", "/add", "3", "24"}};
static const nnccrt_level levels[] = {{"x86-64", 0, kernels}};
static const char *const metadata[] = {"author", "nobody"};

#define MODEL(identifier)                                                                                              \
  const nnccrt_model nncc_model_##identifier = {                                                                       \
      .size = sizeof(nnccrt_model),                                                                                    \
      .abi_version = NNCCRT_ABI_VERSION,                                                                               \
      .name = #identifier,                                                                                             \
      .producer = "by hand",                                                                                           \
      .num_inputs = 1,                                                                                                 \
      .num_outputs = 1,                                                                                                \
      .num_kernels = 1,                                                                                                \
      .num_levels = 1,                                                                                                 \
      .num_metadata = 1,                                                                                               \
      .inputs = &x,                                                                                                    \
      .outputs = &y,                                                                                                   \
      .kernel_infos = infos,                                                                                           \
      .levels = levels,                                                                                                \
      .run = schedule,                                                                                                 \
      .metadata = metadata,                                                                                            \
  }

MODEL(tiny);
#ifdef SECOND_MODEL
MODEL(twin);
#endif
