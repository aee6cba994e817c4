"""Reads nvdisasm's text: the loops of each kernel, what their instructions are, and the share of the card's peak that such a loop can reach.

A loop is what stands between the target of a backward branch and the branch, without the loops inside. The main loop is the one that computes
most; a kernel without loops is its own. Each instruction takes a part of a multiprocessor for a number of clocks; the part that is busy longest
bounds the loop. Latency and bank conflicts are not seen: the bound rejects bad loops, it does not rank good ones.
"""

import collections
import dataclasses
import re

# Lanes or bytes a clock and multiprocessor. CUDA C++ Programming Guide, table "Throughput of native arithmetic instructions"; `tensor` is multiply-adds
# of f16 into f32 by mma.sync as the architecture papers state them (GeForce parts of 8.6 and 8.9 accumulate in f32 at half the rate).
Rates = collections.namedtuple("Rates", "fp32 integer half special convert tensor l2 warps blocks shared")
RATES = {
    50: Rates(128, 128, 0, 32, 32, 0, 64, 64, 32, 64), 52: Rates(128, 128, 0, 32, 32, 0, 64, 64, 32, 96), 60: Rates(64, 64, 128, 16, 16, 0, 64, 64, 32, 64),
    61: Rates(128, 128, 1, 32, 32, 0, 64, 64, 32, 96), 70: Rates(64, 64, 128, 16, 16, 512, 64, 64, 32, 96),
    75: Rates(64, 64, 128, 16, 16, 512, 64, 32, 16, 64), 80: Rates(64, 64, 256, 16, 16, 1024, 64, 64, 32, 164),
    86: Rates(128, 64, 128, 16, 64, 512, 64, 48, 16, 100), 89: Rates(128, 64, 128, 16, 64, 512, 64, 48, 24, 100),
    90: Rates(128, 64, 256, 16, 64, 1290, 64, 64, 32, 228),
}
ISSUE, SHARED_BYTES, SHUFFLE = 4, 128, 32  # warp instructions; bytes; lanes: a clock
REGISTERS = 65536

TENSOR = {"HMMA", "IMMA", "BMMA", "DMMA", "HGMMA", "IGMMA", "QGMMA"}
FP32 = {"FFMA", "FADD", "FMUL", "FFMA32I", "FADD32I", "FMUL32I"}
FP64 = {"DFMA", "DADD", "DMUL"}
DOT = {"IDP"}  # four products of bytes, added
HALF = {"HFMA2", "HADD2", "HMUL2", "HMNMX2"}
CONVERT = {"F2F", "F2I", "I2F", "FRND", "F2FP", "I2FP"}
SHARED = {"LDS", "STS", "LDSM", "STSM", "ATOMS"}
GLOBAL = {"LDG", "STG", "LDGSTS", "RED", "ATOMG", "LD", "ST", "ATOM"}
LOCAL = {"LDL", "STL"}
# What is issued and then takes none of the parts above.
CONTROL = {"BRA", "BRX", "EXIT", "RET", "CALL", "BSSY", "BSYNC", "BREAK", "NOP", "WARPSYNC", "BAR", "DEPBAR", "LDGDEPBAR", "MEMBAR", "ERRBAR", "CCTL", "S2R",
           "CS2R", "S2UR", "YIELD", "VOTE", "R2UR", "LDC", "ULDC", "PLOP3", "KILL", "BMOV", "SSY", "SYNC", "PBK", "BRK"}

# On cards before Volta braces are around two instructions that are issued at once.
INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:\{\s+)?(?:(@!?U?P\w+)\s+)?([A-Z][A-Z0-9]*)([.A-Za-z0-9_]*)\s*([^;}]*)[;}]")
SECTION, LABEL, TARGET = re.compile(r"\.text\.([\w$.]+):"), re.compile(r"(\.L[\w.]+):"), re.compile(r"`\((\.L[\w.]+)\)")


@dataclasses.dataclass
class Instruction:
    opcode: str
    modifiers: str
    operands: str
    guard: str

    @property
    def runs(self):
        """ptxas pads groups with instructions that are never executed."""
        return self.guard not in ("@!PT", "@!UPT")

    def named(self):
        """With its shape, where it multiplies matrices: HMMA.16816."""
        shape = re.match(r"\.(?:SP\.)?\d\w+", self.modifiers) if self.opcode in TENSOR else None
        return self.opcode + (shape[0] if shape else "")

    def bytes(self):
        """Of a warp, where it accesses memory."""
        if self.opcode in ("LDSM", "STSM"):
            return 128 * int((re.search(r"\.M?T?88\.([124])", self.modifiers) or [0, 1])[1])
        return 32 * next((size for key, size in ((".128", 16), (".64", 8), (".U16", 2), (".S16", 2), (".U8", 1), (".S8", 1)) if key in self.modifiers), 4)

    def multiply_adds(self):
        """Of a warp's matrix instruction, in units of f16's rate."""
        shape = re.match(r"\.(?:SP\.)?(\d+)", self.modifiers)
        m, n, k = {"884": (8, 8, 4), "1684": (16, 8, 4), "1688": (16, 8, 8), "16816": (16, 8, 16), "16832": (16, 8, 32), "16864": (16, 8, 64),
                   "8816": (8, 8, 16), "8832": (8, 8, 32)}.get(shape[1] if shape else "", (0, 0, 0))
        rate = {"HMMA": 0.5 if "TF32" in self.modifiers else 1, "IMMA": 2, "DMMA": 1 / 16}.get(self.opcode, 1)
        return m * n * k / rate


def read(text):
    """-> {kernel: ([Instruction], [(first, last) of a loop])}, in the order of the text."""
    kernels, code, labels, branches = {}, None, {}, []
    for line in text.splitlines():
        if m := SECTION.match(line):
            code, labels, branches = [], {}, []
            kernels[m[1]] = (code, labels, branches)
        elif code is None:
            continue
        elif m := LABEL.match(line):
            labels[m[1]] = len(code)
        elif m := INSTRUCTION.match(line):
            if m[3] in ("BRA", "JMP") and (target := TARGET.search(m[5])):
                branches.append((target[1], len(code)))
            code.append(Instruction(m[3], m[4], m[5].strip(), m[2] or ""))
    result = {}
    for name, (code, labels, branches) in kernels.items():
        widest = {}
        for label, at in branches:  # a loop that `continue`s has several branches to its head
            if labels.get(label, at + 1) < at:
                widest[labels[label]] = max(at, widest.get(labels[label], 0))
        result[name] = (code, sorted(widest.items()))
    return result


@dataclasses.dataclass
class Loop:
    instructions: list
    whole: bool = False  # a kernel without loops

    def count(self, opcodes):
        return sum(i.opcode in opcodes for i in self.instructions if i.runs)

    @property
    def issued(self):
        return sum(i.runs for i in self.instructions)

    def math(self):
        """The opcodes that are the work of this loop."""
        return TENSOR if self.count(TENSOR) else max((FP32, FP64, DOT, HALF), key=self.count)

    def mix(self):
        """-> math, memory, other: instructions."""
        math, memory = self.count(self.math()), self.count(SHARED | GLOBAL | LOCAL)
        return math, memory, self.issued - math - memory


def own(code, loops, loop):
    """The instructions of a loop without those of loops inside."""
    first, last = loop
    inner = [(a, b) for a, b in loops if first <= a and b <= last and (a, b) != loop]
    return [code[k] for k in range(first, last + 1) if not any(a <= k <= b for a, b in inner)]


def main_loop(code, loops):
    found = [Loop(own(code, loops, loop)) for loop in loops]
    if not found:
        return Loop(code, True)
    weight = lambda loop: (sum(i.multiply_adds() for i in loop.instructions if i.opcode in TENSOR), loop.count(FP32 | DOT | HALF), loop.count(FP64),
                           loop.count(SHARED | GLOBAL), loop.issued)
    return max(found, key=weight)


def clocks(loop, sm):
    """-> {part of a multiprocessor: the clocks for which one warp keeps it busy}."""
    rates, busy = RATES[sm], collections.Counter(issue=loop.issued / ISSUE)
    for i in (i for i in loop.instructions if i.runs):
        if i.opcode in TENSOR:
            busy["tensor"] += i.multiply_adds() / rates.tensor if rates.tensor else 0
        elif i.opcode in FP32 or i.opcode == "IMAD":
            busy["fp32"] += 32 / rates.fp32
        elif i.opcode in HALF:
            busy["half"] += 64 / max(rates.half, 1)
        elif i.opcode == "MUFU":
            busy["special"] += 32 / rates.special
        elif i.opcode in CONVERT:
            busy["convert"] += 32 / rates.convert
        elif i.opcode == "SHFL":
            busy["shuffle"] += 32 / SHUFFLE
        elif i.opcode in SHARED | GLOBAL | LOCAL:
            busy["shared"] += i.bytes() / SHARED_BYTES
            if i.opcode in GLOBAL:
                busy["l2"] += i.bytes() / rates.l2
        elif i.opcode not in CONTROL and not i.opcode.startswith("U"):
            busy["integer"] += 32 / rates.integer
    return busy


def bound(loop, sm):
    """-> (share of peak, the unit whose peak it is, the part that is busy longest)."""
    busy = clocks(loop, sm)
    limiter = max(busy, key=busy.get)
    if loop.count(TENSOR):
        unit, ideal = "tensor", busy["tensor"]
    else:  # where memory is busy for longer than the sums, the loop streams, and the rest has to keep up with what L2 delivers
        math, rates = loop.math(), RATES[sm]
        kind, sums = next((kind, loop.count(opcodes) * clocks) for opcodes, kind, clocks in (
            (FP32, "fp32", 32 / rates.fp32), (DOT, "dp4a", 32 / rates.integer), (HALF, "f16", 64 / max(rates.half, 1)), (math, "fp64", 0)) if opcodes == math)
        unit, ideal = ("memory", busy["l2"]) if busy["l2"] > sums else (kind, sums)
    return (ideal / busy[limiter] if busy[limiter] else 0), unit, limiter


def occupancy(sm, registers, shared, threads):
    """Blocks of so many threads that fit on a multiprocessor: registers come by 256 a warp, shared memory (bytes) by 128 and 1 KB from sm_80 on."""
    rates, warps = RATES[sm], -(-threads // 32)
    per_warp = -(-registers * 32 // 256) * 256
    reserved = 1024 if sm >= 80 else 0
    limits = [rates.blocks, rates.warps // warps, REGISTERS // (per_warp * warps) if registers else rates.blocks]
    if shared:
        limits.append(rates.shared * 1024 // (-(-shared // 128) * 128 + reserved))
    return min(limits)
