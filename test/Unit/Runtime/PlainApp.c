/*===- PlainApp.c - an application in C: links without the C++ library ----------------------------------*- C -*-===*/

#include "nnccrt/nnccrt.h"
#include <stdio.h>

extern const nnccrt_model nncc_model_tiny;

int main(void) {
  nnccrt_status status;
  nnccrt_program *program;
  nnccrt_context *context;
  nnccrt_tensor x = {.size = sizeof(x)}, y = {.size = sizeof(y)};
  if (nnccrt_load(&nncc_model_tiny, NULL, &program, &status) || nnccrt_create(program, NULL, &context, &status) ||
      nnccrt_input(context, 0, &x, &status))
    return puts(status.message), 1;
  for (int i = 0; i < 3; ++i)
    ((float *)x.data)[i] = (float)i;
  if (nnccrt_run(context, &status) || nnccrt_output(context, 0, &y, &status))
    return puts(status.message), 1;
  for (int i = 0; i < 3; ++i)
    if (((const float *)y.data)[i] != (float)i + 1)
      return puts("wrong"), 1;
  nnccrt_destroy(context);
  nnccrt_unload(program);
  return 0;
}
