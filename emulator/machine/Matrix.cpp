//===- Matrix.cpp - ldmatrix and mma.sync ------------------------------------------------------------------------===//
///
/// \file
/// A card adds the products of one mma in an order and with a precision that NVIDIA does not state. Here they are exact, added to the accumulator in
/// double, in the order of k, and rounded once, to nearest.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"
#include "Numbers.h"
#include <algorithm>

namespace nncc::emu {

using ptx::Operand;

static bool wholeWarp(Warp &w, const Inst &i) {
  if (w.exec == allLanes)
    return true;
  w.trap(i, static_cast<unsigned>(std::countr_zero(w.exec)),
         "divergence: all 32 lanes of the warp must execute this together");
  return false;
}

/// op: address, then `count` registers. Lane 8m + r holds the address of row r of matrix m.
static void ldmatrixRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  Lanes lanes;
  w.exec = i.count == 4 ? allLanes : (1u << 8 * i.count) - 1;
  bool good = w.block->resolve(w, i, i.op[0], 16, Access::Read, lanes);
  w.exec = allLanes;
  for (unsigned m = 0; good && m < i.count; ++m) {
    uint16_t rows[8][8];
    for (unsigned r = 0; r < 8; ++r)
      std::memcpy(rows[r], lanes.host[8 * m + r], 16);
    uint32_t *d = w.out<uint32_t>(i.op[1 + m]);
    for (unsigned l = 0; l < numLanes; ++l) {
      unsigned g = l / 4, t = l % 4 * 2;
      d[l] = i.mode ? rows[t][g] | uint32_t(rows[t + 1][g]) << 16 : rows[g][t] | uint32_t(rows[g][t + 1]) << 16;
    }
  }
}

/// The other way. op: address, then `count` registers.
static void stmatrixRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  Lanes lanes;
  w.exec = i.count == 4 ? allLanes : (1u << 8 * i.count) - 1;
  bool good = w.block->resolve(w, i, i.op[0], 16, Access::Write, lanes);
  w.exec = allLanes;
  // Rows that others write too come last: they must find what they would write.
  for (bool contested : {false, true})
    for (unsigned at = 0; good && at < 8u * i.count; ++at) {
      if ((lanes.contested >> at & 1) != contested)
        continue;
      const uint32_t *s = w.in<uint32_t>(i.op[1 + at / 8]);
      uint16_t row[8];
      for (unsigned c = 0; c < 8; ++c) {
        unsigned r = at % 8, g = i.mode ? c : r, t = i.mode ? r : c;
        row[c] = static_cast<uint16_t>(s[4 * g + t / 2] >> 16 * (t % 2));
      }
      if (contested)
        good = w.block->settle(w, i, at, 16, lanes, reinterpret_cast<const std::byte *>(row));
      else
        std::memcpy(lanes.host[at], row, 16);
    }
}

static void buildMatrixMove(Decoder &d, Inst &i) {
  bool isLoad = d.text().opcode == "ldmatrix";
  i.kind = Class::Shared;
  d.oneOf({"sync"}, -1);
  d.oneOf({"aligned"}, -1);
  d.oneOf({"m8n8"}, -1);
  i.count = static_cast<uint8_t>(1u << d.oneOf({"x1", "x2", "x4"}, -1));
  i.mode = d.has("trans");
  i.space = d.space();
  d.type();
  if (d.failed() || !d.operands(2, 2))
    return;
  d.address(isLoad ? 1 : 0, i);
  const Operand &to = d.operand(isLoad ? 0 : 1);
  if (to.kind != Operand::Vector || to.elements.size() != i.count)
    return d.fail("'" + d.spelled() + "': a vector of " + std::to_string(i.count) + " registers expected");
  for (const Operand &o : to.elements)
    isLoad ? d.out(o, Type::B32) : d.in(o, Type::B32);
  i.run = isLoad ? ldmatrixRun : stmatrixRun;
}

namespace {
/// The elements of A, B in registers: element e of register r of A is at row g + 8 (r mod 2), column E t + e + 4 E (r / 2), where E elements are in a
/// register, g = lane / 4 and t = lane mod 4.
struct Elements {
  unsigned each; ///< E
  double (*load)(uint32_t bits, unsigned element);
};
} // namespace

static double loadHalf(uint32_t bits, unsigned e) { return fromHalf(static_cast<uint16_t>(bits >> 16 * e)); }
static double loadBrain(uint32_t bits, unsigned e) { return fromBrain(static_cast<uint16_t>(bits >> 16 * e)); }
/// The low 13 bits are not looked at.
static double loadTf32(uint32_t bits, unsigned) { return std::bit_cast<float>(bits & 0xffffe000); }
static double loadS8(uint32_t bits, unsigned e) { return static_cast<int8_t>(bits >> 8 * e); }
static double loadU8(uint32_t bits, unsigned e) { return static_cast<uint8_t>(bits >> 8 * e); }

static constexpr Elements formats[] = {{2, loadHalf}, {2, loadBrain}, {1, loadTf32}, {4, loadS8}, {4, loadU8}};

enum Accumulator : uint8_t { F32, F16, S32, S32Saturating };

static double loadAccumulator(Accumulator c, uint32_t bits, unsigned element) {
  return c == F32 ? std::bit_cast<float>(bits) : c == F16 ? loadHalf(bits, element) : static_cast<int32_t>(bits);
}

static uint32_t storeAccumulator(Accumulator c, double x) {
  if (c == F32)
    return std::bit_cast<uint32_t>(canonical(static_cast<float>(x)));
  if (c == F16)
    return toHalf(oddFloat(x));
  // Sums of 32 products of bytes are exact in double; they wrap like any integer unless .satfinite was asked for.
  if (c == S32Saturating)
    return static_cast<uint32_t>(static_cast<int32_t>(std::fmin(std::fmax(x, INT32_MIN), INT32_MAX)));
  return static_cast<uint32_t>(static_cast<int64_t>(x));
}

/// op: D, A, B, C. `bytes` is k, `mode` the accumulator, `target` the formats of A and B, `count` the registers of A.
static void mmaRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  unsigned k = i.bytes, numA = i.count, numB = i.count / 2;
  Accumulator type = static_cast<Accumulator>(i.mode);
  unsigned numC = type == F16 ? 2 : 4, perC = 4 / numC;
  const Elements &ofA = formats[i.target & 15], &ofB = formats[i.target >> 4];
  const Slot *a = i.op + numC, *b = a + numA, *c = b + numB;
  double A[16][32], B[32][8], C[16][8];
  for (unsigned l = 0; l < numLanes; ++l) {
    unsigned g = l / 4, t = l % 4;
    for (unsigned r = 0; r < numA; ++r)
      for (unsigned e = 0; e < ofA.each; ++e)
        A[g + 8 * (r & 1)][ofA.each * (t + 4 * (r >> 1)) + e] = ofA.load(w.in<uint32_t>(a[r])[l], e);
    for (unsigned r = 0; r < numB; ++r)
      for (unsigned e = 0; e < ofB.each; ++e)
        B[ofB.each * (t + 4 * r) + e][g] = ofB.load(w.in<uint32_t>(b[r])[l], e);
    for (unsigned e = 0; e < 4; ++e)
      C[g + 8 * (e >> 1)][2 * t + (e & 1)] = loadAccumulator(type, w.in<uint32_t>(c[e / perC])[l], e % perC);
  }
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned step = 0; step < k; ++step)
      for (unsigned column = 0; column < 8; ++column)
        C[row][column] += A[row][step] * B[step][column];
  for (unsigned l = 0; l < numLanes; ++l)
    for (unsigned e = 0; e < 4; ++e) {
      uint32_t bits = storeAccumulator(type, C[l / 4 + 8 * (e >> 1)][2 * (l % 4) + (e & 1)]);
      uint32_t &d = w.out<uint32_t>(i.op[e / perC])[l];
      d = perC == 1 ? bits : e & 1 ? (d & 0xffff) | bits << 16 : bits;
    }
}

static int formatOf(Type t) {
  constexpr Type types[] = {Type::F16, Type::BF16, Type::TF32, Type::S8, Type::U8};
  for (int f = 0; f < 5; ++f)
    if (types[f] == t)
      return f;
  return -1;
}

static void vectorOf(Decoder &d, size_t index, size_t count, bool isOut, Type type = Type::B32) {
  const Operand &o = d.operand(index);
  if ((o.kind == Operand::Vector ? o.elements.size() : 1) != count)
    return d.fail("'" + d.spelled() + "': operand " + std::to_string(index + 1) + " is a vector of " +
                  std::to_string(count));
  for (size_t e = 0; e < count; ++e) {
    const Operand &element = o.kind == Operand::Vector ? o.elements[e] : o;
    isOut ? d.out(element, type) : d.in(element, type);
  }
}

/// m8n8k4 of f64. op: D and D', A, B, C and C'. The products of an element are fused one after the other, in the order of k.
static void mmaDoubleRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  const double *a = w.in<double>(i.op[2]), *b = w.in<double>(i.op[3]);
  double sums[2][numLanes];
  for (unsigned e = 0; e < 2; ++e)
    for (unsigned l = 0; l < numLanes; ++l) {
      unsigned row = l / 4, column = l % 4 * 2 + e;
      double sum = w.in<double>(i.op[4 + e])[l];
      for (unsigned k = 0; k < 4; ++k)
        sum = std::fma(a[4 * row + k], b[4 * column + k], sum);
      sums[e][l] = sum;
    }
  for (unsigned e = 0; e < 2; ++e)
    std::memcpy(w.out<double>(i.op[e]), sums[e], sizeof sums[e]);
}

/// m8n8k16 of bytes. op: D and D', A, B, C and C'; `target` and `mode` as for mmaRun.
static void mmaBytesRun(Warp &w, const Inst &i) {
  if (!wholeWarp(w, i))
    return;
  const uint32_t *a = w.in<uint32_t>(i.op[2]), *b = w.in<uint32_t>(i.op[3]);
  const Elements &ofA = formats[i.target & 15], &ofB = formats[i.target >> 4];
  uint32_t sums[2][numLanes];
  for (unsigned e = 0; e < 2; ++e)
    for (unsigned l = 0; l < numLanes; ++l) {
      unsigned row = l / 4, column = l % 4 * 2 + e;
      double sum = loadAccumulator(S32, w.in<uint32_t>(i.op[4 + e])[l], 0);
      for (unsigned k = 0; k < 16; ++k)
        sum += ofA.load(a[4 * row + k / 4], k % 4) * ofB.load(b[4 * column + k / 4], k % 4);
      sums[e][l] = storeAccumulator(static_cast<Accumulator>(i.mode), sum);
    }
  for (unsigned e = 0; e < 2; ++e)
    std::memcpy(w.out<uint32_t>(i.op[e]), sums[e], sizeof sums[e]);
}

/// The shapes with 8 rows: one register of A and of B, two of C.
static void buildSmallMma(Decoder &d, Inst &i, bool isDouble) {
  d.oneOf({"row"}, -1);
  d.oneOf({"col"}, -1);
  bool saturates = d.has("satfinite");
  if (isDouble)
    d.oneOf({"rn"}, 0);
  Type types[4];
  for (Type &t : types)
    t = d.type();
  int formatA = formatOf(types[1]), formatB = formatOf(types[2]);
  bool bytes = formatA >= 3 && formatB >= 3 && types[0] == Type::S32 && types[3] == Type::S32;
  bool doubles = std::all_of(std::begin(types), std::end(types), [](Type t) { return t == Type::F64; });
  if (d.failed() || !(isDouble ? doubles && !saturates : bytes))
    return d.fail("'" + d.spelled() + "': this shape with these types is not emulated");
  if (!d.operands(4, 4))
    return;
  i.mode = saturates ? S32Saturating : S32;
  i.target = isDouble ? 0 : static_cast<uint32_t>(formatA | formatB << 4);
  Type element = isDouble ? Type::F64 : Type::B32;
  constexpr size_t counts[] = {2, 1, 1, 2};
  for (size_t k = 0; k < 4; ++k)
    vectorOf(d, k, counts[k], k == 0, element);
  i.run = isDouble ? mmaDoubleRun : mmaBytesRun;
}

static void buildMma(Decoder &d, Inst &i) {
  i.kind = Class::Matrix;
  d.oneOf({"sync"}, -1);
  d.oneOf({"aligned"}, -1);
  if (d.has("m8n8k4"))
    return buildSmallMma(d, i, true);
  if (d.has("m8n8k16"))
    return buildSmallMma(d, i, false);
  constexpr uint8_t depths[] = {4, 8, 16, 32};
  i.bytes = depths[std::max(0, d.oneOf({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"}, -1))];
  d.oneOf({"row"}, -1);
  d.oneOf({"col"}, -1);
  bool saturates = d.has("satfinite");
  Type result = d.type(), a = d.type(), b = d.type(), c = d.type();
  int formatA = formatOf(a), formatB = formatOf(b);
  if (d.failed())
    return;
  bool bytes = formatA >= 3 && formatB >= 3, same = a == b && formatA >= 0;
  bool right =
      result == c && (bytes ? result == Type::S32 : result == Type::F32 || (result == Type::F16 && a == Type::F16));
  // A has 16 x k elements in 32 lanes: two registers, or four.
  unsigned numA = formatA >= 0 ? 16u * i.bytes / (32u * formats[formatA].each) : 0;
  if (!right || !(bytes || same) || (numA != 2 && numA != 4) || (saturates && !bytes))
    return d.fail("'" + d.spelled() + "': this shape with these types is not emulated");
  i.count = static_cast<uint8_t>(numA);
  i.mode = bytes ? (saturates ? S32Saturating : S32) : result == Type::F16 ? F16 : F32;
  i.target = static_cast<uint32_t>(formatA | formatB << 4);
  if (!d.operands(4, 4))
    return;
  size_t numC = result == Type::F16 ? 2 : 4;
  vectorOf(d, 0, numC, true);
  vectorOf(d, 1, numA, false);
  vectorOf(d, 2, numA / 2, false);
  vectorOf(d, 3, numC, false);
  i.run = mmaRun;
}

std::span<const Builder> matrixBuilders() {
  static constexpr Builder table[] = {{"ldmatrix", buildMatrixMove}, {"stmatrix", buildMatrixMove}, {"mma", buildMma}};
  return table;
}

} // namespace nncc::emu
