//===- Wmma.cpp - wmma: matrices whose place in registers is the machine's own -----------------------------------===//
///
/// \file
/// PTX leaves open which lane holds which element of a fragment. Here element x, counted along the rows, is in lane x / E modulo 32, where a lane holds
/// E elements; a fragment with more room than elements (f16 on Volta's account) holds them twice or four times. Sums as in Matrix.cpp.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"
#include "Numbers.h"

namespace nncc::emu {

using ptx::bytesOf;
using ptx::Operand;

namespace {
struct Fragment {
  unsigned rows = 0, columns = 0;
  Type type = Type::None;

  unsigned elements() const { return rows * columns; }
  unsigned perRegister() const { return bytesOf(type) < 4 ? 4 / bytesOf(type) : 1; }
  /// Of a, b and sums of f16 PTX wants the number that Volta needed.
  unsigned registers(bool isFactor) const {
    return type == Type::F16 && isFactor ? 8 : elements() / numLanes / perRegister();
  }
  Type registerType() const { return type == Type::F64 ? Type::F64 : Type::B32; }
};

struct Shape {
  unsigned m, n, k;
};
} // namespace

static constexpr Shape shapes[] = {{16, 16, 16}, {32, 8, 16}, {8, 32, 16}, {16, 16, 8}, {8, 8, 4}};

static Fragment fragmentOf(const Shape &s, unsigned which, Type type) {
  return which == 0 ? Fragment{s.m, s.k, type} : which == 1 ? Fragment{s.k, s.n, type} : Fragment{s.m, s.n, type};
}

static Shape takeShape(Decoder &d) {
  int shape = d.oneOf({"m16n16k16", "m32n8k16", "m8n32k16", "m16n16k8", "m8n8k4"}, -1);
  return shapes[std::max(shape, 0)];
}

/// Which shapes a type has: tf32 and f64 one each of their own, the others the three of k = 16.
static bool fits(const Shape &s, Type factor) {
  return factor == Type::F64 ? s.k == 4 : factor == Type::TF32 ? s.k == 8 : s.k == 16;
}

static Type factorFor(const Shape &s, Type sum) {
  return s.k == 4 ? Type::F64 : s.k == 8 ? Type::TF32 : sum == Type::S32 ? Type::S8 : Type::F16;
}

static bool wholeWarp(Warp &w, const Inst &i) {
  if (w.exec == allLanes)
    return true;
  w.trap(i, static_cast<unsigned>(std::countr_zero(w.exec)),
         "divergence: all 32 lanes of the warp must execute this together");
  return false;
}

static void registersOf(Decoder &d, size_t index, const Fragment &f, bool isFactor, bool isOut) {
  const Operand &o = d.operand(index);
  unsigned count = f.registers(isFactor);
  if ((o.kind == Operand::Vector ? o.elements.size() : 1) != count)
    return d.fail("'" + d.spelled() + "': operand " + std::to_string(index + 1) + " is a vector of " +
                  std::to_string(count));
  for (unsigned e = 0; e < count; ++e) {
    const Operand &element = o.kind == Operand::Vector ? o.elements[e] : o;
    isOut ? d.out(element, f.registerType()) : d.in(element, f.registerType());
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// wmma.load and wmma.store
//===----------------------------------------------------------------------------------------------------------------------===//

/// op: address, stride, a slot for addresses, the registers. `bytes`: of an element; `count`: registers; `target`: rows, columns << 8, and 1 << 16
/// where columns are contiguous.
template <bool isLoad> static void transferRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  unsigned rows = i.target & 255, columns = i.target >> 8 & 255, size = i.bytes, perRegister = size < 4 ? 4 / size : 1;
  bool columnMajor = i.target >> 16;
  uint64_t base = i.wideAddress ? w.in<uint64_t>(i.op[0])[0] : w.in<uint32_t>(i.op[0])[0];
  uint64_t stride = w.in<uint32_t>(i.op[1])[0];
  for (unsigned l = 1; l < numLanes; ++l)
    if ((i.wideAddress ? w.in<uint64_t>(i.op[0])[l] : w.in<uint32_t>(i.op[0])[l]) != base ||
        w.in<uint32_t>(i.op[1])[l] != stride)
      return w.trap(i, l, "the lanes of the warp name different addresses or strides");
  Inst access = i;
  access.wideAddress = true;
  unsigned each = i.count * perRegister;
  for (unsigned e = 0; e < each; ++e) {
    uint64_t *address = w.out<uint64_t>(i.op[2]);
    for (unsigned l = 0; l < numLanes; ++l) {
      uint64_t x = (l * each + e) % (rows * columns), row = x / columns, column = x % columns;
      address[l] = base + size * (columnMajor ? column * stride + row : row * stride + column);
    }
    Lanes lanes;
    if (!w.block->resolve(w, access, i.op[2], size, isLoad ? Access::Read : Access::Write, lanes))
      return;
    for (unsigned l = 0; l < numLanes; ++l) {
      std::byte *held = w.out<std::byte>(i.op[3 + e / perRegister]) + l * std::max(4u, size) + e % perRegister * size;
      isLoad ? std::memcpy(held, lanes.host[l], size) : std::memcpy(lanes.host[l], held, size);
    }
  }
}

template <bool isLoad> static void buildTransfer(Decoder &d, Inst &i) {
  unsigned which = isLoad ? static_cast<unsigned>(d.oneOf({"a", "b", "c"}, -1)) : (d.oneOf({"d"}, -1), 2u);
  d.oneOf({"sync"}, -1);
  d.oneOf({"aligned"}, -1);
  bool columnMajor = d.oneOf({"row", "col"}, -1) == 1;
  Shape shape = takeShape(d);
  i.space = d.space();
  Type type = d.type();
  if (d.failed() || !d.operands(2, 3))
    return;
  Type factor = which < 2 ? type : factorFor(shape, type);
  bool right = which < 2 ? type == Type::F16 || type == Type::BF16 || type == Type::TF32 || type == Type::S8 ||
                               type == Type::U8 || type == Type::F64
                         : type == Type::F16 || type == Type::F32 || type == Type::S32 || type == Type::F64;
  if (!right || !fits(shape, factor))
    return d.fail("'" + d.spelled() + "': this shape with this type is not emulated");
  Fragment f = fragmentOf(shape, which, type);
  i.kind = i.space == Space::Shared ? Class::Shared : isLoad ? Class::Load : Class::Store;
  i.bytes = static_cast<uint8_t>(bytesOf(type));
  i.count = static_cast<uint8_t>(f.registers(which < 2));
  i.target = f.rows | f.columns << 8 | uint32_t(columnMajor) << 16;
  d.address(isLoad ? 1 : 0, i);
  if (d.numOperands() == 3)
    d.in(2, Type::U32);
  else
    d.constant(columnMajor ? f.rows : f.columns, Type::U32);
  d.scratch(Type::B64);
  registersOf(d, isLoad ? 0 : 1, f, which < 2, isLoad);
  i.run = transferRun<isLoad>;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// wmma.mma
//===----------------------------------------------------------------------------------------------------------------------===//

static double value(Type type, const std::byte *held) {
  uint64_t bits = 0;
  std::memcpy(&bits, held, bytesOf(type));
  switch (type) {
  case Type::F16:
    return fromHalf(static_cast<uint16_t>(bits));
  case Type::BF16:
    return fromBrain(static_cast<uint16_t>(bits));
  case Type::TF32: // the low 13 bits are not looked at
    return std::bit_cast<float>(static_cast<uint32_t>(bits) & 0xffffe000);
  case Type::F32:
    return std::bit_cast<float>(static_cast<uint32_t>(bits));
  case Type::S8:
    return static_cast<int8_t>(bits);
  case Type::U8:
    return static_cast<uint8_t>(bits);
  case Type::S32:
    return static_cast<int32_t>(bits);
  default:
    return std::bit_cast<double>(bits);
  }
}

static uint64_t rounded(Type type, double x, bool saturates) {
  switch (type) {
  case Type::F16:
    return toHalf(oddFloat(x));
  case Type::F32:
    return std::bit_cast<uint32_t>(canonical(static_cast<float>(x)));
  case Type::S32:
    if (saturates)
      x = std::fmin(std::fmax(x, INT32_MIN), INT32_MAX);
    return static_cast<uint32_t>(static_cast<int64_t>(x));
  default:
    return std::bit_cast<uint64_t>(x);
  }
}

/// Where element x of a fragment is; the first of the places where there are several.
template <class W> static auto place(W &w, const Slot *registers, const Fragment &f, bool isFactor, unsigned x) {
  unsigned per = f.perRegister(), each = f.registers(isFactor) * per, lane = x / each, e = x % each,
           size = bytesOf(f.type);
  return w.template out<std::byte>(registers[e / per]) + lane * std::max(4u, size) + e % per * size;
}

namespace {
/// What wmma.mma keeps in `target`: the number of the shape and the four types.
struct Product {
  Fragment a, b, c, d;

  explicit Product(uint32_t packed) {
    const Shape &s = shapes[packed & 7];
    auto type = [&](unsigned k) { return static_cast<Type>(packed >> (3 + 6 * k) & 63); };
    a = fragmentOf(s, 0, type(0)), b = fragmentOf(s, 1, type(1)), c = fragmentOf(s, 2, type(2)),
    d = fragmentOf(s, 2, type(3));
  }
};
} // namespace

/// op: D, A, B, C.
static void mmaRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  Product p(i.target);
  const Slot *toD = i.op, *ofA = toD + p.d.registers(false), *ofB = ofA + p.a.registers(true),
             *ofC = ofB + p.b.registers(true);
  double A[32][16] = {}, B[16][32] = {}, C[32][32] = {};
  auto load = [&](auto &matrix, const Slot *registers, const Fragment &f, bool isFactor) {
    for (unsigned x = 0; x < f.elements(); ++x)
      matrix[x / f.columns][x % f.columns] = value(f.type, place(w, registers, f, isFactor, x));
  };
  load(A, ofA, p.a, true);
  load(B, ofB, p.b, true);
  load(C, ofC, p.c, false);
  for (unsigned row = 0; row < p.d.rows; ++row)
    for (unsigned column = 0; column < p.d.columns; ++column)
      for (unsigned k = 0; k < p.a.columns;
           ++k) // of narrow types the product is exact, so that this is their sum in double
        C[row][column] = std::fma(A[row][k], B[k][column], C[row][column]);
  for (unsigned x = 0; x < p.d.elements(); ++x) {
    uint64_t bits = rounded(p.d.type, C[x / p.d.columns][x % p.d.columns], i.mode);
    std::memcpy(place(w, toD, p.d, false, x), &bits, bytesOf(p.d.type));
  }
}

static void buildProduct(Decoder &d, Inst &i) {
  i.kind = Class::Matrix;
  d.oneOf({"sync"}, -1);
  d.oneOf({"aligned"}, -1);
  d.oneOf({"row", "col"}, -1); // as in the loads: the fragments know no layout
  d.oneOf({"row", "col"}, -1);
  Shape shape = takeShape(d);
  d.has("rn");
  i.mode = d.has("satfinite");
  Type types[4] = {}; // as the text has them: of f16 only those of D and C
  unsigned count = 0;
  for (; count < 4 && d.peekType() != Type::None; ++count)
    types[count] = d.type();
  if (d.failed() || !d.operands(4, 4))
    return;
  Type sum = types[0], a = count == 2 ? Type::F16 : types[1], b = count == 2 ? Type::F16 : types[2],
       c = count == 2 ? types[1] : types[3];
  bool bytes = (a == Type::S8 || a == Type::U8) && (b == Type::S8 || b == Type::U8);
  bool right = bytes            ? sum == Type::S32 && c == sum
               : a == Type::F16 ? (sum == Type::F16 || sum == Type::F32) && (c == Type::F16 || c == Type::F32)
               : a == Type::F64 ? sum == a && c == a
                                : sum == Type::F32 && c == sum && (a == Type::BF16 || a == Type::TF32);
  if ((count != 2 && count != 4) || !right || !(bytes || a == b) || !fits(shape, a) || (i.mode && !bytes))
    return d.fail("'" + d.spelled() + "': this shape with these types is not emulated");
  unsigned number = 0;
  while (shapes[number].m != shape.m || shapes[number].k != shape.k)
    ++number;
  i.target = number;
  for (unsigned k = 0; k < 4; ++k)
    i.target |= static_cast<uint32_t>(std::array{a, b, c, sum}[k]) << (3 + 6 * k);
  Product p(i.target);
  registersOf(d, 0, p.d, false, true);
  registersOf(d, 1, p.a, true, false);
  registersOf(d, 2, p.b, true, false);
  registersOf(d, 3, p.c, false, false);
  i.run = mmaRun;
}

static void buildWmma(Decoder &d, Inst &i) {
  switch (d.oneOf({"load", "store", "mma"}, -1)) {
  case 0:
    return buildTransfer<true>(d, i);
  case 1:
    return buildTransfer<false>(d, i);
  case 2:
    return buildProduct(d, i);
  default:
    return;
  }
}

std::span<const Builder> wmmaBuilders() {
  static constexpr Builder table[] = {{"wmma", buildWmma}};
  return table;
}

} // namespace nncc::emu
