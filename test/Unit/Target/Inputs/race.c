/* Runs the first two tiles of the only kernel at once. */
#include "nnccrt/abi.h"
#include <pthread.h>
#include <stdlib.h>

extern const nnccrt_model nncc_model_toy;
static uint64_t args[4];

static void *run_tile(void *tile) {
  nncc_model_toy.levels[0].kernels[0].run(args, (intptr_t)tile, 0);
  return 0;
}

int main(void) {
  for (int i = 1; i < 4; ++i)
    args[i] = (uint64_t)(uintptr_t)calloc(64, sizeof(float));
  pthread_t threads[2];
  for (intptr_t tile = 0; tile < 2; ++tile)
    pthread_create(&threads[tile], 0, run_tile, (void *)tile);
  for (int tile = 0; tile < 2; ++tile)
    pthread_join(threads[tile], 0);
  return 0;
}
