//===- Registers.cpp - where the registers of a kernel are in the file of a warp ----------------------------------===//
///
/// \file
/// Liveness of one thread, then places by a linear scan over the instructions. That the lanes of a warp are at different places does not matter: a
/// handler writes the lanes that execute it, and those alone, so each lane's registers are that thread's own. A register that an instruction writes
/// never shares the bytes of one that it reads: handlers may write before they have read all.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Registers.h"
#include "Warp.h"
#include <algorithm>
#include <map>
#include <tuple>

namespace nncc::emu {

namespace {
using Bits = std::vector<uint64_t>;

bool has(const Bits &bits, uint32_t k) { return bits[k / 64] >> (k % 64) & 1; }
void add(Bits &bits, uint32_t k) { bits[k / 64] |= uint64_t(1) << (k % 64); }

struct Span {
  uint32_t first = nowhere, last = 0;
  void reach(uint32_t pc) { first = std::min(first, pc), last = std::max(last, pc); }
};

class Liveness {
public:
  Liveness(const Program &program, const std::vector<Touch> &touches, size_t registers)
      : program(program), registers(registers) {
    findBlocks();
    summarise(touches);
    iterate();
  }

  std::vector<Span> spans(const std::vector<Touch> &touches) const {
    std::vector<Span> spans(registers);
    for (const Touch &t : touches)
      spans[t.reg].reach(t.pc);
    for (const Basic &b : blocks)
      for (uint32_t r = 0; r < registers; ++r) {
        if (has(b.liveIn, r))
          spans[r].reach(b.first);
        if (has(b.liveOut, r))
          spans[r].reach(b.last);
      }
    return spans;
  }
  const Bits &atEntry() const { return blocks[0].liveIn; }

private:
  struct Basic {
    uint32_t first = 0, last = 0;
    std::vector<uint32_t> next;
    Bits reads, writes, liveIn, liveOut; ///< reads before any write; writes that surely happen
  };

  void findBlocks() {
    uint32_t size = static_cast<uint32_t>(program.code.size());
    std::vector<bool> leads(size + 1);
    leads[0] = true;
    for (uint32_t pc = 0; pc < size; ++pc) {
      const Inst &i = program.code[pc];
      bool ends = i.flow == Flow::Exit || i.flow == Flow::Stop;
      if (i.flow == Flow::Branch)
        leads[i.target] = ends = true;
      for (unsigned t = 0; i.flow == Flow::BranchIndexed && t < i.target; ++t)
        leads[i.op[1 + t]] = ends = true;
      if (ends)
        leads[pc + 1] = true;
    }
    blockOf.resize(size);
    for (uint32_t pc = 0; pc < size; ++pc) {
      if (leads[pc])
        blocks.push_back({});
      blockOf[pc] = static_cast<uint32_t>(blocks.size() - 1);
      Basic &b = blocks.back();
      b.first = leads[pc] ? pc : b.first;
      b.last = pc;
    }
    size_t words = (registers + 63) / 64;
    for (Basic &b : blocks) {
      connect(b);
      b.reads.resize(words), b.writes.resize(words), b.liveIn.resize(words), b.liveOut.resize(words);
    }
  }

  void connect(Basic &b) {
    const Inst &i = program.code[b.last];
    bool leaves =
        i.flow == Flow::Exit || i.flow == Flow::Stop || i.flow == Flow::Branch || i.flow == Flow::BranchIndexed;
    if ((!leaves || i.guard != noSlot) && b.last + 1 < program.code.size())
      b.next.push_back(b.last + 1);
    if (i.flow == Flow::Branch)
      b.next.push_back(i.target);
    for (unsigned t = 0; i.flow == Flow::BranchIndexed && t < i.target; ++t)
      b.next.push_back(i.op[1 + t]);
  }

  /// Of one instruction, touches that read come before those that write.
  void summarise(const std::vector<Touch> &touches) {
    for (const Touch &t : touches) {
      Basic &b = blocks[blockOf[t.pc]];
      if (!t.writes && !has(b.writes, t.reg))
        add(b.reads, t.reg);
      // What a guard may skip leaves the old value.
      else if (t.writes && program.code[t.pc].guard == noSlot)
        add(b.writes, t.reg);
    }
  }

  void iterate() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t k = blocks.size(); k-- > 0;) {
        Basic &b = blocks[k];
        for (size_t word = 0; word < b.reads.size(); ++word) {
          uint64_t out = 0;
          for (uint32_t next : b.next)
            out |= blocks[blockOf[next]].liveIn[word];
          uint64_t in = b.reads[word] | (out & ~b.writes[word]);
          changed |= in != b.liveIn[word];
          b.liveIn[word] = in, b.liveOut[word] = out;
        }
      }
    }
  }

  const Program &program;
  size_t registers;
  std::vector<Basic> blocks;
  std::vector<uint32_t> blockOf;
};

Slot append(Program &program, uint32_t bytes) {
  Slot slot = program.fileBytes;
  program.fileBytes += bytes;
  return slot;
}

/// Where each register is.
std::vector<Slot> scan(Program &program, const std::vector<Span> &spans, const std::vector<uint32_t> &bytes) {
  std::vector<uint32_t> order;
  for (uint32_t r = 0; r < spans.size(); ++r)
    if (spans[r].first != nowhere)
      order.push_back(r);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::tie(spans[a].first, a) < std::tie(spans[b].first, b); });
  std::vector<Slot> places(spans.size());
  std::map<uint32_t, std::vector<Slot>> unused; // by size
  std::multimap<uint32_t, uint32_t> active;     // by the last instruction
  for (uint32_t r : order) {
    while (!active.empty() && active.begin()->first < spans[r].first) {
      uint32_t over = active.begin()->second;
      unused[bytes[over]].push_back(places[over]);
      active.erase(active.begin());
    }
    std::vector<Slot> &list = unused[bytes[r]];
    if (list.empty()) {
      places[r] = append(program, bytes[r]);
    } else {
      places[r] = list.back();
      list.pop_back();
    }
    active.emplace(spans[r].last, r);
  }
  return places;
}
} // namespace

void placeRegisters(Program &program, const std::vector<Touch> &touches, const std::vector<uint32_t> &bytes) {
  // A text can ask for more bits of liveness than a host has: then every register has a place of its own.
  constexpr uint64_t mostBits = uint64_t(1) << 30;
  uint64_t ends = 1;
  for (const Inst &i : program.code)
    ends += i.flow != Flow::Next;
  std::vector<Slot> places;
  if (ends * bytes.size() > mostBits) {
    Slot first = program.fileBytes;
    for (uint32_t size : bytes)
      places.push_back(append(program, size));
    program.registers.push_back({first, program.fileBytes - first});
  } else {
    Liveness liveness(program, touches, bytes.size());
    places = scan(program, liveness.spans(touches), bytes);
    for (uint32_t r = 0; r < bytes.size(); ++r)
      if (has(liveness.atEntry(), r))
        program.registers.push_back({places[r], bytes[r]});
  }
  for (const Touch &t : touches)
    (t.slot == nowhere ? program.code[t.pc].guard : program.slots[t.slot]) = places[t.reg];
}

} // namespace nncc::emu
