//===- Tensor.h - element types, sizes and strides ----------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_TENSOR_H
#define NNCCRT_CORE_TENSOR_H

#include "Report.h"

namespace nncc::rt {

/// Bytes that a pointer to such elements must be a multiple of.
uint32_t elementAlignment(uint32_t dtype);

/// Bytes of so many elements without gaps; false beyond 63 bits or when a dim is negative.
bool countBytes(const int64_t *dims, uint32_t rank, uint32_t dtype, uint64_t &bytes);

/// Whether the elements lie in row-major order without gaps. `strides` may be null.
bool isContiguous(const int64_t *dims, const int64_t *strides, uint32_t rank);

/// The bytes that a tensor touches, from data + low to data + high.
struct Extent {
  int64_t low = 0, high = 0;
};
bool measure(const nnccrt_tensor &tensor, Extent &extent);

/// Copies from strided to strided memory; strides in elements, null: without gaps. Elements of whole bytes only.
void copyElements(const int64_t *dims, uint32_t rank, uint32_t dtype, const void *source, const int64_t *sourceStrides,
                  void *target, const int64_t *targetStrides);

/// A name for messages: "input 'x'".
struct ValueName {
  const char *what;
  const nnccrt_value &value;
};

/// Checks all that does not depend on symbols. `anyDims`: rank 0 without dims stands for "as it comes". `device`: of a program for a GPU,
/// the number of its device, whose tensors are welcome; else -1.
bool checkTensor(const nnccrt_tensor &tensor, const ValueName &name, bool anyDims, int32_t device, Report &report);

/// Refuses structs of another size than this runtime's.
bool checkTensorSize(const nnccrt_tensor *tensor, Report &report);

} // namespace nncc::rt

#endif // NNCCRT_CORE_TENSOR_H
