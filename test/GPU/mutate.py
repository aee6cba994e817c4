"""Mutants of PTX texts: one instruction changed, as a bug in an emitter would have it. Every mutant is still PTX that assembles, or nearly so."""

import dataclasses
import re

FLIPPED = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq", "lo": "ls", "ls": "lo", "hi": "hs", "hs": "hi",
           "ltu": "leu", "leu": "ltu", "gtu": "geu", "geu": "gtu", "equ": "neu", "neu": "equ"}
# Which two operands of an instruction are not the same the other way round.
SWAPPED = {"sub": (1, 2), "div": (1, 2), "rem": (1, 2), "selp": (1, 2), "setp": (1, 2), "shl": (1, 2), "shr": (1, 2), "prmt": (1, 2), "mad": (2, 3),
           "fma": (2, 3)}
INSTRUCTION = re.compile(r"^(\s*)(@!?%\w+\s+)?([a-z][\w.:]*)(\s+)([^;]*);")


@dataclasses.dataclass(frozen=True)
class Mutant:
    kind: str
    line: int  # of the text, from 1
    before: str
    after: str  # the whole line

    def apply(self, lines):
        return "\n".join(lines[: self.line - 1] + [self.after] + lines[self.line :])


def split_operands(text):
    """"{%r1, %r2}, [%rd1+4], 7" -> its three operands."""
    parts, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c in "{[(") - (c in "}])")
        if c == "," and depth == 0:
            parts.append(text[start:k].strip())
            start = k + 1
    return parts + [text[start:].strip()]


def element_bytes(opcode):
    bits = re.search(r"\.[busf](\d+)", opcode)
    return max(int(bits[1]) // 8, 1) if bits else 4


def changed_lines(opcode, operands, guard):
    """(kind, guard, opcode, operands) of every mutant of an instruction; an opcode of None: the instruction goes."""
    name = opcode.split(".")[0]
    if name in ("bar", "barrier") and ("sync" in opcode or "red" not in opcode):
        yield "barrier", guard, None, operands
        return
    if opcode.startswith("cp.async.wait"):
        yield "wait", guard, None, operands
        return
    if name in ("ld", "st", "atom", "red", "ldmatrix", "cp") and "param" not in opcode:
        for k, operand in enumerate(operands):
            if m := re.fullmatch(r"\[([%\w$]+)(?:\s*\+\s*(-?\d+))?\]", operand):
                offset = int(m[2] or 0) + element_bytes(opcode)
                yield "index", guard, opcode, operands[:k] + [f"[{m[1]}+{offset}]"] + operands[k + 1 :]
    if name == "xor" and ".pred" not in opcode:
        yield "swizzle", guard, opcode.replace("xor", "or", 1), operands
    if name in ("add", "mad", "shl", "and", "mul") and re.search(r"\.[busd]\d+$", opcode) and re.fullmatch(r"-?\d+", operands[-1]):
        yield "constant", guard, opcode, operands[:-1] + [str(int(operands[-1]) + 1)]
    if name in SWAPPED and len(operands) > SWAPPED[name][1] and ".wide" not in opcode and not re.search(r"setp\.(eq|ne)", opcode):
        a, b = SWAPPED[name]
        if operands[a] != operands[b]:
            swapped = list(operands)
            swapped[a], swapped[b] = operands[b], operands[a]
            yield "operand", guard, opcode, swapped
    if name == "mma" and len(operands) == 4 and operands[1] != operands[2]:
        registers = split_operands(operands[1].strip("{}"))
        yield "operand", guard, opcode, [operands[0], "{" + ", ".join(registers[::-1]) + "}"] + operands[2:]
    if name == "setp":
        parts = opcode.split(".")
        if len(parts) > 1 and parts[1] in FLIPPED:
            yield "compare", guard, ".".join([name, FLIPPED[parts[1]]] + parts[2:]), operands
    if name in ("add", "sub", "min", "max") and len(operands) == 3:
        other = {"add": "sub", "sub": "add", "min": "max", "max": "min"}[name]
        if not (other in ("add", "sub") and operands[-1] == "0"):
            yield "arithmetic", guard, other + opcode[3:], operands
    if name == "shfl" and re.fullmatch(r"\d+", operands[2]):  # a butterfly with another mask would often reach all lanes as well
        lane = "0" if "bfly" in opcode else str(int(operands[2]) ^ 3)
        yield "shuffle", guard, opcode, operands[:2] + [lane] + operands[3:]
    if guard:
        negated = guard.replace("@!", "@") if guard.startswith("@!") else guard.replace("@", "@!")
        yield "predicate", negated, opcode, operands


def mutants(text):
    """Every mutant of a text, in the order of its lines."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        inside = (inside or line.startswith("{") or line.rstrip().endswith("{")) and not line.startswith("}")
        m = INSTRUCTION.match(line)
        if not inside or not m or m[3].startswith((".", "//")):
            continue
        indent, guard, opcode, gap, rest = m.groups()
        for kind, new_guard, new_opcode, operands in changed_lines(opcode, split_operands(rest), (guard or "").strip()):
            after = "" if new_opcode is None else f"{indent}{new_guard + ' ' if new_guard else ''}{new_opcode} {', '.join(operands)};"
            yield Mutant(kind, number, line.strip(), after + line[m.end() :] if new_opcode else "")


def sample(text, count, rng):
    """`count` mutants of a text, the kinds in turn so that the rare ones are there."""
    kinds = {}
    for mutant in mutants(text):
        kinds.setdefault(mutant.kind, []).append(mutant)
    for found in kinds.values():
        rng.shuffle(found)
    chosen = []
    while len(chosen) < count and any(kinds.values()):
        for kind in sorted(kinds):
            if kinds[kind] and len(chosen) < count:
                chosen.append(kinds[kind].pop())
    return chosen


def memory_of(line):
    """The spaces that a line reads or writes, beside its own registers and parameters."""
    m = INSTRUCTION.match(line)
    if not m or m[3].split(".")[0] not in ("ld", "st", "atom", "red", "ldmatrix", "cp", "mma", "shfl"):
        return set()
    return {space for space in ("shared", "global") if space in m[3]} if "param" not in m[3] else set()


def redundant_barrier(lines, at):
    """Why the barrier at lines[at] orders nothing, or None: another one stands beside it with no memory between, or nothing is read behind it."""
    for step, where in ((1, "behind"), (-1, "before")):
        k = at + step
        while 0 < k < len(lines) - 1 and not memory_of(lines[k]) and not re.match(r"\s*(\$|@|bra|ret|\}|bar\.sync|\{)", lines[k]):
            k += step
        if re.match(r"\s*bar\.sync", lines[k]):
            return f"another barrier stands {where} it, and no access between"
    end = next(k for k in range(at, len(lines)) if lines[k].startswith("}"))
    behind = set().union(*(memory_of(line) for line in lines[at + 1 : end]), set())
    labels = {m[1] for line in lines[: at + 1] if (m := re.match(r"\s*(\$?\w+):", line))}
    goes_back = any((m := re.search(r"bra(?:\.uni)?\s+(\$?\w+)", line)) and m[1] in labels for line in lines[at + 1 : end])
    if not goes_back and "shared" not in behind and not any("ld.global" in line for line in lines[at + 1 : end]):
        return "nothing behind it reads memory that threads share"
    return None


def same_program(mutant, lines):
    """Why a mutant computes the same as its original for every input (zeros of either sign aside), or None where that is not known."""
    if mutant.kind == "barrier":
        return redundant_barrier(lines, mutant.line - 1)
    if m := re.match(r"setp\.(?:le|lt|gt|ge)\.\w+\s+(%p\d+), (\S+), (\S+);", mutant.before):
        operands = {m[2], m[3]}
        for line in lines[mutant.line : mutant.line + 6]:
            s = re.match(r"\s*selp\.\w+\s+%\w+, (\S+), (\S+), " + re.escape(m[1]) + ";", line)
            if mutant.kind == "compare" and s and {s[1], s[2]} == operands:
                return "where the operands are equal, either is selected"
    if re.match(r"(add|sub)\.rn\.f32 .*, 0f[08]0000000;", mutant.before):
        return "it adds zero"
    return None
