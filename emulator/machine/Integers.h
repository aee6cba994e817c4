//===- Integers.h - what handlers of integers share --------------------------------------------------------------===//

#ifndef NNCCEMU_INTEGERS_H
#define NNCCEMU_INTEGERS_H

#include "Decoder.h"
#include "Warp.h"

namespace nncc::emu {

using ptx::bytesOf;

/// f.operator()<T>() for the C++ type of a PTX type; bits count as unsigned.
template <class F> Handler byType(Decoder &d, Type t, F f) {
  switch (t) {
  case Type::U16:
  case Type::B16:
    return f.template operator()<uint16_t>();
  case Type::S16:
    return f.template operator()<int16_t>();
  case Type::U32:
  case Type::B32:
    return f.template operator()<uint32_t>();
  case Type::S32:
    return f.template operator()<int32_t>();
  case Type::U64:
  case Type::B64:
    return f.template operator()<uint64_t>();
  case Type::S64:
    return f.template operator()<int64_t>();
  default:
    d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
    return nullptr;
  }
}

template <class T> using Unsigned = std::make_unsigned_t<T>;
/// At least 32 bits, so that no product of 16 bits overflows an int.
template <class T> using Arithmetic = std::conditional_t<sizeof(T) == 2, uint32_t, Unsigned<T>>;

inline void operandsOf(Decoder &d, std::initializer_list<Type> types) {
  if (!d.operands(types.size(), types.size()))
    return;
  size_t index = 0;
  for (Type t : types) {
    index ? d.in(index, t) : d.out(index, t);
    ++index;
  }
}

} // namespace nncc::emu

#endif
