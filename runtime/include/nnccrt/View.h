//===- View.h - tensors of the caller and of a context ------------------------------------------------*- C++ -*-===//
///
/// \file
/// Element types and views, C++17. A view owns nothing: it says where elements lie and how.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_VIEW_H
#define NNCCRT_VIEW_H

#include "nnccrt/nnccrt.h"
#include <cstring>
#include <initializer_list>
#include <type_traits>
#include <utility>

namespace nncc {

//===----------------------------------------------------------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------------------------------------------------------===//

/// IEEE binary16 and bfloat16, in memory. Arithmetic is done in float.
struct half {
  uint16_t bits;

  static half from(float value);
  operator float() const;
};
struct bfloat16 {
  uint16_t bits;

  static bfloat16 from(float value);
  operator float() const;
};
/// Other types that C++ has no name for, as bits.
struct float8 {
  uint8_t bits;
};
struct complex64 {
  float real, imaginary;
};
struct complex128 {
  double real, imaginary;
};
/// Two 4-bit or four 2-bit elements, the first in the low bits.
struct packed {
  uint8_t bits;
};

/// Whether elements of dtype D are held in a T.
template <typename T> constexpr bool holds(uint32_t dtype) {
  using E = std::remove_const_t<T>;
  switch (dtype) {
  case NNCCRT_F32:
    return std::is_same_v<E, float>;
  case NNCCRT_F64:
    return std::is_same_v<E, double>;
  case NNCCRT_BOOL:
    return std::is_same_v<E, bool>;
  case NNCCRT_U8:
  case NNCCRT_U16:
  case NNCCRT_U32:
  case NNCCRT_U64:
    return std::is_integral_v<E> && std::is_unsigned_v<E> && !std::is_same_v<E, bool> &&
           sizeof(E) == (dtype == NNCCRT_U8    ? 1
                         : dtype == NNCCRT_U16 ? 2
                         : dtype == NNCCRT_U32 ? 4
                                               : 8);
  case NNCCRT_I8:
  case NNCCRT_I16:
  case NNCCRT_I32:
  case NNCCRT_I64:
    return std::is_integral_v<E> && std::is_signed_v<E> &&
           sizeof(E) == (dtype == NNCCRT_I8    ? 1
                         : dtype == NNCCRT_I16 ? 2
                         : dtype == NNCCRT_I32 ? 4
                                               : 8);
  case NNCCRT_F16:
    return std::is_same_v<E, half>;
  case NNCCRT_BF16:
    return std::is_same_v<E, bfloat16>;
  case NNCCRT_C64:
    return std::is_same_v<E, complex64>;
  case NNCCRT_C128:
    return std::is_same_v<E, complex128>;
  case NNCCRT_F8E4M3FN:
  case NNCCRT_F8E4M3FNUZ:
  case NNCCRT_F8E5M2:
  case NNCCRT_F8E5M2FNUZ:
  case NNCCRT_F8E8M0:
    return std::is_same_v<E, float8>;
  case NNCCRT_U4:
  case NNCCRT_I4:
  case NNCCRT_F4E2M1:
  case NNCCRT_U2:
  case NNCCRT_I2:
    return std::is_same_v<E, packed>;
  default:
    return false;
  }
}

/// The dtype that one would think of; 0 for types that no tensor has.
template <typename T> constexpr uint32_t dtype_of() {
  for (uint32_t dtype :
       {NNCCRT_F32, NNCCRT_F64, NNCCRT_BOOL, NNCCRT_U8, NNCCRT_U16, NNCCRT_U32, NNCCRT_U64, NNCCRT_I8, NNCCRT_I16,
        NNCCRT_I32, NNCCRT_I64, NNCCRT_F16, NNCCRT_BF16, NNCCRT_C64, NNCCRT_C128, NNCCRT_F8E4M3FN, NNCCRT_U4})
    if (holds<T>(dtype))
      return dtype;
  return 0;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------------------------------------------------------===//

/// Consecutive elements.
template <typename T> class Span {
public:
  using value_type = std::remove_const_t<T>;
  using iterator = T *;
  using const_iterator = T *;

  constexpr Span() = default;
  constexpr Span(T *data, size_t size) : first(data), count(size) {}

  constexpr T *data() const { return first; }
  constexpr size_t size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr T &operator[](size_t index) const { return first[index]; }
  constexpr T *begin() const { return first; }
  constexpr T *end() const { return first + count; }

private:
  T *first = nullptr;
  size_t count = 0;
};

/// A tensor's elements. Empty, with null data, when the call that should have given it failed.
template <typename T> class View {
public:
  using value_type = std::remove_const_t<T>;
  using iterator = T *;
  using const_iterator = T *;
  static constexpr size_t kMaxRank = 12;

  View() = default;
  /// Elements whose dims the model knows.
  View(T *data, size_t size) : first(data), count(size), isFlat(true) {}
  /// With dims, without gaps; or with strides, in elements.
  View(T *data, Span<const int64_t> shape, Span<const int64_t> steps = {}) : first(data), order(shape.size()) {
    if (order > kMaxRank || (!steps.empty() && steps.size() != order)) {
      *this = {};
      return;
    }
    count = 1;
    for (size_t i = order; i-- > 0;) {
      sizes[i] = shape[i];
      strideOf[i] = steps.empty() ? static_cast<int64_t>(count) : steps[i];
      isStrided |= !steps.empty() && shape[i] != 1 && steps[i] != static_cast<int64_t>(count);
      count *= static_cast<size_t>(shape[i]);
    }
  }
  /// A view of mutable elements is one of constant elements.
  operator View<const T>() const {
    View<const T> view = isFlat ? View<const T>(first, count) : View<const T>(first, dims(), strides());
    return isOnDevice ? view.on_device(deviceNumber) : view;
  }
  /// The same in the memory of a GPU: its elements cannot be read here.
  View on_device(uint32_t index) const {
    View view = *this;
    view.isOnDevice = true;
    view.deviceNumber = index;
    return view;
  }

  T *data() const { return first; }
  /// The number of elements, not of bytes.
  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  explicit operator bool() const { return first != nullptr; }

  size_t rank() const { return order; }
  Span<const int64_t> dims() const { return {sizes, order}; }
  Span<const int64_t> strides() const { return {strideOf, order}; }
  /// Whether the view has no dims of its own: the model's are meant.
  bool flat() const { return isFlat; }
  bool contiguous() const { return !isStrided; }

  /// NNCCRT_CPU or NNCCRT_CUDA, and which.
  uint32_t device_kind() const { return isOnDevice ? NNCCRT_CUDA : NNCCRT_CPU; }
  uint32_t device_index() const { return deviceNumber; }

  /// In memory order; of a contiguous view.
  T &operator[](size_t index) const { return first[index]; }
  T *begin() const { return first; }
  T *end() const { return first + count; }
  /// The element at these coordinates, one a dim.
  template <typename... Index> T &operator()(Index... index) const {
    const int64_t at[] = {static_cast<int64_t>(index)..., 0};
    int64_t offset = 0;
    for (size_t i = 0; i < sizeof...(index) && i < order; ++i)
      offset += at[i] * strideOf[i];
    return first[offset];
  }

private:
  T *first = nullptr;
  size_t count = 0, order = 0;
  bool isFlat = false, isStrided = false, isOnDevice = false;
  uint32_t deviceNumber = 0;
  int64_t sizes[kMaxRank] = {}, strideOf[kMaxRank] = {};
};

/// All elements of a vector, array, string, or whatever has data() and size(); the model knows their dims.
template <typename Container> auto view(Container &container) {
  return View<std::remove_pointer_t<decltype(container.data())>>(container.data(), container.size());
}
template <typename T, size_t count> View<T> view(T (&array)[count]) { return {array, count}; }
template <typename T> View<T> view(T *data, std::initializer_list<int64_t> dims) {
  return {data, Span<const int64_t>(dims.begin(), dims.size())};
}
template <typename T>
View<T> view(T *data, std::initializer_list<int64_t> dims, std::initializer_list<int64_t> strides) {
  return {data, Span<const int64_t>(dims.begin(), dims.size()), Span<const int64_t>(strides.begin(), strides.size())};
}

/// Elements in the memory of CUDA device `index`, as the model knows their dims, or with dims of their own.
template <typename T> View<T> device(T *data, size_t size, uint32_t index = 0) {
  return View<T>(data, size).on_device(index);
}
template <typename T> View<T> device(T *data, std::initializer_list<int64_t> dims, uint32_t index = 0) {
  return view(data, dims).on_device(index);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------------------------------------------------------===//

inline bfloat16::operator float() const {
  uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

inline bfloat16 bfloat16::from(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  if ((word & 0x7fffffff) > 0x7f800000)
    return {static_cast<uint16_t>(word >> 16 | 0x40)}; // a NaN stays one
  return {static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16)};
}

inline half::operator float() const {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  uint32_t word = 0;
  float value = static_cast<float>(magnitude) * 5.9604645e-8f; // a subnormal: multiples of 2^-24
  if (magnitude >= 0x400)
    word = (magnitude << 13) + (magnitude < 0x7c00 ? 0x38000000 : 0x70000000);
  else
    std::memcpy(&word, &value, sizeof(word));
  word |= sign;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

inline half half::from(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  uint16_t sign = static_cast<uint16_t>(word >> 16 & 0x8000);
  uint32_t magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return {static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff))};
  if (magnitude >= 0x477ff000) // 65520 and more
    return {static_cast<uint16_t>(sign | 0x7c00)};
  if (magnitude < 0x38800000) { // below 2^-14: the sum rounds to multiples of 2^-24
    float absolute, half = 0.5f;
    std::memcpy(&absolute, &magnitude, sizeof(absolute));
    absolute += half;
    std::memcpy(&magnitude, &absolute, sizeof(magnitude));
    return {static_cast<uint16_t>(sign | (magnitude - 0x3f000000))};
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return {static_cast<uint16_t>(sign | (rounded - 0x38000000) >> 13)};
}

} // namespace nncc

#endif // NNCCRT_VIEW_H
