// Four threads run three models at once, two of which are one network compiled under two names. Each run must give the bits that the
// first run of its network gave.

#include "first.h"
#include "second.h"
#include "third.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

using Answer = std::vector<float>;

// Runs the model on image `seed`; an empty answer is a failure, which it tells.
template <typename Model> static Answer answer(const Model &model, unsigned seed) {
  auto run = model.context();
  if (!run)
    return std::printf("context: %s\n", run.status().message()), Answer();
  Answer result;
  for (int repeat = 0; repeat < 3; ++repeat) {
    auto image = run->image();
    for (size_t i = 0; i < image.size(); ++i)
      image[i] = float((i * 7 + seed * 13) % 17) / 16;
    if (auto status = run->run(); !status)
      return std::printf("run: %s\n", status.message()), Answer();
    auto probabilities = run->template output_at<float>(0);
    Answer bits(probabilities.begin(), probabilities.end());
    if (repeat && std::memcmp(bits.data(), result.data(), bits.size() * sizeof(float)) != 0)
      return std::printf("two runs of one context differ\n"), Answer();
    result = bits;
  }
  return result;
}

int main() {
  auto first = first::Model::load();
  auto second = second::Model::load();
  auto third = third::Model::load();
  if (!first || !second || !third)
    return std::printf("a model does not load\n"), 1;
  constexpr unsigned images = 8, threads = 4;
  std::vector<Answer> floats, integers;
  for (unsigned seed = 0; seed < images; ++seed) {
    floats.push_back(answer(*first, seed));
    integers.push_back(answer(*third, seed));
  }
  std::vector<int> wrong(threads);
  auto work = [&](unsigned number) {
    for (unsigned round = 0; round < 3 * images; ++round) {
      unsigned seed = (round + number) % images, kind = (round + number) % 3;
      Answer got = kind == 0 ? answer(*first, seed) : kind == 1 ? answer(*second, seed) : answer(*third, seed);
      wrong[number] += got.empty() || got != (kind == 2 ? integers : floats)[seed];
    }
  };
  std::vector<std::thread> pool;
  for (unsigned number = 0; number < threads; ++number)
    pool.emplace_back(work, number);
  for (std::thread &thread : pool)
    thread.join();
  int sum = 0;
  for (int count : wrong)
    sum += count;
  std::printf("%u threads, %u runs each, %d wrong\n", threads, 3 * images, sum);
  return sum != 0;
}
