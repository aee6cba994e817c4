//===- Reconvergence.cpp - where the lanes of a branch meet again ------------------------------------------------===//

#include "Program.h"
#include <algorithm>

namespace nncc::emu {

namespace {
/// Immediate post-dominators by the iteration of Cooper, Harvey and Kennedy, on instructions. The node after the last is the end.
class PostDominators {
public:
  explicit PostDominators(const Program &program) : program(program), end(static_cast<uint32_t>(program.code.size())) {
    successors.resize(end + 1);
    predecessors.resize(end + 1);
    for (uint32_t pc = 0; pc < end; ++pc)
      connect(pc);
    number();
    iterate();
  }

  uint32_t operator[](uint32_t pc) const { return parent[pc] == end ? nowhere : parent[pc]; }

private:
  void edge(uint32_t from, uint32_t to) {
    successors[from].push_back(to);
    predecessors[to].push_back(from);
  }

  void connect(uint32_t pc) {
    const Inst &i = program.code[pc];
    bool falls =
        i.flow != Flow::Exit && i.flow != Flow::Stop && i.flow != Flow::Branch && i.flow != Flow::BranchIndexed;
    if ((falls || i.guard != noSlot) && pc + 1 < end)
      edge(pc, pc + 1);
    if (i.flow == Flow::Exit || i.flow == Flow::Stop)
      edge(pc, end);
    if (i.flow == Flow::Branch)
      edge(pc, i.target);
    for (unsigned t = 0; i.flow == Flow::BranchIndexed && t < i.target; ++t)
      edge(pc, i.op[1 + t]);
  }

  /// Post-order of the walk from the end against the edges, without recursion: kernels are long.
  void number() {
    order.assign(end + 1, nowhere);
    std::vector<std::pair<uint32_t, size_t>> path = {{end, 0}};
    std::vector<bool> seen(end + 1);
    seen[end] = true;
    while (!path.empty()) {
      auto &[node, edge] = path.back();
      if (edge < predecessors[node].size()) {
        uint32_t next = predecessors[node][edge++];
        if (!seen[next]) {
          seen[next] = true;
          path.push_back({next, 0});
        }
        continue;
      }
      order[node] = static_cast<uint32_t>(sequence.size());
      sequence.push_back(node);
      path.pop_back();
    }
  }

  uint32_t meet(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (order[a] < order[b])
        a = parent[a];
      while (order[b] < order[a])
        b = parent[b];
    }
    return a;
  }

  void iterate() {
    // What never reaches the end has no post-dominator.
    parent.assign(end + 1, nowhere);
    parent[end] = end;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t s = sequence.size(); s-- > 0;) {
        uint32_t node = sequence[s], met = nowhere;
        if (node == end)
          continue;
        for (uint32_t next : successors[node])
          if (parent[next] != nowhere)
            met = met == nowhere ? next : meet(next, met);
        changed |= parent[node] != met;
        parent[node] = met;
      }
    }
  }

  const Program &program;
  uint32_t end;
  std::vector<std::vector<uint32_t>> successors, predecessors;
  std::vector<uint32_t> order, sequence, parent;
};
} // namespace

void findReconvergence(Program &program) {
  PostDominators postDominators(program);
  for (uint32_t pc = 0; pc < program.code.size(); ++pc)
    program.code[pc].reconverge = postDominators[pc];
}

void findStraightRuns(Program &program) {
  std::vector<bool> meets(program.code.size() + 1);
  for (const Inst &i : program.code)
    if ((i.flow == Flow::Branch || i.flow == Flow::BranchIndexed) && i.reconverge != nowhere)
      meets[i.reconverge] = true;
  for (size_t pc = program.code.size(); pc-- > 0;) {
    Inst &i = program.code[pc];
    i.index = static_cast<uint32_t>(pc);
    if (i.flow == Flow::Next)
      i.straight = 1 + (pc + 1 < program.code.size() && !meets[pc + 1] ? program.code[pc + 1].straight : 0);
  }
}

} // namespace nncc::emu
