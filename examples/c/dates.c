/* Finds dates in sentences: dates SENTENCE ...  Plain C; the model's header gives the descriptor and the numbers of inputs and outputs. */

#include "dates.h"
#include <stdio.h>
#include <string.h>

/* What the model knows; it numbers them from 0, which pads. */
static const char alphabet[] = "_ abcdefghijklmnopqrstuvwxyz0123456789,.-/'";

static int fail(const char *what, const nnccrt_status *status) {
  fprintf(stderr, "dates: %s: %s\n", what, status->message);
  return 1;
}

/* Puts what is no day, month or year out of sight. */
static void show(const char *sentence, const int64_t *tags) {
  printf("%s\n", sentence);
  for (size_t i = 0; i < strlen(sentence); ++i)
    putchar(" dmy"[tags[i] & 3]);
  printf("\n");
}

static int find(nnccrt_context *context, const char *sentence) {
  nnccrt_status status;
  nnccrt_tensor characters = {.size = sizeof(characters)}, tags = {.size = sizeof(tags)};
  int64_t sizes[2];
  sizes[dates_symbol_batch] = 1;
  sizes[dates_symbol_sequence] = (int64_t)strlen(sentence);
  /* Plans and allocates; the same sizes again cost nothing. */
  if (nnccrt_resize(context, sizes, 2, &status) || nnccrt_input(context, dates_input_characters, &characters, &status))
    return fail(sentence, &status);
  for (size_t i = 0; i < strlen(sentence); ++i) {
    const char *found = strchr(alphabet, sentence[i]);
    ((int64_t *)characters.data)[i] = found ? found - alphabet : 0;
  }
  if (nnccrt_run(context, &status) || nnccrt_output(context, dates_output_tags, &tags, &status))
    return fail(sentence, &status);
  show(sentence, tags.data);
  return 0;
}

int main(int argc, char **argv) {
  nnccrt_status status;
  nnccrt_program *program;
  nnccrt_context *context;
  int problem = 0;
  if (nnccrt_load(&nncc_model_dates, NULL, &program, &status))
    return fail("load", &status);
  if (nnccrt_create(program, NULL, &context, &status)) {
    nnccrt_unload(program);
    return fail("create", &status);
  }
  for (int i = 1; i < argc && !problem; ++i)
    problem = find(context, argv[i]);
  nnccrt_destroy(context);
  nnccrt_unload(program);
  return problem;
}
