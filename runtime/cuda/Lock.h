//===- Lock.h - what two threads must not do at once --------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CUDA_LOCK_H
#define NNCCRT_CUDA_LOCK_H

#include "os.h"

namespace nncc::rt::cuda {

/// Sleeps in the system while it is taken.
class Lock {
public:
  void take() {
    uint32_t expected = 0;
    if (word.compare_exchange_strong(expected, 1, std::memory_order_acquire))
      return;
    while (word.exchange(2, std::memory_order_acquire))
      os::wait(word, 2);
  }
  void leave() {
    if (word.exchange(0, std::memory_order_release) == 2)
      os::wake(word);
  }

private:
  std::atomic<uint32_t> word{0}; ///< 1: taken, 2: somebody waits
};

class Locked {
public:
  explicit Locked(Lock &lock) : lock(lock) { lock.take(); }
  ~Locked() { lock.leave(); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

private:
  Lock &lock;
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_LOCK_H
