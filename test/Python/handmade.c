/* A model written by hand: y[batch, 3] = 2 * x[batch, 3] in f32, and the packed int4 z[4] = w[4]. Tests the binding without a compiler. */
#include "nnccrt/abi.h"
#include <string.h>

static const nnccrt_dim dims[] = {{-1, 0, 0, "batch"}, {3, -1, 0, "3"}}, four[] = {{4, -1, 0, "4"}};
static const nnccrt_value inputs[] = {{"x:0", "x_0", NNCCRT_TENSOR, NNCCRT_F32, 2, 0, dims},
                                      {"w", "w", NNCCRT_TENSOR, NNCCRT_I4, 1, 0, four}};
static const nnccrt_value outputs[] = {{"y", "y", NNCCRT_TENSOR, NNCCRT_F32, 2, 0, dims},
                                       {"z", "z", NNCCRT_TENSOR, NNCCRT_I4, 1, 0, four}};
static const char *const symbols[] = {"batch"}, *const metadata[] = {"author", "a person"};
static const nnccrt_level levels[] = {{"x86-64", 0, 0}};

static void sizes(const int64_t *values, int64_t *bytes) {
  (void)values;
  (void)bytes;
}

static int32_t run(nnccrt_frame *frame) {
  int64_t shape[] = {frame->symbols[0], 3}, count[] = {4};
  const float *x = frame->inputs[0];
  float *y = frame->services->output(frame, 0, shape);
  if (!y)
    return -1;
  if (frame->symbols[0] == 13)
    return frame->services->fail(frame, "13 is no batch");
  for (int64_t i = 0; i < shape[0] * 3; ++i)
    y[i] = 2 * x[i];
  void *z = frame->services->output(frame, 1, count);
  if (!z)
    return -1;
  memcpy(z, frame->inputs[1], 2);
  return 0;
}

__attribute__((visibility("default"))) const nnccrt_model nncc_model_handmade = {.size = sizeof(nnccrt_model),
                                                                                 .abi_version = NNCCRT_ABI_VERSION,
                                                                                 .name = "handmade",
                                                                                 .producer = "a person",
                                                                                 .num_inputs = 2,
                                                                                 .num_outputs = 2,
                                                                                 .num_symbols = 1,
                                                                                 .num_levels = 1,
                                                                                 .num_metadata = 1,
                                                                                 .inputs = inputs,
                                                                                 .outputs = outputs,
                                                                                 .symbols = symbols,
                                                                                 .levels = levels,
                                                                                 .arena_bytes = -1,
                                                                                 .sizes = sizes,
                                                                                 .run = run,
                                                                                 .metadata = metadata};
