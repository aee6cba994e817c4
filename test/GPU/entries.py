"""The instructions of one entry of a PTX text, what writes and what reads each register, and expressions of them for people."""

import re

import mutate

NO_RESULT = {"st", "bra", "bar", "barrier", "red", "cp", "ret", "exit", "trap", "membar", "fence"}
REGISTER = re.compile(r"%(?:rd|rs|r|p)\d+")


class Instruction:
    def __init__(self, line):
        m = mutate.INSTRUCTION.match(line)
        self.guard, self.opcode = (m[2] or "").strip(), m[3]
        self.operands = mutate.split_operands(m[5])
        self.name, *self.parts = self.opcode.split(".")
        has_result = self.name not in NO_RESULT
        self.results = REGISTER.findall(self.operands[0]) if has_result else []
        self.sources = REGISTER.findall(self.guard + " " + " ".join(self.operands[has_result:]))

    def type(self, k=-1):
        """('u', 32) of .u32"""
        m = re.fullmatch(r"([busf]|pred)(\d*)", self.parts[k]) if self.parts else None
        return ("b", 1) if m and m[1] == "pred" else (m[1], int(m[2])) if m and m[2] else ("", 0)


class Entry:
    """The instructions of the entry in which a line stands, and how it is launched: {entry: (blocks, threads)}."""

    def __init__(self, lines, at, launches):
        first = next(k for k in range(at, -1, -1) if re.match(r"\.visible \.entry|\.entry", lines[k]))
        last = next(k for k in range(at, len(lines)) if lines[k].startswith("}"))
        self.name = re.search(r"\.entry\s+([\w$]+)", lines[first])[1]
        self.blocks, self.threads = launches.get(self.name, (0, 0))
        self.code = {k: Instruction(lines[k]) for k in range(first, last) if mutate.INSTRUCTION.match(lines[k])}
        # Of instructions that are more than a line: whatever may be done to these registers.
        self.opaque = {register for k in range(first, last) if k not in self.code for register in REGISTER.findall(lines[k])}
        self.defined, self.users = {}, {}
        for k, i in self.code.items():
            for register in i.results:
                self.defined.setdefault(register, []).append(k)
            for register in i.sources:
                self.users.setdefault(register, []).append(k)

    def definition(self, register):
        """The only instruction that writes a register, or None."""
        places = self.defined.get(register, [])
        i = self.code[places[0]] if len(places) == 1 else None
        return i if i and not i.guard and len(i.results) == 1 and register not in self.opaque else None


def expression(entry, operand, depth=3):
    """What a register is made of, for people: lt(and(tid, 31), 2)."""
    if operand in ("%tid.x", "%ctaid.x"):
        return operand[1:-2]
    if not REGISTER.fullmatch(operand):
        return operand
    definition = entry.definition(operand)
    if not definition:  # of a loop: how it begins
        first = next((entry.code[k] for k in entry.defined.get(operand, []) if entry.code[k].name in ("mov", "cvt")), None)
        return f"loop({expression(entry, first.operands[1], depth - 1)})" if first and depth else "?"
    if definition.name in ("mov", "cvt", "cvta"):
        return expression(entry, definition.operands[1], depth)
    if definition.name == "ld":
        return "ld." + definition.parts[0]
    if not depth:
        return "?"
    name = ".".join([definition.name] + (definition.parts[:1] if definition.name in ("setp", "shfl", "mul", "mad") else []))
    return f"{name}({', '.join(expression(entry, o, depth - 1) for o in definition.operands[1:])})".replace("setp.", "")


def place_of(mutant, lines):
    """The entry and what the changed line works on, behind the label of a mutant."""
    entry = Entry(lines, mutant.line - 1, {})
    i = entry.code[mutant.line - 1]
    for_what = next((f", for {entry.code[k].operands[-1]}" for r in i.results for k in entry.users.get(r, []) if entry.code[k].name == "bra"), "")
    of = [i.guard.lstrip("@!")] if i.guard else [o for o in i.operands[1:] if REGISTER.fullmatch(o)]
    return f"in {entry.name}, of " + ", ".join(expression(entry, o) for o in of) + for_what
