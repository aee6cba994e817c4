//===- Types.cpp - the types of PTX ------------------------------------------------------------------------------===//

#include "nnccemu/Ptx.h"

namespace nncc::emu::ptx {

namespace {
struct Row {
  std::string_view name;
  uint8_t bytes;
};
} // namespace

// In the order of Type. A predicate has one bit a lane: the 32 lanes of a warp are 4 bytes, which is what `bytes` says.
static constexpr Row rows[] = {{"", 0},       {"pred", 4},  {"b8", 1},    {"u8", 1},    {"s8", 1},
                               {"b16", 2},    {"u16", 2},   {"s16", 2},   {"f16", 2},   {"bf16", 2},
                               {"b32", 4},    {"u32", 4},   {"s32", 4},   {"f32", 4},   {"f16x2", 4},
                               {"bf16x2", 4}, {"u16x2", 4}, {"s16x2", 4}, {"tf32", 4},  {"b64", 8},
                               {"u64", 8},    {"s64", 8},   {"f64", 8},   {"f32x2", 8}, {"b128", 16}};

Type typeNamed(std::string_view name) {
  for (unsigned i = 1; i < std::size(rows); ++i)
    if (rows[i].name == name)
      return static_cast<Type>(i);
  return Type::None;
}

std::string_view nameOf(Type type) { return rows[static_cast<unsigned>(type)].name; }

unsigned bytesOf(Type type) { return rows[static_cast<unsigned>(type)].bytes; }

bool isSigned(Type type) { return type == Type::S8 || type == Type::S16 || type == Type::S32 || type == Type::S64; }

bool isFloat(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F16x2 || type == Type::BF16x2 ||
         type == Type::TF32 || type == Type::F64 || type == Type::F32x2;
}

} // namespace nncc::emu::ptx
