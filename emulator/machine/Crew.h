//===- Crew.h - threads of the host that run blocks --------------------------------------------------------------===//

#ifndef NNCCEMU_CREW_H
#define NNCCEMU_CREW_H

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nncc::emu {

/// The caller and `size() - 1` others, which sleep between launches.
class Crew {
public:
  explicit Crew(unsigned size) {
    for (unsigned k = 1; k < size; ++k)
      others.emplace_back([this, k] { serve(k); });
  }

  ~Crew() {
    {
      std::scoped_lock lock(mutex);
      over = true;
    }
    called.notify_all();
    for (std::thread &other : others)
      other.join();
  }

  Crew(const Crew &) = delete;
  Crew &operator=(const Crew &) = delete;

  unsigned size() const { return static_cast<unsigned>(others.size()) + 1; }

  /// Returns once `threads` of us, the caller among them, have done the work.
  void run(unsigned threads, const std::function<void()> &work) {
    {
      std::scoped_lock lock(mutex);
      task = &work, wanted = threads, busy = threads - 1;
      ++round;
    }
    called.notify_all();
    work();
    std::unique_lock lock(mutex);
    finished.wait(lock, [&] { return !busy; });
  }

private:
  void serve(unsigned index) {
    std::unique_lock lock(mutex);
    for (uint64_t done = 0;;) {
      called.wait(lock, [&] { return over || round != done; });
      if (over)
        return;
      done = round;
      if (index >= wanted)
        continue;
      const std::function<void()> &work = *task;
      lock.unlock();
      work();
      lock.lock();
      if (!--busy)
        finished.notify_one();
    }
  }

  std::vector<std::thread> others;
  std::mutex mutex;
  std::condition_variable called, finished;
  const std::function<void()> *task = nullptr;
  unsigned wanted = 0, busy = 0;
  uint64_t round = 0;
  bool over = false;
};

} // namespace nncc::emu

#endif
