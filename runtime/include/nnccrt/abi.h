/*===- abi.h - what a compiled model and the runtime say to each other ------------------------------*- C -*-===
 *
 * A model object exports one symbol, `nncc_model_<name>`, an nnccrt_model. The compiler writes these structs (lib/Target), the
 * runtime reads them (runtime/core). Applications use nnccrt.h or Model.h, never this file. All pointers inside are resolved by the
 * linker. A change of layout or meaning raises NNCCRT_ABI_VERSION; the runtime refuses other versions and names both.
 *
 *===----------------------------------------------------------------------------------------------------------------------===*/
#ifndef NNCCRT_ABI_H
#define NNCCRT_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNCCRT_ABI_VERSION 5u

/* Element types, with the numbers of ONNX's TensorProto.DataType. */
enum {
  NNCCRT_F32 = 1,
  NNCCRT_U8 = 2,
  NNCCRT_I8 = 3,
  NNCCRT_U16 = 4,
  NNCCRT_I16 = 5,
  NNCCRT_I32 = 6,
  NNCCRT_I64 = 7,
  NNCCRT_STRING = 8,
  NNCCRT_BOOL = 9,
  NNCCRT_F16 = 10,
  NNCCRT_F64 = 11,
  NNCCRT_U32 = 12,
  NNCCRT_U64 = 13,
  NNCCRT_C64 = 14,
  NNCCRT_C128 = 15,
  NNCCRT_BF16 = 16,
  NNCCRT_F8E4M3FN = 17,
  NNCCRT_F8E4M3FNUZ = 18,
  NNCCRT_F8E5M2 = 19,
  NNCCRT_F8E5M2FNUZ = 20,
  NNCCRT_U4 = 21,
  NNCCRT_I4 = 22,
  NNCCRT_F4E2M1 = 23,
  NNCCRT_F8E8M0 = 24,
  NNCCRT_U2 = 25,
  NNCCRT_I2 = 26
};

/* What an input or output is. */
enum { NNCCRT_TENSOR = 0, NNCCRT_SEQUENCE = 1, NNCCRT_OPTIONAL = 2, NNCCRT_MAP = 3 };

/* One dim of an input or output as the model declares it. */
typedef struct nnccrt_dim {
  int64_t size; /* >= 0: static. -1: `symbol`. -2: known when the run ends (outputs only). -3: the expression `text`. */
  int32_t symbol; /* index into nnccrt_model.symbols, else -1 */
  int32_t reserved;
  const char *text; /* as the model names it, e.g. "batch", "past + 1"; never null */
} nnccrt_dim;

typedef struct nnccrt_value {
  const char *name;       /* as in the model */
  const char *identifier; /* as in the generated header */
  uint32_t kind, dtype;
  uint32_t rank, reserved;
  const nnccrt_dim *dims;
} nnccrt_value;

/* A fault that a kernel reports: the first one of a run wins. code 0: none. */
typedef struct nnccrt_fault {
  int32_t code; /* atomic */
  int32_t reserved;
  int64_t value;
} nnccrt_fault;

enum {
  NNCCRT_FAULT_NONE = 0,
  NNCCRT_FAULT_INDEX = 1 /* value: the index out of range */,
  NNCCRT_FAULT_SIZE = 2 /* value: the size */
};

/* args[0] points to the run's nnccrt_fault (the runtime writes it, the schedule leaves room); the rest as exec.kernel documents.
 * `scratch`: 64-byte aligned, of the model's scratch size, not shared with another tile running now. */
typedef void (*nnccrt_kernel_run)(const uint64_t *args, int64_t tile, void *scratch);
typedef int64_t (*nnccrt_kernel_tiles)(const uint64_t *args);

typedef struct nnccrt_kernel {
  nnccrt_kernel_run run;
  nnccrt_kernel_tiles tiles;
} nnccrt_kernel;

typedef struct nnccrt_kernel_info {
  const char *name;  /* "k17_conv_relu" */
  const char *nodes; /* names of the ONNX nodes in it, separated by newlines */
  /* What a launch costs, null where nobody knows: a sum of products, "2*s3*768*64+s3", where s3 is args[3]. */
  const char *operations; /* additions, multiplications and functions of elements */
  const char *bytes;      /* of the tensors that it reads and writes, each once */
} nnccrt_kernel_info;

/* The kernels for one CPU level. The runtime takes the last level whose features the CPU has. */
typedef struct nnccrt_level {
  const char *cpu;   /* "x86-64-v3", "znver5" */
  uint64_t features; /* NNCCRT_CPU_* that it needs */
  const nnccrt_kernel *kernels;
} nnccrt_level;

enum {
  NNCCRT_CPU_SSE42 = 1 << 0,  /* and the rest of x86-64-v2 */
  NNCCRT_CPU_AVX2 = 1 << 1,   /* x86-64-v3: AVX2, FMA, BMI1/2, F16C, LZCNT, MOVBE */
  NNCCRT_CPU_AVX512 = 1 << 2, /* x86-64-v4: AVX512 F, BW, CD, DQ, VL */
  NNCCRT_CPU_AVX512_VNNI = 1 << 3,
  NNCCRT_CPU_AVX512_BF16 = 1 << 4,
  NNCCRT_CPU_AVX512_FP16 = 1 << 5,
  NNCCRT_CPU_AVX_VNNI = 1 << 6,
  NNCCRT_CPU_AMX = 1 << 7
};

/* A planned buffer: alive from launch `first` to launch `last` of the schedule. */
typedef struct nnccrt_slot {
  int64_t bytes; /* -1: element of what nnccrt_model.sizes computes */
  uint32_t first, last;
} nnccrt_slot;

/*===- Kernels for NVIDIA GPUs ---------------------------------------------------------------------------------------------===
 *
 * A program with nnccrt_model.cuda has its tensors in device memory: arena, weights, inputs and outputs of the frame are addresses of
 * the device. The schedule itself, the small kernels that the compiler placed on the host, and their buffers (host_alloc) are not.
 */

/* How a phase is launched: blockDim (threads, 1, 1), gridDim (blocks, 1, 1). */
typedef struct nnccrt_cuda_launch {
  int64_t blocks; /* 0: nothing to launch */
  uint32_t threads;
  uint32_t shared_bytes; /* dynamic */
} nnccrt_cuda_launch;

/* In front of a kernel's workspace: zeros, which the kernel may change while it runs. */
#define NNCCRT_CUDA_COUNTER_BYTES 4096

/* One entry of an image. Its parameters are the kernel's args, 64 bits each, then the address of the kernel's workspace (0: none).
 * `shape` and nnccrt_cuda_kernel.workspace are host code; args are those of the launch, addresses of the device among them. */
typedef struct nnccrt_cuda_phase {
  const char *entry;
  void (*shape)(const uint64_t *args, nnccrt_cuda_launch *launch);
} nnccrt_cuda_phase;

/* Phases run one behind the other. args[0] is the address of an nnccrt_fault on the device. */
typedef struct nnccrt_cuda_kernel {
  uint32_t num_phases; /* 0: a kernel of the host, in nnccrt_model.levels */
  uint32_t num_args;   /* args[0] included, the workspace not */
  uint32_t part;       /* of the image: where the entries of its phases are */
  uint32_t reserved;
  const nnccrt_cuda_phase *phases;
  int64_t (*workspace)(const uint64_t *args); /* bytes; null: none */
} nnccrt_cuda_kernel;

enum { NNCCRT_CUDA_PTX = 0, NNCCRT_CUDA_CUBIN = 1 };

/* A module: it needs none of the others. */
typedef struct nnccrt_cuda_part {
  const void *data; /* PTX: text that ends with NUL, not counted in `bytes` */
  uint64_t bytes;
} nnccrt_cuda_part;

typedef struct nnccrt_cuda_image {
  uint32_t sm;   /* 75: compute capability 7.5 */
  uint32_t kind; /* NNCCRT_CUDA_*, of all parts */
  uint32_t num_parts, reserved;
  const nnccrt_cuda_part *parts;     /* at least one; in any order, and at once */
  const nnccrt_cuda_kernel *kernels; /* num_kernels of the model */
} nnccrt_cuda_image;

/* PTX of the greatest `sm` that is not above the device's runs on it; a cubin on devices of the same major number only. */
typedef struct nnccrt_cuda {
  uint32_t num_images, reserved;
  const nnccrt_cuda_image *images;
  uint64_t weights_bytes; /* of nnccrt_model.weights, from their start: what the device needs */
} nnccrt_cuda;

/*===- Schedules -----------------------------------------------------------------------------------------------------------===*/

struct nnccrt_frame;

/* What a schedule asks of the runtime. Integers: 0 or a negative number, which the schedule returns at once. Pointers: null ends the
 * run the same way (the runtime has kept the reason). */
typedef struct nnccrt_services {
  uint32_t size;
  uint32_t reserved;
  /* Runs all tiles of a kernel, in parallel; negative when a kernel reported a fault or the run was cancelled. Writes args[0]. */
  int32_t (*launch)(struct nnccrt_frame *, uint32_t kernel, uint64_t *args);
  /* 64-byte aligned memory until the release of the mark before it, or the end of the run. Null: no memory, or bytes < 0. */
  void *(*alloc)(struct nnccrt_frame *, int64_t bytes);
  int64_t (*mark)(struct nnccrt_frame *);
  void (*release)(struct nnccrt_frame *, int64_t mark);
  /* Copies `bytes` into the carried buffer `id` that was not written last; returns it. */
  void *(*carry)(struct nnccrt_frame *, uint32_t id, const void *source, int64_t bytes);
  /* Tells the true dims of output `index`; returns the buffer to fill (element size x product of dims). */
  void *(*output)(struct nnccrt_frame *, uint32_t index, const int64_t *dims);
  /* Ends the run with a message; returns the negative number to return. */
  int32_t (*fail)(struct nnccrt_frame *, const char *message);
  /* For programs with nnccrt_model.cuda alone; null in the frame of another. `read` waits for the device, `write` and `copy` do not:
   * the bytes of `write` are taken at once. */
  int32_t (*read)(struct nnccrt_frame *, void *host, const void *device, int64_t bytes);
  int32_t (*write)(struct nnccrt_frame *, void *device, const void *host, int64_t bytes);
  int32_t (*copy)(struct nnccrt_frame *, void *target, const void *source, int64_t bytes);
  /* As `alloc`, memory of the host; mark and release see to both. */
  void *(*host_alloc)(struct nnccrt_frame *, int64_t bytes);
  /* The bytes of an input on the host: those of the caller, or `bytes` read from the device. */
  const void *(*host_input)(struct nnccrt_frame *, uint32_t index, int64_t bytes);
} nnccrt_services;

/* One run, as the schedule sees it. */
typedef struct nnccrt_frame {
  const nnccrt_services *services;
  const int64_t *symbols; /* values of the model's symbols */
  const int64_t *offsets; /* of each slot in the arena; null when the plan is static */
  char *arena;            /* 64-byte aligned, planned for these symbols */
  const char *weights;
  void *const *inputs; /* contiguous, row-major */
  void *context;       /* the runtime's own */
  const char
      *host_weights; /* the bytes that `weights` has on the device; a program for the host has the same address twice */
} nnccrt_frame;

typedef struct nnccrt_model {
  uint32_t size, abi_version;
  const char *name;
  const char *producer; /* "nncc 0.1.0 -O3 ..." */
  uint32_t num_inputs, num_outputs, num_symbols, num_kernels, num_levels, num_slots, num_carries, num_metadata;
  const nnccrt_value *inputs, *outputs;
  const char *const *symbols; /* names */
  const nnccrt_kernel_info *kernel_infos;
  const nnccrt_level *levels;
  const nnccrt_slot *slots; /* null when the plan is static */
  int64_t arena_bytes;      /* of a static plan; -1 otherwise */
  int64_t scratch_bytes;    /* for each thread */
  const void *weights;      /* null: beside the object, see weights_file */
  uint64_t weights_bytes;
  const char *weights_file; /* file name, or null; the file is the weights, then the 32 bytes of weights_hash */
  uint8_t weights_hash[32]; /* SHA-256 */
  /* Bytes of each slot for these symbols (-1: overflow). Null when the plan is static. */
  void (*sizes)(const int64_t *symbols, int64_t *bytes);
  int32_t (*run)(nnccrt_frame *); /* 0, or what a service returned */
  const char *const *metadata;    /* num_metadata pairs: key, value, key, value */
  const nnccrt_cuda *cuda; /* null: a program for the host. Else `levels` has the code of its host kernels alone. */
  /* With `cuda`: the same model for the host, with the same weights, inputs, outputs and symbols; null: there is none. */
  const struct nnccrt_model *fallback;
} nnccrt_model;

#ifdef __cplusplus
}
#endif

#endif /* NNCCRT_ABI_H */
