//===- Pool.h - the threads of this process -----------------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_POOL_H
#define NNCCRT_CORE_POOL_H

#include "Report.h"

namespace nncc::rt::pool {

constexpr uint32_t maxThreads = 512;

/// How many threads runs may use, the caller's included.
bool threads(uint32_t &count, Report &report);
/// 0: what the machine and NNCC_NUM_THREADS say.
void setThreads(uint32_t count);

using Task = void (*)(void *job, uint32_t index);

/// Calls task(job, 0) on this thread and task(job, 1) .. task(job, count - 1) on those of the pool's threads that get to it before
/// task(job, 0) returns; returns when all calls have. So task(job, 0) must see to it that nothing is left. False, with nothing called:
/// another thread uses the pool now.
bool run(uint32_t count, Task task, void *job);

} // namespace nncc::rt::pool

#endif // NNCCRT_CORE_POOL_H
