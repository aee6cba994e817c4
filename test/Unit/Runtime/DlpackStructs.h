//===- DlpackStructs.h - the structs of DLPack ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_RUNTIME_DLPACKSTRUCTS_H
#define NNCC_TEST_UNIT_RUNTIME_DLPACKSTRUCTS_H

#include <cstdint>

// As <dlpack/dlpack.h> has them, written from its documentation.
extern "C" {
typedef struct {
  void *data;
  struct {
    int32_t device_type, device_id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;
typedef struct DLManagedTensorVersioned {
  struct {
    uint32_t major, minor;
  } version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;
}

#endif // NNCC_TEST_UNIT_RUNTIME_DLPACKSTRUCTS_H
