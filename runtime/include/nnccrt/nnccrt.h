/*===- nnccrt.h - running compiled models -----------------------------------------------------------------*- C -*-===
 *
 * A model object exports `nncc_model_<name>`. Load it (a program: immutable, shared by all threads), make a context for each thread
 * that runs it, give it inputs, run, read outputs:
 *
 *   extern const nnccrt_model nncc_model_digits;
 *   nnccrt_status status;
 *   nnccrt_program *program;
 *   nnccrt_context *context;
 *   nnccrt_tensor x = {.size = sizeof(x)}, y = {.size = sizeof(y)};
 *   if (nnccrt_load(&nncc_model_digits, NULL, &program, &status) || nnccrt_create(program, NULL, &context, &status) ||
 *       nnccrt_input(context, 0, &x, &status))
 *     return puts(status.message);
 *   fill(x.data);
 *   if (nnccrt_run(context, &status) || nnccrt_output(context, 0, &y, &status))
 *     return puts(status.message);
 *   use(y.data);
 *
 * Every function that can fail returns a code, NNCCRT_OK (0) when it did not, and writes code and message to `status`, which may be
 * null. Nothing here aborts or throws, or prints: but for one line to standard error when device "auto" falls back to the CPU. Structs that may grow start with their size, which the caller sets even where the runtime
 * fills the rest; what else is not used is zero.
 *
 *===----------------------------------------------------------------------------------------------------------------------===*/
#ifndef NNCCRT_NNCCRT_H
#define NNCCRT_NNCCRT_H

#include "nnccrt/abi.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nnccrt_program nnccrt_program; /* a model ready to run: immutable, shared by all threads */
typedef struct nnccrt_context nnccrt_context; /* memory to run it in: used by one thread at a time */

#pragma GCC visibility push(default) /* the functions here are visible, and nothing else of the runtime */

#define NNCCRT_VERSION "0.1.0"

/*===- Status --------------------------------------------------------------------------------------------------------------===*/

enum {
  NNCCRT_OK = 0,
  NNCCRT_INVALID = 1,     /* the call makes no sense: a null pointer, a name that is not there, a context in use */
  NNCCRT_MISMATCH = 2,    /* a tensor does not fit the model: dtype, rank, dim, alignment, aliasing */
  NNCCRT_TOO_SMALL = 3,   /* memory given by the caller: nnccrt_status.needed says how many bytes it takes */
  NNCCRT_NO_MEMORY = 4,   /* the system gave no memory */
  NNCCRT_BAD_DATA = 5,    /* the model refuses what is in the inputs: an index out of range, a failed check */
  NNCCRT_CANCELLED = 6,   /* nnccrt_cancel */
  NNCCRT_UNSUPPORTED = 7, /* the model needs what this CPU or this runtime does not have */
  NNCCRT_IO = 8,          /* a file */
  NNCCRT_INTERNAL = 9,    /* the model breaks its contract with the runtime: a bug of nncc */
  NNCCRT_DEVICE = 10      /* no GPU, no driver, or an error of theirs */
};
typedef int32_t nnccrt_code;

typedef struct nnccrt_status {
  nnccrt_code code;
  int32_t reserved;
  uint64_t needed;   /* bytes, with NNCCRT_TOO_SMALL and NNCCRT_NO_MEMORY; else 0 */
  char message[496]; /* one line, ends with NUL; empty with NNCCRT_OK */
} nnccrt_status;

/* "0.1.0": of the runtime that is linked. */
const char *nnccrt_version(void);

/*===- Tensors -------------------------------------------------------------------------------------------------------------===*/

enum { NNCCRT_CPU = 1, NNCCRT_CUDA = 2 }; /* device kinds, as DLPack numbers them */

typedef struct nnccrt_tensor {
  uint32_t size; /* sizeof(nnccrt_tensor) */
  uint32_t kind; /* NNCCRT_TENSOR; the other kinds are refused by this version */
  uint32_t dtype, rank;
  const int64_t *dims;                /* `rank` of them; may be null when rank is 0 */
  const int64_t *strides;             /* in elements, may be negative; null: row-major without gaps */
  void *data;                         /* aligned to its element; may be null when there are no elements */
  uint64_t capacity;                  /* bytes that may be used from `data` on; 0: as many as dims and strides take */
  uint32_t device_kind, device_index; /* 0 means NNCCRT_CPU */
} nnccrt_tensor;

/* Bits of an element; 0 for NNCCRT_STRING and what is no dtype. 4- and 2-bit elements are packed, the first in the low bits. */
uint32_t nnccrt_dtype_bits(uint32_t dtype);
/* "f32", "i64", ..; "?" for what is no dtype. */
const char *nnccrt_dtype_name(uint32_t dtype);

/*===- Programs: models ready to run ---------------------------------------------------------------------------------------===*/

typedef struct nnccrt_load_options {
  uint32_t size;
  uint32_t flags;
  /* "cpu", "cuda", "cuda:1"; null and "auto": what the environment variable NNCC_DEVICE says, else a GPU, else, where the object has code
   * for it, the CPU. "cuda" is the device that NNCC_CUDA_DEVICE says, or 0. */
  const char *device;
  /* Where weights come from that are not in the object; at most one. None: the file that the model names, beside the executable or
   * shared library that holds the model. */
  const char *weights_path;
  const void *weights; /* `weights_bytes` of them, 64-byte aligned, alive as long as the program */
  uint64_t weights_bytes;
  /* Fills `target` with `bytes` of the weights from `offset` on; nonzero ends the load. */
  int (*read_weights)(void *user, uint64_t offset, void *target, uint64_t bytes);
  void *user;
  const char *
      weights_directory; /* where the file is that the model names; null: beside the code. Embedded weights need none. */
  uint64_t memory_limit; /* bytes that the program may take on a GPU, with all of its contexts; 0: no limit */
} nnccrt_load_options;

enum {
  NNCCRT_VERIFY_WEIGHTS = 1, /* compute the SHA-256 of all weights, even if that takes a second a gigabyte */
  NNCCRT_DESCRIBE_ONLY = 2   /* for nnccrt_describe alone: weights and CPU are not looked at, contexts are refused */
};

nnccrt_code nnccrt_load(const nnccrt_model *model, const nnccrt_load_options *options, nnccrt_program **program,
                        nnccrt_status *status);
/* Loads a shared library with a model. `name` null: the only one in it. The library stays loaded as long as the program. */
nnccrt_code nnccrt_open(const char *path, const char *name, const nnccrt_load_options *options,
                        nnccrt_program **program, nnccrt_status *status);
/* Ends the caller's share; contexts of the program keep it alive. */
void nnccrt_unload(nnccrt_program *program);

/* The descriptor: names, dims, symbols, kernels, metadata. */
const nnccrt_model *nnccrt_describe(const nnccrt_program *program);
/* The CPU level that was chosen, "x86-64-v3". */
const char *nnccrt_cpu_level(const nnccrt_program *program);
/* "cpu", or the GPU: "cuda:0 (Tesla T4, sm_75)". */
const char *nnccrt_device(const nnccrt_program *program);
/* Index of a name, or -1. Inputs and outputs are also found by their identifier. */
int32_t nnccrt_find_input(const nnccrt_program *program, const char *name);
int32_t nnccrt_find_output(const nnccrt_program *program, const char *name);
int32_t nnccrt_find_symbol(const nnccrt_program *program, const char *name);

/*===- Contexts: a program with memory to run in ---------------------------------------------------------------------------===*/

/* Calls task(job, 0) .. task(job, count - 1), at once or one after another, and returns when all have returned. */
typedef void (*nnccrt_executor)(void *user, uint32_t count, void (*task)(void *job, uint32_t index), void *job);

/* One launch of a kernel. */
typedef struct nnccrt_launch_event {
  uint32_t size;
  uint32_t kernel;           /* index into nnccrt_model.kernel_infos */
  const char *name, *nodes;  /* of the kernel */
  uint64_t start_ns, end_ns; /* of CLOCK_MONOTONIC */
  int64_t tiles;
  uint32_t threads, reserved;     /* that took part, at most */
  const uint64_t *args;           /* of the kernel; gone when the profiler returns */
  const char *operations, *bytes; /* see nnccrt_kernel_info */
} nnccrt_launch_event;

typedef struct nnccrt_context_options {
  uint32_t size;
  uint32_t threads;         /* at most so many; 0: all of the pool */
  nnccrt_executor executor; /* null: the pool of the process */
  void *executor_user;
  /* Called after each launch, by the thread that runs. */
  void (*profiler)(void *user, const nnccrt_launch_event *event);
  void *profiler_user;
} nnccrt_context_options;

nnccrt_code nnccrt_create(nnccrt_program *program, const nnccrt_context_options *options, nnccrt_context **context,
                          nnccrt_status *status);
void nnccrt_destroy(nnccrt_context *context);
/* The descriptor of its program; null for null. */
const nnccrt_model *nnccrt_model_of(const nnccrt_context *context);

/* Sets the values of all symbols, in the order of nnccrt_model.symbols, and makes the plan and the memory for them: what is not bound
 * yet gets room in the context. The only call that allocates, if all sizes follow from the symbols. Models without symbols need it
 * not. Views of inputs and outputs end; inputs that are bound must be bound again if their dims change. */
nnccrt_code nnccrt_resize(nnccrt_context *context, const int64_t *symbols, uint32_t count, nnccrt_status *status);

/* The input's memory in the context, to be filled before each run; or what the caller bound. Its dims follow from the last resize. */
nnccrt_code nnccrt_input(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor, nnccrt_status *status);
/* Reads the input from the caller's memory in every run from now on. Dims may differ from the last ones: the symbols take their values
 * from the inputs that are bound, and the next run plans anew if they changed. Without dims (rank 0, dims null) the input has those that
 * follow from the last resize and the other inputs, and `capacity` must be their bytes. Null: back to the context's own memory. */
nnccrt_code nnccrt_bind_input(nnccrt_context *context, uint32_t index, const nnccrt_tensor *tensor,
                              nnccrt_status *status);
nnccrt_code nnccrt_bind_input_named(nnccrt_context *context, const char *name, const nnccrt_tensor *tensor,
                                    nnccrt_status *status);

/* Writes the output into the caller's memory, of `capacity` bytes. With dims, they must be what the output turns out to have; without
 * (rank 0, dims null) any will do. Must not overlap another input or output. Null: back to the context's own memory. */
nnccrt_code nnccrt_bind_output(nnccrt_context *context, uint32_t index, const nnccrt_tensor *tensor,
                               nnccrt_status *status);
nnccrt_code nnccrt_bind_output_named(nnccrt_context *context, const char *name, const nnccrt_tensor *tensor,
                                     nnccrt_status *status);

nnccrt_code nnccrt_run(nnccrt_context *context, nnccrt_status *status);

/* On a GPU: enqueues the run on `stream` (a CUstream or cudaStream_t of the program's device; null: the default stream) and comes back
 * without waiting, if no output is bound to memory of the host and no size depends on data. A run whose inputs are not in memory of
 * the device comes back when these are copied. Faults (an index out of range) are told by nnccrt_synchronize, or by the next call that
 * waits. Where the caller captures the stream into a graph, inputs and outputs must be tensors of the device, and the context prepared. */
nnccrt_code nnccrt_run_on(nnccrt_context *context, void *stream, nnccrt_status *status);
/* Waits for the last run. */
nnccrt_code nnccrt_synchronize(nnccrt_context *context, nnccrt_status *status);
/* Plans and allocates what a run takes with the inputs and outputs that are bound now, so that the run itself does not. */
nnccrt_code nnccrt_prepare(nnccrt_context *context, nnccrt_status *status);
/* From any thread, or a signal handler: ends the run that goes on, soon, with NNCCRT_CANCELLED. Without one it does nothing. */
void nnccrt_cancel(nnccrt_context *context);

/* What the last run gave, with true dims; valid until the next run, resize, trim or destroy. It may be bound as an input of the next
 * run (a state, a cache): that run reads it and writes its output elsewhere. Not in a workspace. */
nnccrt_code nnccrt_output(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor, nnccrt_status *status);
/* The same where the GPU left it, without a copy to the host. Refused by a program that runs on the CPU. */
nnccrt_code nnccrt_device_output(nnccrt_context *context, uint32_t index, nnccrt_tensor *tensor, nnccrt_status *status);

/* Bytes that a run takes with these values of the symbols, as inputs and outputs are bound now, without what the model allocates when
 * sizes depend on data. */
nnccrt_code nnccrt_workspace_bytes(nnccrt_context *context, const int64_t *symbols, uint32_t count, uint64_t *bytes,
                                   nnccrt_status *status);
/* From now on all memory of runs comes from these bytes, 64-byte aligned (of a GPU: of its memory, 256-byte aligned), instead of the heap; too few is NNCCRT_TOO_SMALL from the call
 * that needs more. Null: the heap again. Views of inputs and outputs end. */
nnccrt_code nnccrt_set_workspace(nnccrt_context *context, void *memory, uint64_t bytes, nnccrt_status *status);
/* Gives memory back; views of inputs and outputs end, the next run plans anew. */
void nnccrt_trim(nnccrt_context *context);

/*===- Threads -------------------------------------------------------------------------------------------------------------===*/

/* How many threads the pool of this process has, the caller's included. By default the cores that it may use: its affinity, its
 * cgroup's quota, or the environment variable NNCC_NUM_THREADS. */
uint32_t nnccrt_threads(void);
/* Changes it (0: the default again) for contexts created from now on. */
nnccrt_code nnccrt_set_threads(uint32_t count, nnccrt_status *status);

/*===- DLPack --------------------------------------------------------------------------------------------------------------===*/

struct DLManagedTensor; /* of <dlpack/dlpack.h>, which need not be included */
struct DLManagedTensorVersioned;

/* Views of the same memory; `tensor` is valid as long as its source. */
nnccrt_code nnccrt_from_dlpack(const struct DLManagedTensor *source, nnccrt_tensor *tensor, nnccrt_status *status);
nnccrt_code nnccrt_from_dlpack_versioned(const struct DLManagedTensorVersioned *source, nnccrt_tensor *tensor,
                                         nnccrt_status *status);
/* The output of the last run as a tensor that owns its memory: the context gives its buffer away, and copies only if the buffer is the
 * caller's. After it nnccrt_output has nothing to give until the next run. */
nnccrt_code nnccrt_output_to_dlpack(nnccrt_context *context, uint32_t index, struct DLManagedTensor **result,
                                    nnccrt_status *status);
nnccrt_code nnccrt_output_to_dlpack_versioned(nnccrt_context *context, uint32_t index,
                                              struct DLManagedTensorVersioned **result, nnccrt_status *status);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NNCCRT_NNCCRT_H */
