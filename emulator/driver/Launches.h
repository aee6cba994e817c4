//===- Launches.h - a launch, checked ----------------------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_LAUNCHES_H
#define NNCCEMU_DRIVER_LAUNCHES_H

#include "Driver.h"

namespace nncc::emu::driver {

/// Copies the parameters of a launch and holds it against the card's limits; tells why one is refused.
CUresult kernelWork(Driver &d, Context &context, const CUDA_KERNEL_NODE_PARAMS &params, KernelWork &work);

} // namespace nncc::emu::driver

#endif
