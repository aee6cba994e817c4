//===- Heap.h - memory without the C++ library --------------------------------------------------------*- C++ -*-===//
///
/// \file
/// The runtime links from plain C, so it uses neither operator new nor containers that need libstdc++. What allocates here says so by
/// returning false or null.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CORE_HEAP_H
#define NNCCRT_CORE_HEAP_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace nncc::rt {

template <typename T, typename... Args> T *create(Args &&...args) {
  void *memory = std::malloc(sizeof(T));
  return memory ? new (memory) T(std::forward<Args>(args)...) : nullptr;
}

template <typename T> void destroy(T *object) {
  if (!object)
    return;
  object->~T();
  std::free(object);
}

/// A vector of plain data.
template <typename T> class Array {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  Array() = default;
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { clear(); }

  /// New elements are zero. False, with nothing changed: no memory.
  [[nodiscard]] bool resize(size_t newCount) {
    if (newCount > room && !grow(newCount))
      return false;
    if (newCount > count)
      std::memset(reinterpret_cast<char *>(elements + count), 0, (newCount - count) * sizeof(T));
    count = newCount;
    return true;
  }
  [[nodiscard]] bool append(const T &element) {
    if (count == room && !grow(2 * count + 8))
      return false;
    elements[count++] = element;
    return true;
  }
  void removeLast() { --count; }
  void clear() {
    std::free(reinterpret_cast<char *>(elements));
    elements = nullptr;
    count = room = 0;
  }

  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  T *data() { return elements; }
  const T *data() const { return elements; }
  T &operator[](size_t index) { return elements[index]; }
  const T &operator[](size_t index) const { return elements[index]; }
  T &back() { return elements[count - 1]; }
  T *begin() { return elements; }
  T *end() { return elements + count; }
  const T *begin() const { return elements; }
  const T *end() const { return elements + count; }

private:
  bool grow(size_t newRoom) {
    if (newRoom > SIZE_MAX / sizeof(T))
      return false;
    void *memory = std::realloc(reinterpret_cast<char *>(elements), newRoom * sizeof(T));
    if (!memory)
      return false;
    elements = static_cast<T *>(memory);
    room = newRoom;
    return true;
  }

  T *elements = nullptr;
  size_t count = 0, room = 0;
};

} // namespace nncc::rt

#endif // NNCCRT_CORE_HEAP_H
