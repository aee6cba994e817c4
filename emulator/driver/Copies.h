//===- Copies.h - copies and fills as nodes of a graph -----------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_COPIES_H
#define NNCCEMU_DRIVER_COPIES_H

#include "Driver.h"

namespace nncc::emu::driver {

/// Checks the parameters of a node, null too.
CUresult copyWork(Driver &d, const CUDA_MEMCPY3D *params, CopyWork &work);
CUresult fillWork(Driver &d, const CUDA_MEMSET_NODE_PARAMS *params, FillWork &work);

} // namespace nncc::emu::driver

#endif
