//===- Device.h - programs and contexts on a GPU ------------------------------------------------------*- C++ -*-===//
///
/// \file
/// What core asks of runtime/cuda. libnnccrt.a has NoDevice.cpp in its place, which knows no device and says so; libnnccrt_cuda.a is all of
/// libnnccrt.a with runtime/cuda instead. A context with a session has its buffers (nnccrt_context::memory) on the device.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CORE_DEVICE_H
#define NNCCRT_CORE_DEVICE_H

#include "Tensor.h"

namespace nncc::rt::cuda {

/// A GPU with the kernels and the weights of a model; and what a context has there.
struct Device;
struct Session;

/// Opens device `index` (-1: the one that NNCC_CUDA_DEVICE says, or 0) for the program: `program.device`. `limit`: bytes that the program
/// may take there; 0: no limit.
bool open(nnccrt_program &program, int32_t index, uint64_t limit, Report &report);
void close(Device *device);
/// -1 for null.
int32_t ordinal(const Device *device);
/// "cuda:0 (Tesla T4, sm_75)".
const char *name(const Device *device);

/// Loads kernels and weights, if this is the first context of the program.
bool createSession(nnccrt_context &context, Report &report);
void destroySession(nnccrt_context &context);
/// Waits for the last run, and forgets what depends on the context's memory.
void releaseSession(nnccrt_context &context);

/// One run: enqueued on the caller's stream, or on the context's own and waited for.
bool run(nnccrt_context &context, void *const *stream, Report &report);
/// Everything that a run with these inputs needs and that takes time.
bool prepare(nnccrt_context &context, Report &report);
bool synchronize(nnccrt_context &context, Report &report);
/// Copies an output to the host, if that is not done yet.
bool readOutput(nnccrt_context &context, uint32_t index, Report &report);

/// Refuses addresses that are not where the tensor says: in the memory of the program's device, or of the host.
bool checkAddress(nnccrt_context &context, const nnccrt_tensor &tensor, const ValueName &name, Report &report);
bool checkWorkspace(nnccrt_context &context, const void *data, Report &report);

/// Gives free memory of the device back to the system.
void trim(nnccrt_context &context);

/// An output on the device, for good (DLPack); and the end of it.
void *takeOutput(nnccrt_context &context, uint32_t index, bool &isCopied, Report &report);
void release(Device *device, void *data);

} // namespace nncc::rt::cuda

#endif // NNCCRT_CORE_DEVICE_H
