"""Proofs that a mutant of a PTX text is the same program whatever its input holds, from what does not depend on input: the index arithmetic."""

import re

import mutate
import numpy as np
from entries import REGISTER, Entry

ALL = (1 << 64) - 1


def signed(values, width):
    shift = np.uint64(64 - width)
    return (values << shift).view(np.int64) >> np.int64(64 - width)


def mask(width):
    return np.uint64((1 << width) - 1)


COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "lo": np.less, "ls": np.less_equal,
           "hi": np.greater, "hs": np.greater_equal}
BITWISE = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}


class Values:
    """What each register holds in every thread of a launch, where that is arithmetic on the thread's place, on constants and on addresses."""

    def __init__(self, entry):
        self.entry, self.known = entry, {}
        place = np.arange(entry.blocks * entry.threads, dtype=np.uint64)
        self.places = {"%tid.x": place % np.uint64(entry.threads), "%ctaid.x": place // np.uint64(entry.threads)}

    def of(self, operand):
        """An array, or None."""
        if operand in self.places:
            return self.places[operand]
        if REGISTER.fullmatch(operand):
            if operand not in self.known:
                self.known[operand] = None  # of loops, nothing is known
                if definition := self.entry.definition(operand):
                    self.known[operand] = self.result(definition)
            return self.known[operand]
        if m := re.fullmatch(r"-?\d+|0[fdx][0-9A-Fa-f]+", operand):
            return np.full(len(self.places["%tid.x"]), (int(operand) if operand[:2] not in ("0f", "0d", "0x") else int(operand[2:], 16)) & ALL, np.uint64)
        return None

    def base(self, name):
        """An address that nothing depends on but other addresses: any will do."""
        return np.full(len(self.places["%tid.x"]), (sum(map(ord, name)) * 7919 + 1) << 32, np.uint64)

    def result(self, i):
        kind, width = i.type()
        if i.opcode.startswith("cvta.to"):
            return self.base(i.operands[0])
        if i.name == "mov" and re.fullmatch(r"[A-Za-z_$][\w$]*", i.operands[1]):
            return self.base(i.operands[1])
        if i.name in ("ld", "shfl", "atom", "vote", "ex2", "rcp", "mma", "ldmatrix") or not width:
            return None
        arguments = [self.of(o) for o in i.operands[1:]]
        if any(a is None for a in arguments):
            return None
        with np.errstate(over="ignore"):
            value = self.compute(i, kind, width, arguments)
        return value if value is None or i.name in ("setp", "cvt") or "wide" in i.parts else value & mask(width)

    def compute(self, i, kind, width, a):
        number = (lambda x: signed(x, width)) if kind == "s" else (lambda x: x & mask(width))
        back = lambda x: x.astype(np.int64).view(np.uint64) if x.dtype == np.int64 else x
        if i.name == "mov":
            return a[0]
        if kind == "f" and i.name != "selp":
            return None
        if i.name == "cvt" and len(i.parts) == 2 and i.type(0)[0] in "busf" and i.type(0)[0] != "f":
            return back(number(a[0])) & mask(i.type(0)[1])
        if i.name == "selp":
            return np.where(a[2] != 0, a[0], a[1])
        if i.name == "setp" and len(a) == 2 and len(i.parts) == 2 and i.parts[0] in COMPARE:
            return COMPARE[i.parts[0]](number(a[0]), number(a[1])).astype(np.uint64)
        if i.name in BITWISE:
            return BITWISE[i.name](a[0], a[1])
        if i.name == "not":
            return ~a[0]
        if i.name in ("add", "sub") and len(i.parts) == 1:
            return a[0] + a[1] if i.name == "add" else a[0] - a[1]
        if i.name in ("min", "max"):
            return back((np.minimum if i.name == "min" else np.maximum)(number(a[0]), number(a[1])))
        if i.name in ("mul", "mad") and i.parts[0] in ("lo", "wide", "hi") and not (i.parts[0] == "hi" and width == 64):
            product = back(number(a[0])) * back(number(a[1]))
            if i.parts[0] == "hi":
                return None if i.name == "mad" else (back(signed(product, 2 * width) >> np.int64(width)) if kind == "s" else product >> np.uint64(width))
            product = product & mask(2 * width if i.parts[0] == "wide" else width)
            return product if i.name == "mul" else (product + a[2]) & mask(2 * width if i.parts[0] == "wide" else width)
        if i.name in ("shl", "shr"):
            amount = np.minimum(a[1] & mask(32), np.uint64(63))
            moved = a[0] << amount if i.name == "shl" else back(number(a[0]) >> amount.astype(np.int64)) if kind == "s" else (a[0] & mask(width)) >> amount
            return np.where((a[1] & mask(32)) < np.uint64(width), moved, moved if kind == "s" and i.name == "shr" else np.uint64(0))
        if i.name == "bfe" and kind == "u" and all(o.isdigit() for o in i.operands[2:]):
            return number(a[0]) >> a[1] & mask(int(i.operands[3]))
        if i.name == "neg":
            return np.uint64(0) - a[0]
        if i.name in ("div", "rem") and kind == "u" and np.all(a[1] != 0):
            return number(a[0]) // number(a[1]) if i.name == "div" else number(a[0]) % number(a[1])
        return None


def same_operands(mutant, lines, launches):
    """Whether everything that the changed arithmetic reaches gets the same from it, in every thread of the launch."""
    at = mutant.line - 1
    before = Entry(lines, at, launches)
    if not before.blocks or not mutate.INSTRUCTION.match(mutant.after) or before.blocks * before.threads > 1 << 20:
        return False
    after = Entry(mutant.apply(lines).split("\n"), at, launches)
    old, new = Values(before), Values(after)
    pending, seen = list(before.code[at].results), set()
    if not pending:
        return False
    while pending:
        register = pending.pop()
        if register in seen:
            continue
        seen.add(register)
        one, other = old.of(register), new.of(register)
        if one is None or other is None:
            return False
        if np.array_equal(one, other):
            continue
        if register in before.opaque:
            return False
        for k in before.users.get(register, []):
            user = before.code[k]
            if len(user.results) != 1 or user.guard or old.of(user.results[0]) is None:
                return False
            pending += user.results
    return True


class Bits:
    """Which bits of each register are known to be 0 and to be 1, in loops too."""

    def __init__(self, entry):
        self.entry, self.known = entry, {register: (0, 0) for register in entry.opaque}
        for _ in range(200):
            if not any([self.visit(i) for i in entry.code.values()]):
                break
        else:
            self.known = {register: (0, 0) for register in self.known}

    def of(self, operand):
        """(zeros, ones), or None: never written."""
        if operand == "%tid.x" or operand == "%ctaid.x":
            size = self.entry.threads if operand == "%tid.x" else self.entry.blocks or 1 << 31
            return ALL & ~((1 << max(size - 1, 0).bit_length()) - 1), 0
        if m := re.fullmatch(r"-?\d+", operand):
            return ALL & ~int(operand), ALL & int(operand)
        return self.known.get(operand) if REGISTER.fullmatch(operand) else (0, 0)

    def visit(self, i):
        """Whether that changed what is known."""
        changed = False
        for register in i.results:
            value = self.result(i) if len(i.results) == 1 else (0, 0)
            if value is None:
                continue
            old = self.known.get(register)
            value = value if old is None else (value[0] & old[0], value[1] & old[1])
            if value != old:
                self.known[register], changed = value, True
        return changed

    def result(self, i):
        kind, width = i.type()
        narrow = lambda zeros, ones, w=width: ((zeros | ALL & ~((1 << w) - 1)) & ALL, ones & ((1 << w) - 1))
        if i.name in ("ld", "atom", "mma", "ldmatrix", "ex2", "cvta") or not width:
            return (0, 0)
        a = [self.of(o) for o in i.operands[1:]]
        if i.name == "selp" and kind != "f":
            both = [x for x in a[:2] if x]
            return None if not both else (both[0][0] & both[-1][0], both[0][1] & both[-1][1])
        if any(x is None for x in a):
            return None
        if i.name == "mov":
            return a[0]
        if i.name in ("and", "or", "xor") and width > 1:
            (z, o), (y, n) = a
            return {"and": (z | y, o & n), "or": (z & y, o | n), "xor": (z & y | o & n, z & n | o & y)}[i.name]
        if i.name in ("shl", "shr") and re.fullmatch(r"\d+", i.operands[2]) and kind != "s" and int(i.operands[2]) < width:
            n = int(i.operands[2])
            low = (1 << n) - 1
            return narrow(a[0][0] << n | low, a[0][1] << n) if i.name == "shl" else ((a[0][0] | ALL & ~((1 << width) - 1)) >> n | ALL & ~(ALL >> n), (a[0][1] & ((1 << width) - 1)) >> n)
        if i.name == "bfe" and kind == "u" and all(o.isdigit() for o in i.operands[2:]):
            n = int(i.operands[2])
            return narrow(a[0][0] >> n, a[0][1] >> n, int(i.operands[3]))
        if i.name == "cvt" and len(i.parts) == 2 and "f" not in (kind, i.type(0)[0]):
            z, o = narrow(*a[0])
            if kind == "s" and i.type(0)[1] > width:
                top = ALL & ~((1 << width) - 1)
                z = z & ~top | (top if z >> (width - 1) & 1 else 0)
                o = o | (top if o >> (width - 1) & 1 else 0)
            return narrow(z, o, i.type(0)[1])
        if i.name in ("min", "max") and kind in "us":
            return a[0][0] & a[1][0], a[0][1] & a[1][1]
        if i.name in ("add", "sub") and len(i.parts) == 1:
            other = a[1] if i.name == "add" else (a[1][1], a[1][0])
            return narrow(*self.sum(a[0], other, int(i.name == "sub")))
        if i.name in ("mul", "mad") and i.parts[0] in ("lo", "wide") and (kind != "s" or i.parts[0] == "lo"):
            w = width * 2 if i.parts[0] == "wide" else width
            x, y = (narrow(*v) for v in a[:2])
            trailing = sum((~v[0] & ALL & -(~v[0] & ALL)).bit_length() - 1 if ~v[0] & ALL else 64 for v in (x, y))
            largest = (~x[0] & ALL) * (~y[0] & ALL)
            zeros = (1 << min(trailing, 64)) - 1 | (ALL & ~((1 << largest.bit_length()) - 1) if largest < 1 << w else 0)
            product = narrow(zeros, 0, w)
            return product if i.name == "mul" else narrow(*self.sum(product, a[2], 0), w)
        return (0, 0)

    @staticmethod
    def sum(a, b, carry):
        """As LLVM's KnownBits: the largest and the smallest sum tell which carries are known."""
        largest = ((~a[0] & ALL) + (~b[0] & ALL) + carry) & ALL
        smallest = (a[1] + b[1] + carry) & ALL
        carry_zero, carry_one = ~(largest ^ a[0] ^ b[0]) & ALL, smallest ^ a[1] ^ b[1]
        known = (a[0] | a[1]) & (b[0] | b[1]) & (carry_zero | carry_one)
        return ~largest & known & ALL, smallest & known


def same_by_bits(mutant, lines, launches):
    """Why a changed comparison, constant or swizzle gives the same, from the bits that are known."""
    if not mutate.INSTRUCTION.match(mutant.after) or mutant.kind not in ("compare", "constant", "swizzle"):
        return None
    entry = Entry(lines, mutant.line - 1, launches)
    i, bits = entry.code[mutant.line - 1], Bits(entry)
    kind, width = i.type()
    values = [bits.of(o) for o in i.operands[1:3]]
    if kind == "f" or not width or len(values) < 2 or any(v is None for v in values):
        return None
    (z, o), (y, n) = values
    if mutant.kind == "compare" and i.parts[0] not in ("eq", "ne") and (z & n | o & y) & ((1 << width) - 1):
        return "the two are never equal: a bit of them differs"
    sum_of = entry.definition(i.operands[1])
    if mutant.kind == "compare" and sum_of and sum_of.name == "add" and sum_of.operands[1] == i.operands[2] and re.fullmatch(r"-?[1-9]\d*", sum_of.operands[2]):
        return "the two are never equal: they differ by a constant"
    if mutant.kind == "swizzle" and not ~z & ~y & ((1 << width) - 1):
        return "no bit is set in both"
    if mutant.kind == "constant" and i.name == "and":
        number = int(i.operands[2])
        if not (number ^ (number + 1)) & ~z & ((1 << width) - 1):
            return "the bits that the constant adds or leaves out are zero"
    if mutant.kind == "constant" and i.name == "add" and len(i.parts) == 1:
        return never_reaches(entry, bits, i, width)
    return None


def never_reaches(entry, bits, i, width):
    """Whether a sum that is larger by one is only compared with constants between which and it there is no such value."""
    if len(entry.defined[i.results[0]]) > 1 or i.results[0] in entry.opaque:
        return None
    zeros, ones = bits.of(i.results[0])
    for user in (entry.code[k] for k in entry.users.get(i.results[0], [])):
        if user.name != "setp" or user.operands[1] != i.results[0] or not user.operands[2].isdigit() or user.type()[0] not in "us" or user.parts[0] in ("eq", "ne"):
            return None
        last = int(user.operands[2]) - (user.parts[0] in ("lt", "ge"))  # the one value for which that makes a difference
        if not (zeros & last | ones & ~last) & ((1 << width) - 1):
            return None
    return "no comparison of it turns out otherwise: a bit of it differs from the border"


def only_turns_sign(mutant, lines, launches):
    """Whether a difference is taken the other way round, and copysign sets its sign wherever it is used."""
    entry = Entry(lines, mutant.line - 1, launches)
    i = entry.code[mutant.line - 1]
    if mutant.kind != "operand" or not i.opcode.startswith("sub.rn.f"):
        return False
    pending, seen = list(i.results), set()
    while pending:
        register = pending.pop()
        if register in entry.opaque:
            return False
        if register not in seen:
            seen.add(register)
            for user in (entry.code[k] for k in entry.users.get(register, [])):
                if user.name == "selp" and register != user.operands[3]:
                    pending += user.results
                elif user.name != "copysign" or register == user.operands[1]:
                    return False
    return True


def orders_nothing(mutant, lines, launches):
    """Whether a barrier whose lack the emulator did not notice is not needed with any data: it traps on two accesses of one place without a barrier between,
    and which places are accessed depends on no data."""
    entry = Entry(lines, mutant.line - 1, launches)
    tainted, grew = set(entry.opaque), True
    is_address = lambda register: all(entry.code[k].name == "cvta" for k in entry.users.get(register, []))
    while grew:
        grew = False
        for i in entry.code.values():
            loads = i.name in ("ld", "atom", "ldmatrix") and not ("param" in i.parts and is_address(i.results[0]))
            if (loads or tainted.intersection(i.sources)) and not tainted.issuperset(i.results):
                tainted.update(i.results)
                grew = True
    for i in entry.code.values():
        is_shared = i.name in ("ld", "st", "atom", "red", "ldmatrix", "cp") and "shared" in i.opcode
        address = REGISTER.findall(" ".join(re.findall(r"\[[^\]]*\]", " ".join(i.operands))))
        if tainted.intersection(address if is_shared else []) or tainted.intersection(REGISTER.findall(i.guard)):
            return False
    written, read = bases(entry, "st", "atom", "red"), bases(entry, "ld", "atom", "red")
    return not written or not read or not (written & read or "?" in written | read)


def bases(entry, *names):
    """The parameters that global accesses by these instructions go to; "?" where that is not seen."""
    found = set()
    for i in entry.code.values():
        if i.name in names and "global" in i.parts and "nc" not in i.parts:
            pending, seen = REGISTER.findall(" ".join(re.findall(r"\[[^\]]*\]", " ".join(i.operands)))), set()
            while pending:
                register = pending.pop()
                if register in seen:
                    continue
                seen.add(register)
                for k in entry.defined.get(register, []):
                    origin = entry.code[k]
                    if origin.opcode.startswith("cvta.to"):
                        found.add(register)
                    elif origin.name == "ld":
                        found.add("?")
                    pending += origin.sources if not origin.opcode.startswith("cvta") else []
    return found


def why_same(mutant, lines, launches):
    """Why a mutant that the emulator did not notice is the same program, or None."""
    if mutant.kind == "barrier":
        return "no two accesses race without it, and no data changes that" if orders_nothing(mutant, lines, launches) else None
    if only_turns_sign(mutant, lines, launches):
        return "copysign sets the sign of the difference"
    if same_operands(mutant, lines, launches):
        return "in every thread what the change reaches stays as it is"
    return same_by_bits(mutant, lines, launches)
